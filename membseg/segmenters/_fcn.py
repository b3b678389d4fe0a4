"""The fully convolutional network as a scikit-learn estimator."""

from typing import Any, ClassVar

from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters
from membseg.utils._sklearn_compat import Integral, Interval, Options, Real, StrOptions


@with_shared_parameters
class FCNSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a fully convolutional network.

    Coarse logits of the layers of VGG16, refined by those of finer levels; the first network of
    its kind, and a candidate to compare others with. Thin membranes are hard for it, since its
    finest logits are one for 8 x 8 pixels.

    Parameters
    ----------
    variant : {"8s", "16s", "32s"}, default="8s"
        *Network.* Pixels from one of the finest logits to the next.
    base_filters : int, default=16
        *Network.* Channels of the first level; later ones have up to eight times as many, the two
        layers at the end 64 times. The paper has 64.
    stem_stride : {1, 2}, default=1
        *Network.* 2 puts a strided convolution first and works at half resolution.
    norm_layer : {"none", "batch", "group"}, default="none"
        *Network.* Normalisation after each convolution. With "group", tiles differ slightly
        from the whole image.
    dropout : float, default=0.5
        *Network.* Rate of spatial dropout in the two layers at the end, in [0, 1), as in the
        paper.

    References
    ----------
    Long, Shelhamer and Darrell (2015), "Fully Convolutional Networks for Semantic Segmentation",
    doi 10.1109/CVPR.2015.7298965. How ours differs stands in :func:`membseg.networks.build_fcn`.

    Examples
    --------
    >>> from membseg import FCNSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = FCNSegmenter(base_filters=1, max_steps=2, batch_size=2, random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "variant": [StrOptions({"8s", "16s", "32s"})],
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "stem_stride": [Options(Integral, {1, 2})],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        variant: str = "8s",
        base_filters: int = 16,
        stem_stride: int = 1,
        norm_layer: str = "none",
        dropout: float = 0.5,
        **shared: Any,
    ) -> None:
        self.variant = variant
        self.base_filters = base_filters
        self.stem_stride = stem_stride
        self.norm_layer = norm_layer
        self.dropout = dropout
        super().__init__(**shared)

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_fcn

        return build_fcn(**config)
