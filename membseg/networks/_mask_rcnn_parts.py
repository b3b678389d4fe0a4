"""The learning parts of a Mask R-CNN, each a Keras model."""

from typing import Any

import keras

from membseg.networks._anchors import RATIOS
from membseg.networks._feature_pyramid import feature_pyramid
from membseg.networks._layers import ConvStyle

#: Side of what the box head and the mask head read of a box, and of the masks, as in the paper.
BOX_BINS, MASK_BINS, MASK_SIZE = 7, 14, 28

#: Convolutions of the mask head.
_N_MASK_CONVS = 4

#: How sure the region proposal network and the box head are at first that a box is background:
#: most are, and a start at even odds wastes the first steps on it.
_PRIOR_LOGIT = -2.0


def pyramid_model(style: ConvStyle, n_channels: int, base_filters: int, n_features: int) -> Any:
    """Images of any size (multiples of 32) to the levels of the pyramid."""
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    levels = feature_pyramid(style, inputs, base_filters, n_features)
    return keras.Model(inputs, levels, name="pyramid")


def rpn_model(style: ConvStyle, n_features: int) -> Any:
    """A level of the pyramid to a logit and four codes for each anchor; the same for all levels."""
    inputs = keras.Input((None, None, n_features), name="level")
    hidden = style.conv(inputs, n_features, "rpn_conv")
    n = len(RATIOS)
    bias = keras.initializers.Constant(_PRIOR_LOGIT)
    logits = _last(style, keras.layers.Conv2D, n, 1, "rpn_logits", bias_initializer=bias)(hidden)
    codes = _last(style, keras.layers.Conv2D, 4 * n, 1, "rpn_codes")(hidden)
    return keras.Model(inputs, [logits, codes], name="rpn")


def box_head_model(style: ConvStyle, n_features: int, n_units: int) -> Any:
    """Features of boxes to the logits of background and cell, and four codes."""
    inputs = keras.Input((BOX_BINS, BOX_BINS, n_features), name="box_features")
    x = keras.layers.Flatten(data_format="channels_last", name="box_flat", dtype=style.dtype)(
        inputs
    )
    for k in range(2):
        options = style.kernel()
        del options["data_format"]
        x = keras.layers.Dense(n_units, activation="relu", name=f"box_dense{k}", **options)(x)
    logits = _last(style, keras.layers.Dense, 2, None, "box_logits")(x)
    codes = _last(style, keras.layers.Dense, 4, None, "box_codes")(x)
    return keras.Model(inputs, [logits, codes], name="box_head")


def mask_head_model(style: ConvStyle, n_features: int, n_filters: int) -> Any:
    """Features of boxes to the logits of their masks, 28 x 28 each."""
    inputs = keras.Input((MASK_BINS, MASK_BINS, n_features), name="mask_features")
    x: Any = inputs
    for k in range(_N_MASK_CONVS):
        x = style.conv(x, n_filters, f"mask_conv{k}")
    x = style.upsample(x, n_filters, "mask_upsample", activation="relu")
    logits = _last(style, keras.layers.Conv2D, 1, 1, "mask_logits")(x)
    flat = keras.layers.Reshape((MASK_SIZE, MASK_SIZE), name="mask_squeeze", dtype="float32")
    return keras.Model(inputs, flat(logits), name="mask_head")


def _last(
    style: ConvStyle, kind: Any, n_outputs: int, kernel_size: int | None, name: str, **more: Any
) -> Any:
    """A layer that gives numbers to read: float32, and small at first, as in the papers."""
    options = style.kernel() | {
        "dtype": "float32",
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.01, seed=next(style.seeds)),
    }
    if kernel_size is None:
        del options["data_format"]
        return kind(n_outputs, name=name, **options, **more)
    return kind(n_outputs, kernel_size, name=name, **options, **more)
