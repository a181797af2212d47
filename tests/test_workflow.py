import os
import signal
import subprocess
import sys
import time

import pytest
from miniature import PATIENCE, Miniature

from handseg_lib import paths, series
from handseg_lib.data.recipe import SHARD

pytestmark = pytest.mark.timeout(600)  # seconds; each takes a few, and the machine may be busy
one_worker = pytest.mark.xdist_group("finished series")  # so that the fixture is made once


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A miniature project whose series has been run once; tests put back what they change."""
    mini = Miniature(tmp_path_factory.mktemp("mini"))
    status, output = mini.run("--profile", "smoke")
    assert status == 0, output
    mini.first = output, mini.journal()
    return mini


@pytest.fixture
def mini(tmp_path):
    mini = Miniature(tmp_path)
    yield mini
    for number in mini.processes():  # of a test that failed half-way
        os.kill(number, signal.SIGKILL)


def test_series_and_notebooks_folder_agree():
    on_disk = {path.name for path in paths.notebooks_root().glob("*.ipynb")}
    assert on_disk == {notebook.path.name for notebook in series.SERIES}


def test_a_set_is_rendered_by_as_many_threads_as_it_has_shards():
    assert f"SHARD = {SHARD} " in (paths.project_root() / "workflow" / "Snakefile").read_text()


@one_worker
def test_whole_series_runs_in_order_and_names_its_report(finished):
    output, journal = finished.first
    runs = [line for line in journal if line.startswith("train ") and "began" not in line]
    # Two are asked for by two notebooks; each is trained once, and they share a process.
    assert set(runs) == {f"train {names} --profile smoke --seed 0" for names in ("toy/run toy/alike", "toy/own")}
    kinds = {"train": "", "val": "+color_rgb+parts"}
    assert set(journal[:2]) == {f"render ('toy_scene', '{of}', 4, (16, 16), 0){more}" for of, more in kinds.items()}
    notebooks = [line for line in journal if line.startswith("notebook")]
    assert notebooks[-1] == "notebook 90_last smoke" and len(notebooks) == 3
    assert journal[-2:] == ["report build", "report verify"]
    assert "Report: reports/smoke/index.html" in output
    assert all(f"notebook {name}: done in" in output for name in ("01_first", "02_second", "90_last"))
    assert len(output.splitlines()) <= 2 * 8 + 3  # two lines a step, what is run, where the report is


def test_what_takes_long_goes_first(mini):
    status, output = mini.run("--profile", "smoke", "--cores", "1")
    assert status == 0, output
    kinds = [line.split()[0] for line in mini.journal() if "began" not in line]
    assert kinds == ["render"] * 2 + ["train"] * 2 + ["notebook"] * 3 + ["report"] * 2


def test_parameters_are_injected_where_the_notebook_has_them(mini):
    status, output = mini.run("--profile", "full", "--only", "01,02", "--reuse", "--seeds", "2")
    assert status == 0, output
    first, second = (mini.executed(name, "full").read_text() for name in ("01_first", "02_second"))
    assert 'profile = \\"full' in first and "seeds" not in first
    assert all(line in second for line in ('profile = \\"full', "seeds = 2", "reuse = True"))
    assert not any(line.startswith("train") for line in mini.journal())  # reuse


@one_worker
def test_second_run_does_nothing(finished):
    began = time.monotonic()
    status, output = finished.run("--profile", "smoke")
    assert status == 0 and "Nothing to do" in output
    assert finished.journal() == ["report verify"]
    assert time.monotonic() - began < 60  # seconds; 3 on an idle machine


@one_worker
def test_changed_and_lost_notebooks_run_again_with_what_reads_them(finished):
    finished.write_notebook("01_first", "print('changed')")
    finished.executed("90_last").unlink()
    status, _ = finished.run("--profile", "smoke")
    assert status == 0
    done = ["notebook 01_first smoke", "notebook 90_last smoke", "report build", "report verify"]
    assert finished.journal() == done


@one_worker
def test_dry_run_says_what_would_be_done_and_does_nothing(finished):
    status, output = finished.run("--profile", "smoke", "--only", "02", "--seeds", "2", "--dry-run")
    assert status == 0
    assert "would do: train toy/run toy/alike, seed 1" in output and "would do: notebook 02_second" in output
    assert "01_first" not in output
    assert finished.journal() == []


@one_worker
def test_every_run_is_a_job_of_its_own_where_other_machines_do_them(finished):
    elsewhere = ("--", "--executor", "dryrun", "--cores", "1")
    status, output = finished.run("--profile", "quick", "--dry-run", *elsewhere)
    assert status == 0
    assert all(f"would do: train toy/{name}, seed 0" in output for name in ("run", "alike", "own"))
    assert finished.journal() == []


def test_failing_notebook_shows_its_traceback_and_lets_others_finish(mini):
    mini.write_notebook("02_second", "hands = {'left': 1}\nhands['third']")
    status, output = mini.run("--profile", "smoke")
    assert status != 0
    assert "notebook 02_second: FAILED" in output and "KeyError: 'third'" in output
    executed = mini.executed("02_second")
    assert f"More in {executed}" in output and "KeyError" in executed.read_text()
    assert "notebook 01_first: done" in output
    assert "\n[" in output and "Report:" not in output


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def killed_with_ctrl_c(mini, process):
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process is told
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and "The same command goes on" in output
    assert mini.processes() == []


def killed_for_good(mini, process):
    """Command and Snakemake are killed; what they had started lives on."""
    for number in mini.processes("snakemake"):
        os.kill(number, signal.SIGKILL)
    process.kill()
    process.wait()
    wait_for(lambda: not mini.processes("snakemake"))
    assert mini.processes("handseg_lib.train")


def ended_politely(mini, process):
    process.send_signal(signal.SIGTERM)  # to the command alone
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    assert mini.processes() == []


@pytest.mark.parametrize("interrupt", [killed_with_ctrl_c, killed_for_good, ended_politely])
def test_interrupted_run_goes_on_when_started_again(mini, interrupt):
    process = mini.start("--profile", "smoke", "--only", "02", TOY_SECONDS="100")
    wait_for(mini.training)
    interrupt(mini, process)
    assert mini.journal()[-1].startswith("train began toy/")
    status, output = mini.run("--profile", "smoke", "--only", "02")
    assert status == 0, output
    done = mini.journal()
    assert all(f"train {names} --profile smoke --seed 0" in done for names in ("toy/run toy/alike", "toy/own"))
    assert mini.processes() == []


def test_two_runs_in_one_store_do_not_mix(mini):
    first = mini.start("--profile", "smoke", "--only", "02", TOY_SECONDS="100")
    try:
        wait_for(mini.training)
        status, output = mini.run("--profile", "smoke", "--only", "01")
        assert status == 1 and "Another run is at work" in output
    finally:
        os.killpg(first.pid, signal.SIGINT)
        first.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--profile", "smok"], ["full", "paper", "quick", "smoke"]),
        (["--only", "01,03"], ["No notebook '03'", "01 (first)", "90 (last)"]),
        (["--sedes", "3"], ["--sedes", "--seeds", "--profile"]),
        (["--seeds", "0"], ["'0' is not a whole number"]),
        (["--data-root", "nowhere"], ["'nowhere' is not a folder"]),
        (["tests"], ["no command 'tests'", "test", "doctor", "lab"]),
        (["doctor", "--profile", "smoke"], ["unrecognized arguments"]),
        (["test", "--", "-x"], ["test takes nothing after --"]),
    ],
)
@one_worker
def test_mistakes_are_named_before_anything_is_prepared(finished, arguments, names):
    status, output = finished.run(*arguments, HANDSEG_PYTHON="")
    assert status == 2
    assert all(name in output for name in names), output
    assert not (finished.root / ".venv").exists()


def test_workflow_starts_without_torch():
    code = (
        "import sys; from handseg_lib import profiles, series, run_all;"
        "print([m for m in ('torch', 'numpy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
