"""Networks that judge a mask by its image: rivals of a segmenter in adversarial training."""

from collections.abc import Callable
from itertools import count
from typing import Any

import keras

from membseg.networks._layers import ConvStyle

#: Slope of the LeakyReLU below zero, as in Radford et al. 2016, arXiv 1511.06434.
_SLOPE = 0.2

#: Bound of the critic's weights, as in the paper.
_CRITIC_BOUND = 0.05


def build_discriminator(
    n_channels: int = 1,
    *,
    depth: int = 3,
    base_filters: int = 8,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a network that tells, field by field, whether a mask is true or predicted.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    depth : int, default=3
        Number of convolutions of stride 2; level `d` has ``base_filters * 2**d`` channels.
    base_filters : int, default=8
        Channels of the first level.
    dtype : str, default="float32"
        Keras dtype policy of the layers; the logits are float32 in any case.
    seed : int, default=0
        Seed of the initial weights. Global random states are not used.

    Returns
    -------
    keras.Model
        From image (n, height, width, n_channels) and mask or probability (n, height, width, 1) to
        the logits that the mask is true, (n, height / 2**depth, width / 2**depth, 1), sizes
        rounded up. Each logit sees a field of ``5 * 2**depth - 2`` pixels a side.

    Notes
    -----
    The small field of view of [1]_, with the image beside the mask ("basic"), as a map of
    overlapping fields [2]_. Ours is smaller than either, since it is trained at every step, and
    has no normalisation: each convolution is of 4 x 4 pixels and stride 2, and a last one of
    3 x 3 pixels gives the logits.

    References
    ----------
    .. [1] P. Luc, C. Couprie, S. Chintala and J. Verbeek, "Semantic segmentation using
       adversarial networks", 2016, arXiv 1611.08408.
    .. [2] P. Isola, J.-Y. Zhu, T. Zhou and A. A. Efros, "Image-to-image translation with
       conditional adversarial networks", CVPR 2017, doi 10.1109/CVPR.2017.632.

    Examples
    --------
    >>> from membseg.networks import build_discriminator
    >>> build_discriminator(base_filters=2).output_shape
    (None, None, None, 1)
    """
    style = _style(dtype, seed)
    image, mask = _inputs(n_channels)
    both = keras.layers.Concatenate(name="image_and_mask", dtype=dtype)([image, mask])
    x = _levels(both, depth, base_filters, dtype, style.kernel)[-1]
    options = style.kernel() | {"dtype": "float32"}
    logits = keras.layers.Conv2D(1, 3, padding="same", name="logits", **options)(x)
    return keras.Model([image, mask], logits, name="discriminator")


def build_critic(
    n_channels: int = 1,
    *,
    depth: int = 3,
    base_filters: int = 8,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a network whose features of an image under a mask differ where masks differ.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    depth : int, default=3
        Number of convolutions of stride 2; level `d` has ``base_filters * 2**d`` channels.
    base_filters : int, default=8
        Channels of the first level.
    dtype : str, default="float32"
        Keras dtype policy of the layers.
    seed : int, default=0
        Seed of the initial weights. Global random states are not used.

    Returns
    -------
    keras.Model
        From image (n, height, width, n_channels) and mask or probability (n, height, width, 1) to
        the features of each level, a list from fine to coarse.

    Notes
    -----
    The critic of SegAN: it sees the image multiplied by the mask, and its weights are clipped to
    [-0.05, 0.05]. Ours differs in this: the mask comes along as a channel of its own, since
    images of mean zero hide it where they are at their mean; there is no batch normalisation;
    and weights start within their bounds.

    References
    ----------
    Xue, Xu, Zhang, Long and Huang (2018), "SegAN: Adversarial network with multi-scale L1 loss
    for medical image segmentation", Neuroinformatics 16, doi 10.1007/s12021-018-9377-x.

    Examples
    --------
    >>> from membseg.networks import build_critic
    >>> [shape[-1] for shape in build_critic(base_filters=2).output_shape]
    [2, 4, 8]
    """
    style = _style(dtype, seed)
    image, mask = _inputs(n_channels)
    masked = keras.layers.Multiply(name="image_under_mask", dtype=dtype)([image, mask])
    both = keras.layers.Concatenate(name="image_and_mask", dtype=dtype)([masked, mask])
    features = _levels(both, depth, base_filters, dtype, lambda: _clipped(style))
    return keras.Model([image, mask], features, name="critic")


@keras.saving.register_keras_serializable(package="membseg")
class Clip(keras.constraints.Constraint):
    """Keeps each weight within [-bound, bound]."""

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def __call__(self, w: Any) -> Any:
        """Clip."""
        return keras.ops.clip(w, -self.bound, self.bound)

    def get_config(self) -> dict[str, Any]:
        """Say how the constraint was made."""
        return {"bound": self.bound}


def _style(dtype: str, seed: int) -> ConvStyle:
    return ConvStyle(norm_layer="none", l1=0.0, l2=0.0, dtype=dtype, seeds=count(seed))


def _inputs(n_channels: int) -> tuple[Any, Any]:
    return (
        keras.Input((None, None, n_channels), dtype="float32", name="image"),
        keras.Input((None, None, 1), dtype="float32", name="mask"),
    )


def _clipped(style: ConvStyle) -> dict[str, Any]:
    """Options of a convolution whose weights stay within the critic's bounds, from the start."""
    clip = Clip(_CRITIC_BOUND)
    return style.kernel() | {
        "kernel_initializer": keras.initializers.RandomUniform(
            -_CRITIC_BOUND, _CRITIC_BOUND, seed=next(style.seeds)
        ),
        "kernel_constraint": clip,
        "bias_constraint": clip,
    }


def _levels(
    x: Any, depth: int, base_filters: int, dtype: str, options: Callable[[], dict[str, Any]]
) -> list[Any]:
    """Halve height and width again and again; give the features of each level."""
    features = []
    for level in range(depth):
        filters = base_filters * 2**level
        name = f"down{level}_conv"
        x = keras.layers.Conv2D(filters, 4, 2, padding="same", name=name, **options())(x)
        x = keras.layers.LeakyReLU(_SLOPE, name=f"down{level}_relu", dtype=dtype)(x)
        features.append(x)
    return features
