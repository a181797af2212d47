"""Time of the random forest on one core: `pytest tests/benchmarks --benchmark-enable` (else each is called once)."""

import numpy as np
import pytest
import torch

from handseg_lib.data.transforms import depth_input
from handseg_lib.models import Forest
from handseg_lib.models.depth_features import NEAR, fast_depth_features, sample_offsets
from handseg_lib.models.forest import metres

pytest.importorskip("pytest_benchmark")


@pytest.fixture
def one_thread():
    """torch on one thread for the while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def frame(height: int, width: int) -> torch.Tensor:
    """(1, 2, H, W): a person-like bump before nothing, so that 30% of the pixels have a reading, as in HandSeg."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    depth = 0.7 + 0.3 * np.cos(9 * x) * np.sin(7 * y) + np.random.default_rng(0).normal(0, 0.003, x.shape)
    return depth_input(np.where((x / 0.55) ** 2 + (y / 0.7) ** 2 < 1, depth, 0).astype(np.float32))[None]


def full_trees(depth: int, leaves: int) -> Forest:
    """3 trees of random questions, `leaves` in each: halved evenly down to 12 questions, uneven below."""
    rng, forest = np.random.default_rng(1), Forest(depth=depth)
    branches, roots = [], []
    for _ in range(3):
        start, level = len(branches), [0]
        roots.append(start)
        branches.append(0)
        steps = {0: 0}
        while len(branches) - start < 2 * leaves - 1 and level:
            node = level.pop(0)
            if steps[node] < depth:
                first = len(branches) - start
                branches[start + node] = start + first
                branches += [0, 0]
                steps[first] = steps[first + 1] = steps[node] + 1
                level += [first, first + 1]
    n = len(branches)
    forest.plant(
        np.array(roots, np.int32),
        sample_offsets(n, 200.0, rng),
        rng.normal(0, 0.05, n).astype(np.float32),
        np.array(branches, np.int32),
        rng.dirichlet((1, 1, 1), n).astype(np.float32),
    )
    return forest.eval()


@pytest.mark.parametrize(("height", "width", "limit"), [(240, 320, 0.010), (480, 640, 0.040)])
def test_whole_frame(benchmark, one_thread, height, width, limit):
    """The aim is 10 ms for 320x240 on one core."""
    forest, x = full_trees(22, 10_000), frame(height, width)
    assert 0.25 < x[0, 1].mean() < 0.35
    with torch.inference_mode():
        scores = benchmark(forest, x)
    assert scores.shape == (1, 3, height, width)
    if not benchmark.disabled:
        assert benchmark.stats["median"] < limit


def test_dense_features(benchmark):
    """What growing costs: 300 candidate features of 2,000 pixels."""
    depth = metres(frame(240, 320))[0].numpy()
    rows, columns = (a[:2000] for a in np.nonzero(depth > NEAR))
    found = benchmark(fast_depth_features, depth, rows, columns, sample_offsets(300, 200.0, np.random.default_rng(0)))
    assert found.shape == (2000, 300)
    if not benchmark.disabled:
        assert benchmark.stats["median"] < 0.05
