"""Time of every network beside DeepLabv3+: `pytest tests/benchmarks --benchmark-enable -s` (else each is called once).

One frame of 640x480 at a time, as in Table 2 of DenseAttentionSeg, whose own ratio is 53.7 / 47.8 = 1.12. The networks
take turns, so that whatever else the machine does meets all of them; each is at the size that its paper gives.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from handseg_lib.models import MODELS, create

pytest.importorskip("pytest_benchmark")

BASELINE = "deeplabv3plus"
PAPERS_RATIO = 1.12
"""DenseAttentionSeg to DeepLabv3+ in the paper."""

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture
def one_thread():
    """torch on one thread for the while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def networks(**options: object) -> dict[str, nn.Module]:
    """Every network of the registry for depth and three classes, ready to predict; forests are no networks."""
    names = [name for name in MODELS if name != "forest"]
    torch.manual_seed(0)
    return {name: create(name, in_channels=2, classes=3, **options).eval().to(DEVICE) for name in names}


def seconds(network: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> float:
    """Time of one prediction, until the device has finished it."""
    if x.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    scores = network(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    assert scores.shape == (1, 3, *x.shape[2:])
    return time.perf_counter() - start


def test_every_network_beside_deeplab(benchmark, one_thread, capsys):
    """A round is one frame through each of them; the ratio is of medians."""
    # Called once without a benchmark, only whether it runs matters.
    models, x = (networks(width=2), (48, 64)) if benchmark.disabled else (networks(), (480, 640))
    frame, took = torch.randn(1, 2, *x, device=DEVICE), {name: [] for name in models}

    def one_round():
        for name, network in models.items():
            took[name].append(seconds(network, frame))

    rounds = 1 if benchmark.disabled else 100 if DEVICE == "cuda" else 5
    with torch.inference_mode():
        benchmark.pedantic(one_round, rounds=rounds, warmup_rounds=0 if benchmark.disabled else 1)
    median = {name: float(np.median(times[-rounds:])) for name, times in took.items()}
    ratio = {name: value / median[BASELINE] for name, value in median.items()}
    benchmark.extra_info.update(device=DEVICE, milliseconds={n: 1e3 * s for n, s in median.items()}, ratio=ratio)
    with capsys.disabled():
        if not benchmark.disabled:
            print(f"\n{'network':18}{'ms':>10}{'ratio':>8}   on one {DEVICE}")
            for name in sorted(median, key=median.get):
                print(f"{name:18}{1e3 * median[name]:10.1f}{ratio[name]:8.2f}")
    if not benchmark.disabled:
        assert ratio["dense_attention"] <= PAPERS_RATIO
