"""Measuring: exact counts at full size, the same for any number of processes."""

import socket

import numpy as np
import pytest
import tiny_runs
import torch
from torch import Tensor, nn

from handseg_lib.data import LABEL_MAPS, Label, Sample
from handseg_lib.data.torch_data import SegmentationData
from handseg_lib.data.transforms import DEPTH_CENTRE, DEPTH_SCALE
from handseg_lib.errors import RunError
from handseg_lib.metrics import ConfusionMatrix
from handseg_lib.train import device
from handseg_lib.train.evaluate import evaluate, inference, joined_classes, predict, validate
from handseg_lib.train.registry import Data, Evaluation
from handseg_lib.train.store import Entry

FULL, HALF = (24, 32), (12, 16)


class Oracle(nn.Module):
    """Knows the depth of the squares: left at 0.5 m, right at 0.7 m; confused, it takes left for right."""

    def __init__(self, confused: bool = False) -> None:
        super().__init__()
        self.order = (tiny_runs.RIGHT, tiny_runs.LEFT) if confused else (tiny_runs.LEFT, tiny_runs.RIGHT)
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(tuple(x.shape))
        z = x[:, 0] * DEPTH_SCALE + DEPTH_CENTRE
        hands = [((z - at).abs() < 0.05) & (x[:, 1] > 0) for at in self.order]
        return 20 * torch.stack([~(hands[0] | hands[1]), *hands], dim=1).float()


@pytest.fixture(scope="module")
def fabric():
    return device.start("32-true")


def squares(count: int = 7) -> tiny_runs.Squares:
    return tiny_runs.Squares("test", count)


def plan(**changes: object) -> Evaluation:
    return Evaluation(**{"name": "t", "data": Data(source="squares"), "label_map": "left_right", **changes})


def test_a_perfect_network_at_full_size_scores_1(fabric):
    measured = evaluate(Oracle(), squares(), plan(), "left_right", FULL, fabric)
    assert measured.metrics["mean_iou_hands"] == 1
    assert measured.counts.sum() == 7 * 24 * 32
    assert measured.frames == tuple(f"squares/test/{i}" for i in range(7))


def test_confusing_the_hands_shows_in_the_counts_and_vanishes_when_hands_are_joined(fabric):
    apart = evaluate(Oracle(confused=True), squares(), plan(), "left_right", FULL, fabric)
    assert apart.metrics["iou left hand"] < 0.1
    joined = evaluate(Oracle(confused=True), squares(), plan(label_map="hand"), "left_right", FULL, fabric)
    assert joined.metrics["iou hand"] == 1


def test_counts_are_those_of_an_independent_count(fabric):
    measured = evaluate(Oracle(), squares(), plan(keep=7), "left_right", HALF, fabric)
    expected = np.zeros((7, 3, 3), np.int64)
    for i, frame in enumerate(squares()):
        predicted = measured.predictions[frame.id]
        true = np.where(frame.depth > 0, frame.labels, 0)
        np.add.at(expected[i], (true.ravel(), predicted.ravel()), 1)
    assert (measured.counts == expected).all()
    assert measured.confusion == ConfusionMatrix(measured.class_names, counts=expected.sum(0))


def test_per_frame_metrics_are_those_of_each_frame_alone(fabric):
    measured = evaluate(Oracle(), squares(), plan(), "left_right", HALF, fabric)
    table = measured.per_frame
    alone = [ConfusionMatrix(measured.class_names, counts=counts).mean_iou_hands() for counts in measured.counts]
    assert table["mean_iou_hands"].tolist() == alone
    assert table["frame"].tolist() == list(measured.frames)


def test_frames_go_through_the_network_one_at_a_time_at_its_size(fabric):
    oracle = Oracle()
    evaluate(oracle, squares(3), plan(), "left_right", HALF, fabric)
    assert oracle.sizes == [(1, 2, 12, 16)] * 3


def test_depth_guides_scores_to_sharper_edges_than_interpolation(fabric):
    scores = {
        how: evaluate(Oracle(), squares(), plan(upsampling=how), "left_right", HALF, fabric).metrics["mean_iou_hands"]
        for how in ("bilinear", "guided")
    }
    assert scores["guided"] > scores["bilinear"] + 0.05


def test_where_there_is_no_reading_the_prediction_is_background(fabric):
    class AlwaysLeft(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tensor([0.0, 9, 0]).reshape(1, 3, 1, 1).expand(1, 3, *x.shape[2:])

    frame = squares()[0]
    for how in ("bilinear", "guided"):
        predicted = predict(AlwaysLeft(), frame, torch.eye(3), HALF, plan(upsampling=how))
        assert (predicted == (frame.depth > 0)).all()


def test_truth_without_a_reading_counts_as_drawn_only_when_asked(fabric):
    drawn = evaluate(Oracle(), squares(), plan(only_measured=False), "left_right", FULL, fabric)
    expected = sum(int(((f.labels > 0) & (f.depth == 0)).sum()) for f in squares())
    assert expected > 0
    assert drawn.confusion.counts[1:, 0].sum() == expected


def test_only_the_first_frames_are_kept(fabric):
    measured = evaluate(Oracle(), squares(), plan(keep=2), "left_right", HALF, fabric)
    assert list(measured.predictions) == ["squares/test/0", "squares/test/1"]
    assert all(p.dtype == np.uint8 and p.shape == FULL for p in measured.predictions.values())


def test_classes_join_as_the_vocabulary_says():
    joining = joined_classes(LABEL_MAPS["left_right_arm"], LABEL_MAPS["hand"])
    assert joining.tolist() == [[1, 0, 0, 1], [0, 1, 1, 0]]


def test_classes_that_cannot_be_told_apart_are_refused():
    with pytest.raises(RunError, match=r"'hand' cannot be measured on 'left_right': its class 'hand' is part of left"):
        joined_classes(LABEL_MAPS["hand"], LABEL_MAPS["left_right"])


def test_validation_counts_at_the_networks_own_size(fabric):
    data = SegmentationData(squares(), LABEL_MAPS["left_right"], HALF)
    assert validate(Oracle(), data, fabric) == 1
    assert validate(Oracle(confused=True), data, fabric) == 0


def test_measuring_leaves_the_networks_mode_as_it_was():
    network = nn.Dropout()
    with inference(network):
        assert not network.training
        assert torch.is_inference_mode_enabled()
    assert network.training


def environment(rank: int, port: int) -> dict[str, str]:
    """What `torchrun --nproc-per-node 2` tells its processes."""
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
    }


def test_two_processes_count_exactly_what_one_counts(tmp_path, fabric, monkeypatch):
    """Trained and measured by two gloo processes on an odd number of frames, then measured again by one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pair = [tiny_runs.apart(tmp_path, devices=2, environment=environment(rank, port)) for rank in range(2)]
    for process in pair:
        process.join(timeout=120)
    assert [process.exitcode for process in pair] == [0, 0]

    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path))
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)
    config = tiny_runs.config()
    data = {"train": tiny_runs.Squares("train", 20).fingerprint, "validation": tiny_runs.Squares("val", 3).fingerprint}
    entry = Entry(config, 0, data)
    shared = entry.load_test(config.tests[0], squares().fingerprint)
    alone = evaluate(entry.load_network(), squares(), config.tests[0], "left_right", config.input_size, fabric)
    assert entry.load_training()[1]["processes"] == 2
    assert shared.frames == alone.frames
    assert (shared.counts == alone.counts).all()
    assert shared.counts.sum() == 7 * 24 * 32
    assert shared.predictions.keys() == alone.predictions.keys()
    assert all((shared.predictions[key] == alone.predictions[key]).all() for key in alone.predictions)
    assert len((tmp_path / "trainings").read_text().splitlines()) == 2  # both took part in one training


class RedIsHand(nn.Module):
    """Knows a hand by its red, and notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(tuple(x.shape))
        return torch.stack([-x[:, 0], x[:, 0]], dim=1) * 20


class Photographs:
    """A tall and a wide picture with a red hand; labels of hands without sides."""

    fingerprint = "photographs"
    label_maps = ("hand",)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        rgb = np.zeros(((60, 40), (40, 90))[index] + (3,), np.uint8)
        rgb[8:24, 10:26, 0] = 255
        return Sample(f"p{index}", np.where(rgb[..., 0], Label.RIGHT_HAND, 0).astype(np.uint8), rgb=rgb)


def colour_plan(label_map: str = "hand") -> Evaluation:
    data = Data(source="hgr", inputs="rgb")
    return Evaluation(name="p", data=data, label_map=label_map, upsampling="bilinear", only_measured=False)


def test_photographs_keep_their_shape_and_are_counted_at_their_own_size(fabric):
    network = RedIsHand()
    measured = evaluate(network, Photographs(), colour_plan(), "hand", (24, 32), fabric)
    assert [p.shape for p in measured.predictions.values()] == [(60, 40), (40, 90)]
    assert measured.counts.sum() == 60 * 40 + 40 * 90
    for (_, channels, h, w), shape in zip(network.sizes, ((60, 40), (40, 90)), strict=True):
        assert channels == 3 and abs(h * w - 24 * 32) < 40 and abs(w / h - shape[1] / shape[0]) < 0.1
    assert measured.metrics["iou hand"] > 0.8


def test_photographs_at_the_networks_own_size_are_exact(fabric):
    measured = evaluate(RedIsHand(), Photographs(), colour_plan(), "hand", (60, 40), fabric)
    assert measured.counts[0, 0, 1] == measured.counts[0, 1, 0] == 0


def test_classes_that_the_labels_do_not_tell_apart_are_refused(fabric):
    with pytest.raises(RunError, match=r"labels of the real hgr frames do not tell the classes of 'left_right' apart"):
        evaluate(RedIsHand(), Photographs(), colour_plan("left_right"), "left_right", (24, 32), fabric)
