"""Finding an unpacked set's folder and its files."""

from pathlib import Path

import pytest

from handseg_lib.data.folders import check_paired, matching, unpacked
from handseg_lib.errors import DataError

PATTERN = r"user-(\d+)\.(\d{8})\.png"


@pytest.mark.parametrize("given", ["", "a", "a/b"])
def test_the_archives_own_folders_may_be_given_or_not(tmp_path: Path, given: str) -> None:
    (tmp_path / "a" / "b" / "images").mkdir(parents=True)
    assert unpacked(tmp_path / given, ("a", "b"), ("images",), "x") == tmp_path / "a" / "b"


def test_one_of_several_names_is_enough(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert unpacked(tmp_path, (), ("a", "b"), "x") == tmp_path


def test_absent_and_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent: no such folder; expected the layout"):
        unpacked(tmp_path / "absent", (), ("a",), "the layout")
    with pytest.raises(DataError, match=r"found no a or b in it; expected the layout\. Check"):
        unpacked(tmp_path, ("c",), ("a", "b"), "the layout")


def test_files_come_by_their_numbers(tmp_path: Path) -> None:
    for name in (
        "user-10.00000001.png",
        "user-9.00000002.png",
        "user-9.00000001.png",
        "._user-9.00000001.png",
        "a.txt",
    ):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    found = matching(tmp_path, PATTERN, "x")
    assert list(found) == [(9, 1), (9, 2), (10, 1)] and found[10, 1] == "user-10.00000001.png"


def test_names_that_do_not_match(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent: no such folder"):
        matching(tmp_path / "absent", PATTERN, "x")
    (tmp_path / "user-1.00000001.png").touch()
    (tmp_path / "user-01.00000001.png").touch()
    with pytest.raises(DataError, match=r"user-1\.00000001\.png: user-01\.00000001\.png has the same numbers"):
        matching(tmp_path, PATTERN, "x")
    (tmp_path / "user-01.00000001.png").unlink()
    (tmp_path / "user-1.0001.PNG").touch()
    with pytest.raises(DataError, match=r"user-1\.0001\.PNG: unexpected name; expected the layout"):
        matching(tmp_path, PATTERN, "the layout")


def test_pairs(tmp_path: Path) -> None:
    a, b = {(1,): "1.png", (2,): "2.png"}, {(1,): "1.png", (3,): "3.png"}
    folders = (tmp_path / "a", tmp_path / "b")
    check_paired(a, dict(a), folders)
    with pytest.raises(DataError, match=r"a/2\.png: there is no .*b/2\.png; expected files in pairs \(2 are alone\)"):
        check_paired(a, b, folders)
    with pytest.raises(DataError, match=r"b/3\.png: there is no .*a/3\.png"):
        check_paired({}, {(3,): "3.png"}, folders)
