"""Agreement of centre lines as a loss."""

from typing import Any

from keras import ops

from membseg.losses._pooling import split_for_windows, window_max, window_min

#: Erosions after the first look: membranes of up to 22 px have their centre line found.
_ITERATIONS = 10


def cldice_loss(y_true: Any, y_logit: Any) -> Any:
    """Compute one minus soft clDice, the overlap of membranes with centre lines [1]_.

    Parameters
    ----------
    y_true : tensor of shape (n, height, width, 2)
        Target in {0, 1} and weight >= 0 of each pixel.
    y_logit : tensor of shape (n, height, width, 1)
        Logits of membrane.

    Returns
    -------
    scalar tensor, float32
        In [0, 1]. One pixel's worth of smoothing makes it 0 where truth and prediction are empty.

    Notes
    -----
    Algorithms 1 and 2 of the paper. Centre lines are soft skeletons: what an opening takes away,
    of the map and of its erosions, of which there are ten: no centre line is found in membranes
    wider than 22 px. An erosion is the minimum over the five pixels of a cross, an opening adds
    the maximum over 3 x 3 pixels. Topology precision is the share of the predicted centre line
    inside the true membrane, topology sensitivity the converse, and clDice their harmonic mean,
    over the whole batch. Pixels without weight are as if outside of the image.

    Gaps and false branches cost, width hardly does, so add it to a loss of pixels, as in
    "bce+0.5*cldice". On a processor a step of the default network takes up to twice as long
    with it.

    References
    ----------
    .. [1] S. Shit et al., "clDice - a novel topology-preserving loss function for tubular
       structure segmentation", CVPR 2021, doi 10.1109/CVPR46437.2021.01629.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.losses import cldice_loss
    >>> y_true = np.ones((1, 9, 9, 2), dtype="float32")
    >>> y_true[..., 0] = np.eye(9)
    >>> round(float(cldice_loss(y_true, 40 * y_true[..., :1] - 20)), 4)
    0.0
    >>> round(float(cldice_loss(y_true, np.full((1, 9, 9, 1), -20.0))), 2)
    0.82
    """
    target, weight, logit = split_for_windows(y_true, y_logit)
    prob = ops.sigmoid(logit)
    known = ops.cast(weight > 0, "float32")
    precision = _share_inside(_soft_skeleton(prob, known), target, weight)
    sensitivity = _share_inside(_soft_skeleton(target, known), prob, weight)
    return 1.0 - 2.0 * precision * sensitivity / (precision + sensitivity)


def _soft_skeleton(prob: Any, known: Any) -> Any:
    skeleton = ops.zeros_like(prob)
    for _ in range(_ITERATIONS + 1):
        eroded = _erode(prob, known)
        opened = window_max(eroded, known, (3, 3))
        skeleton = skeleton + (1.0 - skeleton) * ops.relu(prob - opened)
        prob = eroded
    return skeleton


def _erode(prob: Any, known: Any) -> Any:
    return ops.minimum(window_min(prob, known, (3, 1)), window_min(prob, known, (1, 3)))


def _share_inside(skeleton: Any, prob: Any, weight: Any) -> Any:
    return (ops.sum(weight * skeleton * prob) + 1.0) / (ops.sum(weight * skeleton) + 1.0)
