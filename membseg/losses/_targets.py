"""What every loss starts from: target, weight and logit, in float32."""

from typing import Any

from keras import ops


def split_targets(y_true: Any, y_logit: Any) -> tuple[Any, Any, Any]:
    """Give target, weight and logit, each of shape (n, height, width, 1)."""
    # float32 whatever the network computes in: sums over a patch are too coarse in bfloat16.
    y_true = ops.cast(y_true, "float32")
    return y_true[..., :1], y_true[..., 1:], ops.cast(y_logit, "float32")


def mean_of_weighted(weight: Any, loss: Any) -> Any:
    """Sum the weighted losses of pixels over the number of pixels with a weight."""
    # Not over the sum of weights: a batch of heavy images must weigh more than one of light ones.
    n_weighted = ops.sum(ops.cast(weight > 0, "float32"))
    return ops.sum(weight * loss) / ops.maximum(n_weighted, 1.0)
