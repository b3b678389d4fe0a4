"""The baseline that does not look at the images."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from membseg.segmenters._baseline import BaselineSegmenter
from membseg.segmenters._fit_inputs import FitInputs
from membseg.utils._sklearn_compat import StrOptions

#: The logit of being certain: float32 tells its probability from 0 and from 1.
_CERTAIN = 16.0

#: Weights that vanish beside the others still have a logarithm.
_TINY = float(np.finfo(np.float64).tiny)


class DummySegmenter(BaselineSegmenter):
    """Give every pixel the same probability, whatever the image shows.

    What anything that looks at images must beat. Its IoU, Dice, and V_Rand are what the measures
    give for nothing.

    Parameters
    ----------
    strategy : {"prior", "cell", "membrane"}, default="prior"
        "prior" gives every pixel the (weighted) share of membrane among the labelled pixels of
        `y`; `predict` then says cell everywhere, or membrane, if that is half of them or more.
        "cell" and "membrane" are certain of the one or the other.
    membrane_label : scalar or None, default=None
        The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        The value of unlabelled pixels in `y`. None takes -1 as such in signed integers that hold
        two other values.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`.
    prior_ : float
        Share of membrane among the labelled pixels of `y`, in (0, 1).
    threshold_ : float
        0.5.
    n_channels_in_ : int
        Channels of the images.
    n_images_seen_ : int
        Number of images in fit.

    Notes
    -----
    `y` must hold both classes for every `strategy`, since the masks that `predict` gives have the
    values of both.

    Examples
    --------
    >>> from membseg import DummySegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = DummySegmenter().fit(X[:2], y[:2])
    >>> bool(abs(segmenter.prior_ - y[:2].mean()) < 1e-9)
    True
    >>> segmenter.predict(X[2:]).any()
    np.False_
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "strategy": [StrOptions({"prior", "cell", "membrane"})],
        **BaselineSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        strategy: str = "prior",
        membrane_label: Any = None,
        ignore_label: Any = None,
    ) -> None:
        self.strategy = strategy
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        masks = inputs.masks.masks
        weights: Any = inputs.weights or [1.0] * len(masks)
        cell, membrane = (
            sum(
                float(np.broadcast_to(w, m.shape)[m == code].sum(dtype=np.float64))
                for m, w in zip(masks, weights, strict=True)
            )
            + _TINY
            for code in (0, 1)
        )
        prior_logit = float(np.clip(np.log(membrane) - np.log(cell), -_CERTAIN, _CERTAIN))
        logits = {"prior": prior_logit, "cell": -_CERTAIN, "membrane": _CERTAIN}
        return {
            "prior_": membrane / (membrane + cell),
            "threshold_": 0.5,
            "_logit": logits[self.strategy],
        }

    def _keys_of(self, inputs: FitInputs) -> list[str]:
        # Nothing is learnt from pixels, which need not be read.
        return []

    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        # Its pixels need not be read.
        yield slice(None), np.full(image.shape[:2], self._logit, dtype=np.float32)
