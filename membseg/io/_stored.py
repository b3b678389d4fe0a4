"""What a file holds, before axes and colours are put into membseg's order."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from membseg.exceptions import ImageFileError, MembsegError


@dataclass(frozen=True)
class StackInfo:
    """What :func:`membseg.io.load_stack` learned from a file besides its pixels.

    Attributes
    ----------
    pixel_size : float or None
        Side of one pixel in the image plane, in `unit`; None where the file does not say, or
        where its pixels are not square.
    unit : str
        Unit of `pixel_size`, always ``"nm"``.
    axes : str
        Axes as they were in the file, one letter a dimension (``"ZCYX"``, for example).
    source : str
        Path of the file.
    """

    pixel_size: float | None
    unit: str
    axes: str
    source: str


@dataclass(frozen=True)
class StoredStack:
    """Pixels as a reader found them.

    Attributes
    ----------
    array : ndarray
        The stored numbers; for palette files the indices.
    axes : str or None
        One letter a dimension, None where the format does not say.
    colours : ndarray or None
        For palette files: `array` translated to colours, one more axis (3 or 4) at the end.
    grey_alpha : bool
        Whether the two channels are grey and opacity.
    pixel_size : float or None
        In nm.
    """

    array: np.ndarray
    axes: str | None = None
    colours: np.ndarray | None = None
    grey_alpha: bool = False
    pixel_size: float | None = None


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into an error that names the file."""
    try:
        yield
    except (MembsegError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything at all on broken files
        raise ImageFileError(
            f"{path} cannot be read ({type(error).__name__}: {error}). The file may be cut short, "
            "damaged, or of another kind than its suffix says; write it again or leave it out."
        ) from error
