"""One file for a document and arrays: whole or not there, and nothing else is taken for one."""

import hashlib
import io
import json
import math
import os
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save as write_arrays

from membseg.exceptions import InvalidInputError, InvalidTypeError, ModelFileError
from membseg.io import _container, _strict_json, _write_at_once
from membseg.io._container import load_container, pack, save_container, unpack
from membseg.io._strict_json import DEEPEST_JSON, LARGEST_JSON, dump_json, parse_json
from membseg.io._write_at_once import write_at_once

JSON, ARRAYS = "membseg.json", "arrays.safetensors"
DOCUMENT = {"a": [1, 2.5, None, True, "ü"], "b": {"c": []}}
ARRAYS_GIVEN = {"x": np.arange(6, dtype=np.int16).reshape(2, 3), "y": np.float64(3.5)}


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "file.membseg"
    save_container(found, "thing", DOCUMENT, ARRAYS_GIVEN)
    return found


def parts(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(JSON), archive.read(ARRAYS)


def rezip(*members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def refuse(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_container(path, "thing")
    assert str(path) in str(caught.value)


# ------------------------------------------------------------------------------------ round trips


def test_document_and_arrays_come_back(path):
    document, arrays = load_container(path, "thing")
    assert document == DOCUMENT
    assert set(arrays) == {"x", "y"}
    for name, array in ARRAYS_GIVEN.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == np.shape(array)
        assert arrays[name].flags.writeable


@given(
    hnp.arrays(
        dtype=st.sampled_from("?bhilBHILefdF").map(np.dtype),
        shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_array(array, turned, swapped):
    given_array = array.T if turned else array
    if swapped:
        given_array = given_array.astype(given_array.dtype.newbyteorder(">"))
    _, found = unpack(pack("thing", {}, {"a": given_array}), "thing")
    assert found["a"].shape == given_array.shape
    assert found["a"].dtype == array.dtype
    assert found["a"].tobytes() == given_array.astype(array.dtype).tobytes()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_document(value):
    document, _ = unpack(pack("thing", {"value": value}, {}), "thing")
    assert document == {"value": value}


def test_equal_arguments_give_equal_files():
    assert pack("thing", DOCUMENT, ARRAYS_GIVEN) == pack("thing", DOCUMENT, ARRAYS_GIVEN)


def test_it_is_a_zip_file_that_anybody_can_look_into(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [JSON, ARRAYS]
        whole = json.loads(archive.read(JSON))
        packed = archive.read(ARRAYS)
    assert whole["kind"] == "thing"
    assert whole["format"] == 1
    assert whole["arrays_sha256"] == hashlib.sha256(packed).hexdigest()


# ---------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": math.nan}, "document cannot be kept as JSON: .*not JSON compliant"),
        ({"a": np.zeros(2)}, "ndarray is not JSON serializable"),
        ({"a": "\ud800"}, "document cannot be kept as JSON: .*surrogates"),
        ({"a": "x" * LARGEST_JSON}, "it has more than 8 MB of JSON"),
    ],
)
def test_documents_that_are_none(document, message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        save_container(tmp_path / "a", "thing", document, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("depth", [DEEPEST_JSON, 10**5])
def test_documents_that_are_too_deep(depth):
    document = []
    for _ in range(depth):
        document = [document]
    with pytest.raises(InvalidInputError, match=f"nested more than {DEEPEST_JSON} deep"):
        pack("thing", {"a": document}, {})


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array([1j])])
def test_arrays_of_other_dtypes(array):
    with pytest.raises(InvalidTypeError, match=r"must be of bool, integers.*got .* for 'x'"):
        pack("thing", {}, {"x": array})


def test_more_than_a_file_can_hold(monkeypatch):
    monkeypatch.setattr(_container, "LARGEST_FILE", 1000)
    with pytest.raises(InvalidInputError, match="arrays must have less than 2 GB together; got"):
        pack("thing", {}, {"x": np.zeros(1000)})


@pytest.mark.parametrize("path", [None, 3, b"file", io.BytesIO()])
def test_paths_that_are_none(path):
    with pytest.raises(InvalidTypeError, match="path must be a str or a Path; got"):
        save_container(path, "thing", {}, {})
    with pytest.raises(InvalidTypeError, match="path must be a str or a Path; got"):
        load_container(path, "thing")


def test_an_old_file_is_replaced(path):
    save_container(path, "thing", {"new": 1}, {})
    assert load_container(path, "thing") == ({"new": 1}, {})
    assert os.listdir(path.parent) == [path.name]


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    save_container(link, "thing", {"new": 1}, {})
    assert link.is_symlink()
    assert load_container(path, "thing") == ({"new": 1}, {})


def test_new_files_have_the_rights_of_new_files(path, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"")
    assert path.stat().st_mode == other.stat().st_mode


def break_at(monkeypatch, step, error):
    """Let one step of writing fail."""

    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(_write_at_once.os, step, fail)


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(28, "No space left on device"),
            "cannot be written: No space left on device. What",
        ),
        (PermissionError(13, "Permission denied"), "cannot be written: Permission denied"),
    ],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(step, error, message, path, monkeypatch):
    before = path.read_bytes()
    break_at(monkeypatch, step, error)
    with pytest.raises(ModelFileError, match=message) as caught:
        save_container(path, "thing", {"new": 1}, {})
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_an_interruption_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    before = path.read_bytes()
    break_at(monkeypatch, "replace", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        save_container(path, "thing", {"new": 1}, {})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is always full")
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    # The part file is a link to the device that is always full.
    monkeypatch.setattr(_write_at_once.secrets, "token_hex", lambda n: "0")
    real_open = Path.open

    def open_full(self, mode="r", **options):
        return real_open(Path("/dev/full") if mode == "xb" else self, mode.replace("x", "w"))

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(ModelFileError, match="cannot be written: No space left on device"):
        save_container(tmp_path / "file", "thing", DOCUMENT, {"x": np.zeros(10**6)})
    assert os.listdir(tmp_path) == []


def test_folders_that_are_missing_or_in_the_way(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be written: No such file or directory"):
        save_container(tmp_path / "none" / "file", "thing", {}, {})
    with pytest.raises(ModelFileError, match=r"is a folder\. Give the path of a file"):
        save_container(tmp_path, "thing", {}, {})


def test_a_file_system_that_cannot_flush_folders(path, monkeypatch):
    monkeypatch.setattr(_write_at_once.os, "open", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # the folder is flushed
        write_at_once(path, b"new")

    def refuse_to(*arguments):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(_write_at_once.os, "open", refuse_to)
    write_at_once(path, b"newer")
    assert path.read_bytes() == b"newer"


# ---------------------------------------------------------------------------------------- reading


def test_what_is_no_file(tmp_path):
    with pytest.raises(ModelFileError, match=r"does not exist\. Give the path of a file that mem"):
        load_container(tmp_path / "none", "thing")
    with pytest.raises(ModelFileError, match=r"is no file\. Give the path"):
        load_container(tmp_path, "thing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match=r"is no file\. Give the path"):
        load_container(tmp_path / "pipe", "thing")
    with pytest.raises(ModelFileError):
        load_container(f"{tmp_path}/a\0b", "thing")
    with pytest.raises(ModelFileError, match=r"cannot be read|does not exist"):
        load_container(str(tmp_path / ("a" * 5000)), "thing")


def test_a_file_that_may_not_be_read(path, monkeypatch):
    def refuse_to(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse_to)
    with pytest.raises(ModelFileError, match="cannot be read: Permission denied"):
        load_container(path, "thing")


def test_a_file_that_is_larger_than_any(path, monkeypatch):
    monkeypatch.setattr(_container, "LARGEST_FILE", 10)
    with pytest.raises(ModelFileError, match="is no file of membseg: it is larger than any"):
        load_container(path, "thing")


def test_another_kind(path):
    with pytest.raises(
        ModelFileError, match="it must be a file of a model; it is one of a 'thing'"
    ):
        load_container(path, "model")


def test_every_truncation_is_told(path):
    content = path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"it is|its end|its document"):
            unpack(content[:length], "thing")


def test_every_flipped_bit_of_the_arrays_is_told(path):
    content = path.read_bytes()
    _, packed = parts(content)
    start = content.index(packed)
    for place in range(start, start + len(packed)):
        damaged = bytearray(content)
        damaged[place] ^= 4
        with pytest.raises(ValueError, match="damaged"):
            unpack(bytes(damaged), "thing")


def test_arrays_that_were_changed(path):
    text, _ = parts(path.read_bytes())
    changed = write_arrays({"x": np.zeros(3)})
    refuse(path, rezip((JSON, text), (ARRAYS, changed)), "checksum of its arrays is wrong")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is no file that membseg saved"),
        (b"\x80\x05K\x01.", "is no file that membseg saved"),
        (b"PK\x03\x04", "its end is missing"),
        (rezip(("config.json", b"{}"), ("a", b""), ("b", b"")), r"a \.keras file is opened by"),
        (rezip(("a", b""), ("b", b"")), "must hold membseg.json and arrays.safetensors and nothi"),
        (rezip((JSON, b""), (JSON, b"")), "must hold membseg.json and arrays.safetensors and noth"),
        (rezip((f"../{JSON}", b""), (ARRAYS, b"")), r"nothing else, not '\.\./membseg\.json'"),
        (rezip((JSON, b""), (ARRAYS, b"")), "its document cannot be read"),
    ],
)
def test_foreign_files(content, message, tmp_path):
    refuse(tmp_path / "file", content, message)


def test_compressed_members_are_not_unpacked(path):
    bomb = rezip((JSON, bytes(10**7)), (ARRAYS, b""), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    refuse(path, bomb, "membseg.json is compressed, which membseg never does")


def test_something_around_it(path):
    content = path.read_bytes()
    refuse(path, content + b"x", "its end is missing, or something follows it")
    refuse(path, b"PK\x03\x04" + content, "something stands in front")
    refuse(path, b"x" + content, "is no file that membseg saved")


def patched(content, signature, offset, value):
    """Change a field of a header of the zip file."""
    damaged = bytearray(content)
    place = damaged.index(signature) + offset
    damaged[place : place + len(value)] = value
    return bytes(damaged)


def test_encrypted_members(path):
    content = patched(path.read_bytes(), b"PK\x01\x02", 8, b"\x01")
    refuse(path, content, "membseg.json is encrypted")


@pytest.mark.parametrize(
    ("signature", "offset", "value"),
    [
        (b"PK\x01\x02", 20, struct.pack("<2L", 2**31, 2**31)),  # sizes
        (b"PK\x01\x02", 42, struct.pack("<L", 2**31)),  # place of the member
        (b"PK\x03\x04", 26, struct.pack("<H", 60000)),  # length of its name
        (b"PK\x05\x06", 12, struct.pack("<L", 2**31)),  # length of the directory
        (b"PK\x05\x06", 16, struct.pack("<L", 2**31)),  # place of the directory
        (b"PK\x05\x06", 10, struct.pack("<H", 3)),  # number of members
        (b"PK\x05\x06", 20, struct.pack("<H", 1)),  # length of a comment
    ],
)
def test_sizes_that_are_lies(signature, offset, value, path):
    content = patched(path.read_bytes(), signature, offset, value)
    refuse(path, content, "it is damaged|nothing else")


def test_directories_of_many_members_are_not_read(path, monkeypatch):
    content = rezip(*((f"{i}", b"") for i in range(70_000)))
    monkeypatch.setattr(_container.zipfile, "ZipFile", lambda *a: pytest.fail("it was opened"))
    refuse(path, content, "nothing else, so membseg did not save it")


def with_json(path, **changes):
    """Pack the file of the fixture anew, with other keys around the document."""
    text, packed = parts(path.read_bytes())
    whole = json.loads(text) | changes
    whole = {name: value for name, value in whole.items() if value != "gone"}
    return rezip((JSON, json.dumps(whole).encode()), (ARRAYS, packed))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "it has the format 2, and this membseg knows formats up to 1.*Update memb"),
        ({"format": 0}, "its format must be a whole number from 1 on"),
        ({"format": True}, "its format must be a whole number from 1 on"),
        ({"format": "gone"}, "its format must be a whole number from 1 on"),
        ({"document": []}, "other keys or values than membseg writes"),
        ({"kind": ["thing"]}, "other keys or values than membseg writes"),
        ({"kind": "gone"}, "other keys or values than membseg writes"),
        ({"more": 1}, "other keys or values than membseg writes"),
        ({"arrays_sha256": "0"}, "the checksum of its arrays is wrong"),
    ],
)
def test_what_stands_around_the_document(changes, message, path):
    refuse(path, with_json(path, **changes), message)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 2**24 + 1) + bytes(100),
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 66)
        + b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,40000]}}',
        write_arrays({"a": np.zeros(3)})[:-1],
        write_arrays({"a": np.zeros(3)}) + b"x",
        write_arrays({"a": np.zeros(2)}).replace(b"F64", b"BF1"),
    ],
)
def test_arrays_that_cannot_be_read(packed, path):
    text, _ = parts(path.read_bytes())
    whole = json.loads(text) | {"arrays_sha256": hashlib.sha256(packed).hexdigest()}
    content = rezip((JSON, json.dumps(whole).encode()), (ARRAYS, packed))
    refuse(path, content, "its arrays cannot be read")


# ------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "Expecting"),
        (b'{"a": NaN}', "NaN, which is no JSON"),
        (b'{"a": -Infinity}', "-Infinity, which is no JSON"),
        (b'{"a": 1e999}', "a number that is too large"),
        (b'{"a": 1, "a": 2}', "has a key twice"),
        (b"1" * 5000, "Exceeds the limit"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b'"\xff"', "can't decode"),
        (b"[" * 10**6, f"nested more than {DEEPEST_JSON} deep"),
        (b'{"a":' * 10**5, f"nested more than {DEEPEST_JSON} deep"),
        (b" " * (LARGEST_JSON + 1), "more than 8 MB of JSON"),
    ],
)
def test_json_that_is_none(content, message):
    with pytest.raises(ValueError, match=message):
        parse_json(content)


def test_brackets_in_texts_are_no_depth():
    assert parse_json(b'["' + b"[" * 1000 + b'\\"{"]') == ["[" * 1000 + '"{']
    assert parse_json(dump_json({"a": "\\" * 300 + "[" * 300})) == {"a": "\\" * 300 + "[" * 300}


def test_the_limits_hold():
    deep = b"[" * DEEPEST_JSON + b"]" * DEEPEST_JSON
    assert parse_json(deep)
    assert _strict_json.LARGEST_JSON == 8 * 2**20
