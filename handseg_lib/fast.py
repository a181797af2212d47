"""Networks made ready to predict quickly: the same scores in less time.

What is done, and what it brought on one busy core of an x86-64 processor: time over that of the plain network in the
same turns, one frame of 320x240, networks at the sizes of their papers. The benchmark
`tests/benchmarks/test_model_speed.py` measures all of it anew, at 640x480, on any machine.

    network           batch norms folded   and channels last
    dense_attention                 1.01                0.79
    deeplabv3plus                   0.94                0.87
    large_kernels                   0.84                0.75
    refinenet                       1.01                0.89
    unet                            1.00                0.87
    handseg                         1.00                0.94

SegNet and DeconvNet send values back to where a maximum was. Which of two nearly equal neighbours is the larger may
hang on a rounding error, so that their scores can change by more than is promised; then they stay as they are.

On a GPU the network is compiled in addition, and its kernels recorded as a CUDA graph, so that the processor does not
wait between hundreds of small ones. bfloat16 is left out on purpose: its eight bits of mantissa are a rounding error of
0.4% in every layer, and the promise is that scores stay within 0.1%.
"""

import copy
import os
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from handseg_lib.errors import ParameterError

TOLERANCE = 1e-3
"""Largest difference of scores that is accepted, as a share of the largest score."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
DECONVOLUTIONS = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Fast(nn.Module):
    """A network for prediction alone; see `faster`.

    Attributes:
        network: with batch norms folded; predicts inputs of any size.
        size: shape of the inputs for which there is compiled code; others go through `network`.
        done: what was done to the network, in words.
    """

    def __init__(self, network: nn.Module, channels_last: bool, done: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.channels_last, self.done = network, channels_last, done
        self.size: torch.Size | None = None
        self._compiled: Callable[[Tensor], Tensor] | None = None

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, classes, H, W) scores, without gradients."""
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        if self._compiled is None or x.shape != self.size:
            return self.network(x)
        return self._compiled(x).clone()  # a CUDA graph writes the next answer over this one

    def compile_for(self, example: Tensor, mode: str) -> None:
        """Compile for inputs of the example's shape, `mode` as `torch.compile` calls it."""
        self._compiled, self.size = torch.compile(self.network, mode=mode, dynamic=False), example.shape

    def give_up_compiling(self) -> None:
        """Go back to the network itself for all sizes."""
        self._compiled, self.size = None, None

    def train(self, mode: bool = True) -> "Fast":
        """Evaluation mode only: there are no batch norms left to train.

        Raises:
            ParameterError: when asked for training mode.
        """
        if mode:
            raise ParameterError("a network made fast only predicts; train the one it was made from")
        return super().train(False)


def faster(
    network: nn.Module,
    example: Tensor,
    tolerance: float = TOLERANCE,
    compiled: bool | None = None,
    mode: str = "reduce-overhead",
) -> Fast:
    """A copy of a network that predicts the same scores in less time; the network itself is left as it was.

    Whatever does not keep the scores of the example, or fails on this machine, is taken back with a RuntimeWarning that
    says so: the result always predicts.

    Args:
        network: a model of the registry, or any other that maps one batch to one tensor of scores.
        example: (N, C, H, W) input such as will come, on the network's device; a real frame is the best test.
        tolerance: largest difference of scores, as a share of the largest score of the example.
        compiled: whether to use `torch.compile`, which takes a minute and is for the example's shape only; default:
            on a GPU. On the CPU it needs a C++ compiler.
        mode: of `torch.compile`: "reduce-overhead" records CUDA graphs, "max-autotune" tries out kernels for minutes
            besides.

    Raises:
        ParameterError: if the example is no batch of images, is on another device than the network, or the network
            gives scores that are not numbers.
    """
    check(network, example)
    plain = copy.deepcopy(network).eval().requires_grad_(False)
    with torch.inference_mode():
        expected = plain(example)
    if not torch.isfinite(expected).all():
        raise ParameterError("the network's scores of the example are not finite, so nothing can be compared with them")

    def same(candidate: Callable[[Tensor], Tensor]) -> bool:
        with torch.inference_mode():
            return difference(candidate(example), expected) <= tolerance

    result = Fast(plain, False, ()).eval()
    folded = copy.deepcopy(plain)
    if count := fold_batch_norms(folded, example):
        candidate = Fast(folded, False, (f"{count} batch norms folded",)).eval()
        if same(candidate):
            result = candidate
        else:
            _say("folding its batch norms into convolutions changes the scores; they stay")
    images = any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in result.network.modules())
    if images:
        last = copy.deepcopy(result.network).to(memory_format=torch.channels_last)
        candidate = Fast(last, True, (*result.done, "channels last")).eval()
        if same(candidate):
            result = candidate
        else:
            _say("another memory layout changes the scores; the usual one stays")
    if example.is_cuda if compiled is None else compiled:
        _compile(result, example, mode, same)
    return result


def check(network: nn.Module, example: Tensor) -> None:
    """Refuse an example that the network cannot be tried on.

    Raises:
        ParameterError: naming what was found and what was expected.
    """
    if example.ndim != 4 or not example.is_floating_point():
        raise ParameterError(
            f"the example is {example.dtype} of shape {tuple(example.shape)}; expected (N, C, H, W) floats as the "
            "network takes them"
        )
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.device != example.device:
            raise ParameterError(
                f"the example is on {example.device} and the network on {tensor.device}; move one to the other"
            )


def difference(scores: Tensor, expected: Tensor) -> float:
    """Largest difference of scores as a share of the largest expected one; infinite for another shape."""
    if scores.shape != expected.shape:
        return float("inf")
    scale = expected.abs().max().clamp_min(torch.finfo(expected.dtype).tiny)
    found = float((scores - expected).abs().max() / scale)
    return found if found == found else float("inf")


def fold_batch_norms(network: nn.Module, example: Tensor) -> int:
    """Fold batch norms into the convolutions before them, in place; an Identity stays where each was.

    What comes before what is seen while the example passes through, so that it does not matter how the network is
    written: a norm is folded if its input is the output of a convolution and both are called once. Whether that output
    is used elsewhere too cannot be seen; compare the scores.

    Returns:
        How many were folded.
    """
    folded = 0
    for convolution, norm in _pairs(network, example):
        fused = fuse_conv_bn_eval(convolution, norm, isinstance(convolution, DECONVOLUTIONS))
        _replace(network, convolution, fused.requires_grad_(False))
        _replace(network, norm, nn.Identity())
        folded += 1
    return folded


def _pairs(network: nn.Module, example: Tensor) -> list[tuple[nn.Module, nn.Module]]:
    """Convolutions with the batch norms that take what they give."""
    made: dict[int, tuple[nn.Module, Tensor]] = {}  # the tensors are kept, or their ids would be given away again
    calls: dict[nn.Module, int] = {}
    pairs: list[tuple[nn.Module, nn.Module]] = []

    def gives(module: nn.Module, _: object, output: Tensor) -> None:
        made[id(output)] = module, output
        calls[module] = calls.get(module, 0) + 1

    def takes(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] = calls.get(module, 0) + 1
        if id(inputs[0]) in made:
            pairs.append((made[id(inputs[0])][0], module))

    hooks = []
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS) or (isinstance(module, DECONVOLUTIONS) and module.groups == 1):
            hooks.append(module.register_forward_hook(gives))
        elif isinstance(module, BATCH_NORMS) and module.running_var is not None:
            hooks.append(module.register_forward_pre_hook(takes))
    try:
        with torch.inference_mode():
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [(c, n) for c, n in pairs if calls[c] == calls[n] == 1]


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put one module where another was, under all its names."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)


def _compile(fast: Fast, example: Tensor, mode: str, same: Callable[[Callable[[Tensor], Tensor]], bool]) -> None:
    """Let a network be compiled, in place, if this machine can and the scores stay."""
    if not example.is_cuda and not has_compiler():
        _say(
            "there is no C++ compiler (g++ or clang++, or what CXX names) for torch.compile; install one, or leave it",
            4,
        )
        return
    fast.compile_for(example, mode)
    try:
        kept = same(fast) and same(fast)  # a CUDA graph is recorded at one call and replayed at another
    except Exception as error:  # whatever a compiler can run into; the network works without it
        _say(f"torch.compile failed ({type(error).__name__}: {str(error).partition(chr(10))[0]})", 4)
        kept = False
    else:
        if not kept:
            _say("compiled code changes the scores; it is not used", 4)
    if kept:
        fast.done = (*fast.done, f"compiled for {'x'.join(map(str, example.shape))} ({mode})")
    else:
        fast.give_up_compiling()


def has_compiler() -> bool:
    """Whether there is a C++ compiler, which `torch.compile` needs on the CPU."""
    names = (os.environ.get("CXX"), "cl") if os.name == "nt" else (os.environ.get("CXX"), "g++", "clang++")
    return any(name and shutil.which(name) for name in names)


def _say(what: str, level: int = 3) -> None:
    """Warn of something that was left out, at the line that called `faster`, `level` calls up."""
    warnings.warn(f"a network is not made as fast as it could be: {what}", RuntimeWarning, stacklevel=level)
