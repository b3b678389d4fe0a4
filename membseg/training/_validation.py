"""Watching the held-out blocks: losses, scores, and the best threshold."""

from collections.abc import Callable
from typing import Any

import numpy as np

from membseg.inference import View, predict_logits
from membseg.metrics import get_scorer
from membseg.metrics._pairs import Pairs
from membseg.metrics._threshold_curve import curve_of
from membseg.training._sampler import TrainingData
from membseg.training._split import Block
from membseg.utils import IGNORED

#: Context in pixels that a block is read with; less than the receptive field, to cost little.
_CONTEXT = 32


class _Answers:
    """Predictions already made, in the shape that scorers ask a segmenter for."""

    classes_ = np.array([0, 1], dtype=np.uint8)
    ignore_label = IGNORED

    def __init__(self, probabilities: list[np.ndarray], threshold: float) -> None:
        self.probabilities = probabilities
        self.threshold = threshold

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Give (2, height, width) an image."""
        return [np.stack([1 - p, p]) for p in self.probabilities]

    def predict(self, X: Any) -> list[np.ndarray]:
        """Give a 0/1 mask an image."""
        return [(p >= self.threshold).astype(np.uint8) for p in self.probabilities]


class Validator:
    """Predicts the validation blocks and scores them.

    Parameters
    ----------
    data : TrainingData
        Images and masks that the blocks lie in.
    blocks : list of Block
        Rectangles to validate on.
    factor : int
        The network's total downsampling.
    halo : int, default=0
        The network's reach in pixels, for blocks that are larger than a tile.
    tile_size : int or None, default=None
        Largest side that the network sees at once; None for whole blocks.
    """

    def __init__(
        self,
        data: TrainingData,
        blocks: list[Block],
        factor: int,
        *,
        halo: int = 0,
        tile_size: int | None = None,
    ) -> None:
        self.factor = factor
        self.halo = halo
        self.tile_size = tile_size
        self.crops: list[np.ndarray] = []
        self.cuts: list[tuple[slice, slice]] = []
        self.codes: list[np.ndarray] = []
        for block in blocks:
            image = data.images[block.image]
            windows, cuts = zip(
                *(
                    _window(span, length, factor)
                    for span, length in zip((block.rows, block.columns), image.shape, strict=False)
                ),
                strict=True,
            )
            self.crops.append(data.intensities[block.image].apply(image[windows]))
            self.cuts.append(cuts)
            self.codes.append(data.masks[block.image][block.rows, block.columns])

    def __bool__(self) -> bool:
        return any((code != IGNORED).any() for code in self.codes)

    @property
    def shows_both_classes(self) -> bool:
        """Whether the blocks hold cell and membrane, without which there is nothing to choose."""
        return {0, 1} <= {int(code) for codes in self.codes for code in np.unique(codes)}

    def predict(
        self, function: Callable[[np.ndarray], np.ndarray], views: list[View]
    ) -> list[np.ndarray]:
        """Predict the logits of each block.

        Parameters
        ----------
        function : callable
            Takes (1, height, width, channels) and returns logits (1, height, width).
        views : list of View
            Test-time views to average.

        Returns
        -------
        list of ndarray of shape (height, width), float32
            Logits.
        """
        results = []
        for crop, cut in zip(self.crops, self.cuts, strict=True):
            logits = predict_logits(
                crop,
                function,
                views=views,
                tile_size=self.tile_size or -(-max(crop.shape[:2]) // self.factor) * self.factor,
                halo=self.halo,
                factor=self.factor,
                margin=0,
            )
            results.append(logits[cut])
        return results

    def loss(self, logits: list[np.ndarray], loss_function: Callable[[Any, Any], Any]) -> float:
        """Compute the training loss over all pixels of the blocks.

        Of a loss that looks at neighbours it is the mean over blocks, weighted by their labelled
        pixels.
        """
        codes, maps = self.codes, logits
        if not getattr(loss_function, "is_spatial", False):
            # One column of pixels, since blocks differ in size.
            codes, maps = [_column(codes)], [_column(logits)]
        values = []
        for code, z in zip(codes, maps, strict=True):
            y_true = np.stack([code == 1, code != IGNORED], axis=-1).astype(np.float32)
            values.append(float(loss_function(y_true[None], z[None, ..., None])))
        return float(np.average(values, weights=[np.sum(code != IGNORED) for code in codes]))

    def score(self, name: str, logits: list[np.ndarray], threshold: float = 0.5) -> float:
        """Score the blocks by a scorer's name; higher is better."""
        answers = _Answers([_sigmoid(z) for z in logits], threshold)
        return float(get_scorer(name)(answers, None, self.codes))

    def best_threshold(self, logits: list[np.ndarray], name: str) -> float:
        """Find the threshold with the best score.

        ``"auto"`` takes the lowest threshold whose IoU is at most half a per cent short of the
        best: IoU hardly tells them apart, and a lower threshold leaves fewer gaps.

        Parameters
        ----------
        logits : list of ndarray of shape (height, width)
            As from :meth:`predict`.
        name : str
            "auto", or a scorer that judges masks.

        Returns
        -------
        float
            The threshold; of several that are equally good, the one in the middle. 0.5 where the
            blocks do not show both classes, since nothing can be chosen there.
        """
        if not self.shows_both_classes:
            return 0.5
        pairs = Pairs(self.codes, [_sigmoid(z) for z in logits], None)
        curve = curve_of(pairs, "iou" if name == "auto" else name)
        return curve.lowest_good_threshold if name == "auto" else curve.best_threshold


def _window(span: slice, length: int, factor: int) -> tuple[slice, slice]:
    """Extend a block along one axis by context, inside the image, to a multiple of the factor."""
    start, stop, _ = span.indices(length)
    wanted = stop - start + 2 * _CONTEXT
    size = min(-(-wanted // factor) * factor, length)
    first = min(max(0, start - _CONTEXT), length - size)
    return slice(first, first + size), slice(start - first, stop - first)


def _column(maps: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([values.ravel() for values in maps])[:, None]


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -80.0, 80.0)))
