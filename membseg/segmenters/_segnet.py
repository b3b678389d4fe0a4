"""SegNet as a scikit-learn estimator."""

from typing import Any, ClassVar

from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters
from membseg.utils._sklearn_compat import Integral, Interval, Options, StrOptions


@with_shared_parameters
class SegNetSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a SegNet.

    An encoder with the layers of VGG16, and a decoder that puts values back to the pixels where
    the encoder's poolings found them: what a pooling loses of thin things is where they were.

    Parameters
    ----------
    depth : int, default=4
        *Network.* Number of poolings, 1 to 5. The paper has 5.
    base_filters : int, default=16
        *Network.* Channels of the first level; later ones have up to eight times as many. The
        paper has 64.
    stem_stride : {1, 2}, default=2
        *Network.* 2 puts a strided convolution first and works at half resolution. The paper has
        none.
    norm_layer : {"none", "batch", "group"}, default="batch"
        *Network.* Normalisation after each convolution. With "group", tiles differ slightly
        from the whole image.

    References
    ----------
    Badrinarayanan, Kendall and Cipolla (2017), "SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation", doi 10.1109/TPAMI.2016.2644615. How ours differs stands
    in :func:`membseg.networks.build_segnet`.

    Examples
    --------
    >>> from membseg import SegNetSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = SegNetSegmenter(depth=2, base_filters=2, max_steps=2, batch_size=2,
    ...                             random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "depth": [Interval(Integral, 1, 5, closed="both")],
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "stem_stride": [Options(Integral, {1, 2})],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        depth: int = 4,
        base_filters: int = 16,
        stem_stride: int = 2,
        norm_layer: str = "batch",
        **shared: Any,
    ) -> None:
        self.depth = depth
        self.base_filters = base_filters
        self.stem_stride = stem_stride
        self.norm_layer = norm_layer
        super().__init__(**shared)

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_segnet

        return build_segnet(**config)
