"""One process at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time in; the system lets go of the lock of one that died.

    Parameters
    ----------
    path : pathlib.Path
        A file for the lock alone, which stays: with one that comes and goes two could get in.
    """
    with path.open("a+b") as file:
        _lock(file)
        try:
            yield
        finally:
            _unlock(file)


if os.name == "nt":  # pragma: no cover  # tried on Windows only
    import msvcrt
    import time

    def _lock(file: Any) -> None:
        # LK_LOCK gives up after ten tries of a second.
        while True:
            try:
                file.seek(0)
                # Only Windows has this module.
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]  # Windows has it
            except OSError:
                time.sleep(0.1)
            else:
                return

    def _unlock(file: Any) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]  # Windows has it
else:
    import fcntl

    def _lock(file: Any) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: Any) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
