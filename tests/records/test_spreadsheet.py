"""The table grows by a row a run, whoever else has had it in hands."""

import csv
import subprocess
import sys

import pytest

from membseg.exceptions import RecordWarning
from membseg.records import save_record

BOM = b"\xef\xbb\xbf"


def rows(folder, delimiter=","):
    with (folder / "records.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_a_row_a_record_and_new_columns(make_record, tmp_path):
    first = make_record("a", scores={"test": {"iou": 0.5}}, parameters={"sigma": 1.0})
    second = make_record("b", scores={"test": {"v_rand": 0.25}}, parameters={"depth": 4})
    save_record(first, tmp_path)
    save_record(second, tmp_path)
    one, two = rows(tmp_path)
    assert (one["id"], one["test_iou"], one["param_sigma"]) == ("a", "0.5", "1.0")
    assert (one["test_v_rand"], one["param_depth"]) == ("", "")
    assert (two["id"], two["test_v_rand"], two["param_depth"]) == ("b", "0.25", "4")
    assert two["test_iou"] == ""


def test_the_row_of_a_record_that_is_written_again_is_replaced(make_record, tmp_path):
    save_record(make_record("a", notes="old"), tmp_path)
    save_record(make_record("b"), tmp_path)
    save_record(make_record("a", notes="new"), tmp_path)
    assert [(row["id"], row["notes"]) for row in rows(tmp_path)] == [("a", "new"), ("b", "")]


def test_excel_knows_its_encoding(make_record, tmp_path):
    save_record(make_record(notes="µm"), tmp_path)
    assert (tmp_path / "records.csv").read_bytes().startswith(BOM)


def test_columns_and_rows_added_by_hand_stay(make_record, tmp_path):
    save_record(make_record("a"), tmp_path)
    path = tmp_path / "records.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    lines[0] += ",looked at"
    lines[1] += ',"yes, by Ada"'
    lines.append("by hand")
    path.write_text("\n".join(lines), encoding="utf-8")
    save_record(make_record("b"), tmp_path)
    save_record(make_record("a", notes="new"), tmp_path)
    found = rows(tmp_path)
    assert [row["id"] for row in found] == ["a", "by hand", "b"]
    assert (found[0]["looked at"], found[0]["notes"]) == ("yes, by Ada", "new")


def test_a_table_with_semicolons_keeps_them(make_record, tmp_path):
    path = tmp_path / "records.csv"
    path.write_bytes("id;note\r\nold;größer\r\n".encode("cp1252"))
    save_record(make_record("a"), tmp_path)
    found = rows(tmp_path, ";")
    assert [(row["id"], row["note"]) for row in found] == [("old", "größer"), ("a", "")]


def test_an_empty_table_is_a_new_one(make_record, tmp_path):
    (tmp_path / "records.csv").touch()
    save_record(make_record("a"), tmp_path)
    assert [row["id"] for row in rows(tmp_path)] == ["a"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_text_becomes_a_formula(make_record, tmp_path, text):
    save_record(make_record(notes=text, parameters={"n": -1}), tmp_path)
    (row,) = rows(tmp_path)
    assert row["notes"] == f"'{text}"
    assert row["param_n"] == "-1"


def test_endless_text_is_cut_and_the_table_stays_readable(make_record, tmp_path):
    save_record(make_record("a", notes="x" * 200_000), tmp_path)
    save_record(make_record("b"), tmp_path)
    assert len(rows(tmp_path)[0]["notes"]) < 32_767


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("name,score\nx,1\n", "records.csv must have a column id, and no two of one name"),
        ("id,x,x\n1,2,3\n", "records.csv must have a column id, and no two of one name"),
        ("id,x\n1,2,3\n", "records.csv must have a name above each of its columns"),
        ("id,x\n1," + "y" * 200_000 + "\n", "records.csv must be a table, and cannot be read"),
    ],
)
def test_a_table_of_others_is_left_alone(make_record, tmp_path, content, text):
    path = tmp_path / "records.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.warns(RecordWarning, match=text):
        file = save_record(make_record("a"), tmp_path)
    assert path.read_text(encoding="utf-8") == content
    assert file.exists()


WRITER = """
import sys
from membseg.records import ExperimentRecord, save_record

folder, who, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
for i in range(n):
    record = ExperimentRecord(
        id=f"{who}{i}",
        created="2026-01-31T12:00:00+00:00",
        estimator_class="X",
        parameters={f"own_{who}": i},
    )
    save_record(record, folder)
"""


def test_two_processes_at_once_lose_no_row(tmp_path):
    arguments = [sys.executable, "-c", WRITER, str(tmp_path)]
    both = [subprocess.Popen([*arguments, who, "15"]) for who in ("a", "b")]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    found = {row["id"]: row for row in rows(tmp_path)}
    assert sorted(found) == sorted(f"{who}{i}" for who in "ab" for i in range(15))
    assert found["a7"]["param_own_a"] == "7"
    assert found["a7"]["param_own_b"] == ""
    assert len(list(tmp_path.glob("*.json"))) == 30
    assert not list(tmp_path.glob("*.part"))
