"""Arrays that are read piece by piece: zarr, HDF5, memory-mapped files."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from membseg.exceptions import InvalidTypeError

#: Images of at most so many values are looked at in one piece; larger ones in squares of so many
#: pixels a side. The temporary arrays (float64) then stay below 128 MiB.
LARGEST_BLOCK, BLOCK_SIDE = 2**24, 2048


class LazyImage:
    """One image of an array that is read from elsewhere, such as zarr's and h5py's.

    A window, ``image[rows, columns]`` with two slices, reads that window only. Everything else
    reads the whole image first.

    Parameters
    ----------
    source : array-like with shape, dtype, ndim and windows
        The stack, or the image itself.
    number : int or None, default=None
        The image's number in the stack; None where `source` is the image.

    Attributes
    ----------
    shape : tuple of int
        (height, width, channels); images of two axes get one channel.
    dtype : dtype
        Of the pixels.
    ndim, size : int
        3, and the number of values.
    """

    ndim = 3

    def __init__(self, source: Any, number: int | None = None) -> None:
        shape = tuple(int(n) for n in (source.shape if number is None else source.shape[1:]))
        self._source = source
        self._number = number
        self._adds_channel = len(shape) == 2
        self.shape = (*shape, 1) if self._adds_channel else shape
        self.dtype = source.dtype
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> np.ndarray:
        if not _is_window(key):
            return np.asarray(self)[key]
        window = key if self._number is None else (self._number, *key)
        pixels = np.asarray(self._source[window])
        return pixels[..., np.newaxis] if self._adds_channel else pixels

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read the whole image."""
        return np.asarray(self[:, :], dtype=dtype)

    def mean(self, axis: Any = None, dtype: Any = None) -> Any:
        """Read the whole image and average it, as ndarray's method of this name does."""
        return np.asarray(self).mean(axis=axis, dtype=dtype)

    def min(self) -> Any:
        """Read the whole image and find its least value."""
        return np.asarray(self).min()

    def max(self) -> Any:
        """Read the whole image and find its largest value."""
        return np.asarray(self).max()


def is_dask(X: Any) -> bool:
    """Whether something is a dask array; does not import dask to find out."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(X, module.Array)


def as_readable(X: Any, name: str) -> Any:
    """Leave arrays where they are; turn anything else into an array.

    Parameters
    ----------
    X : array-like
        A stack of images, or an image.
    name : str
        The argument's name in messages.

    Returns
    -------
    ndarray, or array-like with shape, dtype, ndim and windows
        `X` itself where it is either of them.

    Raises
    ------
    InvalidTypeError
        If `X` is a dask array: its windows would be computed anew at every look.
    """
    if is_dask(X):
        raise InvalidTypeError(
            f"{name} must not be a dask array here, since it is read again and again, in small "
            f"windows. Store it, e.g. {name}.to_zarr('images.zarr'), and give "
            f"zarr.open_array('images.zarr', mode='r'), or load it: {name}.compute()."
        )
    # Arrays in memory that are not numpy's own (jax, torch) share it by way of dlpack.
    lazy = isinstance(getattr(X, "dtype", None), np.dtype) and not hasattr(X, "__dlpack__")
    if lazy and all(hasattr(X, part) for part in ("shape", "ndim", "__getitem__")):
        return X
    return np.asanyarray(X)


def iterate_blocks(image: Any) -> Iterator[np.ndarray]:
    """Read an image piece by piece: in one piece up to 2**24 values, else in squares.

    Parameters
    ----------
    image : ndarray or LazyImage of shape (height, width, channels)
        The image.

    Yields
    ------
    ndarray of shape (rows, columns, channels)
        Pieces that cover the image once.
    """
    height, width = image.shape[:2]
    side = BLOCK_SIDE if image.size > LARGEST_BLOCK else max(height, width)
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield image[top : top + side, left : left + side]


def _is_window(key: Any) -> bool:
    """Whether a key is two slices without steps, which every kind of array can read."""
    return (
        isinstance(key, tuple)
        and len(key) == 2
        and all(isinstance(part, slice) and part.step in (None, 1) for part in key)
    )
