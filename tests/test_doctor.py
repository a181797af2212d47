import subprocess
import sys
from pathlib import Path

import pytest

from handseg_lib import doctor

ROOT = Path(__file__).parents[1]


def test_lock_is_read_for_this_machine():
    lock = (
        "# comment\nplain==1.2.3 \\\n    --hash=sha256:00\n"
        "other==4 ; sys_platform == 'nowhere' \\\n    --hash=sha256:00\n"
        f"fork==5 ; sys_platform == '{sys.platform}' \\\n    --hash=sha256:00\n"
    )
    assert doctor.locked_versions(lock) == {"plain": "1.2.3", "fork": "5"}


def test_whole_lock_is_read():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    versions = doctor.locked_versions(text)
    assert {"torch", "numpy", "snakemake"} <= set(versions)
    assert len(versions) > 100


def statuses(monkeypatch, capsys, *checks):
    monkeypatch.setattr(doctor, "CHECKS", checks)
    code = doctor.main()
    return code, capsys.readouterr().out


def needed():
    yield doctor.Finding(doctor.MISSING, "engine", "no", "buy one", needed=True)


def optional():
    yield doctor.Finding(doctor.MISSING, "radio", "no", "optional")


def broken():
    yield doctor.Finding(doctor.OK, "wheel", "round")
    raise OSError("the disk is on fire")


@pytest.mark.parametrize(("checks", "code"), [((optional,), 0), ((needed, optional), 1), ((broken,), 0)])
def test_only_what_is_needed_and_missing_fails(monkeypatch, capsys, checks, code):
    assert statuses(monkeypatch, capsys, *checks)[0] == code


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch, capsys):
    _, out = statuses(monkeypatch, capsys, broken, needed)
    assert "wheel" in out and "the disk is on fire" in out and "-> buy one" in out


def test_broken_torch_is_reported_not_raised(monkeypatch):
    monkeypatch.setattr(doctor, "_TORCH", "raise RuntimeError('operator torchvision::nms does not exist')")
    torch, gpu = doctor._torch()
    assert torch.status == doctor.MISSING and torch.needed
    assert "nms does not exist" in torch.found and "different builds" in torch.advice
    assert not gpu.needed


def test_crashing_torch_is_reported_not_raised(monkeypatch):
    monkeypatch.setattr(doctor, "_TORCH", "import os; os.abort()")
    assert next(doctor._torch()).status == doctor.MISSING


def test_real_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("HANDSEG_DATA_ROOT", raising=False)
    assert next(doctor._real_data()).status == doctor.MISSING
    monkeypatch.setenv("HANDSEG_DATA_ROOT", str(tmp_path / "absent"))
    assert next(doctor._real_data()).status == doctor.WARN
    monkeypatch.setenv("HANDSEG_DATA_ROOT", str(tmp_path))
    assert "sr305" in next(doctor._real_data()).advice  # nothing known in there: the names that are
    (tmp_path / "sr305").mkdir()
    found = next(doctor._real_data())
    assert found.status == doctor.OK and found.found.endswith("sr305")


def test_small_disk_is_a_warning_with_a_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 1 << 30})())
    disk, store = doctor._disk()
    assert disk.status == doctor.WARN and "HANDSEG_STORE" in disk.advice and "0.00 GiB" in store.found


def test_answers_in_a_bare_python(tmp_path):
    python = tmp_path / "bare" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    command = [str(python), "-m", "handseg_lib.doctor"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1 and done.stderr == ""
    assert "missing  packages" in done.stdout and "run_all.sh" in done.stdout and "disk" in done.stdout
