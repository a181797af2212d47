"""How long networks take for a frame, side by side: they take turns, so that what else the machine does meets all.

A single time means little: processors slow down when warm, and other programs come and go. Compared is therefore the
ratio of two networks in the same turn. Blocks of turns stand where seeds stand elsewhere, which gives a ratio an
interval (`report.claims.compare`).
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from handseg_lib.errors import ParameterError

Network = Callable[[Tensor], Tensor]
"""Anything that takes a batch and returns scores: a module in evaluation mode, or one that was compiled."""


def in_turns(
    networks: Mapping[str, Network], x: Tensor, turns: int, blocks: int = 3, warm_up: int = 1, seed: int = 0
) -> pd.DataFrame:
    """Time networks on one input, in turns.

    Within a turn each network runs once, in an order that is drawn anew for every turn, so that none always follows
    the same one. Nothing is recorded for gradients.

    Args:
        networks: name -> network, ready to predict, on the device of `x`.
        x: (N, C, H, W) input, N = 1 for the time of one frame.
        turns: turns in a block.
        blocks: blocks of turns.
        warm_up: passes of each network before the first turn; they allocate and compile and are not counted.
        seed: of the order.

    Returns:
        One row a pass: `block`, `turn` (within the block), `method` (the network's name), `ms` (milliseconds).

    Raises:
        ParameterError: without networks, or with fewer than 1 turn or block.
    """
    if not networks or min(turns, blocks) < 1:
        raise ParameterError(
            f"timing needs networks, turns and blocks; got {len(networks)} networks, {turns=}, {blocks=}. Expected 1 "
            "or more of each."
        )
    names, rng, rows = list(networks), np.random.default_rng(seed), []
    with torch.inference_mode():
        for network in networks.values():
            for _ in range(warm_up):
                network(x)
        for block in range(blocks):
            for turn in range(turns):
                for k in rng.permutation(len(names)):
                    ms = 1000 * seconds(networks[names[k]], x)
                    rows.append({"block": block, "turn": turn, "method": names[k], "ms": ms})
    return pd.DataFrame(rows)


def seconds(network: Network, x: Tensor) -> float:
    """Duration of one pass of (N, C, H, W); a GPU is waited for, before and after."""
    _wait(x)
    started = time.perf_counter()
    network(x)
    _wait(x)
    return time.perf_counter() - started


def relative(times: pd.DataFrame, to: str) -> pd.DataFrame:
    """Times of all networks over that of one of them in the same turn.

    Args:
        times: from `in_turns`.
        to: the network in the denominator.

    Returns:
        One row a (block, turn), one column a network, by name.

    Raises:
        ParameterError: if that network was not timed.
    """
    wide = times.pivot(index=["block", "turn"], columns="method", values="ms")
    if to not in wide:
        raise ParameterError(f"no times of {to!r}; there are those of {', '.join(map(str, wide))}")
    return wide.div(wide[to], axis=0)


def log_ratios(times: pd.DataFrame, of: str, to: str) -> list[NDArray[np.float64]]:
    """Logarithms of the time of one network over another's, as `report.claims.compare` takes them.

    Args:
        times: from `in_turns`.
        of, to: networks; the effect is positive where `of` takes longer.

    Returns:
        One (turns,) float64 array a block; blocks stand for seeds, turns for frames.

    Raises:
        ParameterError: if one of them was not timed.
    """
    ratios = relative(times, to)
    if of not in ratios:
        raise ParameterError(f"no times of {of!r}; there are those of {', '.join(map(str, ratios))}")
    return list(np.log(ratios[of]).unstack("turn").to_numpy())


def _wait(x: Tensor) -> None:
    """Until the device of `x` has done what it was told."""
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
