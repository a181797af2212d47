"""A training that is killed at any moment goes on from its last checkpoint and ends with the very same bits."""

import json
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import tiny_runs
import torch

from handseg_lib.errors import StoreError
from handseg_lib.train import checkpoint, device
from handseg_lib.train.fit import fit
from handseg_lib.train.request import Entry

STORED = ("model.safetensors", "history.csv")


def ended(process: BaseProcess) -> int:
    """Exit status; minus the signal for a process that was killed."""
    process.join(timeout=120)
    return process.exitcode


def stored(store: Path) -> dict[str, bytes]:
    """Weights and history of the one finished run of a store."""
    (folder,) = (path.parent for path in store.glob("runs/tiny/run/*/run.json"))
    return {name: (folder / name).read_bytes() for name in STORED}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, bytes]:
    store = tmp_path_factory.mktemp("uninterrupted")
    assert ended(tiny_runs.apart(store)) == 0
    return stored(store)


@pytest.mark.parametrize(
    ("death", "left_at"),
    [
        pytest.param({"die_loading": 20 + 4 * 10 + 2}, 10, id="in the middle of a step"),
        pytest.param({"die_saving": 5}, 4, id="in the middle of writing a checkpoint"),
    ],
)
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, uninterrupted, death, left_at):
    assert ended(tiny_runs.apart(tmp_path, **death)) == -signal.SIGKILL
    assert not list(tmp_path.glob("runs/tiny/run/*/run.json"))  # nothing half-done is taken for finished
    (saved,) = tmp_path.glob("runs/tiny/run/*.training/checkpoint.safetensors")
    assert json.loads(checkpoint.unpack(saved, "")[1]["state"])["step"] == left_at

    assert ended(tiny_runs.apart(tmp_path)) == 0
    assert stored(tmp_path) == uninterrupted
    assert not saved.parent.exists()


def test_killed_while_storing_the_result_leaves_nothing_that_looks_finished(tmp_path, uninterrupted):
    assert ended(tiny_runs.apart(tmp_path, die_saving=21)) == -signal.SIGKILL  # 20 checkpoints, then the weights
    assert not list(tmp_path.glob("runs/tiny/run/*/run.json"))
    assert ended(tiny_runs.apart(tmp_path)) == 0
    assert stored(tmp_path) == uninterrupted
    assert not list(tmp_path.glob("runs/tiny/run/*tmp*"))


def test_two_processes_that_ask_at_once_train_once(tmp_path, uninterrupted):
    both = [tiny_runs.apart(tmp_path) for _ in range(2)]
    assert [ended(process) for process in both] == [0, 0]
    assert len((tmp_path / "trainings").read_text().splitlines()) == 1
    assert stored(tmp_path) == uninterrupted


@pytest.fixture
def saved(tmp_path) -> Path:
    """A checkpoint after 6 of 6 steps."""
    path = tmp_path / "run.training" / "checkpoint.safetensors"
    train(path, steps=6)
    return path


def train(path: Path, steps: int) -> torch.nn.Module:
    config = tiny_runs.config(steps=steps)
    squares = tiny_runs.Squares("train", 20)
    return fit(config, 0, squares, squares, device.start(), saved=path, save_every=0).network


@pytest.fixture(autouse=True)
def known_run(monkeypatch):
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)


def test_a_truncated_checkpoint_is_an_error_that_says_what_to_delete(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(StoreError, match=r"checkpoint\.safetensors is damaged.*Delete .*run\.training"):
        train(saved, steps=6)


def test_a_checkpoint_of_another_version_is_refused(saved):
    tensors, metadata = checkpoint.unpack(saved, "")
    old = {**metadata, "format": "0"}
    saved.write_bytes(checkpoint.to_bytes(tensors, old))
    with pytest.raises(StoreError, match=r"store format 0; this version reads and writes 1"):
        train(saved, steps=6)


def test_a_checkpoint_of_another_network_is_refused(saved):
    network = tiny_runs.TinyNet(width=4)
    with pytest.raises(StoreError, match=r"(?s)another network.*size mismatch"):
        checkpoint.load(saved, network, torch.optim.AdamW(network.parameters()))


def test_a_checkpoint_restores_the_optimiser_exactly(saved):
    network = tiny_runs.TinyNet()
    optimizer = torch.optim.AdamW(network.parameters())
    state = checkpoint.load(saved, network, optimizer)
    again = saved.with_name("again.safetensors")
    checkpoint.save(again, network, optimizer, state)
    (before, said), (after, says) = checkpoint.unpack(saved, ""), checkpoint.unpack(again, "")
    assert said == says
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert state.step == 6
    assert optimizer.state[next(network.parameters())]["exp_avg"].abs().sum() > 0


def test_no_pickle_in_a_checkpoint(saved, monkeypatch):
    monkeypatch.setattr("pickle.loads", lambda *_: pytest.fail("unpickled"))
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("torch.load"))
    train(saved, steps=6)


def test_the_entry_of_a_run_changes_with_what_it_is_trained_from(monkeypatch):
    config, data = tiny_runs.config(), {"train": "a", "validation": "b"}
    key = Entry(config, 0, data).key
    assert Entry(config, 0, data).key == key
    assert Entry(tiny_runs.config(frames=3), 0, data).key == key  # tests may change without training again
    assert Entry(tiny_runs.config(steps=21), 0, data).key != key
    assert Entry(config, 1, data).key != key
    assert Entry(config, 0, {**data, "train": "c"}).key != key
