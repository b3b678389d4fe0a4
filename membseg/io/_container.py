"""One file for a document and arrays: models, checkpoints. Nothing in it is ever executed."""

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError, ModelFileError
from membseg.io._strict_json import dump_json, parse_json
from membseg.io._write_at_once import write_at_once

#: The layout of the file; goes up when an older membseg could no longer read it.
FORMAT = 1

_DOCUMENT, _ARRAYS = "membseg.json", "arrays.safetensors"
_KEYS = {"kind", "format", "membseg", "arrays_sha256", "document"}

#: Below what needs the 64-bit extensions of zip, which are refused when reading.
LARGEST_FILE = 2**31 - 1

#: Bytes of the names and shapes of all arrays.
_LARGEST_HEADER = 16 * 2**20

#: The end of a zip file: signature, disks, number of members, size and place of the directory,
#: length of a comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _ZIP64_SIGNATURE = b"PK\x05\x06", b"PK\x06\x07"
_LARGEST_DIRECTORY = 1024

_DTYPES = frozenset("?bhilqBHILQefdF")
_WAY_OUT = "Save it again where it came from, or fetch it again."


def save_container(
    path: str | os.PathLike[str],
    kind: str,
    document: Mapping[str, Any],
    arrays: Mapping[str, Any],
) -> None:
    """Write a document and arrays to one file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced at once. The folder must exist.
    kind : str
        What the file is, such as "segmenter"; :func:`load_container` asks for it.
    document : dict
        Of dicts, lists, str, int, finite float, bool and None.
    arrays : dict of str to ndarray
        Arrays of any shape, of bool, integers, floats or complex64.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        If `path` is no path, or document or arrays cannot be kept.
    ModelFileError
        If the file cannot be written. An old one is as it was then.
    """
    target = _check_path(path)
    content = pack(kind, document, arrays)
    if target.is_dir():
        raise ModelFileError(f"{target} is a folder. Give the path of a file.")
    try:
        write_at_once(target, content)
    except OSError as error:
        reason = error.strerror or error
        raise ModelFileError(
            f"{target} cannot be written: {reason}. What was there before is as it was; make "
            "room, or give a path in a folder that exists and that you may write to."
        ) from error


def load_container(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a file of :func:`save_container`, without trust in what it holds.

    Parameters
    ----------
    path : str or path-like
        The file.
    kind : str
        What it must be.

    Returns
    -------
    document : dict
        Of dicts, lists, str, int, finite float, bool and None; nothing else is known of it.
    arrays : dict of str to ndarray
        The arrays, which are writeable.

    Raises
    ------
    InvalidTypeError
        If `path` is no path.
    ModelFileError
        If there is no such file, or it is not one of these, or not whole, or newer, or of
        another kind.
    """
    source = _check_path(path)
    try:
        if not source.is_file():
            what = "is no file" if source.exists() else "does not exist"
            raise ModelFileError(f"{source} {what}. Give the path of a file that membseg saved.")
        if source.stat().st_size > LARGEST_FILE:
            raise ModelFileError(f"{source} is no file of membseg: it is larger than any of them.")
        content = source.read_bytes()
    except ModelFileError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{str(source)!r} cannot be read: {reason}.") from error
    try:
        return unpack(content, kind)
    except ValueError as error:
        raise ModelFileError(f"{source} cannot be loaded: {error}") from error


def pack(kind: str, document: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """Give the content of a file; equal arguments give equal bytes.

    Parameters
    ----------
    kind, document, arrays
        As :func:`save_container` takes them.

    Returns
    -------
    bytes
        A zip file.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        If document or arrays cannot be kept.
    """
    from safetensors.numpy import save

    from membseg import __version__

    packed = save({name: _plain(name, array) for name, array in arrays.items()})
    whole = {
        "kind": kind,
        "format": FORMAT,
        "membseg": __version__,
        "arrays_sha256": hashlib.sha256(packed).hexdigest(),
        "document": document,
    }
    try:
        text = dump_json(whole)
    except ValueError as error:
        raise InvalidInputError(f"document cannot be kept as JSON: {error}.") from error
    if len(packed) + len(text) + _LARGEST_DIRECTORY > LARGEST_FILE:
        raise InvalidInputError(
            f"arrays must have less than 2 GB together; got {len(packed) / 2**30:.1f} GB."
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, part in ((_DOCUMENT, text), (_ARRAYS, packed)):
            # A ZipInfo has one and the same date, so that equal models are equal files.
            archive.writestr(zipfile.ZipInfo(name), part)
    return file.getvalue()


def unpack(content: bytes, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the content of a file.

    Parameters
    ----------
    content : bytes
        A zip file.
    kind : str
        What it must be.

    Returns
    -------
    document : dict
        The document.
    arrays : dict of str to ndarray
        The arrays.

    Raises
    ------
    ValueError
        If it is no such file; says why and what to do, in whole sentences after a colon.
    """
    text, packed = _members(content)
    try:
        whole = parse_json(text)
    except ValueError as error:
        raise ValueError(f"its document cannot be read ({error}). {_WAY_OUT}") from error
    document = _check_whole(whole, kind)
    if hashlib.sha256(packed).hexdigest() != whole["arrays_sha256"]:
        raise ValueError(f"the checksum of its arrays is wrong, so it was changed. {_WAY_OUT}")
    return document, _unpack_arrays(packed)


def _check_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise InvalidTypeError(f"path must be a str or a Path; got {type(path).__name__}.")
    return Path(path)


def _plain(name: str, array: Any) -> np.ndarray:
    """Give an array as it is written: little endian, in C order."""
    found = np.asarray(array, order="C")
    if found.dtype.char not in _DTYPES:
        raise InvalidTypeError(
            f"arrays must be of bool, integers, floats up to 64 bits or complex64; got "
            f"{found.dtype} for {name!r}."
        )
    return found.astype(found.dtype.newbyteorder("<"), order="C", copy=False)


def _members(content: bytes) -> tuple[bytes, bytes]:
    """Give both members of the zip file, which must hold them as they are and nothing else."""
    _check_end(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members)
            found = {member.filename: archive.read(member) for member in members}
            if any(len(found[member.filename]) != member.file_size for member in members):
                raise ValueError("it ends early")
    except Exception as error:  # whatever zipfile stumbles over: there is no list of that
        raise ValueError(f"it is damaged ({error}). {_WAY_OUT}") from error
    return found[_DOCUMENT], found[_ARRAYS]


def _check_end(content: bytes) -> None:
    """Refuse foreign files, and directories of millions of members, before zipfile looks."""
    if not content:
        raise ValueError(f"it is empty. {_WAY_OUT}")
    if not content.startswith(b"PK\x03\x04"):
        raise ValueError("it is no file that membseg saved. Give the path of one that is.")
    end = content[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_SIGNATURE):
        raise ValueError(f"its end is missing, or something follows it. {_WAY_OUT}")
    _, _, _, _, n_members, size, _, comment = _END.unpack(end)
    zip64 = content[-_END.size - 20 :].startswith(_ZIP64_SIGNATURE)
    if n_members != 2 or size > _LARGEST_DIRECTORY or comment or zip64:
        raise ValueError(
            f"it must hold {_DOCUMENT} and {_ARRAYS} and nothing else, so membseg did not save it "
            "(a .keras file is opened by keras.saving.load_model)."
        )


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if sorted(names) != sorted((_DOCUMENT, _ARRAYS)):
        shown = ", ".join(repr(name[:40]) for name in names[:5])
        raise ValueError(f"it must hold {_DOCUMENT} and {_ARRAYS} and nothing else, not {shown}")
    if min(member.header_offset for member in members) != 0:
        raise ValueError("something stands in front of its members")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename} is compressed, which membseg never does")
        if member.flag_bits & 0x41:
            raise ValueError(f"{member.filename} is encrypted")


def _check_whole(whole: Any, kind: str) -> dict[str, Any]:
    """Check what stands around the document, the format first: it may say what all else means."""
    number = whole.get("format") if isinstance(whole, dict) else None
    if type(number) is not int or number < 1:
        raise ValueError(f"its format must be a whole number from 1 on. {_WAY_OUT}")
    if number > FORMAT:
        version = str(whole.get("membseg"))[:20]
        raise ValueError(
            f"it has the format {number}, and this membseg knows formats up to {FORMAT}; it was "
            f"saved by membseg {version!r}. Update membseg: pip install -U membseg"
        )
    texts = [whole.get(name) for name in ("kind", "membseg", "arrays_sha256")]
    if (
        set(whole) != _KEYS
        or not all(isinstance(text, str) for text in texts)
        or not isinstance(whole["document"], dict)
    ):
        raise ValueError(f"its document has other keys or values than membseg writes. {_WAY_OUT}")
    if whole["kind"] != kind:
        raise ValueError(
            f"it must be a file of a {kind}; it is one of a {whole['kind'][:40]!r}. Give another "
            "file, or load it with the function that loads those."
        )
    return whole["document"]


def _unpack_arrays(packed: bytes) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    try:
        # Names and shapes stand in front; parsed, they take some times as much memory.
        if int.from_bytes(packed[:8], "little") > _LARGEST_HEADER:
            raise ValueError("they have too many names")
        return {name: np.array(array) for name, array in load(packed).items()}
    except Exception as error:  # of safetensors, of numpy: there is no list of what they raise
        raise ValueError(f"its arrays cannot be read ({error}). {_WAY_OUT}") from error
