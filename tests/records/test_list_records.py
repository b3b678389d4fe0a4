"""Records of a folder as a table."""

import json
import re

import pytest

from membseg.exceptions import (
    InvalidInputError,
    InvalidTypeError,
    MissingDependencyError,
    RecordError,
    RecordWarning,
)
from membseg.records import RecordTable, list_records, save_record


@pytest.fixture
def folder(make_record, tmp_path):
    """Three records, written in another order than they were made in."""
    for identity, hour, iou, ece, patch in (
        ("b", 13, 0.9, 0.1, 64),
        ("c", 14, None, None, "auto"),
        ("a", 12, 0.3, 0.3, "auto"),
    ):
        scores = {} if iou is None else {"test": {"iou": iou, "ece": ece}}
        record = make_record(
            identity,
            created=f"2026-01-31T{hour}:00:00+00:00",
            scores=scores,
            parameters={"patch_size": patch, "depth": 4},
            timings={"fit": hour},
        )
        save_record(record, tmp_path)
    return tmp_path


def order(table):
    return "".join(record.id for record in table)


def test_the_oldest_first(folder):
    assert order(list_records(folder)) == "abc"
    assert order(list_records(folder, reverse=True)) == "cba"
    assert len(list_records(str(folder))) == 3


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("test_iou", "bac"),
        ("iou", "bac"),
        ("ece", "bac"),
        ("fit_seconds", "abc"),
        ("created", "abc"),
        ("param_patch_size", "bac"),
        ("param_depth", "abc"),
    ],
)
def test_sorting(folder, by, expected):
    assert order(list_records(folder, sort_by=by)) == expected
    assert order(list_records(folder).sort(by)) == expected


def test_sorting_the_other_way_keeps_what_is_unknown_last(folder):
    assert order(list_records(folder, sort_by="iou", reverse=True)) == "abc"


def test_an_unknown_column(folder, tmp_path):
    text = "sort_by must be a column of the table, or the name of a score; got 'nothing'. The "
    with pytest.raises(InvalidInputError, match=re.escape(text) + "columns are id, created"):
        list_records(folder, sort_by="nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="none, since there is no record"):
        list_records(tmp_path / "empty", sort_by="iou")


def test_rows_have_the_same_keys(folder):
    table = list_records(folder)
    rows = table.table()
    assert {tuple(row) for row in rows} == {tuple(table.columns)}
    assert [row["test_iou"] for row in rows] == [0.3, 0.9, None]
    assert table[1].id == "b"


def test_a_frame_of_pandas(folder):
    pytest.importorskip("pandas", reason="needs pandas, of the extra 'search'")
    frame = list_records(folder).to_frame()
    assert frame.index.tolist() == ["a", "b", "c"]
    assert frame.loc["b", "test_iou"] == 0.9


def test_without_pandas(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="A data frame needs the package 'pandas'"):
        list_records(folder).to_frame()


def test_it_prints_scores_and_what_differs(folder):
    lines = str(list_records(folder)).splitlines()
    heads = lines[0].split()
    assert heads == [
        "created",
        "segmenter",
        "test_iou",
        "test_ece",
        "fit_seconds",
        "param_patch_size",
    ]
    assert lines[2].split()[:2] == ["2026-01-31", "13:00"]
    assert lines[2].split()[3:] == ["0.9", "0.1", "13", "64"]
    assert str(RecordTable(())) == "no records"


def test_a_broken_record_is_told_and_the_others_listed(folder):
    whole = (folder / "b.json").read_text(encoding="utf-8")
    (folder / "b.json").write_text(whole[: len(whole) // 2], encoding="utf-8")
    with pytest.warns(
        RecordWarning, match=r"A record is left out: .*b.json: A record must be JSON"
    ):
        assert order(list_records(folder)) == "ac"


def test_other_files_are_left_alone(folder):
    (folder / "settings.json").write_text(json.dumps({"a": 1}), encoding="utf-8")
    (folder / "empty.json").touch()
    assert order(list_records(folder)) == "abc"


def test_no_folder(tmp_path):
    with pytest.raises(RecordError, match="folder must be a folder with records; there is none at"):
        list_records(tmp_path / "nowhere")
    with pytest.raises(InvalidTypeError, match="folder must be a path, a str or a Path; got None"):
        list_records(None)


def test_real_records_sort_by_v_rand(net_record, plain_record, tmp_path):
    for record in (net_record, plain_record):
        save_record(record, tmp_path)
    assert list_records(tmp_path, sort_by="v_rand")[0] == net_record
