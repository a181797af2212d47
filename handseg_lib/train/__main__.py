"""Train runs from the command line: `python -m handseg_lib.train handseg/proposed --profile quick --seed 0`.

Several runs are trained one after another; where one fails, the others are trained all the same.

Several processes: `--devices 4` on one machine; on several, start the same command on each with `torchrun` or `srun`
and give `--devices` (processes on each) and `--nodes`. They train one run.
"""

import argparse
import sys
import traceback

from handseg_lib.errors import HandsegError
from handseg_lib.profiles import NAMES
from handseg_lib.train.registry import RUNS


def main(arguments: list[str] | None = None) -> int:
    """Train what the arguments name and print its metrics; the exit status is 0 when all of that worked."""
    parser = argparse.ArgumentParser(
        prog="python -m handseg_lib.train", description=__doc__, epilog=f"Runs: {', '.join(sorted(RUNS))}"
    )
    parser.add_argument("names", nargs="+", metavar="name", help="name of a run")
    parser.add_argument("--profile", default="quick", help=f"one of {', '.join(NAMES)} (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reuse", action="store_true", help="read the numbers in the report, train nothing")
    parser.add_argument("--data-root", default=None, help="folder of the real data sets (default: HANDSEG_DATA_ROOT)")
    parser.add_argument("--devices", type=int, default=1, help="processes, or GPUs, on each machine")
    parser.add_argument("--nodes", type=int, default=1, help="number of machines")
    asked = parser.parse_args(arguments)
    if len(asked.names) > 1 and max(asked.devices, asked.nodes) > 1:
        parser.error("several processes train one run; name one, or leave out --devices and --nodes")
    return max([_train(name, asked) for name in asked.names])


def _train(name: str, asked: argparse.Namespace) -> int:
    """Train one of the runs; 1 when that failed."""
    try:
        from handseg_lib.train.request import request  # after the arguments, so that --help is instant

        run = request(name, asked.profile, asked.seed, asked.reuse, asked.data_root, asked.devices, asked.nodes)
    except HandsegError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except Exception:  # of one run; the others do not depend on it
        traceback.print_exc()
        return 1
    print(f"{run.name} seed {run.seed}, key {run.key[:12]}, trained in {run.seconds:.0f} s on {run.device}")
    for test, metrics in run.metrics.items():
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        print(f"  {test} ({run.measured_on(test)}): {numbers}")
    for test, reason in run.skipped.items():
        print(f"  {test}: left out, {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
