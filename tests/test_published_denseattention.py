"""The printed numbers of DenseAttentionSeg against each other: every inconsistency found must be a noted misprint."""

import pytest

from handseg_lib import published

ROUNDING = 0.005 + 1e-9  # half a unit of the last printed digit


def noted(frame, kind):
    misprints = (m for m in frame.attrs["misprints"] if m["kind"] == kind)
    return {row for m in misprints for row in m["rows"]}


@pytest.fixture
def two():
    return published.table("denseattention", "table2")


@pytest.mark.parametrize("name", published.tables("denseattention"))
def test_every_row_is_complete_and_cited(name):
    frame = published.table("denseattention", name)
    assert not frame.isna().any().any()
    assert frame.attrs["source"] == f"DenseAttentionSeg Table {name[-1]}"
    assert "Bo" in frame.attrs["citation"] and frame.attrs["caption"]
    assert set(frame.attrs["units"]) == set(frame.columns)
    for misprint in frame.attrs["misprints"]:
        assert set(misprint["rows"]) <= set(frame.index) and set(misprint["columns"]) <= set(frame.columns)


def test_worked_examples(two):
    assert [len(published.table("denseattention", t)) for t in ("table1", "table2", "table3")] == [4, 8, 3]
    assert published.table("denseattention", "table1").loc["InterSegHands", "frames"] == 51_912 == 46_720 + 5_192
    assert two.loc["DenseAttentionSeg w/ CL"].tolist() == [93.94, 99.75, 97.67, 95.99, 99.51, 53.7]
    assert two.attrs["printed"]["FCN-32s"]["frequency_weighted_iu"] == "98.6"  # the printed digits survive
    assert two.attrs["printed"]["FCN-32s"]["mean_iou_hand_object"] == "87.60"


def test_sentences_of_the_text_follow_from_the_tables(two):
    iou = two["mean_iou_hand_object"]
    baseline = iou["DeepLabv3+ (Resnet-50, OS-16)"]
    assert round(iou["DenseAttentionSeg w/ CL"] - baseline, 2) == 1.18  # Section 5.2
    assert two.drop(columns="test_milliseconds").idxmax().unique().tolist() == ["DenseAttentionSeg w/ CL"]
    assert (iou.drop("DenseAttentionSeg w/ CL") <= iou["DenseAttentionSeg"]).all()
    time = two["test_milliseconds"]
    assert round(time["DenseAttentionSeg"] / time["DeepLabv3+ (Resnet-50, OS-16)"], 2) == 1.12
    assert time["DenseAttentionSeg"] == time["DenseAttentionSeg w/ CL"]  # the loss costs no time afterwards


def test_table_3_is_table_2_with_two_labels_swapped(two):
    three = published.table("denseattention", "table3")
    shared = list(three.columns)
    whole, baseline = two.loc["DenseAttentionSeg", shared], two.loc["DeepLabv3+ (Resnet-50, OS-16)", shared]
    assert three.loc["Deeplabv3+ (baseline)"].tolist() == baseline.tolist()
    assert three.loc["Ours wo/ attention"].tolist() == whole.tolist()  # so this row is the one with attention
    assert noted(three, "swapped_rows") == {"Ours w/ attention", "Ours wo/ attention"}
    with_attention, without = three.loc["Ours wo/ attention"], three.loc["Ours w/ attention"]
    assert without["mean_iou_hand_object"] == 92.81  # Section 5.3
    assert round(with_attention["mean_iou_hand_object"] - without["mean_iou_hand_object"], 2) == 0.84


def test_backgrounds_above_100_percent_are_exactly_the_noted_ones(two):
    """3 mean IU = IoU of hand + IoU of object + IoU of background, and the first two are twice the mean IOU."""
    background = 3 * two["mean_iu"] - 2 * two["mean_iou_hand_object"]
    impossible = set(two.index[background > 100 + 5 * ROUNDING])
    assert impossible == noted(two, "implied_iou_above_100")
    [why] = [m["why"] for m in two.attrs["misprints"] if m["kind"] == "implied_iou_above_100"]
    assert all(f"{background[row]:.2f}" in why for row in impossible)


def test_order_of_the_fcns_is_noted(two):
    time = two["test_milliseconds"]
    assert noted(two, "implausible_order") == {"FCN-8s"}
    [why] = [m["why"] for m in two.attrs["misprints"] if m["kind"] == "implausible_order"]
    assert f"{time['FCN-32s'] - time['FCN-8s']:.1f} ms" in why and time.idxmin() == "FCN-8s"


def test_what_any_confusion_matrix_obeys(two):
    """IoU is never above recall; nor, by frequency, its mean above accuracy, nor below 1 - 2 (1 - accuracy)."""
    assert (two["mean_iu"] <= two["mean_accuracy"] + 2 * ROUNDING).all()
    assert (two["frequency_weighted_iu"] <= two["pixel_accuracy"] + 2 * ROUNDING).all()
    assert (two["frequency_weighted_iu"] >= 2 * two["pixel_accuracy"] - 100 - 3 * ROUNDING).all()


def test_figures_are_described():
    figures = published.figures("denseattention")
    assert list(figures) == [f"fig{i}" for i in range(1, 10)] and "attention maps" in figures["fig7"]
