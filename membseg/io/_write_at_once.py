"""Write a file so that nobody ever sees half of it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_at_once(path: str | os.PathLike[str], content: bytes) -> None:
    """Write beside the file and rename: a crash leaves the old file, or none, or the new one.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced. A link stays one: the file behind it is replaced.
    content : bytes
        All of its content. The new file has the rights of the old one, or those of any new file.

    Raises
    ------
    OSError
        If it cannot be written. An old file is as it was then, and nothing is left beside it.
    """
    target = Path(os.path.realpath(path))
    # Not by tempfile, whose files nobody else may read.
    part = target.with_name(f".membseg-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        os.replace(part, target)
    except BaseException:  # an interruption as well leaves no part behind
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _keep_name(target.parent)


def _keep_name(folder: Path) -> None:
    """Have the new name survive a loss of power as well, where the system can promise that."""
    if os.name != "posix":
        return
    with suppress(OSError):  # the file itself is complete, and some file systems know no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
