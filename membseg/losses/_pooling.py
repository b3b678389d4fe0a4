"""Minima and maxima over windows, in which ignored pixels are as if outside of the image."""

from typing import Any

from keras import ops

from membseg.losses._targets import split_targets


def split_for_windows(y_true: Any, y_logit: Any) -> tuple[Any, Any, Any]:
    """Give target, weight and logit, each of shape (1, height, width, n)."""
    # Images as channels: TensorFlow's pooling on a processor is ten times as fast that way.
    target, weight, logit = (
        ops.transpose(part, (3, 1, 2, 0)) for part in split_targets(y_true, y_logit)
    )
    return target, weight, logit


def window_max(values: Any, known: Any, size: tuple[int, int]) -> Any:
    """Largest value in [0, 1] of the known pixels in a window around each pixel, 0 for none.

    `known` is 1 or 0 at each pixel of (1, height, width, n); `size` is (height, width) and odd.
    """
    return _max_pool(values * known, size)


def window_min(values: Any, known: Any, size: tuple[int, int]) -> Any:
    """Least value in [0, 1] of the known pixels in a window, 1 for none."""
    return -_max_pool(-(values * known + (1.0 - known)), size)


def _max_pool(values: Any, size: tuple[int, int]) -> Any:
    return ops.max_pool(values, size, strides=1, padding="same", data_format="channels_last")
