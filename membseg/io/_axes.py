"""From any order of axes to (n_images, height, width[, channels])."""

import math

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.utils import check_images

_CHANNEL_AXES = "CS"
_ASSUMED_AXES = {2: "YX", 3: "ZYX", 4: "ZYXC"}


def resolve_axes(shape: tuple[int, ...], stored: str | None, given: str | None, source: str) -> str:
    """Axes by what the caller gave, else by what the file says, else by the usual order."""
    if given is not None:
        return _check_axes(shape, given.upper(), f"axes={given!r}", source)
    if stored is not None:
        return _check_axes(shape, stored.upper(), f"its axes {stored!r}", source)
    if len(shape) not in _ASSUMED_AXES:
        raise InvalidInputError(
            f"{source} holds an array of shape {shape} and does not say what its axes are. "
            "Name them with axes=, one letter a dimension, such as axes='ZCYX'."
        )
    return _ASSUMED_AXES[len(shape)]


def arrange(array: np.ndarray, axes: str) -> np.ndarray:
    """Move channels last and flatten all axes but Y, X and channels into the first.

    Parameters
    ----------
    array : ndarray
        Any array with a Y and an X axis.
    axes : str
        One letter a dimension; C and S are channels. The first of several stack axes varies
        slowest in the result.

    Returns
    -------
    ndarray of shape (n_images, height, width[, channels])
        In the machine's byte order; an axis of one channel is dropped.
    """
    channels = [i for i, letter in enumerate(axes) if letter in _CHANNEL_AXES]
    plane = [axes.index("Y"), axes.index("X")]
    others = [i for i in range(len(axes)) if i not in channels + plane]
    moved = array.transpose(others + plane + channels)
    n_images = math.prod(array.shape[i] for i in others)
    n_channels = math.prod(array.shape[i] for i in channels)
    height, width = (array.shape[i] for i in plane)
    tail = () if n_channels == 1 else (n_channels,)
    images = moved.reshape((n_images, height, width, *tail))
    return np.ascontiguousarray(images, dtype=array.dtype.newbyteorder("="))


def check_arranged(images: np.ndarray, source: str, *, axes_known: bool) -> None:
    """Let the one judge of images look at what was read, and name the file if it refuses."""
    # The judge guesses at wrong orders of axes from sizes. Where the axes are known it sees
    # two-dimensional images (rows of pixels with their channels), which leave nothing to guess.
    judged = [image.reshape(len(image), -1) for image in images] if axes_known else images
    try:
        check_images(judged, name="stack", finite=False)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{source} does not hold a stack of images as it stands: {error} When loading, say "
            "it with axes=, one letter a dimension, such as axes='YXC' or axes='ZCYX'."
        ) from error


def _check_axes(shape: tuple[int, ...], axes: str, what: str, source: str) -> str:
    if len(axes) != len(shape) or axes.count("Y") != 1 or axes.count("X") != 1:
        raise InvalidInputError(
            f"{source} has shape {shape}, which {what} must fit: one letter a dimension, with one "
            "Y and one X. Name them with axes=, such as axes='ZCYX'."
        )
    return axes
