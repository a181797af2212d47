"""papermill with kernels that talk over files instead of ports: `python -m handseg_lib.papermill_engine IN OUT ...`.

A kernel's TCP ports are picked by its parent, released, and bound again by the kernel; notebooks that start at the
same moment can be given the same ones. Over IPC each kernel has sockets in a folder of its own.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from papermill import cli
from papermill.engines import NBClientEngine, papermill_engines
from traitlets.config import Config

ENGINE = "handseg"


class IpcEngine(NBClientEngine):
    """papermill's own engine, its kernel manager configured for the IPC transport."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Executes the notebook; arguments as papermill's `NBClientEngine`."""
        if os.name != "posix":
            return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
        # A folder of its own: the default socket names are relative to the working directory, which notebooks share.
        with TemporaryDirectory(prefix="handseg-") as sockets:
            config = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(sockets) / "kernel")}})
            return super().execute_managed_notebook(nb_man, kernel_name, config=config, **kwargs)


def main() -> None:
    """The papermill command, with this engine known and chosen by `--engine handseg`."""
    papermill_engines.register(ENGINE, IpcEngine)
    cli.papermill()


if __name__ == "__main__":
    main()
