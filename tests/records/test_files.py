"""Files of records are whole or not there, and say what is wrong with them."""

import errno
import os
import stat
import sys

import pytest

from membseg.exceptions import InvalidTypeError, RecordError, RecordWarning
from membseg.io import _write_at_once
from membseg.records import ExperimentRecord, load_record, save_record


def test_a_record_comes_back(net_record, tmp_path):
    path = save_record(net_record, tmp_path / "a" / "b", markdown=True)
    assert path == tmp_path / "a" / "b" / f"{net_record.id}.json"
    assert load_record(path) == net_record
    assert load_record(str(path)) == net_record
    assert path.with_suffix(".md").read_text(encoding="utf-8") == net_record.to_markdown()


def test_a_record_is_replaced(make_record, tmp_path):
    save_record(make_record(notes="old"), tmp_path)
    path = save_record(make_record(notes="new"), tmp_path)
    assert load_record(path).notes == "new"
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_files_have_the_mode_of_other_files(make_record, tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows has no such modes")
    (tmp_path / "other").touch()
    usual = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    path = save_record(make_record(), tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == usual
    path.chmod(0o640)
    save_record(make_record(), tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_full_disk_leaves_the_old_record(make_record, tmp_path, monkeypatch):
    path = save_record(make_record(notes="old"), tmp_path)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_write_at_once.os, "fsync", full)
    with pytest.raises(RecordError, match=r"folder must be one that can be written to.*No space"):
        save_record(make_record(notes="new"), tmp_path)
    assert load_record(path).notes == "old"
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_that_cannot_be_made(make_record, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="folder must be a folder, or the path of one to make"):
        save_record(make_record(), tmp_path / "file" / "runs")


def test_a_folder_that_cannot_be_written_to(make_record, tmp_path, monkeypatch):
    # By name, since the superuser may write everywhere.
    monkeypatch.setattr("membseg.records._files.os.access", lambda path, mode: False)
    with pytest.raises(
        RecordError, match=r"folder must be one that can be written to; got .*cannot"
    ):
        save_record(make_record(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unusable_arguments(make_record, tmp_path):
    with pytest.raises(InvalidTypeError, match="record must be an ExperimentRecord; got dict"):
        save_record({}, tmp_path)
    with pytest.raises(InvalidTypeError, match="folder must be a path, a str or a Path; got int"):
        save_record(make_record(), 3)
    with pytest.raises(InvalidTypeError, match="path must be a path, a str or a Path; got bytes"):
        load_record(b"x")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "path must be the file of a record; got .*, and: .*No such file"),
        (b"\xff\xfe\x00", "path must be the file of a record.*can't decode"),
        (b"{", "broken.json: A record must be JSON"),
        (b'{"format": 1}', "broken.json: A record must be a JSON object"),
    ],
)
def test_a_broken_file(content, text, tmp_path):
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=text):
        load_record(path)


def test_a_name_with_a_null(make_record):
    with pytest.raises(RecordError, match="path must be the file of a record"):
        load_record("a\0b")
    with pytest.raises(RecordError, match="folder must be a folder, or the path of one to make"):
        save_record(make_record(), "a\0b")


def test_a_table_that_cannot_be_written_costs_no_record(make_record, tmp_path, monkeypatch):
    record = make_record()
    replace = os.replace

    def locked(source, target):
        if str(target).endswith(".csv"):
            raise PermissionError(errno.EACCES, "The file is open in another program")
        replace(source, target)

    monkeypatch.setattr(_write_at_once.os, "replace", locked)
    with pytest.warns(RecordWarning, match=r"records.csv could not be written .*open in another"):
        path = save_record(record, tmp_path)
    assert load_record(path) == record
    monkeypatch.undo()
    save_record(record, tmp_path)
    assert record.id in (tmp_path / "records.csv").read_text(encoding="utf-8-sig")


def test_text_beyond_ascii_stays_readable(make_record, tmp_path):
    record = make_record(notes="5 µm, Zürich, 膜")
    path = save_record(record, tmp_path)
    assert "5 µm, Zürich, 膜".encode() in path.read_bytes()
    assert ExperimentRecord.from_json(path.read_bytes().decode()) == record
