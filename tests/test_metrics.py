"""The metrics against worked examples, pixel loops, scikit-learn and a sum over processes."""

import math
import multiprocessing
import socket
from pathlib import Path

import numpy as np
import pytest
import torch

from handseg_lib import metrics
from handseg_lib.metrics import BoundaryIoU, ConfusionMatrix, TrimapIoU, boundary

HANDS = ("background", "left hand", "right hand")


def random_pair(shape: tuple[int, ...], classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, shape)
    return np.where(rng.random(shape) < 0.7, truth, rng.integers(0, classes, shape)), truth


@pytest.fixture
def worked() -> ConfusionMatrix:
    """Ten pixels by hand: 6 background (one called left), 3 left (one missed, one called right), 1 right (found)."""
    truth = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 2]], np.uint8)
    prediction = np.array([[0, 0, 0, 0, 0], [1, 1, 0, 2, 2]], np.uint8)
    return ConfusionMatrix(HANDS).update(prediction, truth)


def test_worked_example_counts(worked: ConfusionMatrix) -> None:
    assert worked.counts.tolist() == [[5, 1, 0], [1, 1, 1], [0, 0, 1]]
    assert worked.counts.dtype == np.int64 and worked.total == 10 and worked.absent == ()


def test_worked_example_metrics(worked: ConfusionMatrix) -> None:
    assert worked.iou() == pytest.approx([5 / 7, 1 / 4, 1 / 2])
    assert worked.precision() == pytest.approx([5 / 6, 1 / 2, 1 / 2])
    assert worked.recall() == pytest.approx([5 / 6, 1 / 3, 1])
    assert worked.f1() == pytest.approx([10 / 12, 2 / 5, 2 / 3])
    assert worked.mean_iou_hands() == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert worked.mean_iu() == pytest.approx((5 / 7 + 1 / 4 + 1 / 2) / 3)
    assert worked.pixel_accuracy() == pytest.approx(0.7)
    assert worked.mean_accuracy() == pytest.approx((5 / 6 + 1 / 3 + 1) / 3)
    assert worked.frequency_weighted_iu() == pytest.approx(0.6 * 5 / 7 + 0.3 / 4 + 0.1 / 2)


def test_summary_and_per_class_agree_with_the_methods(worked: ConfusionMatrix) -> None:
    summary = worked.summary()
    assert next(iter(summary)) == "mean_iou_hands" and "mean_iou_hand_object" not in summary
    assert summary["frequency_weighted_iu"] == worked.frequency_weighted_iu()
    assert worked.per_class()["left hand"] == pytest.approx(
        {"iou": 1 / 4, "precision": 1 / 2, "recall": 1 / 3, "f1": 0.4}
    )
    assert set(summary) | set(worked.per_class()["left hand"]) <= set(metrics.DEFINITIONS)


def test_mean_iou_hand_object_leaves_the_background_out() -> None:
    counts = np.array([[90, 0, 0], [10, 30, 0], [0, 20, 20]], np.int64)
    matrix = ConfusionMatrix(("background", "hand", "object"), counts=counts)
    assert matrix.mean_iou_hand_object() == pytest.approx((30 / 60 + 20 / 40) / 2)
    assert matrix.mean_iou_hands() == pytest.approx(30 / 60)


def test_a_metric_whose_classes_do_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs the classes \('hand', 'object'\).*'left hand'"):
        ConfusionMatrix(HANDS).mean_iou_hand_object()
    with pytest.raises(ValueError, match=r"left hand.*there are"):
        ConfusionMatrix(("background", "object")).mean_iou_hands()


def test_absent_class_is_nan_and_listed_and_left_out_of_means() -> None:
    matrix = ConfusionMatrix(HANDS).update(np.array([0, 0, 2, 0]), np.array([0, 0, 2, 2]))
    assert matrix.absent == ("left hand",)
    for values in (matrix.iou(), matrix.precision(), matrix.recall(), matrix.f1()):
        assert math.isnan(values[1]) and not np.isnan(values[[0, 2]]).any()
    assert matrix.mean_iou_hands() == pytest.approx(1 / 2)
    assert matrix.mean_iu() == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert matrix.frequency_weighted_iu() == pytest.approx(0.5 * 2 / 3 + 0.5 / 2)


def test_a_class_only_predicted_scores_zero_and_has_no_recall() -> None:
    matrix = ConfusionMatrix(HANDS).update(np.array([0, 1]), np.array([0, 0]))
    assert matrix.absent == ("right hand",)
    assert matrix.iou()[1] == 0 and matrix.precision()[1] == 0 and math.isnan(matrix.recall()[1])


def test_an_empty_matrix_knows_nothing(recwarn: pytest.WarningsRecorder) -> None:
    matrix = ConfusionMatrix(HANDS).update(np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8))
    assert all(math.isnan(v) for v in matrix.summary().values())
    assert matrix.absent == HANDS and not recwarn.list


@pytest.mark.parametrize("seed", range(3))
def test_matches_a_pixel_loop(seed: int) -> None:
    prediction, truth = random_pair((2, 7, 9), seed=seed)
    counts = np.zeros((3, 3), np.int64)
    for p, t in zip(prediction.ravel(), truth.ravel(), strict=True):
        counts[t, p] += 1
    matrix = ConfusionMatrix(HANDS).update(prediction, truth)
    assert (matrix.counts == counts).all()
    for c in range(3):
        both = sum(int(p == c and t == c) for p, t in zip(prediction.flat, truth.flat, strict=True))
        either = sum(int(p == c or t == c) for p, t in zip(prediction.flat, truth.flat, strict=True))
        assert matrix.iou()[c] == pytest.approx(both / either)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize(("shape", "classes"), [((1, 5, 5), 2), ((4, 17, 31), 3), ((3, 640), 12)])
def test_matches_scikit_learn(dtype: torch.dtype, shape: tuple[int, ...], classes: int) -> None:
    from sklearn import metrics as sk  # here, because the processes below do not need it

    prediction, truth = (torch.from_numpy(x) for x in random_pair(shape, classes))
    ours = ConfusionMatrix([str(i) for i in range(classes)]).update(prediction.to(dtype), truth.to(dtype))
    pair = truth.numpy().ravel(), prediction.numpy().ravel()
    options = {"labels": range(classes), "average": None}
    assert (ours.counts == sk.confusion_matrix(*pair, labels=range(classes))).all()
    assert ours.iou() == pytest.approx(sk.jaccard_score(*pair, **options))
    assert ours.precision() == pytest.approx(sk.precision_score(*pair, **options))
    assert ours.recall() == pytest.approx(sk.recall_score(*pair, **options))
    assert ours.f1() == pytest.approx(sk.f1_score(*pair, **options))
    assert ours.pixel_accuracy() == pytest.approx(sk.accuracy_score(*pair))
    assert ours.mean_accuracy() == pytest.approx(sk.balanced_accuracy_score(*pair))
    assert ours.frequency_weighted_iu() == pytest.approx(sk.jaccard_score(*pair, average="weighted"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64])
def test_arrays_and_tensors_count_the_same(dtype: type) -> None:
    prediction, truth = random_pair((6, 8))
    from_arrays = ConfusionMatrix(HANDS).update(prediction.astype(dtype), truth.astype(dtype))
    assert from_arrays == ConfusionMatrix(HANDS).update(torch.from_numpy(prediction), torch.from_numpy(truth))


def test_counts_do_not_depend_on_the_batches() -> None:
    prediction, truth = random_pair((10, 6, 8))
    whole = ConfusionMatrix(HANDS).update(prediction, truth)
    parts = [
        ConfusionMatrix(HANDS).update(p, t)
        for p, t in zip(np.split(prediction, [3, 4]), np.split(truth, [3, 4]), strict=True)
    ]
    assert sum(parts, start=ConfusionMatrix(HANDS)) == whole
    assert parts[0].merge(parts[1]).merge(parts[2]) == whole


def test_adding_leaves_both_alone_and_refuses_other_classes() -> None:
    a, b = (ConfusionMatrix(HANDS).update(*random_pair((5,), seed=s)) for s in (1, 2))
    before = a.counts.copy()
    assert (a + b).total == 10 and (a.counts == before).all()
    with pytest.raises(ValueError, match="cannot add"):
        a + ConfusionMatrix(("background", "hand", "object"))


def test_ignored_truth_counts_nowhere_whatever_was_predicted() -> None:
    matrix = ConfusionMatrix(HANDS).update(np.array([0, 1, 200]), np.array([0, 255, 255], np.uint8))
    assert matrix.total == 1 and matrix.counts[0, 0] == 1


def test_coalesced_hands_forgive_a_swap(worked: ConfusionMatrix) -> None:
    joined = worked.coalesced({"left hand": "hand", "right hand": "hand"})
    assert joined.class_names == ("background", "hand")
    assert joined.counts.tolist() == [[5, 1], [1, 3]]
    prediction, truth = random_pair((50,))
    direct = ConfusionMatrix(("background", "hand")).update(np.minimum(prediction, 1), np.minimum(truth, 1))
    assert (
        ConfusionMatrix(HANDS).update(prediction, truth).coalesced({"left hand": "hand", "right hand": "hand"})
        == direct
    )
    with pytest.raises(ValueError, match="thumb"):
        worked.coalesced({"thumb": "hand"})


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2), np.float32), torch.zeros(2, 2), np.zeros((2, 2), bool), torch.zeros(2, 2).bool()]
)
def test_refuses_what_is_not_integer(bad: np.ndarray | torch.Tensor) -> None:
    good = np.zeros((2, 2), np.int64)
    with pytest.raises(TypeError, match=r"prediction is .*(float32|bool), shape \(2, 2\).*integer class ids"):
        ConfusionMatrix(HANDS).update(bad, good)
    with pytest.raises(TypeError, match="truth is"):
        ConfusionMatrix(HANDS).update(good, bad)


def test_refuses_other_shapes_and_values_and_counts_nothing_then() -> None:
    matrix = ConfusionMatrix(HANDS)
    with pytest.raises(ValueError, match=r"prediction is \(1, 4\) but truth is \(4,\)"):
        matrix.update(np.zeros((1, 4), int), np.zeros(4, int))
    with pytest.raises(ValueError, match="prediction holds 3, 255; class ids here are 0 to 2"):
        matrix.update(np.array([0, 3, 255]), np.zeros(3, int))
    with pytest.raises(ValueError, match=r"truth holds -1, 7; .* 255 in the truth is ignored"):
        matrix.update(np.zeros(3, int), np.array([7, -1, 255]))
    assert matrix.total == 0


def test_refuses_wrong_set_up() -> None:
    with pytest.raises(ValueError, match="must be different"):
        ConfusionMatrix(("hand", "hand"))
    with pytest.raises(ValueError, match="which is the class 'left hand'"):
        ConfusionMatrix(HANDS, ignore=1)
    with pytest.raises(ValueError, match=r"counts must be \(3, 3\) int64"):
        ConfusionMatrix(HANDS, counts=np.zeros((3, 3)))


def _count_a_share(rank: int, port: int, out: Path) -> None:
    """One of two processes: counts every other image, sums with the other process, writes what it has then."""
    import os

    from lightning_fabric import Fabric

    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= address | {"LOCAL_RANK": str(rank), "NODE_RANK": "0", "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    os.environ["TORCHELASTIC_RUN_ID"] = "test"
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    prediction, truth = random_pair((5, 6, 8))
    local = ConfusionMatrix(HANDS).update(prediction[rank::2], truth[rank::2])
    local.counts[0, 0] += 2**53  # beyond what float64 can count exactly
    np.save(out / f"{rank}.npy", local.sync(fabric).counts)


def test_two_processes_sum_to_what_one_counts(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lightning_fabric"])  # importing it takes longer than the test: once, not twice
    workers = [context.Process(target=_count_a_share, args=(rank, port, tmp_path)) for rank in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    expected = ConfusionMatrix(HANDS).update(*random_pair((5, 6, 8))).counts
    expected[0, 0] += 2**54
    assert all((np.load(tmp_path / f"{rank}.npy") == expected).all() for rank in (0, 1))


def test_parts_worked_example() -> None:
    """A hand of part 1 (25 pixels, 20 found), part 2 (20 pixels, all found) and part 3 (19 pixels: too few)."""
    truth, prediction = np.zeros((2, 10, 10), np.uint8), np.zeros((2, 10, 10), np.uint8)
    truth[0].flat[:25], truth[0].flat[25:45], truth[0].flat[45:64] = 1, 2, 3
    prediction[0].flat[5:25], prediction[0].flat[25:45], prediction[0].flat[45:50] = 1, 2, 2
    per_hand = metrics.iou_parts(prediction, truth, classes=4)
    assert per_hand[0] == pytest.approx((20 / 25 + 20 / 25) / 2)
    assert math.isnan(per_hand[1])  # an image without this hand
    assert metrics.mean_iou_parts(per_hand) == pytest.approx(0.8)


def test_parts_average_over_hands_and_not_over_pixels() -> None:
    truth = np.ones((1, 2, 10, 10), np.int64)
    prediction = truth.copy()
    truth[0, 1, 2:] = 0  # a small hand of 20 pixels, of which half is found among 80 false ones
    prediction[0, 1, 0] = 0
    per_hand = metrics.iou_parts(prediction, truth, classes=2)
    assert per_hand.shape == (1, 2) and per_hand[0] == pytest.approx([1, 10 / 100])
    assert metrics.mean_iou_parts(per_hand) == pytest.approx(0.55)
    with pytest.raises(ValueError, match=r"prediction \(1, 2, 10, 10\) and truth \(2, 10, 10\)"):
        metrics.iou_parts(prediction, truth[0])


def _near(mask: np.ndarray, distance: int) -> np.ndarray:
    """Pixels of the mask with anything else (or the outside of the image) within `distance`; a slow loop."""
    height, width = mask.shape
    band = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        ys, xs = range(y - distance, y + distance + 1), range(x - distance, x + distance + 1)
        band[y, x] = any(not (0 <= v < height and 0 <= u < width and mask[v, u]) for v in ys for u in xs)
    return band


def test_boundary_iou_matches_its_definition() -> None:
    rng = np.random.default_rng(3)
    blobs = np.kron(rng.integers(0, 3, (4, 5)), np.ones((8, 8), int))
    truth, prediction = blobs, np.roll(blobs, (1, 2), (0, 1))
    distance = round(0.05 * math.hypot(32, 40))
    expected = []
    for c in range(3):
        p, t = _near(prediction == c, distance), _near(truth == c, distance)
        expected.append((p & t).sum() / (p | t).sum())
    assert metrics.boundary_iou(prediction, truth, HANDS, dilation_ratio=0.05) == pytest.approx(expected)


def test_boundary_iou_sees_what_iou_does_not() -> None:
    """A hole in the middle of a large square leaves its outline as good as it was; a shifted square does not."""
    truth = np.zeros((100, 100), np.uint8)
    truth[20:80, 20:80] = 1
    names = ("background", "hand")
    assert metrics.boundary_iou(truth, truth, names) == pytest.approx([1, 1])
    shifted = np.roll(truth, 3, 1)
    plain = ConfusionMatrix(names).update(shifted, truth).iou()[1]
    assert metrics.boundary_iou(shifted, truth, names)[1] < 0.6 < 0.9 < plain
    half_image = BoundaryIoU(names, dilation_ratio=0.5).update(shifted, truth).iou()[1]
    assert half_image == pytest.approx(plain)  # a band as wide as the mask is the mask


def test_boundary_iou_sums_over_the_set() -> None:
    pairs = [random_pair((12, 9), seed=s) for s in range(3)]
    total = BoundaryIoU(HANDS)
    for p, t in pairs:
        total.update(p, t)
    single = [BoundaryIoU(HANDS).update(p, t) for p, t in pairs]
    assert (total.intersection == sum(s.intersection for s in single)).all()
    assert math.isnan(BoundaryIoU(("a", "b")).update(np.zeros((4, 4), int), np.zeros((4, 4), int)).iou()[1])


@pytest.mark.parametrize("width", [1, 3])
def test_trimap_band_matches_a_pixel_loop(width: int) -> None:
    labels = np.kron(np.random.default_rng(1).integers(0, 3, (3, 4)), np.ones((7, 7), int))
    labels[10:12] = 255
    band = metrics.trimap_band(labels, width)
    for y, x in np.ndindex(labels.shape):
        around = labels[max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1]
        expected = labels[y, x] != 255 and len(set(around.ravel().tolist()) - {255}) > 1
        assert band[y, x] == expected


def test_trimap_iou_approaches_iou_as_the_band_widens() -> None:
    truth = np.zeros((40, 40), np.uint8)
    truth[10:30, 10:30] = 1
    prediction = np.roll(truth, 2, 1)
    names = ("background", "hand")
    values = metrics.trimap_iou(prediction, truth, names, widths=(1, 3, 8, 40))[:, 1]
    assert (np.diff(values) > 0).all()
    assert values[-1] == pytest.approx(ConfusionMatrix(names).update(prediction, truth).iou()[1])
    # Within 1 pixel of the outline: 20 x 20 less 18 x 18 true ones, of which the left column (20) and the second
    # column's ends (2) are missed; the first column outside to the right, without its corners' two, is found in error.
    assert values[0] == pytest.approx((76 - 22) / (76 + 20))


def test_boundary_metrics_take_single_images_of_known_classes() -> None:
    stack = np.zeros((2, 4, 4), int)
    for metric in (BoundaryIoU(HANDS), TrimapIoU(HANDS)):
        with pytest.raises(ValueError, match="one \\(H, W\\) image"):
            metric.update(stack, stack)
        with pytest.raises(ValueError, match="holds 5"):
            metric.update(stack[0] + 5, stack[0])
        with pytest.raises(TypeError, match="integer"):
            metric.update(stack[0] * 0.5, stack[0])
    with pytest.raises(ValueError, match="dilation_ratio"):
        BoundaryIoU(HANDS, dilation_ratio=2)
    with pytest.raises(ValueError, match="widths"):
        TrimapIoU(HANDS, widths=(0, 1))


def test_counts_near_outlines_add_up_to_the_metrics_of_a_set() -> None:
    rng = np.random.default_rng(5)
    names, widths = ("background", "hand", "object"), (1, 3)
    pairs = [(rng.integers(0, 3, (20, 30)), np.repeat(rng.integers(0, 3, (4, 30)), 5, 0)) for _ in range(3)]
    outlines = np.stack([boundary.outline_counts(p, t, names, widths) for p, t in pairs])
    assert outlines.shape == (3, boundary.outline_columns(3, widths)) and outlines.dtype == np.int64
    near, bands = metrics.BoundaryIoU(names), metrics.TrimapIoU(names, widths)
    for p, t in pairs:
        near.update(p, t)
        bands.update(p, t)
    common, either = boundary.boundary_of(outlines, 3).sum(0).T
    assert (common / either == near.iou()).all()
    counted = boundary.trimap_of(outlines, 3, widths)
    assert all((counted[w].sum(0) == matrix.counts).all() for w, matrix in bands.matrices.items())
    assert boundary.outline_columns(3, ()) == 0
