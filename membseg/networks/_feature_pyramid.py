"""A feature pyramid on a small residual backbone."""

from typing import Any

import keras

from membseg.networks._layers import ConvStyle

#: Channels of the stages C2 to C5, in those of the stem.
_WIDTHS = (2, 4, 8, 8)


def feature_pyramid(style: ConvStyle, inputs: Any, base_filters: int, n_features: int) -> list[Any]:
    """Compute P2 to P5: maps of the same number of features at strides 4, 8, 16 and 32.

    Parameters
    ----------
    style : ConvStyle
        How convolutions are made.
    inputs : keras tensor of shape (n, height, width, channels)
        Images; height and width multiples of 32.
    base_filters : int
        Channels of the stem.
    n_features : int
        Features of the pyramid.

    Returns
    -------
    list of keras tensor
        The finest first.

    References
    ----------
    Lin et al. (2017), "Feature Pyramid Networks for Object Detection", arXiv 1612.03144, section 3;
    residual blocks: He et al. (2016), "Deep Residual Learning", arXiv 1512.03385.
    """
    x = style.conv(inputs, base_filters, "stem0", kernel_size=5, strides=2)
    x = style.conv(x, base_filters, "stem1")
    stages = []
    for k, width in enumerate(_WIDTHS):
        x = style.conv(x, base_filters * width, f"c{k + 2}_down", strides=2)
        x = _residual(style, x, base_filters * width, f"c{k + 2}")
        stages.append(x)
    return _top_down(style, stages, n_features)


def _residual(style: ConvStyle, x: Any, filters: int, name: str) -> Any:
    """Two convolutions beside the identity."""
    y = style.conv(x, filters, f"{name}_conv0")
    y = style.conv(y, filters, f"{name}_conv1", relu=False)
    y = keras.layers.Add(name=f"{name}_add", dtype=style.dtype)([x, y])
    return keras.layers.ReLU(name=f"{name}_relu", dtype=style.dtype)(y)


def _top_down(style: ConvStyle, stages: list[Any], n_features: int) -> list[Any]:
    """From coarse to fine: what is above, enlarged, plus a 1 x 1 convolution of the stage."""
    levels: list[Any] = []
    x = None
    for k in reversed(range(len(stages))):
        lateral = _plain(style, stages[k], n_features, 1, f"p{k + 2}_lateral")
        if x is None:
            x = lateral
        else:
            up = keras.layers.UpSampling2D(
                2, data_format="channels_last", name=f"p{k + 2}_up", dtype=style.dtype
            )(x)
            x = keras.layers.Add(name=f"p{k + 2}_add", dtype=style.dtype)([up, lateral])
        levels.insert(0, _plain(style, x, n_features, 3, f"p{k + 2}"))
    return levels


def _plain(style: ConvStyle, x: Any, filters: int, kernel_size: int, name: str) -> Any:
    """Convolution alone: the pyramid's own have neither normalisation nor ReLU."""
    options = style.kernel() | {"kernel_initializer": _glorot(style)}
    return keras.layers.Conv2D(filters, kernel_size, padding="same", name=name, **options)(x)


def _glorot(style: ConvStyle) -> Any:
    return keras.initializers.GlorotUniform(seed=next(style.seeds))
