"""Every metric of probability maps at once."""

from typing import Any

from membseg.metrics._checks import check_number
from membseg.metrics._cuts import cut_maps
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._pairs import pair_maps


def score_table(
    y_true: Any,
    y_prob: Any,
    *,
    threshold: float,
    membrane_label: Any = None,
    ignore_label: Any = None,
    sample_weight: Any = None,
) -> dict[str, float]:
    """Compute every metric of maps of membrane probability.

    Parameters
    ----------
    y_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True masks of two values; images may differ in size.
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1], such as ``predict_proba(X)[:, 1]``.
    threshold : float
        Membrane probability from which on a pixel is membrane, in [0, 1].
    membrane_label : scalar or None, default=None
        The value of membrane in `y_true`; None takes the larger of the two.
    ignore_label : scalar or None, default=None
        The value of pixels of `y_true` without a label; they are left out.
    sample_weight : None, array-like of shape (n_images,) or of the shape of `y_true`, default=None
        Weights of images or pixels.

    Returns
    -------
    dict of str to float
        The metrics by the names of :data:`SCORERS`, with their own sign: "hausdorff", "brier",
        "log_loss" and "ece" are lower where better. "v_rand" and "v_info" are at the best of the
        challenge's thresholds, which is chosen on these data; "v_rand_mask" and "v_info_mask", and
        all other metrics of masks, are at `threshold`.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If masks, maps, weights or `threshold` cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import score_table
    >>> y = np.zeros((1, 9, 9))
    >>> y[:, 4] = 1
    >>> table = score_table(y, 0.1 + 0.8 * y, threshold=0.5)
    >>> table["iou"], table["v_rand"], round(table["ece"], 3)
    (1.0, 1.0, 0.1)
    """
    check_number(threshold, "threshold", low=0, high=1)
    maps = pair_maps(
        y_true,
        y_prob,
        membrane_label=membrane_label,
        ignore_label=ignore_label,
        sample_weight=sample_weight,
    )
    evaluation = Evaluation({"predict": cut_maps(maps, threshold), "predict_proba": maps})
    return {name: metric.value(evaluation) for name, metric in METRICS.items()}
