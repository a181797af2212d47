"""A run that starts from the trained weights of another, and what is counted near outlines, on its way to the files."""

import numpy as np
import pytest
import tiny_runs
import torch

from handseg_lib.errors import RunError, StoreError
from handseg_lib.profiles import Schedule
from handseg_lib.train import registry, request
from handseg_lib.train.fit import fit
from handseg_lib.train.measured import read_measured, write_measured


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)
    return tmp_path


def further(monkeypatch, lr: float = 0.0, **changes: object) -> None:
    """Make a run known that starts from `tiny/run`."""
    first = tiny_runs.config()
    schedule = Schedule(steps=2, batch=4, lr=lr, threads=1) if lr else first.schedule.model_copy(update={"steps": 1})
    config = first.model_copy(update={"name": "tiny/further", "start": first, "schedule": schedule, **changes})
    monkeypatch.setitem(registry.RUNS, "tiny/further", lambda profile: config)


def test_it_begins_with_the_weights_of_the_other(home, monkeypatch):
    """With a rate of next to nothing it ends with them too; only the normalisation's statistics have moved."""
    further(monkeypatch, lr=1e-12)
    later, first = request.request("tiny/further", "smoke"), tiny_runs.ask()
    for (name, a), b in zip(later.model().named_parameters(), first.model().parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=name)
    assert later.origin["start"] == first.key


def test_the_other_is_trained_once_and_only_when_it_is_not_there(home, monkeypatch):
    trained = []
    monkeypatch.setattr(request, "fit", lambda config, *a, **k: trained.append(config.name) or fit(config, *a, **k))
    further(monkeypatch)
    request.request("tiny/further", "smoke")
    tiny_runs.ask()
    request.request("tiny/further", "smoke")
    assert trained == ["tiny/run", "tiny/further"]


def test_another_beginning_is_another_run(home, monkeypatch):
    further(monkeypatch)
    one = request.request("tiny/further", "smoke")
    longer = tiny_runs.config(steps=21)
    monkeypatch.setitem(registry.RUNS, "tiny/further", lambda profile: one.config.model_copy(update={"start": longer}))
    assert request.request("tiny/further", "smoke").key != one.key


def with_bands(home, monkeypatch):
    """The tiny run with counts near outlines."""
    config = tiny_runs.config()
    tests = tuple(test.model_copy(update={"bands": (1, 2)}) for test in config.tests)
    monkeypatch.setitem(registry.RUNS, "tiny/run", lambda profile: config.model_copy(update={"tests": tests}))
    return tiny_runs.ask().tests["squares"]


def test_counts_near_outlines_come_back_from_the_store(home, monkeypatch):
    with_bands(home, monkeypatch)
    measured = tiny_runs.ask().tests["squares"]
    assert measured.boundary.shape == (7, 3, 2) and measured.trimap[2].shape == (7, 3, 3)
    assert (measured.trimap[1].sum((1, 2)) <= measured.trimap[2].sum((1, 2))).all()
    assert (measured.trimap[2].sum((1, 2)) <= measured.counts.sum((1, 2))).all()
    assert (measured.boundary[..., 0] <= measured.boundary[..., 1]).all() and measured.boundary.sum() > 0


def test_a_test_without_bands_says_how_to_get_them(home):
    measured = tiny_runs.ask().tests["squares"]
    with pytest.raises(RunError, match=r"give its Evaluation `bands`"):
        _ = measured.boundary


@pytest.mark.parametrize("damage", ["missing", "truncated", "another frame"])
def test_damaged_counts_near_outlines_are_an_error(home, monkeypatch, tmp_path, damage):
    measured = with_bands(home, monkeypatch)
    contents = write_measured(measured)
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "outlines.csv"
    assert (read_measured(tmp_path, measured.evaluation, "").outlines == measured.outlines).all()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:300])
    else:
        path.write_bytes(path.read_bytes().replace(b"squares/test/0,", b"squares/test/9,"))
    with pytest.raises(StoreError, match=r"outlines\.csv"):
        read_measured(tmp_path, measured.evaluation, "Do something.")


def test_hand_and_object_near_outlines_have_metrics_of_their_own(home, monkeypatch):
    measured = with_bands(home, monkeypatch)
    evaluation = measured.evaluation.model_copy(update={"label_map": "hand_object"})
    named = type(measured)(
        evaluation, measured.frames, measured.counts, {}, measured.fingerprint, 1.0, measured.outlines
    )
    common, either = measured.boundary.sum(0)[1:].T
    assert named.metrics["boundary_iou_hand_object"] == pytest.approx(np.mean(common / either))
    assert {"trimap_iou_hand_object 1", "trimap_iou_hand_object 2"} <= set(named.metrics)
    assert not any("outline" in name or "boundary" in name for name in measured.metrics)
