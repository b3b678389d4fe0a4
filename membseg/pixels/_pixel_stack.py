"""Pixels as rows, without a copy of any."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError


@dataclass(frozen=True)
class _Source:
    """The images behind a stack of pixels, which all of its parts share.

    Attributes
    ----------
    images : list of (height, width, channels) arrays
        All images.
    labelled : list of (ndarray or None)
        Flat indices of each image's pixels that have a label; None where all have one.
    ends : ndarray of shape (n_images,), int64
        Number of labelled pixels up to and with each image.
    """

    images: list[Any]
    labelled: list[np.ndarray | None]
    ends: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Labelled pixels of each image."""
        return np.diff(self.ends, prepend=0)


class PixelStack:
    """Pixels of images, as rows for scikit-learn's tools; made by :func:`as_pixels`.

    It can be indexed by arrays, as a table can. Whole images are kept by their number, parts of
    images by the numbers of their pixels, and the images themselves are never copied.

    Parameters
    ----------
    images : list of array-like of shape (height, width, channels)
        Images, of any sizes.
    labelled : list of (ndarray or None) or None, default=None
        Flat indices of the pixels of each image that are rows, ascending; None takes all pixels
        (of an image, or of all).

    Attributes
    ----------
    shape : tuple of int
        (n_pixels, n_channels).
    ndim : int
        2.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.pixels import as_pixels
    >>> y = np.eye(4, dtype=int)[np.newaxis].repeat(3, axis=0)
    >>> Xp, yp = as_pixels(np.zeros((3, 4, 4)), y)
    >>> Xp, yp.sum()
    (PixelStack(48 pixels of 3 images), np.int64(12))
    >>> Xp[:16]
    PixelStack(16 pixels of 1 image)
    """

    ndim = 2
    # Row after row would be pixel after pixel of millions.
    __iter__: Any = None

    def __init__(self, images: list[Any], labelled: list[np.ndarray | None] | None = None) -> None:
        labelled = [None] * len(images) if labelled is None else labelled
        counts = [
            int(np.prod(image.shape[:2])) if inside is None else len(inside)
            for image, inside in zip(images, labelled, strict=True)
        ]
        self._source = _Source(images, labelled, np.cumsum(counts, dtype=np.int64))
        # Either whole images by their numbers, or pixels by theirs among all labelled ones.
        self._numbers: Any = np.arange(len(images))
        self._index: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """(n_pixels, n_channels)."""
        n_pixels = len(self._index) if self._numbers is None else int(self._own_counts().sum())
        return n_pixels, int(self._source.images[0].shape[2])

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n_images = len(np.unique([number for number, _, _ in self.parts()]))
        return f"PixelStack({len(self)} pixels of {n_images} image{'s' * (n_images != 1)})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Refuse to be taken for a table of numbers, or for images."""
        raise InvalidTypeError(
            "X is a PixelStack, whose pixels have meaning only with their images around them; a "
            "segmenter, or a classifier of tables, cannot take it. Give "
            "segmenter.as_pixel_classifier(), or PixelClassifier(segmenter), to the tool that "
            "works on pixels, or images to the segmenter."
        )

    def __getitem__(self, key: Any) -> "PixelStack":
        """Take some of the pixels: by a slice, by a mask, or by numbers in any order."""
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            # This is how scikit-learn takes rows.
            key = key[0]
        rows = self._as_rows(key)
        part = object.__new__(PixelStack)
        part._source = self._source
        part._numbers = self._as_whole_images(rows)
        part._index = None if part._numbers is not None else self._in_source(rows)
        return part

    @property
    def image_numbers(self) -> np.ndarray:
        """The number of each pixel's image, ndarray of shape (n_pixels,), int64.

        Usable as ``groups`` for scikit-learn's splitters of groups.
        """
        if self._numbers is not None:
            return np.repeat(self._numbers, self._own_counts())
        return np.searchsorted(self._source.ends, self._index, side="right")

    def parts(self) -> Iterator[tuple[int, np.ndarray | slice, np.ndarray | slice]]:
        """Give the pixels image by image.

        Yields
        ------
        number : int
            The image's number; an image that was taken twice comes twice.
        pixels : slice or ndarray of int
            Flat indices of the pixels in their image.
        rows : slice or ndarray of int
            Rows of the stack that they are.
        """
        if self._numbers is not None:
            ends = np.cumsum(self._own_counts())
            for number, end in zip(self._numbers.tolist(), ends.tolist(), strict=True):
                inside = self._source.labelled[number]
                start = end - int(self._source.counts[number])
                yield number, slice(None) if inside is None else inside, slice(start, end)
            return
        numbers = self.image_numbers
        order = np.argsort(numbers, kind="stable")
        found, firsts = np.unique(numbers[order], return_index=True)
        for number, rows in zip(found.tolist(), np.split(order, firsts[1:]), strict=True):
            end = self._source.ends[number]
            places = self._index[rows] - (end - self._source.counts[number])
            inside = self._source.labelled[number]
            yield number, places if inside is None else inside[places], rows

    def image(self, number: int) -> Any:
        """Give an image by its number.

        Parameters
        ----------
        number : int
            As :meth:`parts` gives it.

        Returns
        -------
        array-like of shape (height, width, channels)
            The caller's own pixels.
        """
        return self._source.images[number]

    def _own_counts(self) -> np.ndarray:
        return self._source.counts[self._numbers]

    def _as_rows(self, key: Any) -> np.ndarray:
        """Turn a key into row numbers that are not negative."""
        n_pixels = len(self)
        if isinstance(key, slice):
            return np.arange(*key.indices(n_pixels))
        rows = np.asarray(key)
        if rows.dtype == bool and rows.shape == (n_pixels,):
            return np.flatnonzero(rows)
        if rows.size == 0:
            return np.zeros(0, dtype=np.int64)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise InvalidTypeError(
                "A PixelStack takes a slice, a mask of its length, or an array of row numbers; "
                f"got {type(key).__name__} of shape {rows.shape} and dtype {rows.dtype}."
            )
        if rows.min() < -n_pixels or rows.max() >= n_pixels:
            raise InvalidInputError(
                f"Row numbers must lie in a stack of {n_pixels} pixels; got "
                f"{rows.min()} to {rows.max()}."
            )
        rows = rows.astype(np.int64)
        return np.where(rows < 0, rows + n_pixels, rows)

    def _as_whole_images(self, rows: np.ndarray) -> np.ndarray | None:
        """Give the numbers of the images that rows are made of; None where one is cut."""
        if self._numbers is None:
            return None
        counts = self._own_counts()
        starts = np.cumsum(counts) - counts
        whole, at = [], 0
        while at < len(rows):
            place = int(np.searchsorted(starts, rows[at], side="right")) - 1
            part = rows[at : at + counts[place]]
            expected = np.arange(starts[place], starts[place] + counts[place])
            if not np.array_equal(part, expected):
                return None
            whole.append(self._numbers[place])
            at += int(counts[place])
        return np.array(whole, dtype=np.int64)

    def _in_source(self, rows: np.ndarray) -> np.ndarray:
        """Number rows among all labelled pixels of all images."""
        if self._numbers is None:
            return self._index[rows]
        counts = self._own_counts()
        ends = np.cumsum(counts)
        place = np.searchsorted(ends, rows, side="right")
        first = (self._source.ends - self._source.counts)[self._numbers]
        return first[place] + rows - (ends - counts)[place]
