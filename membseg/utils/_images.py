"""The only judge of images: axes, dtype and finite values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.utils._lazy import LazyImage, as_readable, iterate_blocks

#: More channels than this on axis 1, or fewer on the last axis, tell channels-first from a stack.
_MAX_PLAUSIBLE_CHANNELS = 16


@dataclass(frozen=True)
class ImageStack:
    """Images as membseg works with them: channels-last views of the caller's arrays.

    Attributes
    ----------
    images : list of (ndarray or LazyImage) of shape (height, width, channels)
        One view an image; nothing is copied, converted or read.
    as_list : bool
        Whether the caller gave a list (so results go back as a list).
    n_channels : int
        Channels of every image.
    """

    images: list[Any]
    as_list: bool
    n_channels: int

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of every image, in pixels."""
        return [image.shape[:2] for image in self.images]


def check_images(
    X: Any,
    *,
    name: str = "X",
    n_channels: int | None = None,
    finite: bool = True,
) -> ImageStack:
    """Check a stack, or a list, of images and return channels-last views of it.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images of any real dtype. A list holds arrays of shape (height, width) or
        (height, width, channels), of any sizes. Arrays that are read from elsewhere (zarr, h5py)
        are left there; memory-mapped arrays are left in their files.
    name : str, default="X"
        The argument's name in messages.
    n_channels : int or None, default=None
        The number of channels that is required, if any.
    finite : bool, default=True
        Whether NaN and infinite pixels are refused.

    Returns
    -------
    ImageStack
        The images as views.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of images; the message says what to write instead.
    """
    as_list = isinstance(X, list | tuple)
    images = _list_images(X, name) if as_list else _stack_images(as_readable(X, name), name)
    found = _check_channels(images, name, n_channels)
    if finite:
        for i, image in enumerate(images):
            _check_finite(image, f"{name}[{i}]")
    return ImageStack(images=images, as_list=as_list, n_channels=found)


def check_dask_images(X: Any, *, n_channels: int) -> None:
    """Check the axes and the dtype of a dask array of images, without computing any of it.

    Parameters
    ----------
    X : dask array of shape (n_images, height, width[, channels])
        Images of any real dtype.
    n_channels : int
        The number of channels that is required.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of such images, or its shape is not known.
    """
    if any(np.isnan(n) for n in X.shape):
        raise InvalidInputError(
            f"X must have a known shape; got {X.shape}. Call X.compute_chunk_sizes() first."
        )
    _check_channels(_stack_images(X, "X"), "X", n_channels)


def _check_channels(images: list[Any], name: str, n_channels: int | None) -> int:
    channels = {image.shape[2] for image in images}
    if len(channels) > 1:
        raise InvalidInputError(
            f"All images of {name} must have the same number of channels; "
            f"got {sorted(channels)}. Convert them to one colour mode first."
        )
    found = channels.pop()
    if n_channels is not None and found != n_channels:
        raise InvalidInputError(
            f"{name} must have {n_channels} channel(s), as in fit; got {found} "
            f"(first image of shape {images[0].shape}). Give the same kind of images as in fit."
        )
    return found


def _check_dtype(array: Any, name: str) -> None:
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(
            f"{name} must hold real numbers (bool, integer or float); got dtype {array.dtype}. "
            "For images of different sizes give a list of arrays; for complex images give "
            "np.abs(X)."
        )


def _stack_images(X: Any, name: str) -> list[Any]:
    _check_dtype(X, name)
    wanted = "(n_images, height, width) or (n_images, height, width, channels)"
    if X.ndim == 2:
        raise InvalidInputError(
            f"{name} must have shape {wanted}; got one 2-D image of shape {X.shape}. "
            f"For a single image write {name}[np.newaxis]."
        )
    if X.ndim not in (3, 4):
        raise InvalidInputError(f"{name} must have shape {wanted}; got shape {X.shape}.")
    if 0 in X.shape:
        raise InvalidInputError(
            f"{name} must hold at least one image with pixels; got shape {X.shape}."
        )
    if X.ndim == 3 and X.shape[2] in (1, 3, 4) and X.shape[1] > _MAX_PLAUSIBLE_CHANNELS:
        raise InvalidInputError(
            f"{name} must have shape {wanted}; shape {X.shape} looks like a single image with "
            f"{X.shape[2]} channel(s). Write {name}[np.newaxis]."
        )
    if X.ndim == 4 and X.shape[1] <= _MAX_PLAUSIBLE_CHANNELS < min(X.shape[2:]):
        raise InvalidInputError(
            f"{name} must have its channels last; shape {X.shape} looks channels-first. "
            f"Write np.moveaxis({name}, 1, -1)."
        )
    if not isinstance(X, np.ndarray):
        return [LazyImage(X, i) for i in range(X.shape[0])]
    return [image if X.ndim == 4 else image[..., np.newaxis] for image in X]


def _list_images(X: Sequence[ArrayLike], name: str) -> list[Any]:
    if len(X) == 0:
        raise InvalidInputError(f"{name} must hold at least one image; got an empty list.")
    images: list[Any] = []
    for i, item in enumerate(X):
        label = f"{name}[{i}]"
        image = as_readable(item, label)
        _check_dtype(image, label)
        if image.ndim not in (2, 3) or 0 in image.shape:
            raise InvalidInputError(
                f"Each image in the list {name} must have shape (height, width) or "
                f"(height, width, channels) and pixels; {label} has shape {image.shape}."
            )
        if image.ndim == 3 and image.shape[0] <= 4 < min(image.shape[1:]):
            raise InvalidInputError(
                f"{label} must have its channels last; shape {image.shape} looks channels-first. "
                f"Write np.moveaxis({label}, 0, -1)."
            )
        if not isinstance(image, np.ndarray):
            images.append(LazyImage(image))
        else:
            images.append(image if image.ndim == 3 else image[..., np.newaxis])
    return images


def _check_finite(image: Any, name: str) -> None:
    if image.dtype.kind != "f":
        return
    # A sum is not finite whenever one of its terms is not; only then look closer.
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(block.sum(dtype=np.float64) for block in iterate_blocks(image))
    if np.isfinite(total):
        return
    n_bad = sum(int(np.count_nonzero(~np.isfinite(block))) for block in iterate_blocks(image))
    if n_bad:
        raise InvalidInputError(
            f"{name} must be finite; {n_bad} of its {image.size} values are NaN or infinite. "
            "Replace them first, e.g. with np.nan_to_num."
        )


def restore_layout(results: list[np.ndarray], *, as_list: bool) -> Any:
    """Give results back the way images came: a list for a list, one array for a stack."""
    return results if as_list else np.stack(results)
