"""Every network of the package, in every format."""

import numpy as np
import pytest

from membseg import (
    DeepLabV3PlusSegmenter,
    FCNSegmenter,
    MultiPathSegmenter,
    SegNetSegmenter,
    UNetSegmenter,
    make_membranes,
)
from membseg.exceptions import InvalidInputError
from membseg.export import export_litert

TINY = {"depth": 2, "base_filters": 4}

SEGMENTERS = {
    "whole resolution": (UNetSegmenter, TINY | {"stem_stride": 1, "zoom": 1}),
    "half resolution": (UNetSegmenter, TINY | {"stem_stride": 2, "zoom": 1}),
    "zoom": (UNetSegmenter, TINY | {"stem_stride": 2, "zoom": 2}),
    "batch": (UNetSegmenter, TINY | {"norm_layer": "batch", "dropout": 0.2}),
    "group": (UNetSegmenter, TINY | {"norm_layer": "group"}),
    "residual": (UNetSegmenter, TINY | {"block": "residual", "stochastic_depth": 0.1}),
    "recurrent": (UNetSegmenter, TINY | {"block": "recurrent"}),
    "attention": (UNetSegmenter, TINY | {"skips": "attention"}),
    "nested": (UNetSegmenter, TINY | {"skips": "nested", "deep_supervision": True}),
    "squeeze": (UNetSegmenter, TINY | {"squeeze_excitation": True}),
    "transformer": (UNetSegmenter, TINY | {"bottleneck": "transformer"}),
    "fcn": (FCNSegmenter, {"base_filters": 1}),
    "segnet": (SegNetSegmenter, {"depth": 2, "base_filters": 2}),
    "deeplab": (DeepLabV3PlusSegmenter, {"base_filters": 2}),
    "hrnet": (MultiPathSegmenter, {"n_paths": 2, "base_filters": 2}),
    "two paths": (MultiPathSegmenter, {"mode": "two_path", "base_filters": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_network_in_every_format(name, slices, runs, tmp_path):
    kind, params = SEGMENTERS[name]
    segmenter = kind(
        **params, max_steps=2, batch_size=2, threshold=0.5, tta="none", precision="float32",
        random_state=0,
    ).fit(*slices)  # fmt: skip
    X, _ = make_membranes(2, 50, 70, random_state=7)
    X = (180 * X + 40).astype(np.uint8)
    expected = segmenter.predict_membrane(X)
    images = X[..., np.newaxis].astype(np.float32)
    differences = {
        form: float(abs(run(segmenter, tmp_path, images)[0] - expected).max())
        for form, run in runs.items()
        if (name, form) != ("segnet", "litert")
    }
    assert max(differences.values()) <= 1e-4, differences


@pytest.mark.slow
def test_litert_does_not_know_the_places_of_segnet(slices, tmp_path):
    segmenter = SegNetSegmenter(depth=1, base_filters=2, max_steps=1, threshold=0.5).fit(*slices)
    with pytest.raises(InvalidInputError, match=r"to LiteRT\. It has no operator AddV2, SelectV2"):
        export_litert(segmenter, tmp_path / "net.tflite", height=32, width=32)
