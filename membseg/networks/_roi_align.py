"""RoIAlign on a feature pyramid, as products of matrices."""

import math
from typing import Any

import keras
from keras import ops

from membseg.networks._anchors import STRIDES

#: Boxes of this size (square root of the area, px) are read from the level of this number (P4), as
#: in the paper on feature pyramids; boxes of half the size from the level below.
_CANONICAL_SIZE, _CANONICAL_LEVEL = 224.0, 4

#: Number of the finest level, P2.
_FINEST = 2


def sampling_weights(start: Any, stop: Any, stride: int, length: int, bins: int, n: int) -> Any:
    """Give the weight of each feature in each bin, along one axis.

    Parameters
    ----------
    start, stop : tensor of shape (...)
        Edges of the boxes in pixels of the image.
    stride : int
        Pixels from one feature to the next.
    length : int
        Features along the axis.
    bins : int
        Equal parts of a box.
    n : int
        Regularly spaced points in each bin, whose mean is taken.

    Returns
    -------
    tensor of shape (..., bins, length), float32
        Weights of linear interpolation, which sum to one over the last axis. Points beyond the
        outermost features read these.
    """
    points = (ops.arange(bins * n, dtype="float32") + 0.5) / (bins * n)
    pixels = start[..., None] + (stop - start)[..., None] * points
    # A feature stands for the middle of its pixels.
    places = ops.clip(pixels / stride - 0.5, 0.0, length - 1.0)
    distance = ops.abs(places[..., None] - ops.arange(length, dtype="float32"))
    weights = ops.maximum(1.0 - distance, 0.0)
    shape = (*ops.shape(start), bins, n, length)
    return ops.mean(ops.reshape(weights, shape), axis=-2)


@keras.saving.register_keras_serializable(package="membseg")
class RoIAlign(keras.layers.Layer):
    """Reads boxes out of feature maps, without rounding of edges.

    Each box is divided into `bins` x `bins` parts. The value of a part is the mean over
    `sampling` x `sampling` points in it, where features are interpolated bilinearly. A box is read
    from one level of the pyramid, by its size. Since boxes are upright, interpolation is one
    matrix along rows and one along columns; as products of matrices it runs at full speed, and so
    do its gradients, where indexed reading would add up pixel by pixel.

    Parameters
    ----------
    bins : int
        Parts of a box along each axis.
    sampling : int, default=2
        Points of a part along each axis.
    **options
        As any layer takes them.

    References
    ----------
    He et al. (2017), "Mask R-CNN", arXiv 1703.06870, section 3; levels: Lin et al. (2017),
    "Feature Pyramid Networks for Object Detection", arXiv 1612.03144, equation 1.
    """

    def __init__(self, bins: int, sampling: int = 2, **options: Any) -> None:
        # Boxes must keep float32, whatever the features have.
        super().__init__(autocast=False, **options)
        self.bins = bins
        self.sampling = sampling

    def call(self, boxes: Any, levels: list[Any]) -> Any:
        """Read boxes, (n, n_boxes, 4), from P2 to P5, (n, height, width, features) each.

        Gives (n, n_boxes, bins, bins, features).
        """
        boxes = ops.stop_gradient(boxes)
        numbers = level_numbers(boxes)
        total = None
        for k, features in enumerate(levels):
            here = ops.cast(ops.equal(numbers, k), "float32")
            part = self._read(boxes, here, features, STRIDES[k])
            total = part if total is None else total + part
        return total

    def _read(self, boxes: Any, here: Any, features: Any, stride: int) -> Any:
        """Read one level, zeros for the boxes that are not its own."""
        n_boxes, bins = boxes.shape[1], self.bins
        height, width, depth = features.shape[1:]
        rows = sampling_weights(boxes[..., 0], boxes[..., 2], stride, height, bins, self.sampling)
        columns = sampling_weights(boxes[..., 1], boxes[..., 3], stride, width, bins, self.sampling)
        rows = ops.cast(rows * here[..., None, None], features.dtype)
        columns = ops.cast(columns, features.dtype)
        flat = ops.reshape(features, (-1, height, width * depth))
        read = ops.matmul(ops.reshape(rows, (-1, n_boxes * bins, height)), flat)
        read = ops.reshape(read, (-1, n_boxes, bins, width, depth))
        return ops.matmul(columns[:, :, None], read)

    def compute_output_shape(self, boxes_shape: Any, levels_shape: Any) -> Any:
        """Say a square of features for each box."""
        return (*boxes_shape[:2], self.bins, self.bins, levels_shape[0][-1])

    def get_config(self) -> dict[str, Any]:
        """Add what ``__init__`` takes."""
        return super().get_config() | {"bins": self.bins, "sampling": self.sampling}


def level_numbers(boxes: Any) -> Any:
    """Give the level that each box is read from, 0 for the finest, (..., 4) to (...)."""
    height = boxes[..., 2] - boxes[..., 0]
    width = boxes[..., 3] - boxes[..., 1]
    size = ops.sqrt(ops.maximum(height * width, 1e-6))
    number = ops.floor(_CANONICAL_LEVEL - _FINEST + ops.log(size / _CANONICAL_SIZE) / math.log(2.0))
    return ops.cast(ops.clip(number, 0, len(STRIDES) - 1), "int32")
