"""Downloads, from a server on this machine: whole and with their final name, or nothing."""

import hashlib
import re
from pathlib import Path

import pytest

from membseg.exceptions import ImageFileError, InvalidInputError, ModelFileError
from membseg.utils._download import fetch_file, file_digest, resolve_data_home

BODY = bytes(range(256)) * 40
SIZE = len(BODY)


@pytest.fixture
def address(server):
    server.files["/a.bin"] = BODY
    return f"{server.url}/a.bin"


def fetch(url, path, *, max_bytes=SIZE, read=Path.read_bytes, **options):
    return fetch_file(url, path, max_bytes=max_bytes, read=read, error=ModelFileError, **options)


def refuse(url, path, message, **options):
    with pytest.raises(ModelFileError, match=re.escape(message)):
        fetch(url, path, **options)
    assert [found for found in path.parent.rglob("*") if found.is_file()] == []


def test_a_file_is_read_before_it_gets_its_name(address, tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    seen = []

    def read(part):
        seen.append((part.suffix, part.parent, path.exists()))
        return part.read_bytes()

    assert fetch(address, path, read=read) == BODY
    assert seen == [(".bin", path.parent, False)]
    assert path.read_bytes() == BODY
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_read_is_not_kept(address, tmp_path):
    def read(part):
        raise ModelFileError("not mine")

    refuse(address, tmp_path / "a.bin", "not mine", read=read)


def test_a_download_that_broke_off_starts_anew(server, address, tmp_path):
    server.broken["/a.bin"] = 5000
    message = f"must give {SIZE} bytes, as its server says; it broke off after 5000. Try again"
    refuse(address, tmp_path / "a.bin", message)
    del server.broken["/a.bin"]
    assert fetch(address, tmp_path / "a.bin") == BODY
    assert server.hits == 2


def test_not_found_and_no_server(server, tmp_path):
    url = f"{server.url}/none.bin"
    refuse(url, tmp_path / "a.bin", f"url {url} could not be downloaded: Not Found. Check the con")
    refuse("http://127.0.0.1:9/a.bin", tmp_path / "a.bin", "could not be downloaded: [Errno")


def test_a_file_that_goes_on_beyond_the_limit(address, tmp_path):
    message = f"must hold at most {SIZE - 1} bytes; it goes on beyond that"
    refuse(address, tmp_path / "a.bin", message, max_bytes=SIZE - 1)


def test_redirects(server, address, tmp_path):
    server.redirects |= {"/old": address, "/odd": "ftp://127.0.0.1/a.bin"}
    assert fetch(f"{server.url}/old", tmp_path / "one" / "a.bin") == BODY
    message = "it redirects to ftp://127.0.0.1/a.bin, which is not followed"
    refuse(f"{server.url}/odd", tmp_path / "two" / "a.bin", message)


def test_other_kinds_of_address(tmp_path):
    url = (tmp_path / "a.bin").as_uri()
    message = f"url must start with one of https, http; got '{url}'."
    with pytest.raises(InvalidInputError, match=f"^{re.escape(message)}$"):
        fetch(url, tmp_path / "b.bin")
    with pytest.raises(InvalidInputError, match=r"https, file; got 'a'\. For a file on this mac"):
        fetch("a", tmp_path / "b.bin", schemes=("https", "file"))
    (tmp_path / "a.bin").write_bytes(BODY)
    assert fetch(url, tmp_path / "b.bin", schemes=("file",)) == BODY


def test_a_folder_that_cannot_be_written_to(server, address, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "a.bin"
    message = f"data_home must be a folder that can be written to; {path.parent} cannot (File exi"
    with pytest.raises(ImageFileError, match=re.escape(message)):
        fetch_file(address, path, max_bytes=9, read=Path.read_bytes, error=ImageFileError)
    assert server.hits == 0


def test_digest(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(BODY)
    assert file_digest(path) == hashlib.sha256(BODY).hexdigest()


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("MEMBSEG_DATA_HOME", raising=False)
    assert resolve_data_home(None) == tmp_path / "membseg_data"
    assert resolve_data_home("~/other") == tmp_path / "other"
    monkeypatch.setenv("MEMBSEG_DATA_HOME", str(tmp_path / "env"))
    assert resolve_data_home(None) == tmp_path / "env"
    assert resolve_data_home(Path("given")) == Path("given")
