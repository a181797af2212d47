#!/usr/bin/env bash
# Runs the companion: prepares its environment and executes the notebooks. `./run_all.sh --help` says more.
# Needs Python 3.11 to 3.13 with pip (or uv); HANDSEG_PYTHON=/path/to/python uses that interpreter as it is.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for python in "${HANDSEG_PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
  # Tried, not just looked up: a version manager leaves commands on the PATH that start nothing.
  if [ -n "$python" ] && "$python" -c "$supported" >/dev/null 2>&1; then
    # PYTHONPATH: this checkout's library is the one used, whatever else is installed.
    export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
    exec "$python" -P -m handseg_lib.run_all "$@"
  fi
done
echo "run_all.sh: found no Python 3.11, 3.12 or 3.13 (tried python3, python3.13, python3.12, python3.11, python;" \
  "python3 is $(python3 --version 2>/dev/null || echo absent)). Install one, or set HANDSEG_PYTHON to its path." >&2
exit 1
