"""The store of runs and its export: whole or absent, and a clear way out of everything that is damaged."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
import torch

from handseg_lib import train
from handseg_lib.errors import RunError, StoreError
from handseg_lib.train import export, files, request, version
from handseg_lib.train.__main__ import main
from handseg_lib.train.measured import read_measured, write_measured
from handseg_lib.train.result import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with the store and the reports of one finished run."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDSEG_STORE", str(root / "store"))
        patch.setenv("HANDSEG_REPORTS", str(root / "reports"))
        tiny_runs.install(patch.setattr, patch.setitem, steps=4)
        tiny_runs.ask()
    return root


@pytest.fixture
def home(trained, tmp_path, monkeypatch) -> Path:
    """A copy of it that a test may spoil, in use."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem, steps=4)
    return tmp_path


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    """An empty store, in use."""
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem, steps=4)
    return tmp_path


def run_folder(home: Path) -> Path:
    (record,) = home.glob("store/runs/tiny/run/*/run.json")
    return record.parent


def exported(home: Path) -> Path:
    return home / "reports" / "smoke" / "runs" / "tiny_run" / "seed0"


def forbid_training(monkeypatch) -> None:
    monkeypatch.setattr(request, "fit", lambda *_, **__: pytest.fail("trained again"))


def assert_same(a: Run, b: Run) -> None:
    """Every number of two runs is the same."""
    assert (a.config, a.seed, a.key, a.data, dict(a.origin)) == (b.config, b.seed, b.key, b.data, dict(b.origin))
    assert a.history.equals(b.history)
    assert a.per_frame.equals(b.per_frame)
    assert a.metrics == b.metrics
    assert a.confusion == b.confusion
    for test, predictions in a.predictions.items():
        assert predictions.keys() == b.predictions[test].keys()
        assert all((ids == b.predictions[test][frame]).all() for frame, ids in predictions.items())


def test_a_finished_run_comes_from_the_store(home, monkeypatch):
    forbid_training(monkeypatch)
    monkeypatch.setattr(request, "evaluate", lambda *_, **__: pytest.fail("measured again"))
    run = tiny_runs.ask()
    assert run.has_model
    assert run.tests["squares"].counts.shape == (7, 3, 3)
    assert list(run.history.columns) == ["step", "loss", "lr", "validation"]
    assert run.seconds > 0
    assert run.precision in ("32-true", "bf16-mixed")
    assert run.data == {
        "train": "squares-train-20",
        "validation": "squares-val-3",
        "squares": "squares-test-7",
    }


def test_the_stored_network_predicts_what_was_measured(home):
    run = tiny_runs.ask()
    network, frame = run.model(), tiny_runs.Squares("test", 7)[0]
    assert not network.training
    assert next(network.parameters()).device.type == "cpu"
    again = request.evaluate(
        network, tiny_runs.Squares("test", 7), run.config.tests[0], "left_right", (12, 16), request.device.start()
    )
    assert (again.counts == run.tests["squares"].counts).all()
    assert (again.predictions[frame.id] == run.predictions["squares"][frame.id]).all()


def test_reuse_reads_back_exactly_what_was_exported(home, monkeypatch):
    forbid_training(monkeypatch)
    assert_same(tiny_runs.ask(reuse=True), tiny_runs.ask())


def test_reuse_needs_no_store_and_no_data(home, monkeypatch):
    kept = tiny_runs.ask()
    shutil.rmtree(home / "store")
    monkeypatch.setattr(request, "open_set", lambda *_: pytest.fail("opened data"))
    run = tiny_runs.ask(reuse=True)
    assert_same(run, kept)
    assert not run.has_model
    with pytest.raises(RunError, match=r"weights of tiny/run \(seed 0, key .*\) are not in the store"):
        run.model()


def test_reuse_finds_the_weights_where_the_store_has_them(home):
    run = tiny_runs.ask(reuse=True)
    assert run.has_model
    weights, expected = run.model().state_dict(), tiny_runs.ask().model().state_dict()
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


def test_reuse_of_a_run_that_was_never_exported(home):
    with pytest.raises(RunError, match=r"seed1 holds no exported run, so the numbers of tiny/run \(seed 1\)"):
        tiny_runs.ask(seed=1, reuse=True)


def test_reuse_of_another_configuration_says_what_differs(home, monkeypatch):
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem, steps=5, frames=9)
    message = r"profile 'smoke': schedule\.steps is 4, expected 5; tests\[0\]\.data\.count is 7, expected 9"
    with pytest.raises(RunError, match=message):
        tiny_runs.ask(reuse=True)


def test_an_export_from_before_a_field_was_added_is_reused(home):
    path = exported(home) / "run.json"
    record = json.loads(path.read_text())
    for added in ("contour", "start"):
        del record["config"][added]
    path.write_text(json.dumps(record))
    assert tiny_runs.ask(reuse=True).config == tiny_runs.ask().config


@pytest.mark.parametrize("name", ["run.json", "history.csv", "tests/squares/metrics.json", "tests/squares/counts.csv"])
def test_a_damaged_export_is_an_error(home, name):
    path = exported(home) / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StoreError, match=rf"(?s){path.name}.*damaged.*(Delete the folder .*seed0|restore it)"):
        tiny_runs.ask(reuse=True)


def test_a_truncated_prediction_is_an_error(home):
    path = exported(home) / "tests" / "squares" / "000.png"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"000\.png is damaged: expected an 8-bit PNG"):
        tiny_runs.ask(reuse=True)


def test_an_export_of_another_version_is_refused(home):
    path = exported(home) / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 0}))
    with pytest.raises(StoreError, match=r"run\.json is of store format 0; this version reads and writes 1"):
        tiny_runs.ask(reuse=True)


def test_counts_that_do_not_sum_to_the_confusion_matrix_are_refused(home):
    path = exported(home) / "tests" / "squares" / "counts.csv"
    path.write_text(path.read_text().replace("\nsquares/test/3,", "\nsquares/test/3,1"))
    with pytest.raises(StoreError, match=r"counts\.csv is damaged: its sum is not the confusion matrix"):
        tiny_runs.ask(reuse=True)


def test_exporting_again_leaves_the_files_alone(home):
    before = {path: path.stat().st_mtime_ns for path in exported(home).rglob("*")}
    tiny_runs.ask()
    assert {path: path.stat().st_mtime_ns for path in exported(home).rglob("*")} == before


def test_an_export_holds_no_nan_and_stays_small(home):
    for path in exported(home).rglob("*.json"):
        json.loads(path.read_text(), parse_constant=lambda value: pytest.fail(f"a file holds {value}"))
    assert sum(path.stat().st_size for path in exported(home).rglob("*") if path.is_file()) < 20_000


def test_an_absent_class_survives_the_files(tmp_path, home):
    measured = tiny_runs.ask().tests["squares"]
    counts = np.zeros((1, 3, 3), np.int64)
    counts[0, 0, 0] = 5
    blank = type(measured)(measured.evaluation, ("a",), counts, {}, "f", 1.0, np.zeros((1, 0), np.int64))
    files.write_folder(tmp_path / "blank", write_measured(blank))
    again = read_measured(tmp_path / "blank", measured.evaluation, "")
    assert np.isnan(again.metrics["mean_iou_hands"])
    assert again.confusion.absent == ("left hand", "right hand")


@pytest.mark.parametrize("name", ["run.json", "history.csv", "model.safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_stored_run_is_an_error_that_says_what_to_delete(home, monkeypatch, name, damage):
    forbid_training(monkeypatch)
    path = run_folder(home) / name
    path.write_bytes(path.read_bytes()[:-30]) if damage == "truncated" else path.unlink()
    expected = "damaged" if damage == "truncated" else "missing"
    with pytest.raises(StoreError, match=rf"(?s){name} is {expected}.*Delete the folder {path.parent} and start again"):
        tiny_runs.ask().model()


def test_after_deleting_the_damaged_folder_the_run_is_made_anew(home):
    before = tiny_runs.ask()
    shutil.rmtree(run_folder(home))
    assert tiny_runs.ask().metrics == before.metrics


def test_a_run_stored_by_another_version_is_refused(home):
    path = run_folder(home) / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(StoreError, match=r"run\.json is of store format 99; .*Delete the folder"):
        tiny_runs.ask()


def test_a_test_that_changed_is_measured_without_training_again(home, monkeypatch):
    forbid_training(monkeypatch)
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem, steps=4, frames=5)
    assert len(tiny_runs.ask().tests["squares"].frames) == 5


def refuse_flush(monkeypatch, number: int, code: int = errno.ENOSPC) -> None:
    """Let the disk be full at the flush of this number, counted from 1, and from then on."""
    done, flush = [], os.fsync

    def full(file: int) -> None:
        done.append(file)
        if len(done) >= number:
            raise OSError(code, os.strerror(code))
        flush(file)

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_full_disk_leaves_nothing_that_looks_finished(empty, monkeypatch, number):
    with monkeypatch.context() as full:
        refuse_flush(full, number)
        with pytest.raises(
            StoreError, match=r"could not be written \(No space left.*Free some space, or set HANDSEG_STORE"
        ):
            tiny_runs.ask()
    assert not [path for path in empty.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert tiny_runs.ask().metrics["squares"]


def test_a_full_disk_while_exporting_keeps_the_former_export(home, monkeypatch):
    before = {path: path.read_bytes() for path in exported(home).rglob("*") if path.is_file()}
    (exported(home) / "extra").write_text("so that the export differs")
    refuse_flush(monkeypatch, 2)
    with pytest.raises(StoreError, match="could not be written"):
        tiny_runs.ask()
    (exported(home) / "extra").unlink()
    assert {path: path.read_bytes() for path in exported(home).rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_written_is_an_error(empty, monkeypatch):
    refuse_flush(monkeypatch, 1, errno.EROFS)
    with pytest.raises(
        StoreError, match=r"could not be written \(Read-only file system\).*a folder that can be written"
    ):
        tiny_runs.ask()


def test_a_models_code_is_its_own_file_and_what_that_imports():
    names = {path.name for path in version.model_files("handseg")}
    assert names == {"handseg.py", "blocks.py"}


def test_the_key_changes_with_the_code(home, monkeypatch):
    key = tiny_runs.ask().key
    monkeypatch.setattr(version, "training_code", lambda model: "other")
    assert tiny_runs.ask().key != key


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True])
def test_a_seed_is_a_whole_number(home, seed):
    with pytest.raises(RunError, match="a seed is a whole number from 0 on"):
        tiny_runs.ask(seed=seed)


def test_several_seeds_come_in_their_order(home):
    runs = train.runs("tiny/run", "smoke", seeds=(1, 0))
    assert [run.seed for run in runs] == [1, 0]
    assert runs[0].key != runs[1].key


def test_a_test_on_a_real_set_is_left_out_where_the_set_is_not(home, monkeypatch):
    real = train.config("handseg/synthetic_to_real", "smoke").tests[1]
    squares = tiny_runs.config().tests
    monkeypatch.delenv("HANDSEG_DATA_ROOT", raising=False)
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem, steps=4, tests=(*squares, real))
    for run in (tiny_runs.ask(), tiny_runs.ask(reuse=True)):
        assert list(run.metrics) == ["squares"]
        assert "HANDSEG_DATA_ROOT" in run.skipped["sr305"]
        with pytest.raises(RunError, match=r"no numbers for test 'sr305': the real sr305 frames need"):
            run.measured_on("sr305")
    nowhere = tiny_runs.ask(data_root=home / "nowhere")
    assert "nowhere/sr305 is no folder" in nowhere.skipped["sr305"]


def test_measured_on_says_how_many_frames_of_what(home):
    assert tiny_runs.ask().measured_on("squares").startswith("7 synthetic squares frames, test split")


def test_the_command_line_prints_the_metrics(home, capsys):
    assert main(["tiny/run", "--profile", "smoke", "--seed", "0"]) == 0
    assert "mean_iou_hands 0." in capsys.readouterr().out
    assert main(["tiny/run", "--profile", "smoke", "--reuse"]) == 0


def test_the_command_line_names_what_is_wrong(home, capsys):
    assert main(["tiny/rnu", "--profile", "smoke"]) == 1
    assert "RunError: there is no run 'tiny/rnu'; choose one of" in capsys.readouterr().err


def test_one_that_fails_does_not_keep_others_from_being_trained(home, capsys):
    assert main(["tiny/rnu", "tiny/run", "--profile", "smoke"]) == 1
    said = capsys.readouterr()
    assert "no run 'tiny/rnu'" in said.err and "tiny/run seed 0, key" in said.out


def test_several_processes_train_one_run(home, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["tiny/run", "tiny/run", "--devices", "2"])
    assert "name one, or leave out --devices" in capsys.readouterr().err


def test_two_runs_of_one_name_do_not_share_an_export_folder():
    assert export.folder("quick", "handseg/proposed", 2).parts[-4:] == ("quick", "runs", "handseg_proposed", "seed2")
