"""The printed numbers are checked against each other: every inconsistency found must be a noted misprint."""

import math

import pytest

from handseg_lib import published
from handseg_lib.errors import ReportError

ROUNDING = 0.05 + 1e-9  # half a unit of the last printed digit
CLASSES = ("left hand", "right hand", "background")


def noted(frame, kind):
    misprints = (m for m in frame.attrs["misprints"] if m["kind"] == kind)
    return {(row, column) for m in misprints for row in m["rows"] for column in m["columns"]}


@pytest.mark.parametrize("name", published.tables("handseg"))
def test_every_row_is_complete_and_cited(name):
    frame = published.table("handseg", name)
    assert not frame.isna().any().any()
    assert frame.attrs["source"] == f"HandSeg Table {name[-1]}"
    assert "Bojja" in frame.attrs["citation"] and frame.attrs["caption"]
    assert set(frame.attrs["units"]) == set(frame.columns)


def test_worked_examples():
    two, three = published.table("handseg", "table2"), published.table("handseg", "table3")
    assert two.loc["Proposed", "mean_iou_hands"] == 97.2
    assert two.loc["SegNet", "test_milliseconds"] == 21 and two.loc["FCN(32s)", "training_hours"] == 36
    assert three.attrs["printed"]["160k"]["precision background"] == "99.90"  # the printed digits survive
    assert published.table("handseg", "table1").loc["HandSeg", "frames"] == 265_000
    assert published.table("handseg", "table4").loc["HandSeg", "NYU"] == 77.0


@pytest.mark.parametrize("name", ["table2", "table3"])
def test_printed_mean_iou_is_the_mean_of_left_and_right(name):
    frame = published.table("handseg", name)
    mean = (frame["iou left hand"] + frame["iou right hand"]) / 2
    assert ((mean - frame["mean_iou_hands"]).abs() <= ROUNDING).all()


@pytest.mark.parametrize("name", ["table2", "table3"])
def test_impossible_ious_are_exactly_the_noted_ones(name):
    """TP / (TP + FP + FN) is never above TP / (TP + FP) nor TP / (TP + FN)."""
    frame = published.table("handseg", name)
    impossible = {
        (row, f"iou {c}")
        for row, values in frame.iterrows()
        for c in CLASSES
        if values[f"iou {c}"] > min(values[f"precision {c}"], values[f"recall {c}"]) + 2 * ROUNDING
    }
    assert impossible == noted(frame, "iou_above_precision_or_recall")


@pytest.mark.parametrize("name", ["table2", "table3"])
def test_ious_that_do_not_follow_from_precision_and_recall_are_noted(name):
    frame = published.table("handseg", name)
    inconsistent = set()
    for row, v in frame.iterrows():
        for c in CLASSES:
            p, r = ((v[f"{m} {c}"] - ROUNDING, v[f"{m} {c}"] + ROUNDING) for m in ("precision", "recall"))
            low, high = (100 / (100 / x + 100 / y - 1) for x, y in zip(p, r, strict=True))
            if not low - ROUNDING <= v[f"iou {c}"] <= high + ROUNDING:
                inconsistent.add((row, f"iou {c}"))
    kinds = ("iou_above_precision_or_recall", "iou_not_from_precision_and_recall")
    assert inconsistent == set().union(*(noted(frame, kind) for kind in kinds))


def test_same_network_in_two_tables_differs_only_where_noted():
    two = published.table("handseg", "table2").loc["Proposed"]
    three = published.table("handseg", "table3").loc["160k"]
    differing = {("Proposed", c) for c in three.index if not math.isclose(two[c], three[c], abs_tol=ROUNDING)}
    assert differing == noted(published.table("handseg", "table2"), "differs_from_another_table")


def test_orientation_note_quotes_the_right_averages():
    four = published.table("handseg", "table4")
    [note] = [m["why"] for m in four.attrs["misprints"] if m["kind"] == "ambiguous_orientation"]
    off = {n: ((four[n].sum() - four.loc[n, n]) / 3, (four.loc[n].sum() - four.loc[n, n]) / 3) for n in four}
    for value in (*off["NYU"], *off["Freiburg"]):
        assert f"{value:.1f}" in note


def test_unknown_paper_or_table_lists_the_right_ones():
    with pytest.raises(ReportError, match=r"'handsegg'.*handseg"):
        published.table("handsegg", "table2")
    with pytest.raises(ReportError, match=r"'table9'.*table1, table2, table3, table4"):
        published.table("handseg", "table9")


def test_figures_are_described():
    assert "logarithmic" in published.figures("handseg")["fig6"]
