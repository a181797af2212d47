import hashlib
import subprocess
from types import SimpleNamespace

import pytest

from handseg_lib.report import provenance
from handseg_lib.report.provenance import Context

RUN = SimpleNamespace(
    name="handseg/proposed",
    key="ab12",
    seed=3,
    data={"train": "f00d"},
    device="cpu",
    origin={"precision": "bf16"},
    seconds=12.345,
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder; what was looked up for the real one is forgotten before and after."""
    monkeypatch.setenv("HANDSEG_ROOT", str(tmp_path))
    provenance.environment.cache_clear()
    yield tmp_path
    provenance.environment.cache_clear()


def git(folder, *arguments):
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", "-C", folder, *settings, *arguments], check=True, capture_output=True, text=True)


def test_runs_used_so_far_are_recorded():
    context = Context("23_handseg_net", "quick", {"seed": 3})
    assert context.snapshot()["runs"] == []
    context.use(RUN)
    context.use(RUN)  # once is enough
    [record] = context.snapshot()["runs"]
    assert record == {
        "name": "handseg/proposed",
        "key": "ab12",
        "seed": 3,
        "data": {"train": "f00d"},
        "device": "cpu",
        "precision": "bf16",
        "seconds": 12.3,
    }
    assert context.snapshot()["devices"] == ["cpu"]


def test_an_artefact_can_name_its_own_runs():
    context = Context("23_handseg_net", "quick")
    context.use(RUN)
    assert context.snapshot(runs=[])["runs"] == []


def test_folders_of_the_machine_are_not_recorded():
    assert Context("49", "quick", {"data_root": "/home/someone"}).snapshot()["parameters"] == {"data_root": "(given)"}
    assert Context("49", "quick", {"data_root": ""}).snapshot()["parameters"] == {"data_root": ""}


def test_works_without_git_and_lock(project, monkeypatch):
    monkeypatch.setenv("PATH", str(project / "nothing"))
    facts = provenance.environment()
    assert facts["commit"] is None and facts["changed_since_commit"] is None and facts["lock_sha256"] is None
    assert facts["python"].startswith("3.")


def test_git_commit_and_changes_outside_reports(project):
    git(project, "init", "-q")
    (project / "code.py").write_text("x = 1\n")
    (project / "requirements.lock").write_text("numpy==2\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "start")
    head = git(project, "rev-parse", "HEAD").stdout.strip()

    (project / "reports").mkdir()
    (project / "reports" / "new.csv").write_text("1\n")
    facts = provenance.environment()
    assert (facts["commit"], facts["changed_since_commit"]) == (head, False)
    assert facts["lock_sha256"] == hashlib.sha256(b"numpy==2\n").hexdigest()

    provenance.environment.cache_clear()
    (project / "code.py").write_text("x = 2\n")
    assert provenance.environment()["changed_since_commit"] is True


def test_commit_of_an_enclosing_repository_is_not_ours(project, monkeypatch):
    git(project, "init", "-q")
    inside = project / "copy"
    inside.mkdir()
    monkeypatch.setenv("HANDSEG_ROOT", str(inside))
    assert provenance.environment()["commit"] is None
