"""Fitted estimators in a folder, one file each."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, TrainingWarning
from membseg.io._write_at_once import write_at_once
from membseg.utils import warn_user

#: Bytes of the checksum in front of the pickle.
_CHECKSUM = hashlib.sha256().digest_size


class FitStore:
    """A folder of fits by name.

    Parameters
    ----------
    folder : str or path-like
        The folder; made where it does not exist.

    Raises
    ------
    InvalidInputError
        If there is no such folder and none can be made.
    """

    def __init__(self, folder: Any) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                f"folder must be a folder, or the path of one to make; got {os.fspath(folder)!r}, "
                f"and: {error}. Give another path."
            ) from error

    def path(self, key: str) -> Path:
        """Give the file of a fit."""
        return self.folder / f"{key}.fit"

    def load(self, key: str) -> Any:
        """Read a fit.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        estimator or None
            None where there is no such file, or, with a warning, where it is damaged.
        """
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        payload = content[_CHECKSUM:]
        if hashlib.sha256(payload).digest() != content[:_CHECKSUM]:
            _warn_damaged(path, "its checksum is wrong")
            return None
        try:
            return pickle.loads(payload)
        except Exception as error:  # a class that has changed or gone can raise anything
            _warn_damaged(path, f"{type(error).__name__}: {error}")
            return None

    def save(self, key: str, fitted: Any) -> None:
        """Write a fit, so that nobody ever sees half of it.

        A fit that cannot be written is a warning: it may have taken hours, and is still there.

        Parameters
        ----------
        key : str
            Its name.
        fitted : estimator
            What is kept.
        """
        path = self.path(key)
        try:
            payload = pickle.dumps(fitted, protocol=pickle.HIGHEST_PROTOCOL)
            write_at_once(path, hashlib.sha256(payload).digest() + payload)
        except (OSError, pickle.PicklingError, AttributeError, TypeError) as error:
            warn_user(
                f"The fit could not be kept in {path.parent} ({type(error).__name__}: {error}); it "
                "is used, but will be repeated next time. Make room there, or give cached another "
                "folder.",
                TrainingWarning,
            )


def _warn_damaged(path: Path, why: str) -> None:
    warn_user(
        f"The kept fit {path.name} cannot be read ({why}) and is fitted again.", TrainingWarning
    )
