"""What is explained: the network of a segmenter, and images as that network sees them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.inference import TileRecipe, list_views
from membseg.inference._window import clip_window
from membseg.inspection._gradients import differentiate
from membseg.inspection._regions import check_region
from membseg.segmenters._keras_prediction import KerasPrediction
from membseg.segmenters._prediction import KERAS_LOCK, MARGIN_FACTORS
from membseg.segmenters._workers import load_keras
from membseg.utils import check_images, fit_intensity

#: Where segmenters keep the fitted one inside them.
_INSIDE = ("best_estimator_", "estimator_", "segmenter_")


@dataclass(frozen=True, eq=False)
class Frame:
    """One image as the network sees it: continued by reflection, as `predict` does.

    Attributes
    ----------
    pixels : ndarray of shape (height, width, channels), float32
        The normalised image.
    rows, columns : ndarray of int
        For each row and column of what the network sees, that of the image.
    inside : tuple of two slices
        Where the image itself lies in what the network sees.
    """

    pixels: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    inside: tuple[slice, slice]

    def extend(self, pixels: np.ndarray) -> np.ndarray:
        """Continue an image of this size: (1, height, width, channels) for the network."""
        return np.ascontiguousarray(pixels[self.rows][:, self.columns])[np.newaxis]

    def place(self, weights: np.ndarray) -> np.ndarray:
        """Put weights of the image's pixels where the network gives their logits."""
        placed = np.zeros((len(self.rows), len(self.columns)), np.float32)
        placed[self.inside] = weights
        return placed

    def fold(self, gradient: np.ndarray) -> np.ndarray:
        """Add up, for each pixel of the image, the gradients of all its reflections."""
        folded = np.zeros((self.pixels.shape[0], *gradient.shape[1:]), np.float64)
        np.add.at(folded, self.rows, gradient)
        result = np.zeros((gradient.shape[2], *self.pixels.shape[1::-1]), np.float64)
        np.add.at(result.swapaxes(0, 1), self.columns, folded.transpose(1, 2, 0))
        return result.transpose(2, 1, 0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network in float32, whatever it was trained in, and the images to explain.

    Attributes
    ----------
    network : keras.Model
        Images to logits; nobody else's.
    segmenter : segmenter
        The one whose network it is.
    frames : list of Frame
        The images.
    weights : list of ndarray of shape (height, width), float32
        How much each logit counts in what is explained; they sum to one.
    flat : bool
        Whether images came without an axis of channels.
    as_list : bool
        Whether images came as a list.
    """

    network: Any
    segmenter: Any
    frames: list[Frame]
    weights: list[np.ndarray]
    flat: list[bool]
    as_list: bool

    def differentiate(self, i: int, pixels: np.ndarray) -> tuple[float, np.ndarray]:
        """Give the region's mean logit and its gradient, for another content of an image."""
        frame = self.frames[i]
        inputs, weights = [frame.extend(pixels)], frame.place(self.weights[i])
        with KERAS_LOCK:
            value, gradient = differentiate(self.network, inputs, weights)
        return value, frame.fold(gradient[0])

    def each(self, function: Callable[[int, Frame], np.ndarray]) -> Any:
        """Explain image by image, and give maps back the way the images came."""
        maps = []
        for i, frame in enumerate(self.frames):
            found = function(i, frame)
            maps.append(found[..., 0] if self.flat[i] and found.ndim == 3 else found)
        return maps if self.as_list else np.stack(maps)


def open_subject(segmenter: Any, X: Any, region: Any) -> Subject:
    """Take a fitted segmenter apart, and show it images; it is left as it is.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network; pipelines, searches, calibrated segmenters and such with
        tuned thresholds are looked through.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    region : None, (row, column) or array-like of bool
        Whose logits are explained, as :func:`check_region` reads it.

    Returns
    -------
    Subject
        Network, images and weights of logits.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidTypeError
        If there is no network inside.
    InvalidInputError
        If the fit failed and gave the prior, or images or region cannot be used.
    """
    inside, seen = find_network(segmenter, X)
    stack = check_images(seen, n_channels=inside.n_channels_in_)
    weights = check_region(region, stack.sizes, lambda: segmenter.predict(X), inside.classes_[1])
    mode = inside._intensity_norm
    stacked = mode == "stack"
    maps = [inside.intensity_] * len(stack) if stacked else fit_intensity(stack.images, mode)
    halo, factor = inside._reach(inside._config)
    frames = [
        _frame(intensity.apply(np.asarray(image)), int(halo), int(factor))
        for image, intensity in zip(stack.images, maps, strict=True)
    ]
    flat = [np.ndim(image) == 2 for image in seen]
    return Subject(build_network(inside), inside, frames, weights, flat, stack.as_list)


def find_network(segmenter: Any, X: Any = None) -> tuple[Any, Any]:
    """Find the segmenter around a Keras network, and what it is given for these images.

    Parameters
    ----------
    segmenter : segmenter
        As for :func:`open_subject`.
    X : array-like, list of arrays, or None
        Images; pipelines transform them.

    Returns
    -------
    segmenter : segmenter
        The innermost one.
    X : array-like, list of arrays, or None
        The images that it sees.

    Raises
    ------
    NotFittedError, InvalidTypeError, InvalidInputError
        As for :func:`open_subject`.
    """
    inside = segmenter
    while not isinstance(inside, KerasPrediction):
        if hasattr(inside, "steps"):
            if X is not None and len(inside.steps) > 1:
                X = inside[:-1].transform(X)
            inside = inside.steps[-1][1]
        elif isinstance(inside, FrozenEstimator):
            inside = inside.estimator
        elif found := [name for name in _INSIDE if name in getattr(inside, "__dict__", ())]:
            inside = getattr(inside, found[0])
        else:
            _refuse(inside)
    check_is_fitted(inside, "history_")
    if inside._weights is None:
        raise InvalidInputError(
            "segmenter must hold a trained network; its fit failed and gave the prior "
            "(on_failure='worst'). Fit it with on_failure='raise', which says why."
        )
    return inside, X


def build_network(segmenter: Any, weights: list[np.ndarray] | None = None) -> Any:
    """Build the network of a Keras segmenter anew, in float32, with its weights or others."""
    load_keras()
    with KERAS_LOCK:
        network = segmenter._build(segmenter._config | {"dtype": "float32"})
        network.set_weights(segmenter._weights if weights is None else weights)
    return network


def _refuse(segmenter: Any) -> None:
    if hasattr(segmenter, "fit") and not hasattr(segmenter, "estimators_"):
        # A search or wrapper that was not fitted says so.
        if any(hasattr(segmenter, name) for name in ("estimator", "segmenter")):
            check_is_fitted(segmenter)
        way_out = "occlusion_map and property_importance explain any segmenter."
    elif hasattr(segmenter, "estimators_"):
        way_out = "Explain its members one by one, estimators_[0] and so on."
    else:
        way_out = "Give a fitted one."
    raise InvalidTypeError(
        "segmenter must be a segmenter around one Keras network (UNetSegmenter, for example), "
        f"since gradients are asked for; got {type(segmenter).__name__}. {way_out}"
    )


def _frame(pixels: np.ndarray, halo: int, factor: int) -> Frame:
    height, width = pixels.shape[:2]
    margin = MARGIN_FACTORS * factor
    whole = -(-(max(height, width) + 2 * margin) // factor) * factor
    # One tile, as `predict` takes it where memory allows.
    (tile,) = TileRecipe(list_views("none"), whole, halo, factor, margin).plan(height, width)
    rows = _places(tile.read_rows, height)
    return Frame(pixels, rows, _places(tile.read_columns, width), tile.cut)


def _places(window: slice, length: int) -> np.ndarray:
    inside, order = clip_window(window.start, window.stop, length)
    places = np.arange(length)[inside]
    return places if order is None else places[order]
