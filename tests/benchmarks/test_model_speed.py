"""Time of every network beside DeepLabv3+: `pytest tests/benchmarks --benchmark-enable -s` (else each is called once).

One frame of 640x480 at a time, as in Table 2 of DenseAttentionSeg, whose own ratio is 53.7 / 47.8 = 1.12. The networks
take turns (`handseg_lib.latency`), so that whatever else the machine does meets all of them; each is at the size that
its paper gives, once as it is and once made fast (`handseg_lib.fast`). The forest, which is no network, has a benchmark
of its own.
"""

import pytest
import torch
from torch import nn

from handseg_lib.fast import difference, faster
from handseg_lib.latency import in_turns
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


def test_every_network_beside_deeplab(benchmark, one_thread, capsys):
    """Ratios are of medians over all turns, plain networks to plain DeepLabv3+ and fast ones to fast DeepLabv3+."""
    # Called once without a benchmark, only whether it runs matters.
    models, size = (networks(width=2), (48, 64)) if benchmark.disabled else (networks(), (480, 640))
    x = torch.randn(1, 2, *size, device=DEVICE)
    fast = {name: faster(model, x) for name, model in models.items()}
    with torch.inference_mode():
        for name, model in models.items():
            assert fast[name](x).shape == (1, 3, *size) and difference(fast[name](x), model(x)) < 1e-3
    both = models | {f"{name} fast": model for name, model in fast.items()}
    turns = 1 if benchmark.disabled else 100 if DEVICE == "cuda" else 5
    times = benchmark.pedantic(lambda: in_turns(both, x, turns, blocks=1), rounds=1)
    median = times.groupby("method")["ms"].median().to_dict()
    plain = {name: median[name] / median[BASELINE] for name in models}
    quick = {name: median[f"{name} fast"] / median[f"{BASELINE} fast"] for name in models}
    saved = {name: median[f"{name} fast"] / median[name] for name in models}
    benchmark.extra_info.update(device=DEVICE, milliseconds=median, plain=plain, fast=quick, fast_over_plain=saved)
    if benchmark.disabled:
        return
    with capsys.disabled():
        print(f"\n{'on one ' + DEVICE:18}{'ms':>10}{'ratio':>8}{'fast ms':>10}{'ratio':>8}{'fast/plain':>12}")
        for name in sorted(models, key=median.get):
            print(
                f"{name:18}{median[name]:10.1f}{plain[name]:8.2f}{median[f'{name} fast']:10.1f}{quick[name]:8.2f}"
                f"{saved[name]:12.2f}"
            )
    assert plain["dense_attention"] <= PAPERS_RATIO
    assert quick["dense_attention"] <= PAPERS_RATIO
