"""papermill with two cures: `python -m handseg_lib.papermill_engine IN OUT ...`.

- Kernels talk over files instead of ports. A kernel's TCP ports are picked by its parent, released, and bound again by
  the kernel; notebooks that start at the same moment can be given the same ones.
- Widgets are not answered. When an Output widget (every `interact` has one) shows something, nbclient writes back to
  the kernel on the socket that it waits on, and now and then the wait misses the reply that arrives meanwhile: the cell
  never ends (nbclient's issue 312). Nobody moves a slider in a batch, so nothing needs to be written back.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbclient import NotebookClient
from nbclient.output_widget import OutputWidget
from papermill import cli
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.log import logger
from traitlets.config import Config

ENGINE = "handseg"


class SilentOutput(OutputWidget):
    """nbclient's side of an Output widget; keeps what is shown and sends nothing."""

    def send(self, *_: Any, **__: Any) -> None:
        """Nothing: see the module's docstring."""


def silence(client: NotebookClient) -> NotebookClient:
    """The same client, which from now on does not answer Output widgets."""
    client.widget_registry["@jupyter-widgets/output"]["OutputModel"] = SilentOutput
    return client


class Engine(NBClientEngine):
    """papermill's own engine with kernels on the IPC transport and a client that leaves widgets alone."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **_: Any,
    ) -> Any:
        """Executes the notebook; arguments as papermill's `NBClientEngine`."""
        options = {
            "kernel_name": kernel_name,
            "log": logger,
            "log_output": log_output,
            "startup_timeout": start_timeout,
        }
        # A folder of its own: the default socket names are relative to the working directory, which notebooks share.
        with TemporaryDirectory(prefix="handseg-") as sockets:
            ipc = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(sockets) / "kernel")}})
            config = ipc if os.name == "posix" else Config()
            client = PapermillNotebookClient(nb_man, timeout=execution_timeout, config=config, **options)
            return silence(client).execute()


def main() -> None:
    """The papermill command, with this engine known and chosen by `--engine handseg`."""
    papermill_engines.register(ENGINE, Engine)
    cli.papermill()


if __name__ == "__main__":
    main()
