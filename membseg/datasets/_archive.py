"""Fetching of a zip archive of stacks: bounded and checked."""

import hashlib
import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from membseg.exceptions import ImageFileError
from membseg.utils._download import fetch_file, resolve_data_home

_SCHEMES = ("https", "http", "file")
#: What tifffile raises on files that are no TIFF or a broken one.
_TIFF_ERRORS = (
    tifffile.TiffFileError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    OSError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class StackRecord:
    """One stack in an archive.

    Attributes
    ----------
    key : str
        Name of the stack in the result.
    member : str
        File name in the archive.
    shape : tuple of int
        (n_images, height, width).
    sha256 : str or None
        Checksum of the uint8 pixels in C order; None where none is known.
    optional : bool
        Whether the archive may lack it.
    """

    key: str
    member: str
    shape: tuple[int, int, int]
    sha256: str | None
    optional: bool = False


@dataclass(frozen=True)
class ArchiveRecord:
    """A zip archive of stacks, and where it lives.

    Attributes
    ----------
    url : str
        Address.
    folder, filename : str
        Where it is kept, below the data home.
    stacks : tuple of StackRecord
        What it holds.
    max_bytes, max_member_bytes : int
        Upper limits of the archive and of each unpacked member, in bytes.
    """

    url: str
    folder: str
    filename: str
    stacks: tuple[StackRecord, ...]
    max_bytes: int = 256 << 20
    max_member_bytes: int = 64 << 20


def fetch_stacks(
    record: ArchiveRecord, data_home: Any, *, download_if_missing: bool, url: str | None
) -> dict[str, np.ndarray]:
    """Read an archive's stacks from the data home, after downloading it where it is missing.

    Parameters
    ----------
    record : ArchiveRecord
        What to fetch.
    data_home : path-like or None
        Folder of downloaded data; None takes the default.
    download_if_missing : bool
        Whether to download an archive that is not there.
    url : str or None
        Address to use instead of the record's.

    Returns
    -------
    dict of str to ndarray of shape (n_images, height, width), uint8
        The stacks by their keys.

    Raises
    ------
    ImageFileError
        If the archive is missing, unreachable, too large, broken, or not the expected one, or the
        folder cannot be written to.
    InvalidInputError
        If the address is neither https, http nor file.
    """
    path = resolve_data_home(data_home) / record.folder / record.filename
    if path.exists():
        return _read_stacks(path, record)
    if not download_if_missing:
        raise ImageFileError(
            f"{path} must exist when download_if_missing is False; there is no such file. Allow "
            f"the download, or save {record.url} there."
        )
    return fetch_file(
        record.url if url is None else url,
        path,
        max_bytes=record.max_bytes,
        read=lambda part: _read_stacks(part, record),
        error=ImageFileError,
        schemes=_SCHEMES,
    )


def _read_stacks(path: Path, record: ArchiveRecord) -> dict[str, np.ndarray]:
    stacks = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for stack in record.stacks:
                data = _read_member(archive, stack, record.max_member_bytes)
                if data is not None:
                    stacks[stack.key] = _decode(data, stack)
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError) as error:
        raise ImageFileError(
            f"{record.filename} must be a whole zip archive; it is broken ({error}). Delete {path} "
            "if it is there and fetch again."
        ) from error
    return stacks


def _read_member(archive: zipfile.ZipFile, stack: StackRecord, max_bytes: int) -> bytes | None:
    """Bytes of one member, found by its file name; nothing is ever unpacked to disk."""
    found = [m for m in archive.infolist() if m.filename.split("/")[-1] == stack.member]
    if len(found) != 1:
        if not found and stack.optional:
            return None
        raise ImageFileError(
            f"The archive must hold one file {stack.member}; it holds {len(found)}. Delete "
            f"{archive.filename} if it is there and fetch again."
        )
    with archive.open(found[0]) as source:
        # The size that the header states may be a lie, so the bytes themselves are counted.
        data = source.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ImageFileError(
            f"{stack.member} must unpack to at most {max_bytes} bytes; it is larger, so it is not "
            "the expected file. Fetch the archive from its official address."
        )
    return data


def _decode(data: bytes, stack: StackRecord) -> np.ndarray:
    try:
        with tifffile.TiffFile(BytesIO(data)) as tiff:
            series = tiff.series[0]
            # Judged before any pixel is decoded: a small file can claim terabytes.
            shape, dtype = tuple(series.shape), series.dtype
            # Without a checksum there is nothing that another dtype would fail.
            fits = shape == stack.shape and (dtype == np.uint8 or stack.sha256 is None)
            pixels = series.asarray() if fits else None
    except _TIFF_ERRORS as error:
        raise ImageFileError(
            f"{stack.member} must be a TIFF stack; it cannot be read ({error}). Fetch the archive "
            "from its official address."
        ) from error
    if pixels is None:
        raise ImageFileError(
            f"{stack.member} must hold uint8 pixels of shape {stack.shape}; got {dtype} pixels of "
            f"shape {shape}. Fetch the archive from its official address."
        )
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    if stack.sha256 is not None and digest != stack.sha256:
        raise ImageFileError(
            f"{stack.member} must have pixels with the SHA-256 {stack.sha256}; got {digest}. The "
            "file is damaged or another one: fetch the archive from its official address."
        )
    return pixels
