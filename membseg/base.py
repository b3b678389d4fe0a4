"""The contract that every segmenter obeys."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import iou_score
from membseg.pixels import PixelClassifier
from membseg.utils import IGNORED, ImageStack, check_images, encode_masks
from membseg.utils._lazy import as_readable, is_dask

__all__ = ["SegmenterMixin"]


@dataclass(slots=True)
class SegmenterTags(Tags):
    """What scikit-learn and others may know of a segmenter without asking its class.

    Attributes
    ----------
    tile_exact : bool
        Whether prediction in tiles equals prediction of the whole image.

    Examples
    --------
    >>> from membseg import UNetSegmenter
    >>> UNetSegmenter(norm_layer="group").__sklearn_tags__().tile_exact
    False
    """

    tile_exact: bool = True


class SegmenterMixin:
    """Everything that follows from a segmenter's logits.

    A segmenter defines ``fit`` and ``decision_function``; after fit it has ``classes_``
    (``[cell value, membrane value]``) and ``threshold_``. This mixin adds the rest of the
    contract. It is no classifier to scikit-learn: a classifier's ``predict_proba`` would be
    indexed as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from membseg.base import SegmenterMixin
    >>> class Darkness(SegmenterMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.classes_, self.threshold_ = np.unique(y), 0.5
    ...         return self
    ...     def decision_function(self, X):
    ...         return (X.mean() - X).astype(np.float32)
    >>> X = np.array([[[0.0, 9.0], [9.0, 9.0]]])
    >>> Darkness().fit(X, X < 5).predict(X).tolist()
    [[[True, False], [False, False]]]
    """

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that X is a stack of images and y is required."""
        plain = super().__sklearn_tags__()  # type: ignore[misc]  # BaseEstimator stands behind us
        tags = SegmenterTags(**{f.name: getattr(plain, f.name) for f in fields(plain)})
        tags.estimator_type = "segmenter"
        tags.target_tags.required = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of both classes for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.

        Returns
        -------
        ndarray of shape (n_images, 2, height, width), float32, or list of (2, height, width)
            Axis 1 follows ``classes_`` and sums to one: ``proba[:, 1]`` is the membrane map.
        """
        membrane = self.predict_membrane(X)
        if isinstance(membrane, list):
            return [np.stack([1 - p, p]) for p in membrane]
        return np.stack([1 - membrane, membrane], axis=1)

    def predict_membrane(self, X: Any, out: Any = None) -> Any:
        """Predict the probability of membrane for every pixel.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.
        out : array of shape (n_images, height, width) or None, default=None
            Where to write, for results larger than memory: a float array of numpy
            (memory-mapped, for example), zarr or h5py. What was written stays there if the
            prediction is interrupted.

        Returns
        -------
        ndarray of shape (n_images, height, width), float32, or list of (height, width)
            Probabilities in [0, 1]; `out` itself if it was given. A dask array for a dask array.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `out` is no float array of the shape of the result, or `X` is a dask array and
            `out` was given.
        """
        if out is None:
            logits = self.decision_function(X)  # type: ignore[attr-defined]  # the host has it
            if is_dask(logits):
                return logits.map_blocks(sigmoid, dtype=np.float32, meta=logits._meta)
            return [sigmoid(z) for z in logits] if isinstance(logits, list) else sigmoid(logits)
        check_is_fitted(self)
        stack = self._check_stack(X, lazily="predict_membrane(X)", out=out)
        _check_out(out, X, stack, "a float array", "membrane maps", lambda dtype: dtype.kind == "f")
        for i, rows, columns, membrane in self._predict_blocks(X, stack):
            out[i, rows, columns] = membrane
        return out

    def predict(self, X: Any, out: Any = None) -> Any:
        """Predict masks: membrane where its probability is at least ``threshold_``.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype, with the channels seen in fit.
        out : array of shape (n_images, height, width) or None, default=None
            Where to write, for results larger than memory: an array of numpy (memory-mapped, for
            example), zarr or h5py, of a dtype that holds both values of ``classes_``. What was
            written stays there if the prediction is interrupted.

        Returns
        -------
        ndarray of shape (n_images, height, width) or list of (height, width)
            Masks with the values and the dtype of the y seen in fit; `out` itself if it was given.
            A dask array for a dask array.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If `out` cannot hold the masks, or `X` is a dask array and `out` was given.
        """
        check_is_fitted(self)
        cell, membrane = self.classes_  # type: ignore[attr-defined]  # set by the host's fit
        # As it is now, whatever is fitted before a dask array's tasks are run.
        is_membrane = self._mask_maker()
        mask_of = partial(_fill, is_membrane=is_membrane, cell=cell, membrane=membrane)
        if is_dask(X) and out is None:
            maps = self.predict_membrane(X)
            meta = np.empty((0, 0, 0), dtype=cell.dtype)
            return maps.map_blocks(mask_of, dtype=cell.dtype, meta=meta)
        stack = self._check_stack(X, lazily="predict(X)", out=out)
        if out is not None:
            what = f"an array that can hold {cell} and {membrane}"
            _check_out(out, X, stack, what, "masks", partial(_can_hold, values=(cell, membrane)))
        elif stack.as_list:
            out = [np.empty(size, dtype=cell.dtype) for size in stack.sizes]
        else:
            out = np.empty((len(stack), *stack.sizes[0]), dtype=cell.dtype)
        for i, rows, columns, maps in self._predict_blocks(X, stack):
            if stack.as_list:
                out[i][rows, columns] = mask_of(maps)
            else:
                out[i, rows, columns] = mask_of(maps)
        return out

    def _mask_maker(self) -> Callable[[np.ndarray], np.ndarray]:
        """Give the function from maps to masks, True at membrane; maps may be parts of images."""
        return partial(_cut, threshold=self.threshold_)  # type: ignore[attr-defined]  # from fit

    def as_pixel_classifier(self) -> PixelClassifier:
        """Give a classifier of pixels, for scikit-learn's tools that want one.

        Returns
        -------
        PixelClassifier
            Fitted if this segmenter is; ``as_pixels(X, y)`` makes what it takes.
        """
        return PixelClassifier(self)

    def _check_stack(self, X: Any, *, lazily: str, out: Any) -> ImageStack:
        """Check images that are predicted block by block."""
        if out is not None and is_dask(X):
            raise InvalidTypeError(
                f"out must be None where X is a dask array, whose prediction is one as well. Store "
                f"that where you like: {lazily}.to_zarr('result.zarr'), or "
                f"dask.array.store({lazily}, out)."
            )
        return check_images(X, n_channels=getattr(self, "n_channels_in_", None))

    def _predict_blocks(
        self, X: Any, stack: ImageStack
    ) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        """Give membrane probabilities as (image number, rows, columns, probabilities).

        One image at a time; a segmenter that can do with less than an image overrides this.
        """
        for i, (height, width) in enumerate(stack.sizes):
            # Of the kind that the caller gave, since a stack of one is told from an image by it.
            one = [X[i]] if stack.as_list else as_readable(X, "X")[i : i + 1]
            yield i, slice(0, height), slice(0, width), self.predict_membrane(one)[0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score by membrane IoU, counted over all pixels of the set.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            True masks with the values seen in fit; ignored pixels do not count.
        sample_weight : array-like or None, default=None
            Weight of each image, or of each pixel.

        Returns
        -------
        float
            Intersection over union of membrane, in [0, 1]; higher is better.
        """
        classes = getattr(self, "classes_", None)
        predicted = encode_masks(self.predict(X), classes=classes, name="predict(X)")
        truth = encode_masks(y, classes=classes, ignore_label=getattr(self, "ignore_label", None))
        return float(
            iou_score(
                truth.masks,
                predicted.masks,
                membrane_label=1,
                ignore_label=IGNORED,
                sample_weight=sample_weight,
            )
        )


def _check_out(
    out: Any,
    X: Any,
    stack: ImageStack,
    what: str,
    whose: str,
    fits: Callable[[np.dtype], bool],
) -> None:
    """Refuse what results cannot be written into."""
    shape = None if stack.as_list else (len(stack), *stack.sizes[0])
    dtype = getattr(out, "dtype", None)
    if (
        not hasattr(out, "__setitem__")
        or getattr(out, "shape", None) != shape
        or not isinstance(dtype, np.dtype)
        or not fits(dtype)
    ):
        got = getattr(out, "shape", type(out).__name__)
        raise InvalidInputError(
            f"out must be {what} of the shape of the {whose}, {shape} "
            f"(and X an array, no list); got {got}, {dtype or 'no array'}."
        )
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise InvalidInputError(
            "out must be writeable; got a read-only array. Open memory-mapped files with "
            "mode='r+' or 'w+'."
        )
    if isinstance(out, np.ndarray) and isinstance(X, np.ndarray) and np.may_share_memory(out, X):
        raise InvalidInputError(
            "out must not share memory with X: pixels are read after their neighbours were "
            "written. Give another array."
        )


def _can_hold(dtype: np.dtype, values: tuple[Any, Any]) -> bool:
    """Whether both values survive a change of dtype, apart from each other."""
    if dtype.kind not in "biuf":
        return False
    with np.errstate(invalid="ignore"):
        return all(np.asarray(value).astype(dtype).item() == value for value in values)


def _cut(membrane_map: np.ndarray, *, threshold: float) -> np.ndarray:
    return membrane_map >= threshold


def _fill(
    membrane_map: np.ndarray,
    *,
    is_membrane: Callable[[np.ndarray], np.ndarray],
    cell: Any,
    membrane: Any,
) -> np.ndarray:
    """Turn probabilities into a mask of the caller's values."""
    return np.where(is_membrane(membrane_map), membrane, cell)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic function in the logits' float dtype that does not overflow."""
    # In place: maps may be as large as memory allows.
    result = np.negative(np.clip(logits, -80.0, 80.0))
    np.exp(result, out=result)
    result += 1.0
    return np.divide(1.0, result, out=result)
