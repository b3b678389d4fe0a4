"""Cross-validation of pixels that never cuts an image."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length

from membseg.exceptions import InvalidTypeError
from membseg.model_selection._slice_block import SliceBlockKFold
from membseg.pixels import PixelStack


class ImageKFold(BaseCrossValidator):
    """Cut pixels into blocks of whole images, with images left out of training at each cut.

    What :class:`SliceBlockKFold` is for images. An integer as ``cv`` would put pixels of one image
    on both sides.

    Parameters
    ----------
    n_splits : int, default=5
        Number of blocks, at least 2.
    gap : int, default=0
        Number of images left out of training on either side of a test block, 0 or more.
        Calibration with ``ensemble=False`` needs each pixel tested once, which holds for any gap.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n_splits` or `gap` is out of range or no integer.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.model_selection import ImageKFold
    >>> from membseg.pixels import as_pixels
    >>> Xp, yp = as_pixels(np.zeros((4, 2, 2)), np.eye(2)[np.newaxis].repeat(4, axis=0))
    >>> for train, test in ImageKFold(2, gap=1).split(Xp):
    ...     print(Xp[train], test)
    PixelStack(4 pixels of 1 image) [0 1 2 3 4 5 6 7]
    PixelStack(4 pixels of 1 image) [ 8  9 10 11 12 13 14 15]
    """

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(self, n_splits: int = 5, gap: int = 0) -> None:
        blocks = SliceBlockKFold(n_splits, gap)
        self.n_splits, self.gap = blocks.n_splits, blocks.gap

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Give the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Taken for the sake of scikit-learn; change nothing.

        Returns
        -------
        int
            `n_splits`.
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of the training and test pixels of each fold.

        Parameters
        ----------
        X : PixelStack of shape (n_pixels, n_channels)
            Pixels of images in z order.
        y : object, default=None
            Taken for the sake of scikit-learn; changes nothing.
        groups : array-like of shape (n_pixels,) or None, default=None
            The stack that each pixel's slice belongs to. None takes all slices as one stack.

        Returns
        -------
        iterator of (ndarray, ndarray)
            Training and test rows, both ascending.

        Raises
        ------
        InvalidTypeError
            If `X` is no :class:`PixelStack`.
        InvalidInputError
            If there are fewer images than blocks, `groups` has another length than `X`, or a fold
            is left without a training image.
        """
        if not isinstance(X, PixelStack):
            raise InvalidTypeError(
                "X must be a PixelStack, as membseg.as_pixels gives it; got "
                f"{type(X).__name__}. For images use SliceBlockKFold."
            )
        numbers, firsts, places = np.unique(X.image_numbers, return_index=True, return_inverse=True)
        if groups is not None:
            check_consistent_length(X, groups)
            groups = np.asarray(groups)[firsts]
        folds = SliceBlockKFold(self.n_splits, self.gap).split(numbers, groups=groups)
        return ((_rows_of(train, places), _rows_of(test, places)) for train, test in folds)


def _rows_of(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Give the rows whose pixels lie in some of the images."""
    wanted = np.zeros(places.max() + 1, dtype=bool)
    wanted[images] = True
    return np.flatnonzero(wanted[places])
