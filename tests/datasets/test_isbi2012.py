"""The fetcher, against a stack of its own from a server on this machine."""

import hashlib
import re
import zipfile
from io import BytesIO

import numpy as np
import pytest
import tifffile

from membseg.datasets import _isbi2012, fetch_isbi2012
from membseg.datasets._archive import ArchiveRecord, StackRecord, fetch_stacks
from membseg.exceptions import ImageFileError, InvalidInputError

SHAPE = (3, 8, 9)
RNG = np.random.default_rng(0)
STACKS = {
    "train-volume.tif": RNG.integers(0, 256, SHAPE, dtype=np.uint8),
    "train-labels.tif": (RNG.random(SHAPE) > 0.3).astype(np.uint8) * 255,
    "test-volume.tif": RNG.integers(0, 256, SHAPE, dtype=np.uint8),
    "test-labels.tif": (RNG.random(SHAPE) > 0.3).astype(np.uint8) * 255,
}
KEYS = dict(zip(STACKS, ("images", "masks", "test_images", "test_masks"), strict=True))


def tiff(pixels):
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="minisblack")
    return buffer.getvalue()


def archive(members):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)
    return buffer.getvalue()


def whole_archive(**changes):
    members = {name: tiff(pixels) for name, pixels in STACKS.items()} | changes
    return archive({name: data for name, data in members.items() if data is not None})


@pytest.fixture
def record(server):
    server.files["/a.zip"] = whole_archive()
    stacks = tuple(
        StackRecord(
            KEYS[name],
            name,
            SHAPE,
            None if name == "test-labels.tif" else hashlib.sha256(pixels.tobytes()).hexdigest(),
            optional=name == "test-labels.tif",
        )
        for name, pixels in STACKS.items()
    )
    return ArchiveRecord(
        url=f"{server.url}/a.zip",
        folder="isbi2012",
        filename="archive.zip",
        stacks=stacks,
        max_bytes=100_000,
        max_member_bytes=50_000,
    )


def fetch(record, home, *, url=None, download_if_missing=True):
    return fetch_stacks(record, home, download_if_missing=download_if_missing, url=url)


def refuse(record, home, message, **options):
    with pytest.raises(ImageFileError, match=re.escape(message)):
        fetch(record, home, **options)
    leftovers = [path for path in home.rglob("*") if path.is_file()]
    assert leftovers == []


def test_bunch(monkeypatch, record, tmp_path):
    monkeypatch.setattr(_isbi2012, "_RECORD", record)
    found = fetch_isbi2012(tmp_path)
    for name, pixels in STACKS.items():
        np.testing.assert_array_equal(found[KEYS[name]], pixels)
    assert found.images.dtype == np.uint8
    assert found.membrane_label == 0
    assert "non-commercial research" in found.DESCR
    assert "10.3389/fnana.2015.00142" in found.DESCR


def test_second_time_needs_no_server(record, server, tmp_path):
    fetch(record, tmp_path)
    assert server.hits == 1
    again = fetch(record, tmp_path, url="http://127.0.0.1:9/none", download_if_missing=False)
    assert server.hits == 1
    np.testing.assert_array_equal(again["images"], STACKS["train-volume.tif"])
    assert [path.name for path in tmp_path.rglob("*.zip")] == ["archive.zip"]


def test_test_labels_may_be_missing(record, server, tmp_path):
    server.files["/a.zip"] = whole_archive(**{"test-labels.tif": None})
    assert set(fetch(record, tmp_path)) == {"images", "masks", "test_images"}


def test_test_labels_may_have_another_dtype(record, server, tmp_path):
    labels = STACKS["test-labels.tif"].astype(np.float32)
    server.files["/a.zip"] = whole_archive(**{"test-labels.tif": tiff(labels)})
    np.testing.assert_array_equal(fetch(record, tmp_path)["test_masks"], labels)


def test_members_in_a_folder_are_found_and_nothing_is_unpacked(record, server, tmp_path):
    members = {f"../../up/{name}": tiff(pixels) for name, pixels in STACKS.items()}
    members |= {f"__MACOSX/._{name}": b"junk" for name in STACKS}
    server.files["/a.zip"] = archive(members)
    home = tmp_path / "in" / "home"
    assert set(fetch(record, home)) == set(KEYS.values())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [home / "isbi2012" / "archive.zip"]


def test_file_address_and_redirect(record, server, tmp_path):
    path = tmp_path / "by hand.zip"
    path.write_bytes(server.files["/a.zip"])
    assert "images" in fetch(record, tmp_path / "one", url=path.resolve().as_uri())
    assert server.hits == 0
    server.redirects["/old"] = f"{server.url}/a.zip"
    assert "images" in fetch(record, tmp_path / "two", url=f"{server.url}/old")


def test_missing_and_not_to_be_downloaded(record, tmp_path):
    message = "archive.zip must exist when download_if_missing is False"
    refuse(record, tmp_path, message, download_if_missing=False)


def test_not_found(record, server, tmp_path):
    url = f"{server.url}/none.zip"
    refuse(record, tmp_path, f"url {url} could not be downloaded: Not Found.", url=url)


def test_no_server(record, tmp_path):
    refuse(record, tmp_path, "could not be downloaded", url="http://127.0.0.1:9/a.zip")


def test_redirect_to_another_scheme(record, server, tmp_path):
    server.redirects["/old"] = "ftp://127.0.0.1/a.zip"
    message = "it redirects to ftp://127.0.0.1/a.zip, which is not followed"
    refuse(record, tmp_path, message, url=f"{server.url}/old")


def test_other_schemes_are_refused(record, tmp_path):
    message = "url must start with one of https, http, file; got 'ftp://host/a.zip'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        fetch(record, tmp_path, url="ftp://host/a.zip")


def test_other_pixels(record, server, tmp_path):
    other = STACKS["train-volume.tif"].copy()
    other[0, 0, 0] ^= 1
    server.files["/a.zip"] = whole_archive(**{"train-volume.tif": tiff(other)})
    digest = hashlib.sha256(STACKS["train-volume.tif"].tobytes()).hexdigest()
    refuse(record, tmp_path, f"train-volume.tif must have pixels with the SHA-256 {digest}; got")


def test_missing_member(record, server, tmp_path):
    server.files["/a.zip"] = whole_archive(**{"train-labels.tif": None})
    refuse(record, tmp_path, "The archive must hold one file train-labels.tif; it holds 0.")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_zip(record, server, tmp_path, share):
    whole = server.files["/a.zip"]
    server.files["/a.zip"] = whole[: int(share * len(whole))]
    refuse(record, tmp_path, "archive.zip must be a whole zip archive; it is broken")


def test_damaged_member(record, server, tmp_path):
    whole = bytearray(server.files["/a.zip"])
    start = whole.index(b"train-volume.tif") + 60
    whole[start : start + 40] = bytes(40)
    server.files["/a.zip"] = bytes(whole)
    refuse(record, tmp_path, "archive.zip must be a whole zip archive; it is broken")


def test_archive_that_is_too_large(record, server, tmp_path):
    server.files["/a.zip"] = bytes(record.max_bytes + 1)
    refuse(record, tmp_path, f"must hold at most {record.max_bytes} bytes")


def test_zip_bomb(record, server, tmp_path):
    bomb = bytes(10 * record.max_member_bytes)
    server.files["/a.zip"] = whole_archive(**{"train-volume.tif": bomb})
    assert len(server.files["/a.zip"]) < record.max_bytes
    message = f"train-volume.tif must unpack to at most {record.max_member_bytes} bytes"
    refuse(record, tmp_path, message)


def test_no_tiff(record, server, tmp_path):
    server.files["/a.zip"] = whole_archive(**{"train-volume.tif": b"plain text"})
    refuse(record, tmp_path, "train-volume.tif must be a TIFF stack; it cannot be read")


@pytest.mark.parametrize(
    "pixels", [STACKS["train-volume.tif"][:2], STACKS["train-volume.tif"].astype(np.uint16)]
)
def test_other_shape_or_dtype(record, server, tmp_path, pixels):
    server.files["/a.zip"] = whole_archive(**{"train-volume.tif": tiff(pixels)})
    message = (
        f"train-volume.tif must hold uint8 pixels of shape {SHAPE}; got {pixels.dtype} pixels of "
        f"shape {pixels.shape}."
    )
    refuse(record, tmp_path, message)


def test_broken_file_in_the_data_home_is_named(record, tmp_path):
    path = tmp_path / "isbi2012" / "archive.zip"
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(ImageFileError, match=re.escape(f"Delete {path}")):
        fetch(record, tmp_path)


def test_official_record():
    record = _isbi2012._RECORD
    assert record.url.startswith("https://")
    assert [stack.key for stack in record.stacks] == list(KEYS.values())
    assert all(len(stack.sha256) == 64 for stack in record.stacks[:3])
    assert all(stack.shape == (30, 512, 512) for stack in record.stacks)
