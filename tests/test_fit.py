"""The training loop: it learns, shares data between processes without loss, and stops at the first NaN."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_runs
import torch
from lightning_fabric import Fabric
from pydantic import ValidationError

from handseg_lib import losses
from handseg_lib.errors import RunError
from handseg_lib.profiles import Schedule
from handseg_lib.train import device
from handseg_lib.train.fit import (
    batches,
    build,
    check_finite,
    deterministic,
    due,
    fit,
    learning_rate,
    objective,
)


@pytest.fixture(autouse=True)
def known_run(monkeypatch):
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return device.start("32-true")


def squares(count: int = 20) -> tiny_runs.Squares:
    return tiny_runs.Squares("train", count)


def test_a_network_learns_to_tell_the_squares_apart(fabric):
    fitted = fit(tiny_runs.config(steps=60), 0, squares(), tiny_runs.Squares("val", 3), fabric)
    history = fitted.history
    assert history["step"].tolist() == list(range(1, 61))
    assert history["loss"].iloc[-5:].mean() < 0.5 * history["loss"].iloc[0]
    assert history["validation"].iloc[-1] > 0.7
    assert history["validation"].notna().sum() == 10
    assert fitted.seconds > 0


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(fabric):
    first, again, other = (
        fit(tiny_runs.config(steps=3), seed, squares(), squares(), fabric).network.state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["layers.0.weight"], other["layers.0.weight"])


def test_first_weights_depend_on_the_seed_only(fabric):
    torch.rand(7)
    first = build(tiny_runs.config(), 3, fabric).layers[0].weight
    torch.rand(11)
    assert torch.equal(build(tiny_runs.config(), 3, fabric).layers[0].weight, first)


def share(rank: int, world: int) -> SimpleNamespace:
    """What `batches` asks of a Fabric: its place among the processes."""
    return SimpleNamespace(
        global_rank=rank,
        world_size=world,
        device=torch.device("cpu"),
        setup_dataloaders=lambda loader, use_distributed_sampler: loader,
    )


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_each_batch_of_one_process(world):
    config = tiny_runs.config(steps=3)
    alone = list(batches(config, 0, squares(), 0, share(0, 1)))
    parts = [list(batches(config, 0, squares(), 0, share(rank, world))) for rank in range(world)]
    for step, (images, labels) in enumerate(alone):
        assert torch.equal(torch.cat([part[step][0] for part in parts]), images)
        assert torch.equal(torch.cat([part[step][1] for part in parts]), labels)


def test_batches_go_on_where_they_were():
    config = tiny_runs.config(steps=5)
    whole = list(batches(config, 0, squares(), 0, share(0, 1)))
    rest = list(batches(config, 0, squares(), 3, share(0, 1)))
    assert len(whole) == 5
    assert all(torch.equal(a, b) for a, b in zip(whole[3][:1] + whole[4][:1], rest[0][:1] + rest[1][:1], strict=True))


def test_an_uneven_share_is_refused():
    with pytest.raises(RunError, match=r"batch of 4 images cannot be shared evenly by 3 processes"):
        batches(tiny_runs.config(), 0, squares(), 0, share(0, 3))


def test_a_loss_that_is_no_number_stops_at_once(fabric, monkeypatch):
    seen = []

    def poisoned(config, training, fabric):
        loss_of = objective(config, training, fabric)

        def loss(logits, labels):
            seen.append(1)
            return loss_of(logits, labels) * (math.nan if len(seen) == 4 else 1)

        return loss

    monkeypatch.setattr("handseg_lib.train.fit.objective", poisoned)
    with pytest.raises(RunError, match=r"tiny/run: the loss is nan at step 3 of 20 \(learning rate .*\)\. Try a lower"):
        fit(tiny_runs.config(), 0, squares(), squares(), fabric)
    assert len(seen) == 4


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_only_finite_losses_pass(value):
    check_finite(torch.tensor(1.0), tiny_runs.config(), 0)
    with pytest.raises(RunError, match="at step 7 of 20"):
        check_finite(torch.tensor(value), tiny_runs.config(), 7)


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValidationError, match=r"'weighted_cross_entropy' or 'contour_fine_tuning'"):
        tiny_runs.config(loss="cross_entropi")


def test_given_class_weights_are_taken_as_they_are(fabric):
    """Ignorance costs the same whatever the weights; certainty in the wrong class costs what the true class weighs."""
    loss_of = objective(tiny_runs.config(weighting=(1.0, 5.0, 5.0)), squares(), fabric)
    labels = torch.tensor([[[0, 1]]])
    wrong = torch.zeros(1, 3, 1, 2).index_fill(1, torch.tensor(2), 50.0)
    right = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1) * 50.0
    half = torch.where(labels[:, None] == 0, right, wrong)  # the hand's pixel is wrong, the background's is right
    assert float(loss_of(half, labels)) == pytest.approx(50 * 5 / 6, rel=1e-4)


@pytest.mark.parametrize("contour", ["softmax", "logits"])
def test_fine_tuning_adds_the_contour_loss(fabric, contour):
    config = tiny_runs.config(weighting=(1.0, 5.0, 5.0), loss="contour_fine_tuning", contour=contour)
    generator = torch.Generator().manual_seed(1)
    logits, labels = torch.randn(2, 3, 8, 9, generator=generator), torch.randint(0, 3, (2, 8, 9), generator=generator)
    expected = losses.weighted_cross_entropy(logits, labels, torch.tensor([1.0, 5.0, 5.0]))
    expected = expected + 0.005 * losses.contour_loss(logits, labels, contour)
    torch.testing.assert_close(objective(config, squares(), fabric)(logits, labels), expected)


def test_the_stairs_of_the_rate():
    """DenseAttentionSeg Section 4.5: times 0.8 every so many steps."""
    schedule = Schedule(steps=10, batch=1, lr=1.0, decay="stairs", every=4, drop=0.5)
    assert [learning_rate(schedule, step) for step in (0, 3, 4, 7, 8)] == [1, 1, 0.5, 0.5, 0.25]
    for wrong in ({"decay": "stairs"}, {"every": 3, "drop": 0.5}, {"decay": "stairs", "every": 3}):
        with pytest.raises(ValidationError, match=r"stairs needs `every` and `drop`"):
            Schedule(steps=10, batch=1, lr=1.0, **wrong)


def test_class_weights_are_the_inverse_frequencies_of_the_training_frames(fabric):
    """With inverse-frequency weights a network that knows nothing pays the same for each class."""
    config, frames = tiny_runs.config(input_size=(24, 32)), squares(6)
    labels = [np.where(frame.depth > 0, frame.labels, 0) for frame in frames]
    pixels = torch.from_numpy(np.bincount(np.concatenate(labels).ravel(), minlength=3))
    loss_of = objective(config, frames, fabric)
    for logits in torch.eye(3):
        true = torch.from_numpy(np.stack(labels)).long()
        scores = logits.reshape(1, 3, 1, 1).expand(6, 3, 24, 32)
        costs = -torch.log_softmax(logits, 0)  # of one pixel of each class
        assert loss_of(scores, true) == pytest.approx(float(costs.mean()), rel=1e-5)
    assert pixels.min() > 0


def test_constant_rate():
    schedule = Schedule(steps=10, batch=1, lr=0.3)
    assert [learning_rate(schedule, step) for step in range(10)] == [0.3] * 10


def test_cosine_rate_rises_over_the_warm_up_and_falls_towards_0():
    schedule = Schedule(steps=104, batch=1, lr=1.0, decay="cosine", warmup=4)
    rates = [learning_rate(schedule, step) for step in range(104)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[54] == pytest.approx(0.5)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize(("steps", "times"), [(20, 10), (1000, 200), (7, 10), (13, 5), (1, 10)])
def test_due_spreads_evenly_and_includes_the_last_step(steps, times):
    hits = [step for step in range(1, steps + 1) if due(step, steps, times)]
    assert len(hits) == min(steps, times)
    assert hits[-1] == steps
    gaps = np.diff([0, *hits])
    assert gaps.max() - gaps.min() <= 1


def test_gradients_are_clipped(fabric, monkeypatch):
    norms = []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **options):
        gradients = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))))
        return step(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    schedule = Schedule(steps=3, batch=4, lr=0.01, clip=0.01)
    fit(tiny_runs.config(schedule=schedule), 0, squares(), squares(), fabric)
    assert norms == pytest.approx([0.01] * 3, rel=1e-3)


def test_determinism_is_asked_for_and_given_back(fabric):
    before = torch.are_deterministic_algorithms_enabled()
    with deterministic(fabric, 1):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.are_deterministic_algorithms_enabled() == before


@pytest.mark.parametrize("ambient", [1, 2])
def test_the_number_of_threads_is_the_schedules_whatever_the_machine_has(fabric, ambient):
    before = torch.get_num_threads()
    torch.set_num_threads(ambient)
    try:
        with deterministic(fabric, 3):
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == ambient
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("has_it", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_bfloat16_only_where_the_processor_computes_with_it(monkeypatch, has_it, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_it)
    assert device.precision("auto", "cpu") == expected
    assert device.precision("auto", "cuda") == expected
    assert device.precision("32-true", "cpu") == "32-true"
    assert device.precision("bf16-mixed", "cpu") == "bf16-mixed"


def test_bfloat16_convolutions_get_the_layout_they_are_fast_in(fabric, monkeypatch):
    for has_it in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has_it=has_it: has_it)
        weight = build(tiny_runs.config(), 0, fabric).layers[0].weight
        assert weight.is_contiguous(memory_format=torch.channels_last) == has_it


def test_bfloat16_training_ends_near_float32(fabric):
    schedule = {"steps": 40, "batch": 4, "lr": 0.02}
    configs = [tiny_runs.config(schedule=Schedule(precision=p, **schedule)) for p in ("32-true", "bf16-mixed")]
    exact, mixed = (
        fit(c, 0, squares(), squares(), device.start(c.schedule.precision)).history["loss"].iloc[-5:].mean()
        for c in configs
    )
    assert mixed == pytest.approx(exact, abs=0.1)
