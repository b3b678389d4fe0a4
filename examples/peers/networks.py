"""The networks that are compared."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from peers.variants import Variant


def _unet(title: str, **options: Any) -> Variant:
    return Variant(title, {"initial_weights": "random", **options})


#: The first starts from the weights that come with the package, all others from random ones.
NETWORKS = {
    "unet": Variant("U-Net, pre-trained on synthetic slices"),
    "unet_random": _unet("U-Net"),
    "residual": _unet("residual U-Net", block="residual"),
    "attention": _unet("Attention U-Net", skips="attention"),
    "nested": _unet("U-Net++, deep supervision", skips="nested", deep_supervision=True),
    "squeeze": _unet("U-Net, squeeze and excitation", squeeze_excitation=True),
    "recurrent": _unet("R2U-Net", block="recurrent"),
    "transformer": _unet("U-Net, transformer bottleneck", bottleneck="transformer"),
    "paper": _unet("U-Net of the paper's width", base_filters=64, depth=4, stem_stride=1),
    "fcn32": Variant("FCN-32s", {"variant": "32s"}, "FCNSegmenter"),
    "fcn16": Variant("FCN-16s", {"variant": "16s"}, "FCNSegmenter"),
    "fcn8": Variant("FCN-8s", {"variant": "8s"}, "FCNSegmenter"),
    "segnet": Variant("SegNet", segmenter="SegNetSegmenter"),
    "deeplab": Variant("DeepLabV3+", segmenter="DeepLabV3PlusSegmenter"),
    "hrnet": Variant("multi-path (HRNet)", {"mode": "hrnet"}, "MultiPathSegmenter"),
    "two_path": Variant("two-path", {"mode": "two_path"}, "MultiPathSegmenter"),
}


def best_by_validation(
    runs: Mapping[str, Mapping[int, Mapping[str, float]]], seeds: list[int], n_best: int
) -> list[str]:
    """Choose rows by their loss on the blocks that training left out, not by the test slices.

    All rows have the same loss, and those of one seed the same blocks.

    Parameters
    ----------
    runs : dict
        Row -> seed -> numbers, as from :func:`peers.variant_table.collect`.
    seeds : list of int
        The seeds that count: those of the screening, which all rows have.
    n_best : int
        How many rows.

    Returns
    -------
    list of str
        Rows, the best first.
    """
    losses = {
        name: float(np.mean([of_seed[seed]["val_loss"] for seed in seeds]))
        for name, of_seed in runs.items()
        if set(seeds) <= set(of_seed)
    }
    return sorted(losses, key=lambda name: losses[name])[:n_best]
