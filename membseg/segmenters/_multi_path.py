"""HRNet and DeepMedic's two paths as a scikit-learn estimator."""

from typing import Any, ClassVar

from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters
from membseg.utils._sklearn_compat import Integral, Interval, Options, Real, StrOptions


@with_shared_parameters
class MultiPathSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a network of parallel paths.

    Each path keeps a resolution of its own from beginning to end, so that what is fine is never
    rebuilt from what is coarse: an HRNet, whose paths are fused again and again, or DeepMedic's
    two paths, which meet at the end.

    Parameters
    ----------
    mode : {"hrnet", "two_path"}, default="hrnet"
        *Network.* Paths that are fused after every few blocks, or one path for the image and one
        for the image made smaller.
    layout : {"compact", "paper"}, default="compact"
        *Network.* How many blocks, how wide: sized for a processor, or as in the mode's paper.
    n_paths : {2, 3, 4}, default=3
        *Network.* Paths of "hrnet"; the paper has 4. The other mode has two, whatever this says.
    base_filters : int, default=16
        *Network.* Channels of the finest path; in "hrnet" each coarser one has twice as many.
        HRNet-W48 has 48, DeepMedic 30.
    stem_stride : {1, 2, 4}, default=2
        *Network.* Downsampling of the finest path. HRNet has 4, DeepMedic 1.
    norm_layer : {"none", "batch", "group"}, default="batch"
        *Network.* Normalisation after each convolution. With "group", tiles differ slightly
        from the whole image.
    dropout : float, default=0.0
        *Network.* Rate of spatial dropout before the logits, in [0, 1).

    References
    ----------
    Wang, Sun, Cheng et al. (2021), "Deep High-Resolution Representation Learning for Visual
    Recognition", doi 10.1109/TPAMI.2020.2983686. Kamnitsas, Ledig, Newcombe et al. (2017),
    "Efficient multi-scale 3D CNN with fully connected CRF for accurate brain lesion segmentation",
    doi 10.1016/j.media.2016.10.004. How ours differ stands in
    :func:`membseg.networks.build_multipath`.

    Examples
    --------
    >>> from membseg import MultiPathSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = MultiPathSegmenter(n_paths=2, base_filters=2, max_steps=2, batch_size=2,
    ...                                random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "mode": [StrOptions({"hrnet", "two_path"})],
        "layout": [StrOptions({"compact", "paper"})],
        "n_paths": [Options(Integral, {2, 3, 4})],
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "stem_stride": [Options(Integral, {1, 2, 4})],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        mode: str = "hrnet",
        layout: str = "compact",
        n_paths: int = 3,
        base_filters: int = 16,
        stem_stride: int = 2,
        norm_layer: str = "batch",
        dropout: float = 0.0,
        **shared: Any,
    ) -> None:
        self.mode = mode
        self.layout = layout
        self.n_paths = n_paths
        self.base_filters = base_filters
        self.stem_stride = stem_stride
        self.norm_layer = norm_layer
        self.dropout = dropout
        super().__init__(**shared)

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_multipath

        return build_multipath(**config)
