"""What of a fitted segmenter is exported: its network, and what is done before and behind it."""

from dataclasses import dataclass, replace
from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

import membseg
from membseg.calibration import (
    CalibratedSegmenter,
    RiskControlledSegmenter,
    TunedThresholdSegmenter,
)
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.export._curves import LogitCurve, curve_of
from membseg.segmenters._keras_prediction import KerasPrediction
from membseg.segmenters._prediction import KERAS_LOCK
from membseg.segmenters._workers import load_keras
from membseg.utils import Intensity

#: Segmenters that choose a threshold, and leave probabilities as they are.
_CHOOSERS = (RiskControlledSegmenter, TunedThresholdSegmenter)


@dataclass(frozen=True)
class Source:
    """A network in float32, and what `predict_proba` does around it.

    Attributes
    ----------
    network : keras.Model
        Images to logits; nobody else's.
    n_channels : int
        Channels of the images.
    intensity_norm : {"image", "percentile", "stack", "none"}
        How images are normalised.
    intensity : Intensity or None
        The map of "stack".
    halo, factor : int
        The network's reach and total downsampling, in pixels.
    tile_exact : bool
        Whether a logit depends on its receptive field alone, once the image is normalised.
    curves : list of LogitCurve
        What turns the network's logits into calibrated ones, in order.
    classes : list
        Values of cell and of membrane.
    threshold : float
        Membrane probability from which `predict` says membrane.
    name : str
        Class of the segmenter.
    """

    network: Any
    n_channels: int
    intensity_norm: str
    intensity: Intensity | None
    halo: int
    factor: int
    tile_exact: bool
    curves: list[LogitCurve]
    classes: list[Any]
    threshold: float
    name: str

    def describe(self) -> dict[str, Any]:
        """Give what a user of the exported file must know, in plain values for JSON."""
        stack = self.intensity
        return {
            "membseg_version": membseg.__version__,
            "segmenter": self.name,
            "classes": self.classes,
            "threshold": self.threshold,
            "n_channels": self.n_channels,
            "intensity_norm": self.intensity_norm,
            "intensity_offset": None if stack is None else stack.offset.tolist(),
            "intensity_scale": None if stack is None else stack.scale.tolist(),
            "halo": self.halo,
            "factor": self.factor,
            "tile_exact": self.tile_exact,
        }


def open_segmenter(segmenter: Any) -> Source:
    """Take a fitted segmenter apart; it is left as it is.

    Parameters
    ----------
    segmenter : segmenter
        A fitted segmenter around a Keras network, perhaps calibrated or with a tuned threshold.

    Returns
    -------
    Source
        Its parts.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidTypeError
        If it is no such segmenter.
    InvalidInputError
        If its fit failed and gave the prior, its curve has no formula, or Keras does not run on
        TensorFlow.
    """
    if isinstance(segmenter, FrozenEstimator):
        return open_segmenter(segmenter.estimator)
    if isinstance(segmenter, KerasPrediction):
        return _open_keras(segmenter)
    if isinstance(segmenter, CalibratedSegmenter):
        check_is_fitted(segmenter)
        curve = curve_of(segmenter)
        inside = open_segmenter(segmenter.estimator_)
        return _rename(replace(inside, curves=[*inside.curves, curve]), segmenter)
    if isinstance(segmenter, _CHOOSERS):
        check_is_fitted(segmenter)
        return _rename(open_segmenter(segmenter.estimator_), segmenter)
    raise InvalidTypeError(
        "segmenter must be a segmenter around one Keras network (UNetSegmenter, for example), or a "
        f"CalibratedSegmenter or TunedThresholdSegmenter of one; got {type(segmenter).__name__}. "
        + _way_out(segmenter)
    )


def _rename(source: Source, segmenter: Any) -> Source:
    return replace(source, name=type(segmenter).__name__, threshold=float(segmenter.threshold_))


def _open_keras(segmenter: Any) -> Source:
    check_is_fitted(segmenter, "history_")
    if segmenter._weights is None:
        raise InvalidInputError(
            "segmenter must hold a trained network; its fit failed and gave the prior "
            "(on_failure='worst'). Fit it with on_failure='raise', which says why."
        )
    load_keras()
    _check_backend()
    config = segmenter._config
    with KERAS_LOCK:
        # Whatever it was trained in: other tools compute in float32.
        network = segmenter._build(config | {"dtype": "float32"})
        network.set_weights(segmenter._weights)
    halo, factor = segmenter._reach(config)
    mode = segmenter._intensity_norm
    return Source(
        network=network,
        n_channels=int(segmenter.n_channels_in_),
        intensity_norm=mode,
        intensity=segmenter.intensity_ if mode == "stack" else None,
        halo=int(halo),
        factor=int(factor),
        tile_exact=bool(segmenter._is_tile_exact()),
        curves=[],
        classes=segmenter.classes_.tolist(),
        threshold=float(segmenter.threshold_),
        name=type(segmenter).__name__,
    )


def _check_backend() -> None:
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InvalidInputError(
            f"Exporting needs Keras's TensorFlow backend; this process runs {backend!r}. Save the "
            "segmenter, start Python with KERAS_BACKEND=tensorflow, load it there and export it."
        )


def _way_out(segmenter: Any) -> str:
    """Say what to export instead."""
    if hasattr(segmenter, "steps"):
        return (
            "Export the last step, pipeline[-1], and do what stands before it to the images first."
        )
    if hasattr(segmenter, "best_estimator_"):
        return "Export its best_estimator_."
    if hasattr(segmenter, "estimators_"):
        return "Export its members one by one, estimators_[0] and so on, and take their mean."
    return "Without a Keras network there is nothing that other tools could run."
