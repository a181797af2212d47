"""The forest as a network: by hand, against NumPy and scikit-learn, on tensors, in files."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier

from handseg_lib.data.transforms import DEPTH_CENTRE, DEPTH_LIMIT, DEPTH_SCALE, depth_input
from handseg_lib.models import Forest, create
from handseg_lib.models.depth_features import depth_features, sample_offsets
from handseg_lib.models.forest import CENTRE, FLOOR, SCALE, metres, walk
from handseg_lib.train.fit_forest import plant


def frame(seed: int, size: tuple[int, int] = (36, 48)) -> np.ndarray:
    """A wavy depth image with holes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]] / 6
    depth = 0.9 + 0.4 * np.sin(y + rng.uniform(0, 6)) * np.cos(x + rng.uniform(0, 6))
    depth = (depth + rng.normal(0, 0.02, size)).astype(np.float32)
    depth[rng.random(size) < 0.1] = 0
    return depth


def seen(depth: np.ndarray) -> np.ndarray:
    """The depth that is left of a frame after it was scaled for a network."""
    return metres(depth_input(depth)[None])[0].numpy()


@pytest.fixture(scope="module")
def grown():
    """(forest, scikit-learn's trees, offsets) that learnt noise, so that the trees are deep."""
    offsets = sample_offsets(30, 150.0, np.random.default_rng(0))
    depth = seen(frame(0))
    rows, columns = np.nonzero(depth)
    labels = np.random.default_rng(1).integers(0, 3, len(rows))
    trees = ExtraTreesClassifier(3, max_depth=22, random_state=0).fit(
        depth_features(depth, rows, columns, offsets), labels
    )
    forest = Forest(offsets=30)
    plant(forest, trees.estimators_, trees.classes_, offsets)
    return forest.eval(), trees, offsets


def test_scaling_is_that_of_the_data():
    assert (CENTRE, SCALE) == (DEPTH_CENTRE, DEPTH_SCALE)
    depth = torch.tensor([[0.0, 0.2, 0.85, 2.0, 9.0]])
    expected = torch.tensor([[[0.0, 0.2, 0.85, 2.0, DEPTH_CENTRE + DEPTH_LIMIT * DEPTH_SCALE]]])
    torch.testing.assert_close(metres(depth_input(depth)[None]), expected)


def test_worked_example():
    """One tree with one question: is it more than 0.1 m farther 10 m px to the right?"""
    forest = Forest(trees=1, classes=2)
    forest.plant(
        np.array([0], np.int32),
        np.array([[0, 10, 0, 0], [0] * 4, [0] * 4], np.float32),
        np.array([0.1, 0, 0], np.float32),
        np.array([1, 0, 0], np.int32),
        np.array([[0.5, 0.5], [0.75, 0.25], [0, 1]], np.float32),
    )
    depth = np.array([[0.5] * 3 + [0.7] * 3 + [0.0]], np.float32).repeat(64, axis=1)  # (1, 448): as if 640 wide / 1.43
    p = forest(depth_input(depth)[None]).exp()[0, :, 0]  # (2, 448)
    pixels = 10 * 448 / 640 / 0.5  # 14 to the right of the near part
    assert (p[1] == 1).nonzero().min() == 192 - pixels and p[1, 191] == 1 and p[1, 192] == 0.25
    assert p[1, 383] == 1  # beside the part without readings it is far behind
    assert p[0, -1] == 1 and p[1, -1].item() == pytest.approx(FLOOR)  # no reading: background


def test_walks_as_scikit_learn_does(grown):
    forest, trees, offsets = grown
    for seed in range(3):
        depth = seen(frame(seed))
        rows, columns = np.nonzero(depth)
        dense = depth_features(depth, rows, columns, offsets)
        p = forest(depth_input(frame(seed))[None])[0].exp().numpy()[:, rows, columns].T
        np.testing.assert_allclose(p, np.maximum(trees.predict_proba(dense), FLOOR), rtol=1e-5)
        leaves = forest.leaves(torch.from_numpy(depth)).numpy()[:, rows, columns]
        theirs = trees.apply(dense)  # other numbers for the same leaves
        for mine, other in zip(leaves, theirs.T, strict=True):
            assert len(set(zip(mine, other, strict=True))) == len(set(mine)) == len(set(other))


def test_labels_are_those_of_a_plain_walk(grown):
    """Independent: dense features of the reference, one pixel at a time through the buffers."""
    forest, _, offsets = grown
    depth = seen(frame(5))
    rows, columns = (a[::7] for a in np.nonzero(depth))
    dense = depth_features(depth, rows, columns, offsets)
    column_of = {tuple(pair): f for f, pair in enumerate(offsets.tolist())}
    labels = forest(depth_input(frame(5))[None])[0].argmax(dim=0).numpy()
    for pixel, (row, column) in enumerate(zip(rows, columns, strict=True)):
        votes = np.zeros(3, np.float32)
        for node in forest.roots.tolist():
            while child := int(forest.branches[node]):
                feature = dense[pixel, column_of[tuple(forest.offsets[node].tolist())]]
                node = child + int(feature > forest.thresholds[node].item())
            votes += forest.histograms[node].numpy()
        assert votes.argmax() == labels[row, column] or votes[labels[row, column]] == pytest.approx(votes.max())


@pytest.mark.parametrize("limit", [0, 1, 4, 22])
def test_tensors_walk_to_the_same_leaves(grown, limit):
    forest, *_ = grown
    for size in ((36, 48), (17, 31), (1, 1)):
        depth = torch.from_numpy(seen(frame(3, size)))
        arrays = forest.roots, forest.offsets, forest.thresholds, forest.branches
        assert torch.equal(walk(depth, *arrays, limit), forest.leaves(depth, limit))


def test_cut_off_trees_answer_with_inner_nodes(grown):
    forest, *_ = grown
    x = depth_input(frame(0))[None]
    root = forest.histograms[forest.roots.long()].mean(dim=0)
    read = x[0, 1] > 0
    torch.testing.assert_close(forest(x, depth=0)[0][:, read].exp(), root[:, None].expand(-1, int(read.sum())))
    assert torch.equal(forest(x, depth=22), forest(x)) and not torch.equal(forest(x, depth=5), forest(x))
    mean = sum(forest.histograms[leaves.clamp_min(0)] for leaves in forest.leaves(metres(x)[0], trees=2)) / 2
    torch.testing.assert_close(forest(x, trees=2)[0][:, read].exp(), mean[read].T.clamp_min(FLOOR))


def test_frames_of_a_batch_do_not_know_of_each_other(grown):
    forest, *_ = grown
    x = torch.stack([depth_input(frame(seed)) for seed in range(3)])
    assert torch.equal(forest(x), torch.cat([forest(one[None]) for one in x]))


def test_a_forest_survives_its_file(grown, tmp_path):
    from handseg_lib.train import checkpoint

    forest, *_ = grown
    path = tmp_path / "model.safetensors"
    path.write_bytes(checkpoint.pack(forest.state_dict(), {}))
    again = create("forest", offsets=30)
    checkpoint.put_weights(path, again, checkpoint.unpack(path, "")[0], "")
    x = depth_input(frame(1))[None]
    assert torch.equal(again.eval()(x), forest(x))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("branches", torch.zeros(7, dtype=torch.int32), r"roots|offsets are .*expected \(7, 4\)"),
        ("roots", torch.tensor([0, 1], dtype=torch.int32), r"roots are \(2,\), expected \(3,\)"),
        ("roots", torch.tensor([0, 1, 10**6], dtype=torch.int32), "roots must be nodes"),
        ("thresholds", None, "thresholds"),
    ],
)
def test_files_of_other_forests_are_refused(grown, name, value, message):
    state = dict(grown[0].state_dict())
    state.pop(name) if value is None else state.update({name: value})
    with pytest.raises(RuntimeError, match=message):
        Forest().load_state_dict(state)


def test_walks_that_would_not_end_are_refused(grown):
    state = {key: value.clone() for key, value in grown[0].state_dict().items()}
    state["branches"][1] = 1
    with pytest.raises(RuntimeError, match="children must come after their parent"):
        Forest().load_state_dict(state)


def test_bad_input(grown):
    with pytest.raises(ValueError, match="2 channels; got in_channels=3"):
        Forest(in_channels=3)
    with pytest.raises(ValueError, match="got depth=0"):
        Forest(depth=0)
    with pytest.raises(ValueError, match=r"expected \(N, 2, H, W\) scaled depth and validity, got \(2, 4, 4\)"):
        grown[0](torch.zeros(2, 4, 4))
    odd = torch.full((1, 2, 4, 4), torch.nan)
    odd[0, 0, 0, 0], odd[0, 1] = -1.5, 1  # behind the camera
    assert (grown[0](odd).argmax(dim=1) == 0).all()
