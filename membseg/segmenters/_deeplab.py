"""DeepLabV3+ as a scikit-learn estimator."""

from typing import Any, ClassVar

from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters
from membseg.utils._sklearn_compat import Integral, Interval, Options, Real, StrOptions


@with_shared_parameters
class DeepLabV3PlusSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a DeepLabV3+.

    Convolutions that look at several distances at once, the mean over the whole image, and a
    decoder with fine features. Since the mean is over the whole image, tiles differ slightly from
    the whole image: raise `tile_size` where that matters. Its finest logits are one for 4 x 4
    pixels.

    Parameters
    ----------
    output_stride : {8, 16}, default=16
        *Network.* Downsampling of the encoder; 8 is finer, and two to four times dearer.
    backbone : {"compact", "resnet101"}, default="compact"
        *Network.* Four stages of two residual blocks, sized for a processor, or the paper's
        ResNet-101.
    base_filters : int, default=16
        *Network.* Channels of the first stage; each stage doubles them. The paper has 64.
    atrous_rate : int, default=6
        *Network.* Smallest distance, in steps of 16 px, at which the pyramid of convolutions looks;
        the others are twice and three times as large. The paper has 6.
    norm_layer : {"none", "batch", "group"}, default="batch"
        *Network.* Normalisation after each convolution.
    dropout : float, default=0.0
        *Network.* Rate of spatial dropout behind the pyramid, in [0, 1).

    References
    ----------
    Chen, Zhu, Papandreou, Schroff and Adam (2018), "Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation", doi 10.1007/978-3-030-01234-2_49. How ours differs
    stands in :func:`membseg.networks.build_deeplab`.

    Examples
    --------
    >>> from membseg import DeepLabV3PlusSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = DeepLabV3PlusSegmenter(base_filters=2, max_steps=1, batch_size=2,
    ...                                    random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "output_stride": [Options(Integral, {8, 16})],
        "backbone": [StrOptions({"compact", "resnet101"})],
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "atrous_rate": [Interval(Integral, 1, None, closed="left")],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        output_stride: int = 16,
        backbone: str = "compact",
        base_filters: int = 16,
        atrous_rate: int = 6,
        norm_layer: str = "batch",
        dropout: float = 0.0,
        **shared: Any,
    ) -> None:
        self.output_stride = output_stride
        self.backbone = backbone
        self.base_filters = base_filters
        self.atrous_rate = atrous_rate
        self.norm_layer = norm_layer
        self.dropout = dropout
        super().__init__(**shared)

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_deeplab

        return build_deeplab(**config)

    def _is_tile_exact(self) -> bool:
        # The pyramid takes the mean over the whole image.
        return False
