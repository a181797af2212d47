"""What this machine has and lacks for the companion: `./run_all.sh doctor`.

Standard library only, and everything that could be broken is tried in a process of its own: the doctor answers in a
bare Python, and where importing a package would crash.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from handseg_lib import paths

OK, WARN, MISSING = "ok", "warn", "missing"
NEEDED_MODULES = ("numpy", "cv2", "embreex", "trimesh", "safetensors", "snakemake")
GIB = 1 << 30
PREPARE = "./run_all.sh prepares .venv with what the lock names (conda: environment.yml)"

_TORCH = """
import torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)  # fails where the two do not belong together
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
answer = {"torch": torch.__version__, "torchvision": torchvision.__version__, "cuda": torch.version.cuda, "gpus": gpus}
answer["mps"], answer["threads"] = torch.backends.mps.is_available(), torch.get_num_threads()
"""
_CAMERA = """
import ctypes, libusb_package
ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)  # pyrealsense2 asks the system for it
import pyrealsense2
answer = {"devices": [d.get_info(pyrealsense2.camera_info.name) for d in pyrealsense2.context().query_devices()]}
"""
_MODULES = """
import importlib
answer = {}
for name in %r:
    try:
        importlib.import_module(name)
    except Exception as error:
        answer[name] = f"{type(error).__name__}: {error}"
"""


@dataclass(frozen=True)
class Finding:
    """One line: how it stands with something, and what to do about it."""

    status: str
    what: str
    found: str
    advice: str = ""
    needed: bool = False

    def __str__(self) -> str:
        line = f"{self.status:9}{self.what:16}{self.found}"
        return f"{line}\n{'':25}-> {self.advice}" if self.advice else line


def main() -> int:
    """Prints every finding; returns 1 when something that is needed is missing."""
    lacking = []
    for check in CHECKS:
        for finding in _guarded(check):
            print(finding, flush=True)
            lacking += [finding.what] if finding.needed and finding.status == MISSING else []
    print(f"\nNeeded and missing: {', '.join(lacking)}." if lacking else "\nEverything needed is here.")
    return 1 if lacking else 0


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # whatever it is, the other checks still have something to say
        yield Finding(WARN, check.__name__.strip("_"), f"could not be checked: {type(error).__name__}: {error}")


def _ask(code: str) -> tuple[dict[str, Any] | None, str]:
    """Runs `code` in a process of its own; returns its `answer`, or None and the last line of its complaint."""
    command = [sys.executable, "-c", f"import json\n{code}\nprint(json.dumps(answer))"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None, "no answer within 2 minutes"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return None, lines[-1] if lines else f"ended with status {done.returncode}"
    return json.loads(done.stdout.splitlines()[-1]), ""


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    advice = "" if good else "install Python 3.11, 3.12 or 3.13, or set HANDSEG_PYTHON to its path"
    yield Finding(OK if good else MISSING, "Python", f"{version}, {sys.executable}", advice, needed=True)
    machine = (platform.system(), platform.machine())
    supported = machine in (("Linux", "x86_64"), ("Darwin", "arm64"), ("Windows", "AMD64"))
    advice = "" if supported else "the ray caster (embreex) has no wheel for it: build Embree and embreex from source"
    yield Finding(OK if supported else WARN, "system", " ".join(machine), advice)


def _packages() -> Iterator[Finding]:
    lock = locked_versions((paths.project_root() / "requirements.lock").read_text(encoding="utf-8"))
    installed = {name: _installed(name) for name in lock}
    absent = [name for name, version in installed.items() if version is None]
    other = [f"{n} {v} (lock: {lock[n]})" for n, v in installed.items() if v and v not in lock[n].split(" or ")]
    if absent:
        yield Finding(MISSING, "packages", f"{len(absent)} of {len(lock)}: {_few(absent)}", PREPARE, needed=True)
        return
    if other:
        yield Finding(WARN, "packages", f"{len(other)} differ from the lock: {_few(other)}", PREPARE)
    else:
        yield Finding(OK, "packages", f"all {len(lock)} as in requirements.lock")
    broken, complaint = _ask(_MODULES % (NEEDED_MODULES,))
    for name, error in (broken if broken is not None else {"imports": complaint}).items():
        yield Finding(MISSING, f"import {name}", error, "delete .venv and start ./run_all.sh again", needed=True)


def locked_versions(text: str) -> dict[str, str]:
    """Package -> version of a lock's text, for this machine; "a or b" where the lock leaves several open."""
    versions: dict[str, str] = {}
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+?)(?: ; (.*?))? \\$", text, re.MULTILINE):
        if _applies(marker):
            versions[name] = f"{versions[name]} or {version}" if name in versions else version
    return versions


def _applies(marker: str) -> bool:
    if not marker:
        return True
    try:
        from packaging.markers import Marker
    except ImportError:  # a bare Python: nothing is installed anyway
        return False
    return Marker(marker).evaluate()


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _few(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _processor() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split("flags", 1)[-1].split("\n", 1)[0].split() if cpuinfo.exists() else []
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    precision = "trains in bfloat16 (AVX512-BF16)" if native else "trains in float32 (no AVX512-BF16)"
    yield Finding(OK, "processor", f"{cores} cores, {precision}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
        advice = "" if memory > 7 else "8 GiB are advised; run with --cores 1"
        yield Finding(OK if memory > 7 else WARN, "memory", f"{memory:.0f} GiB", advice)


def _torch() -> Iterator[Finding]:
    driver = _nvidia_names()
    answer, complaint = _ask(_TORCH) if _installed("torch") else (None, "not installed")
    if answer is None:
        advice = "" if complaint == "not installed" else "a torch and a torchvision of different builds fail so, too; "
        advice += PREPARE
        yield Finding(MISSING, "torch", complaint, advice, needed=True)
        yield Finding(WARN if driver else MISSING, "GPU", driver or "no NVIDIA driver", "optional; see torch above")
        return
    versions = f"{answer['torch']}, torchvision {answer['torchvision']}, {answer['threads']} threads"
    yield Finding(OK, "torch", versions)
    if answer["gpus"]:
        yield Finding(OK, "GPU", f"{', '.join(answer['gpus'])} (CUDA {answer['cuda']})")
    elif driver:
        built = f"this torch is built for CUDA {answer['cuda']}" if answer["cuda"] else "this torch has no CUDA"
        yield Finding(WARN, "GPU", f"{driver}, but torch cannot use it", f"{built}: update the driver, or torch")
    elif answer["mps"]:
        yield Finding(OK, "GPU", "Apple, through MPS")
    else:
        yield Finding(MISSING, "GPU", "none", "optional: smoke and quick are made for two cores, full wants a GPU")


def _nvidia_names() -> str:
    command = shutil.which("nvidia-smi")
    if not command:
        return ""
    query = [command, "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=30)
    return ", ".join(done.stdout.strip().splitlines()) if done.returncode == 0 else ""


def _camera() -> Iterator[Finding]:
    if _installed("pyrealsense2") is None:
        wheels = (platform.system(), platform.machine()) in (("Linux", "x86_64"), ("Windows", "AMD64"))
        advice = PREPARE if wheels else "Intel ships no wheel for this system; only notebook 10 needs it"
        yield Finding(MISSING, "camera library", "pyrealsense2 is not installed", f"optional; {advice}")
        return
    answer, complaint = _ask(_CAMERA)
    if answer is None:
        yield Finding(WARN, "camera library", complaint, "optional: only notebook 10 needs it, for recordings too")
        return
    yield Finding(OK, "camera library", f"pyrealsense2 {_installed('pyrealsense2')}")
    if answer["devices"]:
        yield Finding(OK, "camera", ", ".join(answer["devices"]))
    else:
        advice = "optional: plug a RealSense into a USB 3 port; on Linux, librealsense's udev rules let users open it"
        yield Finding(MISSING, "camera", "none plugged in", advice)


def _real_data() -> Iterator[Finding]:
    root = paths.data_root()
    if root is None:
        advice = "optional: HANDSEG_DATA_ROOT or --data-root names the folder that holds sr305/ and others"
        yield Finding(MISSING, "real data", "HANDSEG_DATA_ROOT is not set", advice)
    elif not root.is_dir():
        yield Finding(WARN, "real data", f"HANDSEG_DATA_ROOT is {root}, which is no folder", "correct or unset it")
    else:
        found = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        known = [name for name in found if name in _known_sets()]
        advice = "" if known else f"the sets that can be read are called {', '.join(_known_sets())}"
        yield Finding(OK if known else WARN, "real data", f"{root}: {', '.join(known) or 'no known set'}", advice)


def _known_sets() -> tuple[str, ...]:
    from handseg_lib.train.registry import REAL_SETS

    return REAL_SETS


def _disk() -> Iterator[Finding]:
    store = paths.store_root()
    place = next(folder for folder in (store, *store.parents) if folder.exists())
    free = shutil.disk_usage(place).free / GIB
    enough = free >= 10
    advice = "" if enough else "10 GiB are advised; HANDSEG_STORE can name a folder on a larger disk"
    yield Finding(OK if enough else WARN, "disk", f"{free:.0f} GiB free at {place}", advice)
    used = sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) if store.exists() else 0
    yield Finding(OK, "store", f"{store}: {used / GIB:.2f} GiB of rendered frames and runs; may be deleted at any time")


def _kernel() -> Iterator[Finding]:
    spec = Path(sys.prefix, "share", "jupyter", "kernels", "python3", "kernel.json")
    if spec.exists():
        yield Finding(OK, "Jupyter kernel", "python3, of this environment")
    else:
        yield Finding(MISSING, "Jupyter kernel", f"no {spec}", PREPARE, needed=True)


CHECKS = (_python, _packages, _torch, _processor, _camera, _real_data, _disk, _kernel)


if __name__ == "__main__":
    sys.exit(main())
