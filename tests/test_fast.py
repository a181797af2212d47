"""Networks made fast give the scores of the networks they were made from."""

import copy
import warnings

import pytest
import torch
from torch import nn

from handseg_lib import fast
from handseg_lib.errors import ParameterError
from handseg_lib.fast import Fast, difference, faster, fold_batch_norms
from handseg_lib.models import MODELS, create

SMALL = {"encoder": "resnet18"}


@pytest.fixture(autouse=True)
def without_gradients():
    """Nothing here learns."""
    with torch.no_grad():
        yield


def network(name: str) -> nn.Module:
    """A small one whose batch norms have seen something: fresh ones do nearly nothing."""
    torch.manual_seed(1)
    options = {} if name == "forest" else {"width": 4}
    if name in ("dense_attention", "large_kernels", "refinenet", "deeplabv3plus", "unet"):
        options |= SMALL
    net = create(name, in_channels=2, classes=3, **options)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return net


def frame(height: int = 45, width: int = 61, n: int = 1) -> torch.Tensor:
    torch.manual_seed(2)
    return torch.randn(n, 2, height, width)


def norms(net: nn.Module) -> int:
    return sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())


@pytest.mark.parametrize("name", MODELS)
def test_scores_stay_and_the_network_is_left_alone(name) -> None:
    net = network(name)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick = faster(net, frame())
    assert net.training and all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    net.eval()
    for x in (frame(), frame(70, 33), frame(32, 48, n=2)):  # sizes other than the example's, and a batch
        expected = net(x)
        found = quick(x)
        assert found.shape == expected.shape and not found.requires_grad
        assert difference(found, expected) < 1e-4
    assert norms(quick) == 0, "every norm of our networks follows a convolution"
    assert norms(net) == 0 or "folded" in quick.done[0]


class Twice(nn.Module):
    """What a convolution gives is used by its norm and once more beside it; folding would change that."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3)
        nn.init.constant_(self.norm.weight, 3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.convolution(x)
        return self.norm(y) + y


def test_a_network_that_cannot_be_folded_keeps_its_norms_and_says_so() -> None:
    net = Twice()
    with pytest.warns(RuntimeWarning, match="batch norms into convolutions changes the scores; they stay"):
        quick = faster(net, frame())
    assert norms(quick) == 1 and not any("folded" in one for one in quick.done)
    assert difference(quick(frame()), net.eval()(frame())) < 1e-5


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1)),  # before its convolution
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)),  # something in between
        nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)),  # norms by the batch
        nn.Sequential(nn.ConvTranspose2d(2, 4, 2, groups=2), nn.BatchNorm2d(4)),
    ],
)
def test_norms_that_no_convolution_can_take_over_stay(net) -> None:
    net.eval()
    assert fold_batch_norms(copy.deepcopy(net), frame()) == 0
    assert norms(faster(net, frame())) == 1


def test_a_convolution_called_twice_is_not_folded() -> None:
    shared = nn.Conv2d(2, 2, 3, padding=1)
    net = nn.Sequential(shared, nn.BatchNorm2d(2), shared, nn.BatchNorm2d(2)).eval()
    assert fold_batch_norms(net, frame()) == 0


def test_deconvolutions_and_norms_without_weights_are_folded() -> None:
    net = nn.Sequential(nn.ConvTranspose2d(2, 3, 2, 2, bias=False), nn.BatchNorm2d(3, affine=False)).eval()
    net[1].running_mean.uniform_(-1, 1)
    net[1].running_var.uniform_(0.5, 2)
    expected = net(frame())
    assert fold_batch_norms(net, frame()) == 1 and isinstance(net[1], nn.Identity)
    torch.testing.assert_close(net(frame()), expected)


def test_the_layout_is_taken_back_where_it_changes_scores() -> None:
    class Layout(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(2, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.convolution(x) * (1 if x.is_contiguous() else 2)

    with pytest.warns(RuntimeWarning, match="memory layout changes the scores"):
        quick = faster(Layout(), frame())
    assert quick.done == () and not quick.channels_last


def compiled_by(monkeypatch, function) -> None:
    monkeypatch.setattr(fast, "has_compiler", lambda: True)
    monkeypatch.setattr(fast.torch, "compile", function)


def test_compiled_code_serves_the_examples_size_alone(monkeypatch) -> None:
    calls = []

    def compile_(net, mode, dynamic):
        assert mode == "max-autotune" and dynamic is False
        return lambda x: calls.append(tuple(x.shape)) or net(x)

    compiled_by(monkeypatch, compile_)
    net = network("unet")
    quick = faster(net, frame(), compiled=True, mode="max-autotune")
    calls.clear()
    found = quick(frame()), quick(frame(32, 32))
    assert calls == [(1, 2, 45, 61)] and quick.done[-1] == "compiled for 1x2x45x61 (max-autotune)"
    net.eval()
    assert difference(found[0], net(frame())) < 1e-4 and difference(found[1], net(frame(32, 32))) < 1e-4


def test_an_answer_outlives_the_next_call(monkeypatch) -> None:
    answer = torch.empty(1, 3, 45, 61)  # as a CUDA graph writes all its answers to one place

    def compile_(net, **_):
        return lambda x: answer.copy_(net(x))

    compiled_by(monkeypatch, compile_)
    quick = faster(network("unet"), frame(), compiled=True)
    first = quick(frame())
    kept = first.clone()
    quick(-frame())
    assert torch.equal(first, kept)


def test_compiled_code_with_other_scores_is_not_used(monkeypatch) -> None:
    compiled_by(monkeypatch, lambda net, **_: lambda x: net(x) * 1.01)
    net = network("unet")
    with pytest.warns(RuntimeWarning, match="compiled code changes the scores"):
        quick = faster(net, frame(), compiled=True)
    assert quick.size is None and difference(quick(frame()), net.eval()(frame())) < 1e-4


def test_a_compiler_that_fails_does_no_harm(monkeypatch) -> None:
    def broken(net, **_):
        def call(x):
            raise RuntimeError("no such thing\nat great length")

        return call

    compiled_by(monkeypatch, broken)
    with pytest.warns(RuntimeWarning, match=r"torch.compile failed \(RuntimeError: no such thing\)"):
        quick = faster(network("unet"), frame(), compiled=True)
    assert torch.isfinite(quick(frame())).all()


def test_without_a_compiler_it_says_what_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(fast.shutil, "which", lambda name: None)
    assert not fast.has_compiler()
    with pytest.warns(RuntimeWarning, match=r"no C\+\+ compiler .* install one"):
        faster(network("unet"), frame(), compiled=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["dense_attention", "deeplabv3plus"])
def test_cuda_graphs_give_the_same_scores(name) -> None:
    net, x = network(name).eval().cuda(), frame().cuda()
    quick = faster(net, x)
    assert "compiled" in quick.done[-1]
    assert difference(quick(x), net(x)) < 1e-3 and difference(quick(-x), net(-x)) < 1e-3


def test_it_only_predicts() -> None:
    quick = faster(network("unet"), frame())
    assert isinstance(quick, Fast) and not quick.training and not quick.eval().training
    with pytest.raises(ParameterError, match="only predicts"):
        quick.train()


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (torch.zeros(2, 8, 8), r"torch.float32 of shape \(2, 8, 8\); expected \(N, C, H, W\) floats"),
        (torch.zeros(1, 2, 8, 8, dtype=torch.int32), "torch.int32"),
        (torch.zeros(1, 2, 8, 8, device="meta"), "the example is on meta and the network on cpu"),
        (torch.full((1, 2, 8, 8), torch.nan), "not finite"),
    ],
)
def test_examples_that_say_nothing_are_refused(example, message) -> None:
    with pytest.raises(ParameterError, match=message):
        faster(nn.Conv2d(2, 3, 1), example)


def test_difference_is_a_share_of_the_largest_score() -> None:
    expected = torch.tensor([0.0, -10.0])
    assert difference(torch.tensor([0.05, -10.0]), expected) == pytest.approx(0.005)
    assert difference(expected[:1], expected) == float("inf") == difference(expected * torch.nan, expected)
