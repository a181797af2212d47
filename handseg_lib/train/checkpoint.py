"""A checkpoint: weights, the optimiser's memory and how far a training is, in one safetensors file. No pickle."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.optim import Optimizer

from handseg_lib.errors import StoreError
from handseg_lib.files import write_atomic
from handseg_lib.train.files import FORMAT, check_format


@dataclass
class State:
    """How far a training is.

    Attributes:
        step: number of updates done.
        seconds: that they took, over all interruptions.
        history: rows of the history so far.
        recent: losses since the last row.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)


def save(path: Path, network: nn.Module, optimizer: Optimizer, state: State) -> None:
    """Write a checkpoint over the previous one; a reader sees the one or the other, never half of one."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, memory in optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in memory.items()})
    write_atomic(path, pack(tensors, {"state": json.dumps(asdict(state))}))


def load(path: Path, network: nn.Module, optimizer: Optimizer) -> State:
    """Put network and optimiser back where they were; a fresh state where there is no checkpoint.

    Raises:
        StoreError: when the file is damaged, of another version, or of another network.
    """
    if not path.exists():
        return State()
    remedy = f"Delete {path.parent} to train from the beginning."
    tensors, metadata = unpack(path, remedy)
    put_weights(path, network, {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("n")}, remedy)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    memory: dict[int, dict[str, Tensor]] = {}
    for key in (key for key in tensors if key.startswith("optimizer.")):
        _, index, name = key.split(".")
        memory.setdefault(int(index), {})[name] = _laid_out_as(parameters[int(index)], tensors[key])
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
    return State(**json.loads(metadata["state"]))


def pack(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file with this store's format number in it."""
    return to_bytes({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, {"format": str(FORMAT), **metadata})


def unpack(path: Path, remedy: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file that `pack` made.

    Raises:
        StoreError: when the file is missing, damaged or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            check_format(path, metadata.get("format"), remedy)
            return {key: file.get_tensor(key) for key in file.keys()}, metadata  # noqa: SIM118 (not a mapping)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. {remedy}") from None
    except SafetensorError as error:
        size = path.stat().st_size
        raise StoreError(f"{path} is damaged: expected safetensors, found {size} bytes ({error}). {remedy}") from None


def put_weights(path: Path, network: nn.Module, weights: dict[str, Tensor], remedy: str) -> None:
    """Load weights into a network that must have exactly these.

    Raises:
        StoreError: naming what is missing, too much or of another shape.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise StoreError(f"{path} holds the weights of another network: {error} {remedy}") from None


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """The same numbers in the parameter's memory layout: vectorised sums may round differently in another one."""
    if value.shape != parameter.shape:
        return value
    laid_out: Any = torch.empty_like(parameter, dtype=value.dtype, memory_format=torch.preserve_format)
    return laid_out.copy_(value)
