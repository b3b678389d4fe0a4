"""Downloading of files: bounded, checked, and never left half done."""

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from membseg.exceptions import InvalidInputError, MembsegError

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0

Read = TypeVar("Read")


def resolve_data_home(data_home: Any) -> Path:
    """Folder of downloaded data: the argument, ``MEMBSEG_DATA_HOME``, or ``~/membseg_data``.

    Parameters
    ----------
    data_home : path-like or None
        The caller's choice.

    Returns
    -------
    pathlib.Path
        The folder; it may not exist yet.
    """
    chosen = data_home or os.environ.get("MEMBSEG_DATA_HOME") or Path("~", "membseg_data")
    return Path(chosen).expanduser()


def fetch_file(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    read: Callable[[Path], Read],
    error: type[MembsegError],
    schemes: tuple[str, ...] = ("https", "http"),
) -> Read:
    """Download a file to its path, where it only appears once it has been read without an error.

    What an attempt that failed has left is deleted, so that the next one starts anew.

    Parameters
    ----------
    url : str
        Address.
    path : pathlib.Path
        Where the file is kept; its folder is made.
    max_bytes : int
        Upper limit of its size.
    read : callable
        Checks and reads the file, given its path; it raises where the file is not the right one.
    error : type of MembsegError
        What to raise.
    schemes : tuple of str, default=("https", "http")
        Kinds of address that may be asked for.

    Returns
    -------
    object
        What `read` gave.

    Raises
    ------
    MembsegError
        `error`, if the address cannot be reached, or breaks off, or goes on beyond the limit, or
        the folder cannot be written to.
    InvalidInputError
        If the address is of another kind.
    """
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme not in schemes:
        way_out = ""
        if "file" in schemes:
            way_out = " For a file on this machine give pathlib.Path(...).resolve().as_uri()."
        raise InvalidInputError(
            f"url must start with one of {', '.join(schemes)}; got {url!r}.{way_out}"
        )
    with _part_of(path, error) as part:
        _download(url, part, max_bytes, path, error)
        result = read(part)
        os.replace(part, path)
    return result


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@contextmanager
def _part_of(path: Path, error: type[MembsegError]) -> Iterator[Path]:
    """Give an empty file beside `path` to write into; it is gone afterwards."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=path.suffix)
    except OSError as reason:
        raise error(
            f"data_home must be a folder that can be written to; {path.parent} cannot "
            f"({reason.strerror}). Give another folder, or set MEMBSEG_DATA_HOME to one."
        ) from reason
    os.close(handle)
    try:
        yield Path(part)
    finally:
        Path(part).unlink(missing_ok=True)


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only to http(s), and never from https to less."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme == "https" or (scheme == "http" and req.type == "http"):
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        raise urllib.error.URLError(f"it redirects to {newurl}, which is not followed")


def _download(
    url: str, target: Path, max_bytes: int, path: Path, error: type[MembsegError]
) -> None:
    opener = urllib.request.build_opener(_CarefulRedirects())
    way_out = f"Check the connection and the address, or save the file by hand as {path}."
    total = 0
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as source, target.open("wb") as sink:
            stated = source.headers.get("Content-Length") or ""
            while chunk := source.read(_CHUNK_BYTES):
                total += len(chunk)
                if total > max_bytes:
                    break
                sink.write(chunk)
    except (OSError, http.client.HTTPException) as reason:
        what = getattr(reason, "reason", None) or reason
        raise error(f"url {url} could not be downloaded: {what}. {way_out}") from reason
    if total > max_bytes:
        raise error(
            f"url {url} must hold at most {max_bytes} bytes; it goes on beyond that, so it is not "
            f"the expected file. {way_out}"
        )
    # Python's client takes the end of the connection for the end of the file.
    if stated.isdigit() and total < int(stated):
        raise error(
            f"url {url} must give {stated} bytes, as its server says; it broke off after {total}. "
            f"Try again, or save the file by hand as {path}."
        )
