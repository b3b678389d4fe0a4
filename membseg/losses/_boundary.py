"""Agreement of boundaries as a loss."""

from typing import Any

from keras import ops

from membseg.losses._pooling import split_for_windows, window_max, window_min

#: Windows, in pixels: membrane with a cell inside the first is boundary; boundaries match within
#: the second.
_WINDOW, _TOLERANCE = (3, 3), (5, 5)


def boundary_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute one minus the soft F1 score of membrane boundaries [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        In [0, 1]. One pixel's worth of smoothing makes it 0 where neither has a boundary.

    Notes
    -----
    The loss of Bokhovkin and Burnaev, with max-pooling instead of distances. The boundary of a
    map p is ``maxpool(1 - p) - (1 - p)`` over 3 x 3 pixels. Precision is the share of the
    predicted boundary that lies on the true one widened by max-pooling over 5 x 5 pixels (2 px
    each way), recall the converse, and the loss ``1 - 2 P R / (P + R)``, over the whole batch.
    Pixels without weight are as if outside of the image.

    It is not the boundary loss of Kervadec et al. (2019), which integrates the prediction over
    the signed distance from the true boundary. And it sees boundaries only: a map that is
    membrane throughout has none, as one that is cell throughout. So add it to a loss of pixels,
    as in "bce+boundary".

    References
    ----------
    .. [1] A. Bokhovkin and E. Burnaev, "Boundary loss for remote sensing imagery semantic
       segmentation", ISNN 2019, doi 10.1007/978-3-030-22808-8_38.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import boundary_loss
    >>> y_true = np.ones((1, 9, 9, 2), dtype="float32")
    >>> y_true[..., 0] = np.eye(9)
    >>> round(float(boundary_loss(y_true, 40 * y_true[..., :1] - 20)), 4)
    0.0
    >>> round(float(boundary_loss(y_true, np.full((1, 9, 9, 1), -20.0))), 2)
    0.82
    """
    target, weight, logit = split_for_windows(y_true, y_logit)
    known = ops.cast(weight > 0, "float32")
    true_edge = _boundary(target, known)
    edge = _boundary(ops.sigmoid(logit), known)
    precision = _share(edge, window_max(true_edge, known, _TOLERANCE), weight)
    recall = _share(true_edge, window_max(edge, known, _TOLERANCE), weight)
    return 1.0 - 2.0 * precision * recall / (precision + recall)


def _boundary(prob: Any, known: Any) -> Any:
    # The same as maxpool(1 - p) - (1 - p).
    return prob - window_min(prob, known, _WINDOW)


def _share(edge: Any, near: Any, weight: Any) -> Any:
    return (ops.sum(weight * edge * near) + 1.0) / (ops.sum(weight * edge) + 1.0)
