"""The command behind `./run_all.sh`: runs the series, its tests, the doctor, JupyterLab.

Standard library only, and started by whatever Python was found; the work is done by the prepared environment's.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handseg_lib import environment, paths, series, single_run
from handseg_lib.errors import ParameterError

COMMANDS = {
    "run": "execute the notebooks of the series and write the report (the default)",
    "test": "everything CI runs: style, unit tests, the series at smoke size, the notebooks' checked cells",
    "doctor": "what this machine has and lacks, and what to do about it",
    "lab": "JupyterLab on the notebooks",
}
CELL_TIMEOUT = {"run": 6 * 3600, "test": 900}
"""Seconds a notebook's cell may take before it counts as hanging."""


@dataclass(frozen=True)
class Job:
    """One call of the workflow."""

    profile: str
    notebooks: tuple[series.Notebook, ...]
    cores: int
    seeds: int = 0
    reuse: bool = False
    dry_run: bool = False
    snakemake: tuple[str, ...] = ()
    cell_timeout: int = CELL_TIMEOUT["run"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; returns its exit status (2: a mistake in the command line)."""
    command, options, rest = parse(sys.argv[1:] if argv is None else list(argv))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if command == "doctor":
            return _doctor()
        env = environment.prepare(extras=("test",) if command == "test" else ())
        if command == "lab":
            return _lab(env.python, rest)
        print(f"Python: {env.python} ({env.origin})")
        if command == "test":
            return test(env.python, options.cores)
        if data_root := options.data_root or os.environ.get("HANDSEG_DATA_ROOT"):
            # Absolute: notebooks run in a folder of their own.
            os.environ["HANDSEG_DATA_ROOT"] = str(Path(data_root).expanduser().resolve())
        job = Job(
            profile=options.profile,
            notebooks=options.only,
            cores=options.cores,
            seeds=options.seeds,
            reuse=options.reuse,
            dry_run=options.dry_run,
            snakemake=tuple(rest),
        )
        return run_series(env.python, job)
    except environment.EnvironmentProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = " The same command goes on where this one stopped." if command == "run" else ""
        print(f"Interrupted.{goes_on}", file=sys.stderr)
        return 130


def parse(argv: list[str]) -> tuple[str, argparse.Namespace, list[str]]:
    """Command, its options, and what follows `--`; exits with status 2 on a mistake, naming what exists."""
    argv, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    command = argv.pop(0) if argv and not argv[0].startswith("-") else "run"
    if command not in COMMANDS:
        _parser("run").error(f"no command {command!r}; there are {', '.join(COMMANDS)}")
    parser = _parser(command)
    options = parser.parse_args(argv)
    if rest and command not in ("run", "lab"):
        parser.error(f"{command} takes nothing after --")
    return command, options, rest


def profile_names() -> list[str]:
    """The profiles there are, by their files."""
    return sorted(path.stem for path in (Path(__file__).parent / "profiles").glob("*.yaml"))


def _parser(command: str) -> argparse.ArgumentParser:
    # One parser a command, made by hand: with sub-parsers, `run` could not be left out.
    about = "\n".join(f"  {name:8}{text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="./run_all.sh" if command == "run" else f"./run_all.sh {command}",
        description=f"commands:\n{about}" if command == "run" else COMMANDS[command],
        epilog={
            "run": "What follows -- goes to Snakemake, for instance: ./run_all.sh -- --forcerun notebook",
            "lab": "What follows -- goes to JupyterLab, for instance: ./run_all.sh lab -- --no-browser --port 8899",
        }.get(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command in ("run", "test"):
        cores = available_cores()
        parser.add_argument("--cores", type=_positive, default=cores, metavar="N", help=f"cores to use (now {cores})")
    if command == "run":
        _add_run_options(parser)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile", choices=profile_names(), default="quick", help="size of everything (default: quick)"
    )
    parser.add_argument(
        "--only", type=_notebooks, default=series.SERIES, metavar="23,49", help="these notebooks instead of all"
    )
    parser.add_argument(
        "--seeds", type=_positive, default=0, metavar="N", help="seeds a run is trained with (default: the profile's)"
    )
    parser.add_argument("--reuse", action="store_true", help="take finished runs' numbers from reports/, train nothing")
    parser.add_argument("--data-root", metavar="DIR", type=_folder, help="folder of the real data sets")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _folder(text: str) -> str:
    if not Path(text).expanduser().is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder; give the one that holds sr305/, egohands/, ...")
    return text


def _notebooks(text: str) -> tuple[series.Notebook, ...]:
    try:
        return series.select(text)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_series(python: Path, job: Job) -> int:
    """Runs the workflow for `job`, verifies the report's manifest and says where the report is."""
    absent = [notebook.path for notebook in job.notebooks if not notebook.path.exists()]
    if absent:
        print(f"{absent[0]} is missing; get it back with git, or take it out of handseg_lib/series.py", file=sys.stderr)
        return 1
    workdir = paths.store_root() / "workflow"
    # Snakemake looks for its logger plugin, the one that prints our progress, among the importable packages.
    _add_to_python_path(paths.project_root() / "workflow")
    os.environ["HANDSEG_ROOT"] = str(paths.project_root())  # for the cluster profiles, which call scripts by path
    report = paths.reports_root() / job.profile
    names = ", ".join(n.number for n in job.notebooks)
    print(f"Profile {job.profile}, notebooks {names}, {job.cores} cores. Store: {_short(paths.store_root())}")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        with single_run.hold(workdir) as keep:
            _forget_lost_notebooks(job, workdir)
            status = _call(_snakemake_command(python, job, workdir), pass_fds=(keep,))
    except single_run.AlreadyRunning as busy:
        print(busy, file=sys.stderr)
        return 1
    if status or job.dry_run:
        return status
    if _call([str(python), "-m", "handseg_lib.report", "verify", str(report)]):
        return 1
    print(f"Report: {_short(report / 'index.html')} ({_duration(time.monotonic() - started)})")
    return 0


def _snakemake_command(python: Path, job: Job, workdir: Path) -> list[str]:
    config = {
        "profile": job.profile,
        "notebooks": ",".join(n.name for n in job.notebooks),
        "seeds": job.seeds,
        "reuse": job.reuse,
        "cell_timeout": job.cell_timeout,
        "apart": _sent_elsewhere(job),
    }
    return [
        *(str(python), "-m", "snakemake", "--snakefile", str(paths.project_root() / "workflow" / "Snakefile")),
        *("--directory", str(workdir), *_local_limits(job)),
        # `single_run` already keeps two runs apart; Snakemake's own lock outlives a killed process.
        *("--nolock", "--rerun-incomplete", "--keep-going", "--logger", "handseg"),
        # After every finished job Snakemake looks once more in each such span, for ever, at all files of all waiting
        # jobs: with its own span of a second that costs a third of a processor in the end. It ends one span after the
        # last job.
        *("--max-jobs-per-timespan", "1000/10s"),
        *(("--dry-run",) if job.dry_run else ()),
        *("--config", *(f"{key}={value}" for key, value in config.items())),
        *job.snakemake,
    ]


def _sent_elsewhere(job: Job) -> bool:
    """Whether a Snakemake profile or executor sends the steps to other machines."""
    options = {argument.split("=")[0] for argument in job.snakemake}
    return not options.isdisjoint(("--profile", "--workflow-profile", "--executor", "-e"))


def _local_limits(job: Job) -> list[str]:
    """What this machine has, where the steps run on it."""
    if _sent_elsewhere(job):
        return []
    # Trainings take turns on a GPU. Without one they share the cores, by the threads that each asks for.
    gpus = 1 if shutil.which("nvidia-smi") and os.environ.get("CUDA_VISIBLE_DEVICES") != "" else job.cores
    return ["--cores", str(job.cores), "--resources", f"gpu={gpus}"]


def _forget_lost_notebooks(job: Job, workdir: Path) -> None:
    """A notebook whose executed copy is gone from the report counts as not done."""
    for notebook in job.notebooks:
        executed = paths.reports_root() / job.profile / "notebooks" / f"{notebook.name}.ipynb"
        if not executed.exists() and not job.dry_run:
            (workdir / "done" / job.profile / "notebooks" / notebook.name).unlink(missing_ok=True)


def test(python: Path, cores: int) -> int:
    """Style, unit tests, the series at smoke size, the notebooks' checked cells; all of them, whatever fails."""
    root = paths.project_root()
    scratch = Path(tempfile.mkdtemp(prefix="handseg-test-"))
    os.environ |= {"HANDSEG_STORE": str(scratch / "store"), "HANDSEG_REPORTS": str(scratch / "reports")}
    pytest = [str(python), "-m", "pytest", "-q", "-n", str(cores), "--dist", "loadgroup", "-p", "no:cacheprovider"]
    # A notebook's cells share a kernel, so they stay together on one worker.
    nbval = ["--nbval-lax", "--nbval-cell-timeout", str(CELL_TIMEOUT["test"]), "--timeout", "0", "--dist", "loadfile"]
    job = Job("smoke", series.SERIES, cores, cell_timeout=CELL_TIMEOUT["test"])
    stages = {
        "ruff check": lambda: _call([str(python), "-m", "ruff", "check", str(root)]),
        "ruff format": lambda: _call([str(python), "-m", "ruff", "format", "--check", str(root)]),
        "pytest": lambda: _call(
            [*pytest, "--ignore", str(root / "tests/benchmarks"), str(root / "tests")], 1, cwd=root
        ),
        "series at smoke": lambda: run_series(python, job),
        "nbval": lambda: _call(
            [*pytest, *nbval, str(paths.notebooks_root())],
            threads=1,
            cwd=root,
        ),
    }
    outcome: dict[str, tuple[int, float]] = {}
    for name, stage in stages.items():
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        outcome[name] = (stage(), time.monotonic() - started)
    print()
    for name, (status, seconds) in outcome.items():
        print(f"{'FAILED' if status else 'ok':8}{name:18}{_duration(seconds):>10}")
    failed = [name for name, (status, _) in outcome.items() if status]
    if failed:
        print(f"Failed: {', '.join(failed)}. What the series wrote is kept in {scratch}.")
        return 1
    shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _doctor() -> int:
    found = environment.existing()  # looks only: the doctor installs nothing
    python = found.python if found else Path(sys.executable)
    return _call([str(python), "-m", "handseg_lib.doctor"], cwd=paths.project_root())


def _lab(python: Path, rest: Sequence[str]) -> int:
    root = f"--ServerApp.root_dir={paths.notebooks_root()}"
    return _call([str(python), "-m", "jupyterlab", root, *rest], cwd=paths.notebooks_root())


def _call(command: Sequence[str], threads: int = 0, pass_fds: tuple[int, ...] = (), cwd: Path | None = None) -> int:
    """Runs a command to its end and returns its status; on Ctrl-C, waits until it has wound up."""
    env = dict(os.environ)
    if threads:
        env |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    # Threads that wait for each other sleep: spinning, they slow a training many times where the cores are shared.
    env.setdefault("OMP_WAIT_POLICY", "passive")
    if not sys.stderr.isatty():
        env.setdefault("TQDM_MININTERVAL", "20")  # seconds between two states of a bar: a log file keeps them all
    process = subprocess.Popen(command, env=env, pass_fds=pass_fds, cwd=cwd)
    try:
        return process.wait()
    except KeyboardInterrupt as interrupt:
        _wind_up(process, told=not interrupt.args)
        raise


def _wind_up(process: subprocess.Popen, told: bool) -> None:
    """Waits for the end of a process, which a terminal's Ctrl-C has `told`; ends it when that takes too long."""
    if not told:
        process.terminate()
    try:
        process.wait(timeout=15 if told else 3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _add_to_python_path(folder: Path) -> None:
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(folder) not in entries:
        os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, entries), str(folder)])


def _interrupt(number: int, _: object) -> None:
    raise KeyboardInterrupt(number)  # like Ctrl-C, but only this process was told


def _short(path: Path) -> str:
    """`path` as seen from where the caller is, if that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    sys.exit(main())
