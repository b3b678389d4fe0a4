"""Does the error fall where doubt does?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_number
from membseg.metrics._pairs import pair_maps
from membseg.utils import IGNORED, check_same_sizes

#: Points of a curve.
_N_POINTS = 101


@dataclass(frozen=True)
class RetentionCurve:
    """Share of wrong pixels among those that are kept, the surest first.

    Attributes
    ----------
    kept : ndarray of shape (n_points,)
        Share of the pixels that are kept, from one pixel to all, in steps of 0.01 or more.
    errors : ndarray of shape (n_points,)
        Share of wrong pixels among them; the last one is the error of all.
    error_auc : float
        Area under the ROC curve of finding wrong pixels by their doubt: 0.5 is chance, 1 perfect;
        0.5 too where all pixels are right, or all wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.calibration import retention_curve
    >>> y_true = np.array([[[0, 1, 1, 0]]])
    >>> y_prob = np.array([[[0.1, 0.9, 0.4, 0.3]]])
    >>> curve = retention_curve(y_true, y_prob, np.minimum(y_prob, 1 - y_prob))
    >>> curve.errors[-1], curve.error_auc
    (np.float64(0.25), 1.0)
    """

    kept: np.ndarray
    errors: np.ndarray
    error_auc: float

    @property
    def area(self) -> float:
        """Mean of `errors` over the shares kept; lower is better."""
        return float(np.trapezoid(self.errors, self.kept) / (self.kept[-1] - self.kept[0]))


def retention_curve(
    y_true: Any,
    y_prob: Any,
    uncertainty: Any,
    *,
    threshold: float = 0.5,
    membrane_label: Any = None,
    ignore_label: Any = None,
) -> RetentionCurve:
    """Tell whether doubt finds the pixels that are wrong.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1].
    uncertainty : float array-like of the shape of `y_prob`, or list of (height, width) arrays
        Doubt at every pixel, of any unit: `total`, `data` or `model` of
        :func:`predict_uncertainty`, for example.
    threshold : float, default=0.5
        Membrane probability from which a pixel is called membrane, in [0, 1].
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.

    Returns
    -------
    RetentionCurve
        Errors against the share of pixels kept.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, doubt or `threshold` cannot be used.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.calibration import predict_uncertainty, retention_curve
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = RidgeSegmenter().fit(X[:2], y[:2])
    >>> doubt = predict_uncertainty(segmenter, X[2:])
    >>> curve = retention_curve(y[2:], doubt.probability, doubt.total)
    >>> bool(curve.errors[0] < curve.errors[-1])
    True
    """
    check_number(threshold, "threshold", low=0, high=1)
    pairs = pair_maps(y_true, y_prob, membrane_label=membrane_label, ignore_label=ignore_label)
    doubt = [np.asarray(one, dtype=np.float64) for one in uncertainty]
    sizes = [mask.shape for mask in pairs.truth]
    check_same_sizes(sizes, [one.shape for one in doubt], names=("y_true", "uncertainty"))
    if not all(np.isfinite(one).all() for one in doubt):
        raise InvalidInputError("uncertainty must be finite; it holds NaN or infinite values.")
    truth, prob, _ = pairs.flat()
    row = np.concatenate([d[t != IGNORED] for d, t in zip(doubt, pairs.truth, strict=True)])
    wrong = (prob >= threshold) != truth
    # Equally doubtful pixels share their error, whatever order they come in.
    order = np.argsort(row, kind="stable")
    _, group = np.unique(row[order], return_inverse=True)
    mean_wrong = np.bincount(group, wrong[order]) / np.bincount(group)
    n_kept = np.unique(np.maximum(np.round(np.linspace(0, 1, _N_POINTS) * len(row)), 1).astype(int))
    errors = np.cumsum(mean_wrong[group])[n_kept - 1] / n_kept
    mixed = wrong.any() and not wrong.all()
    auc = float(roc_auc_score(wrong, row)) if mixed else 0.5
    return RetentionCurve(n_kept / len(row), errors, auc)
