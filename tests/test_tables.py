import io
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from handseg_lib import published
from handseg_lib.errors import ReportError
from handseg_lib.metrics import ConfusionMatrix
from handseg_lib.report import tables

ON = "synthetic exo_two_hands test, 240 frames"


COUNTS = ConfusionMatrix(("background", "hand"), counts=np.array([[6, 1], [2, 3]]))


def runs(values, metric="mean_iou_hands"):
    return [
        SimpleNamespace(name="r", seed=i, metrics={"test": {metric: v}}, confusion={"test": COUNTS})
        for i, v in enumerate(values)
    ]


def three_seeds():
    return tables.measured({"Proposed": runs([0.90, 0.92, 0.94])}, "test", ["mean_iou_hands"])


def table2():
    return tables.build(
        "handseg_table2",
        three_seeds(),
        "Four methods",
        measured_on=ON,
        published=published.table("handseg", "table2"),
        profile="full",
    )


def test_mean_and_spread_over_seeds_by_hand():
    mean, std, seeds = tables.over_seeds(three_seeds())
    assert seeds == 3
    assert mean.loc["Proposed", "mean_iou_hands"] == pytest.approx(0.92)
    assert std.loc["Proposed", "mean_iou_hands"] == pytest.approx(0.02)  # sqrt((0.02² + 0 + 0.02²) / 2)


def test_rows_with_fewer_seeds_set_the_number_of_seeds():
    frame = tables.measured({"a": runs([0.5, 0.6]), "b": runs([0.7])}, "test", ["mean_iou_hands"])
    mean, std, seeds = tables.over_seeds(frame)
    assert seeds == 1 and np.isnan(std.loc["b", "mean_iou_hands"]) and list(mean.index) == ["a", "b"]


def test_paper_and_measurement_stand_side_by_side():
    table = table2()
    assert table.shown.loc["mIoU (%)", ("Proposed", "paper")] == "97.2"
    assert table.shown.loc["mIoU (%)", ("Proposed", "here")] == "92.0 ± 2.0"
    assert table.shown.loc["mIoU (%)", ("SegNet", "here")] == tables.NOTHING
    assert table.shown.loc["Training time (h)", ("Proposed", "paper")] == "22"
    assert list(dict.fromkeys(table.shown.columns.get_level_values(0))) == ["FCN(32s)", "Forests", "SegNet", "Proposed"]


def test_csv_keeps_paper_and_measurement_apart_in_one_unit():
    back = pd.read_csv(io.StringIO(table2().csv()), index_col=0)
    row = back.loc["Proposed"]
    assert row["mean_iou_hands (%) paper"] == 97.2
    assert row["mean_iou_hands (%) here"] == pytest.approx(92.0)
    assert row["mean_iou_hands (%) here std"] == pytest.approx(2.0)
    assert np.isnan(back.loc["SegNet", "mean_iou_hands (%) here"])


def test_narrow_tables_keep_methods_in_rows():
    printed = published.table("handseg", "table4")
    measured = pd.DataFrame({"HandSeg": [0.5]}, index=["HandSeg"])
    shown = tables.build(
        "t", measured, "c", measured_on=ON, published=printed, definitions={"HandSeg": "mean IoU"}
    ).shown
    assert list(shown.index) == ["NYU", "HandSeg", "HandNet", "Freiburg"]
    assert shown.loc["HandSeg", ("NYU (%)", "paper")] == "77.0"
    assert shown.loc["HandSeg", ("HandSeg (%)", "here")] == "50.0"


def test_notes_say_definition_data_profile_seeds_and_source():
    notes = " ".join(table2().notes + table2().misprints)
    assert "mean IoU hands: mean IoU of the left and right hand, without the background" in notes
    assert "precision: TP / (TP + FP)" in notes  # printed columns are defined too
    assert f"Measured here on {ON}, profile full; mean ± standard deviation over 3 seeds." in notes
    assert "HandSeg Table 2" in notes and "Bojja" in notes and "no IoU can exceed" in notes


def test_one_seed_is_said_and_has_no_spread():
    frame = tables.measured({"Proposed": runs([0.9])}, "test", ["mean_iou_hands"])
    table = tables.build("t", frame, "c", measured_on=ON)
    assert table.shown.iloc[0, 0] == "90.0" and "one seed" in table.notes[-1]


def test_cells():
    frame = pd.DataFrame(
        {"frames": [12345], "seconds": [0.01234], "pixel_accuracy": [1.0], "kind": ["a|b & <c>"], "f1 hand": [np.nan]},
        index=["x"],
    )
    meanings = {"frames": "number of frames", "seconds": "time"}
    table = tables.build("t", frame, "c", measured_on=ON, definitions=meanings)
    assert table.shown.loc["x"].tolist() == ["12,345", "0.0123", "100.0", "a|b & <c>", tables.NOTHING]
    assert "<c>" not in table.html() and r"a|b \& <c>" in table.latex()


def test_every_format_holds_every_cell():
    table = table2()
    cells = {cell for row in table.shown.to_numpy() for cell in row}
    for text in (table.markdown(), table.html(), table.latex()):
        assert all(cell in text for cell in cells)
        assert "Four methods" in text and "without the background" in text
    assert table.latex().count("{") == table.latex().count("}")
    assert re.search(r"\\begin\{tabular\}\{l(r|l|c)+\}", table.latex())


def test_numbers_without_definition_or_data_are_refused():
    frame = pd.DataFrame({"goodness": [1.0]}, index=["x"])
    with pytest.raises(ReportError, match=r"'goodness' has no definition.*mean_iou_hands"):
        tables.build("t", frame, "c", measured_on=ON)
    with pytest.raises(ReportError, match="what they were measured on"):
        tables.build("t", three_seeds(), "c")
    with pytest.raises(ReportError, match="no measured rows"):
        tables.build("t", three_seeds().iloc[:0], "c", measured_on=ON)


def test_percent_in_place_of_a_fraction_is_refused():
    frame = pd.DataFrame({"mean_iou_hands": [92.0]}, index=["Proposed"])
    with pytest.raises(ReportError, match=r"mean_iou_hands shown in percent must be measured in \[0, 1\]"):
        tables.build("t", frame, "c", measured_on=ON)


def test_text_tables_need_neither():
    frame = pd.DataFrame({"sensor": ["SR300"]}, index=["HandSeg"])
    assert "SR300" in tables.build("t", frame, "Sensors").markdown()


def test_metrics_of_a_class_come_from_the_counts():
    frame = tables.measured({"a": runs([0.5])}, "test", ["precision hand", "recall hand"])
    assert frame.iloc[0].tolist() == [3 / 4, 3 / 5]


def test_missing_test_set_or_metric_is_named():
    with pytest.raises(ReportError, match="not measured on 'real'; it was on test"):
        tables.measured({"a": runs([0.5])}, "real", ["mean_iou_hands"])
    with pytest.raises(ReportError, match=r"no mean_iu; there are .*mean_iou_hands"):
        tables.measured({"a": runs([0.5])}, "test", ["mean_iu"])


def test_sentences_wrap_in_html_and_numbers_do_not():
    shown = pd.DataFrame({"what": ["a sentence that says what was measured here"], "value": [0.5]}, index=["row"])
    page = tables.build(
        "t", shown, "A caption.", measured_on=ON, definitions={"what": "text", "value": "number"}
    ).html()
    assert '<td class="words">a sentence' in page and "<td>0.5" in page
