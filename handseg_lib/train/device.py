"""Which device and which arithmetic a training uses, decided in one place."""

import logging
import os
import platform
from typing import Literal

import torch
from lightning_fabric import Fabric

from handseg_lib.profiles import Schedule

Precision = Literal["32-true", "bf16-mixed"]


def start(asked: Literal["auto"] | Precision = "auto", devices: int = 1, nodes: int = 1) -> Fabric:
    """A launched Fabric: the GPU where there is one, else the CPU; several processes by DDP (gloo on CPUs).

    Args:
        asked: `Schedule.precision`.
        devices: processes on each node; under `torchrun` or SLURM, as many as were started there.
        nodes: number of nodes.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces the precision each time
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    fabric = Fabric(
        accelerator=accelerator,
        strategy="ddp" if devices * nodes > 1 else "auto",
        devices=devices,
        num_nodes=nodes,
        precision=precision(asked, accelerator),
    )
    fabric.launch()
    return fabric


def precision(asked: Literal["auto"] | Precision, device: str) -> Precision:
    """`auto` becomes bfloat16 autocast where `device` ("cpu" or "cuda") computes with it natively, else float32."""
    if asked != "auto":
        return asked
    native = torch.cuda.is_bf16_supported(including_emulation=False) if device == "cuda" else cpu_has_bf16()
    return "bf16-mixed" if native else "32-true"


def cpu_has_bf16() -> bool:
    """Whether this processor has the AVX512-BF16 instructions; without them autocast would only cost time."""
    return torch.cpu._is_avx512_bf16_supported()


def workers(device: str, processes: int) -> int:
    """Processes that load data for one training process; on the CPU none, because the training needs every core."""
    return 0 if device == "cpu" else max(1, min(8, (os.cpu_count() or 1) // processes - 1))


def describe(fabric: Fabric, schedule: Schedule) -> dict[str, str | int]:
    """What a training ran on, for its record."""
    cuda = fabric.device.type == "cuda"
    name = torch.cuda.get_device_name(fabric.device) if cuda else f"{platform.machine()} CPU"
    return {
        "device": name,
        "precision": precision(schedule.precision, fabric.device.type),
        "processes": fabric.world_size,
        "threads": schedule.threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
