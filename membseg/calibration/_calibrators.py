"""Curves from logits to probabilities, fitted on pixels."""

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import (
    CalibratedClassifierCV,
    _SigmoidCalibration,
    _TemperatureScaling,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

#: Curves that scikit-learn fits, and all that there are.
SKLEARN_METHODS = ("temperature", "sigmoid", "isotonic")
METHODS = (*SKLEARN_METHODS, "beta", "local")

#: What scikit-learn's calibrators learn, by method.
_LEARNT = {
    "temperature": ("beta_",),
    "sigmoid": ("a_", "b_"),
    "isotonic": ("X_min_", "X_max_", "X_thresholds_", "y_thresholds_", "increasing_"),
}

#: Side (px) of the window in which the steepness of logits is measured: two pixels around each,
#: where most errors are.
_WINDOW = 5
#: Half of it: how far the window looks.
REACH = _WINDOW // 2


class LogitClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of numbers that are logits already."""

    def fit(
        self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> "LogitClassifier":
        """Learn nothing."""
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Give the only column."""
        return X[:, 0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Give the likelier class; scikit-learn wants the method, and does not call it."""
        return (X[:, 0] >= 0).astype(np.int64)


class PixelCurve:
    """A curve that looks at the logit of a pixel and at nothing else."""

    @staticmethod
    def look(logits: np.ndarray) -> np.ndarray:
        """Give what the curve takes, from maps of logits: the logits."""
        return logits


class SklearnCurve(PixelCurve):
    """A curve of scikit-learn's ``CalibratedClassifierCV``."""

    def __init__(self, method: str) -> None:
        self.method = method

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights: Any) -> "SklearnCurve":
        """Fit on pixels: logits, 0 or 1, and weights or None, each of shape (n_pixels,)."""
        columns, every = logits[:, np.newaxis], np.arange(len(labels))
        # The classifier learns nothing, so that all pixels are its test part, and one of each
        # class do as its training part.
        two = np.array([np.argmax(labels), np.argmin(labels)])
        calibrated = CalibratedClassifierCV(
            LogitClassifier(), method=self.method, cv=[(two, every)], ensemble=False
        ).fit(columns, labels, sample_weight=weights)
        # Not the rest, which remembers the number of every pixel.
        self._calibrator = calibrated.calibrated_classifiers_[0].calibrators[0]
        return self

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Give probabilities, float64, in the shape of the logits."""
        proba = self._calibrator.predict(logits.ravel())
        if proba.ndim == 2:
            proba = proba[:, 1]
        # Interpolation may end a rounding error above one.
        return np.minimum(proba.astype(np.float64), 1.0).reshape(logits.shape)

    def __getstate__(self) -> dict[str, Any]:
        """Give the method and the numbers that were learnt."""
        learnt = {name: getattr(self._calibrator, name) for name in _LEARNT[self.method]}
        return {"method": self.method, "learnt": learnt}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the calibrator that has these numbers."""
        self.method = state["method"]
        self._calibrator = _new_calibrator(self.method)
        vars(self._calibrator).update(state["learnt"])
        if self.method == "isotonic":
            # Its interpolation is a function, which no state holds.
            thresholds = self._calibrator.X_thresholds_, self._calibrator.y_thresholds_
            self._calibrator._build_f(*thresholds)


def _new_calibrator(method: str) -> Any:
    """Give what ``CalibratedClassifierCV`` fits to logits, before that."""
    if method == "isotonic":
        return IsotonicRegression(out_of_bounds="clip")
    return _TemperatureScaling() if method == "temperature" else _SigmoidCalibration()


class BetaCurve(PixelCurve):
    """Beta calibration: a logistic curve of ln p and ln(1 - p), rising in both.

    References
    ----------
    Kull, Silva Filho and Flach (2017), "Beta calibration: a well-founded and easily implemented
    improvement on logistic calibration for binary classifiers", AISTATS, PMLR 54.
    """

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights: Any) -> "BetaCurve":
        """Fit on pixels: logits, 0 or 1, and weights or None, each of shape (n_pixels,)."""
        columns = _log_odds_parts(logits)
        self.slopes, self.offset = np.zeros(2), 0.0
        kept = [0, 1]
        while kept:
            model = _fit_logistic(columns[:, kept], labels, weights)
            self.offset = float(model.intercept_[0])
            if model.coef_.min() >= 0:
                self.slopes[kept] = model.coef_[0]
                break
            # A curve that falls would turn the order round: the paper leaves that part out.
            kept.pop(int(np.argmin(model.coef_[0])))
        return self

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Give probabilities, float64, in the shape of the logits."""
        odds = _log_odds_parts(logits.ravel()) @ self.slopes + self.offset
        return expit(odds).reshape(logits.shape)


class LocalCurve:
    """A sigmoid whose slope and shift depend on how steep the logits are around a pixel.

    The steepness s is log(1 + the largest less the smallest logit of the 5 x 5 pixels around);
    the calibrated logit is a z + b z s + c s + d. It tells pixels near borders, where errors are,
    from those of the same logit in the middle of a cell.

    References
    ----------
    Ding, Han, Liu and Niethammer (2021), "Local Temperature Scaling for Semantic Segmentation",
    ICCV, doi 10.1109/ICCV48922.2021.00681: temperatures that a network gives to each pixel.
    """

    @staticmethod
    def look(logits: np.ndarray) -> np.ndarray:
        """Give what the curve takes: logits and steepness, (..., height, width, 2)."""
        size = (1,) * (logits.ndim - 2) + (_WINDOW, _WINDOW)
        span = maximum_filter(logits, size) - minimum_filter(logits, size)
        return np.stack([logits, np.log1p(span)], axis=-1)

    def fit(self, pixels: np.ndarray, labels: np.ndarray, weights: Any) -> "LocalCurve":
        """Fit on pixels: (n_pixels, 2) as from `look`, 0 or 1, and weights or None."""
        self.steepest = float(pixels[:, 1].max())
        model = _fit_logistic(self._columns(pixels), labels, weights)
        slope, bend, shift = model.coef_[0]
        if min(slope, slope + bend * self.steepest) <= 0:
            # A curve that falls somewhere would turn the order round there: one slope for all.
            rest = _fit_logistic(self._columns(pixels)[:, [0, 2]], labels, weights)
            model, (slope, shift), bend = rest, rest.coef_[0], 0.0
        self.coefficients = np.array([slope, bend, shift])
        self.offset = float(model.intercept_[0])
        return self

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Give probabilities, float64, (...) for pixels (..., 2) as from `look`."""
        return expit(self._columns(pixels) @ self.coefficients + self.offset)

    def _columns(self, pixels: np.ndarray) -> np.ndarray:
        z, steepness = pixels[..., 0], np.minimum(pixels[..., 1], self.steepest)
        return np.stack([z, z * steepness, steepness], axis=-1).astype(np.float64)


#: Kinds of curve that are not scikit-learn's.
_OWN: dict[str, Any] = {"beta": BetaCurve, "local": LocalCurve}


def _fit_logistic(columns: np.ndarray, labels: np.ndarray, weights: Any) -> LogisticRegression:
    """Fit a logistic curve without penalty, in float32: half the memory of millions of pixels."""
    # The solver for many more rows than columns.
    model = LogisticRegression(C=np.inf, solver="newton-cholesky")
    return model.fit(columns.astype(np.float32), labels, weights)


def _log_odds_parts(logits: np.ndarray) -> np.ndarray:
    """Give ln p and -ln(1 - p) of logits, (n, 2) float64; their sum is the logit."""
    logits = logits.astype(np.float64)
    return np.stack([-np.logaddexp(0, -logits), np.logaddexp(0, logits)], axis=1)


def make_curve(method: str) -> Any:
    """Make a curve that is not fitted yet.

    Parameters
    ----------
    method : {"temperature", "sigmoid", "isotonic", "beta", "local"}
        Kind of curve.

    Returns
    -------
    curve
        Its ``look`` turns maps of logits into what it takes, ``fit`` takes pixels of that beside
        their labels (1 at membrane, 0 at cell) and weights or None, and a call gives float64
        probabilities.
    """
    return _OWN[method]() if method in _OWN else SklearnCurve(method)
