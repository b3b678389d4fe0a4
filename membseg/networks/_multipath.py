"""Networks whose paths look at the image at several resolutions, side by side."""

from itertools import count
from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._hrnet import hrnet_features
from membseg.networks._layers import ConvStyle
from membseg.networks._two_path import two_path_features

#: What some of the parameters may be.
_CHOICES: dict[str, tuple[Any, ...]] = {
    "mode": ("hrnet", "two_path"),
    "layout": ("compact", "paper"),
    "n_paths": (2, 3, 4),
    "stem_stride": (1, 2, 4),
}


def build_multipath(
    n_channels: int = 1,
    *,
    mode: str = "hrnet",
    layout: str = "compact",
    n_paths: int = 3,
    base_filters: int = 16,
    stem_stride: int = 2,
    norm_layer: str = "batch",
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    dtype: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a network of parallel paths, each at a resolution of its own: HRNet or DeepMedic.

    Parameters
    ----------
    n_channels : int, default=1
        Channels of the images.
    mode : {"hrnet", "two_path"}, default="hrnet"
        "hrnet": paths at full, half, a quarter ... of the stem's resolution, each begun from the
        one before, which are fused after every few blocks. "two_path": one path for the image
        and one for the image made smaller, which meet at the end only, as in DeepMedic.
    layout : {"compact", "paper"}, default="compact"
        How many blocks, how wide: sized for a processor, or as in the mode's paper.
    n_paths : {2, 3, 4}, default=3
        Paths of "hrnet"; the paper has 4. The other mode has two, whatever this says.
    base_filters : int, default=16
        Channels of the finest path; in "hrnet" each coarser one has twice as many. HRNet-W48 has
        48, DeepMedic 30.
    stem_stride : {1, 2, 4}, default=2
        Downsampling of the finest path, by strided 3 x 3 convolutions. HRNet has 4, DeepMedic 1.
    norm_layer : {"none", "batch", "group"}, default="batch"
        Normalisation after each convolution.
    dropout : float, default=0.0
        Rate of spatial dropout, in [0, 1), before the logits.
    l1, l2 : float, default=0.0
        Penalties on the kernels.
    dtype : str, default="float32"
        Keras dtype policy of the layers; the logits are float32 in any case.
    seed : int, default=0
        Seed of the initial weights and of dropout. Global random states are not used.

    Returns
    -------
    keras.Model
        A functional model, (n, height, width, n_channels) to (n, height, width, 1) logits.
        Height and width must be multiples of ``stem_stride * 2**(n_paths - 1)`` in mode "hrnet",
        and in mode "two_path" of ``4 * stem_stride``, or ``3 * stem_stride`` with the paper's
        layout.

    Raises
    ------
    InvalidInputError
        If `mode`, `layout`, `n_paths`, `stem_stride` or `norm_layer` is none of those above.

    Notes
    -----
    "hrnet" is after the paper's figure 2. Two convolutions make the stem; a first stage has one
    path, and each further stage one more, which begins with a strided convolution after the
    coarsest one alone, as in the authors' code. A stage is a number of modules: residual blocks
    of two 3 x 3 convolutions in each path, and then a fusion, in which each path becomes the sum
    of all, brought to its size by strided 3 x 3 convolutions or by a 1 x 1 convolution and
    enlargement, and a ReLU. The head is HRNetV2's: all paths are enlarged, joined, and go through
    a 1 x 1 convolution; the logits are enlarged to the image. The layout "paper" has a first
    stage of four bottlenecks of 64 channels, whatever `base_filters` is, stages of 1, 4 and 3
    modules of four blocks, and a head as wide as all paths together. "compact" has one module of
    one block a stage and none in the first; in its head all paths get the channels of the finest
    one by 1 x 1 convolutions before they are enlarged.

    "two_path" is after DeepMedic, in two dimensions. Each path has eight 3 x 3 convolutions
    without any pooling; from the second pair on, what goes into a pair is added to what comes
    out, as in the authors' later version. The coarse path gets the mean of blocks of pixels, and
    its end is enlarged and joined with the fine one's by two 1 x 1 convolutions. The layout
    "paper" has blocks of 3 x 3 pixels, channels that grow to 5/3 of `base_filters`, and five
    times `base_filters` in the head. "compact" has blocks of 4 x 4, so that sizes need to be
    multiples of a power of two, the same channels all along, and twice as many in the head.

    Ours differs in this: there is one logit a pixel; weights start from He's normal distribution
    instead of those trained on other images. HRNet's paths are enlarged by repeating pixels and
    smoothing them, step by step, which is cheaper than the paper's bilinear interpolation.
    DeepMedic's images are continued by zeros instead of getting smaller, its ReLUs have no
    slope, its coarse path is enlarged linearly, and where channels grow, what is added goes
    through a 1 x 1 convolution.

    References
    ----------
    Wang, Sun, Cheng et al. (2021), "Deep High-Resolution Representation Learning for Visual
    Recognition", doi 10.1109/TPAMI.2020.2983686. Kamnitsas, Ledig, Newcombe et al. (2017),
    "Efficient multi-scale 3D CNN with fully connected CRF for accurate brain lesion segmentation",
    doi 10.1016/j.media.2016.10.004. Kamnitsas, Ferrante, Parisot et al. (2016), "DeepMedic for
    Brain Tumor Segmentation", doi 10.1007/978-3-319-55524-9_14, for the residual version.

    Examples
    --------
    >>> from membseg.networks import build_multipath
    >>> build_multipath(n_paths=2, base_filters=2).output_shape
    (None, None, None, 1)
    """
    given = {"mode": mode, "layout": layout, "n_paths": n_paths, "stem_stride": stem_stride}
    for name, value in given.items():
        if value not in _CHOICES[name]:
            choices = ", ".join(map(str, _CHOICES[name]))
            raise InvalidInputError(f"{name} must be one of {choices}; got {value!r}.")
    style = ConvStyle(norm_layer=norm_layer, l1=l1, l2=l2, dtype=dtype, seeds=count(seed))
    inputs = keras.Input((None, None, n_channels), dtype="float32", name="image")
    if mode == "hrnet":
        x = hrnet_features(style, inputs, layout, n_paths, base_filters, stem_stride)
    else:
        x = two_path_features(style, inputs, layout, base_filters, stem_stride)
    x = style.dropout(x, dropout, "head_dropout")
    options = style.kernel() | {"dtype": "float32"}
    last = "logits" if stem_stride == 1 else "score"
    logits = keras.layers.Conv2D(1, 1, name=last, **options)(x)
    if stem_stride > 1:
        logits = BilinearUpsampling(stem_stride, name="logits", dtype="float32")(logits)
    return keras.Model(inputs, logits, name=mode)
