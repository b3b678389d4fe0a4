"""Label smoothing: targets that are a little less sure than the labels."""

from typing import Any

import numpy as np


def smooth_labels(y: Any, amount: float) -> Any:
    """Move targets towards 1/2.

    Parameters
    ----------
    y : array of shape (..., 2), of NumPy or JAX
        Target and weight.
    amount : float
        Epsilon, in [0, 1); a target of 0 becomes ``amount / 2``, one of 1 ``1 - amount / 2``.

    Returns
    -------
    array of the shape of `y`
        The very same where `amount` is 0. Weights stay as they are.

    Notes
    -----
    The equation of section 7 of the paper [1]_ with two equally likely classes. As the share of
    membrane is no half, the smoothed targets are not unbiased: probabilities are drawn a little
    towards 1/2.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception
       architecture for computer vision", CVPR 2016, doi 10.1109/CVPR.2016.308.
    """
    if not amount:
        return y
    scale, offset = np.array([[1 - amount, 1], [amount / 2, 0]], dtype=np.float32)
    return y * scale + offset
