import subprocess
import sys

import pytest

from handseg_lib.errors import ParameterError
from handseg_lib.series import SERIES, find, select


def test_numbers_and_slugs_are_unique_and_in_reading_order():
    numbers = [n.number for n in SERIES]
    assert numbers == sorted(set(numbers))
    assert len({n.slug for n in SERIES}) == len(SERIES)
    assert all(len(n) == 2 and n.isdigit() for n in numbers)


def test_every_notebook_asks_a_question():
    assert all(n.title and n.question.endswith("?") for n in SERIES)


def test_summary_comes_last_and_knows_every_run():
    summary = SERIES[-1]
    assert set(summary.runs) == {run for n in SERIES[:-1] for run in n.runs}
    assert summary.after == tuple(n.number for n in SERIES[:-1])


def test_no_notebook_waits_for_a_later_one():
    position = {n.number: i for i, n in enumerate(SERIES)}
    assert all(position[before] < position[n.number] for n in SERIES for before in n.after)


@pytest.mark.parametrize("which", ["23", "handseg_net", "23_handseg_net", "23_handseg_net.ipynb"])
def test_find_by_number_slug_or_file(which):
    assert find(which).number == "23"


def test_unknown_notebook_lists_the_right_ones():
    with pytest.raises(ParameterError, match=r"No notebook '32'.*23 \(handseg_net\).*90 \(summary\)"):
        find("32")


def test_selection_keeps_series_order_and_counts_each_once():
    assert [n.number for n in select("49, 23,49")] == ["23", "49"]
    assert select("") == SERIES
    with pytest.raises(ParameterError, match="'99'"):
        select("23,99")


def test_path_follows_the_project_root(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDSEG_ROOT", str(tmp_path))
    assert find("01").path == tmp_path / "notebooks" / "01_metrics.ipynb"


def test_import_is_light():
    heavy = "import sys, handseg_lib.series; print([m for m in ('torch', 'numpy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
