"""Curves from logits to probabilities, fitted on pixels."""

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

#: Curves that scikit-learn fits, and all that there are.
SKLEARN_METHODS = ("temperature", "sigmoid", "isotonic")
METHODS = (*SKLEARN_METHODS, "beta")


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


class SklearnCurve:
    """A curve of scikit-learn's ``CalibratedClassifierCV``."""

    def __init__(self, method: str) -> None:
        self.method = method

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights: Any) -> "SklearnCurve":
        """Fit on pixels: logits, 0 or 1, and weights or None, each of shape (n_pixels,)."""
        columns, every = logits[:, np.newaxis], np.arange(len(labels))
        # Nothing is learnt by the classifier, so that all pixels may be its test part.
        calibrated = CalibratedClassifierCV(
            LogitClassifier(), method=self.method, cv=[(every, every)], ensemble=False
        )
        self._curve = calibrated.fit(columns, labels, sample_weight=weights)
        return self

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Give probabilities, float64, in the shape of the logits."""
        proba = self._curve.predict_proba(logits.reshape(-1, 1))[:, 1]
        return proba.astype(np.float64).reshape(logits.shape)


class BetaCurve:
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
            # No penalty.
            model = LogisticRegression(C=np.inf).fit(columns[:, kept], labels, weights)
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


def _log_odds_parts(logits: np.ndarray) -> np.ndarray:
    """Give ln p and -ln(1 - p) of logits, (n, 2) float64; their sum is the logit."""
    logits = logits.astype(np.float64)
    return np.stack([-np.logaddexp(0, -logits), np.logaddexp(0, logits)], axis=1)


def fit_curve(
    method: str, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> SklearnCurve | BetaCurve:
    """Fit a curve from logits to probabilities.

    Parameters
    ----------
    method : {"temperature", "sigmoid", "isotonic", "beta"}
        Kind of curve.
    logits : ndarray of shape (n_pixels,), float
        Logits of membrane.
    labels : ndarray of shape (n_pixels,), int
        1 at membrane, 0 at cell.
    weights : ndarray of shape (n_pixels,) or None
        Weight of each pixel.

    Returns
    -------
    callable
        From logits of any shape to probabilities of that shape, float64.
    """
    curve = BetaCurve() if method == "beta" else SklearnCurve(method)
    return curve.fit(logits, labels, weights)
