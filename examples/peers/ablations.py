"""Losses and regularisers, each alone beside the default."""

from typing import Any

from peers.variants import Variant

#: The default augmentation, which others are added to.
_STEPS = "d4+intensity+sharpness"


def _row(name: str, base: str = "bce", **options: Any) -> dict[str, Variant]:
    return {name: Variant(name, options, base=base)}


_LOSSES = (
    "balanced_bce", "focal", "dice", "jaccard", "tversky", "focal_tversky", "lovasz", "bce+dice",
    "bce+lovasz", "bce+boundary", "bce+0.5*cldice",
)  # fmt: skip

#: Row -> what it changes. Each name stands in tables, too.
ABLATIONS = {
    "bce": Variant("bce (the default)"),
    **{loss: Variant(loss, {"loss": loss}, base="bce") for loss in _LOSSES},
    "border_weights": Variant("border_weights", base="bce", weighs_borders=True),
    **_row("l1=1e-5", l1=1e-5),
    **_row("l2=1e-4", l2=1e-4),
    **_row("weight_decay=0", weight_decay=0.0),
    **_row("dropout=0.2", dropout=0.2),
    **_row("label_smoothing=0.1", label_smoothing=0.1),
    **_row("mixup", augmentation=f"{_STEPS}+mixup"),
    **_row("cutmix", augmentation=f"{_STEPS}+cutmix"),
    **_row("strength=0", augmentation_strength=0.0),
    **_row("strength=0.5", augmentation_strength=0.5),
    **_row("strength=2", augmentation_strength=2.0),
    **_row("augmentation=none", augmentation="none"),
    **_row("augmentation=flips", augmentation="flips"),
    **_row("augmentation=d4", augmentation="d4"),
    **_row("weight_averaging=0.99", weight_averaging=0.99),
    **_row("early_stopping", early_stopping=True),
    **_row("adversarial=patch", adversarial_weight=0.1, adversarial_mode="patch"),
    **_row("adversarial=segan", adversarial_weight=0.1, adversarial_mode="segan"),
    # No weights come with the package for these blocks: both start from random ones.
    **_row("residual", "", block="residual"),
    **_row("stochastic_depth=0.2", "residual", block="residual", stochastic_depth=0.2),
}
