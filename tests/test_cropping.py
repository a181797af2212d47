"""What is nearest is kept, what is behind it is not."""

import numpy as np
import pytest

from handseg_lib.data import Sample
from handseg_lib.data.cropping import Within, nearest, within
from handseg_lib.data.labels import Label


def ramp() -> np.ndarray:
    """(40, 50) float32: 0.5 m in the first column, a centimetre more in each further one."""
    return np.tile(np.float32(0.5) + np.arange(50, dtype=np.float32) / 100, (40, 1))


def test_sixteen_centimetres_of_a_ramp():
    kept = within(ramp(), 0.165)
    assert (kept > 0).sum(1).tolist() == [17] * 40
    assert (kept[:, :17] == ramp()[:, :17]).all() and kept.dtype == np.float32


def test_missing_readings_are_neither_near_nor_kept():
    depth = ramp()
    depth[:, :10] = 0
    assert nearest(depth) == pytest.approx(0.6)
    assert (within(depth, 0.025)[:, :10] == 0).all() and (within(depth, 0.025)[:, 10:13] > 0).all()


def test_a_few_stray_readings_do_not_move_the_range():
    depth = ramp()
    depth[0, 49] = 0.1
    assert nearest(depth) == pytest.approx(0.5)
    assert (within(depth, 0.165)[1:, :17] > 0).all()


def test_a_frame_without_readings_stays_empty():
    empty = np.zeros((4, 5), np.float32)
    assert nearest(empty) == 0 and not within(empty).any()


def test_labels_go_where_readings_go():
    labels = np.full((40, 50), Label.LEFT_HAND, np.uint8)
    depth = ramp()
    depth[5, 5] = 0
    frames = [Sample("a", labels, depth)]

    class Set(list):
        fingerprint = "f"

    cut = Within(Set(frames), 0.165)
    sample = cut[0]
    assert len(cut) == 1 and cut.fingerprint != "f" and sample.id == "a"
    assert ((sample.labels > 0) == (sample.depth > 0)).all()
    assert sample.labels[0, 0] == Label.LEFT_HAND and sample.labels[0, 20] == 0 and sample.labels[5, 5] == 0
    assert (labels == Label.LEFT_HAND).all()  # the set's own frame is as it was
