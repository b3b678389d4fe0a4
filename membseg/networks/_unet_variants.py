"""What a U-Net can be besides the plain one, and what goes together."""

from typing import Any

from membseg.exceptions import InvalidInputError

#: What the parameters of this name may be.
CHOICES = {
    "dropout_kind": ("spatial", "elementwise"),
    "block": ("plain", "residual", "recurrent"),
    "skips": ("plain", "attention", "nested"),
    "bottleneck": ("conv", "transformer"),
}

#: The values with which a network is the plain U-Net.
NEUTRAL: dict[str, Any] = {
    "dropout_kind": "spatial",
    "block": "plain",
    "skips": "plain",
    "deep_supervision": False,
    "squeeze_excitation": False,
    "bottleneck": "conv",
    "stochastic_depth": 0.0,
}


def check_variant(
    *,
    dropout_kind: str,
    block: str,
    skips: str,
    deep_supervision: bool,
    bottleneck: str,
    stochastic_depth: float,
) -> None:
    """Refuse values that are unknown, and pairs that mean nothing.

    Raises
    ------
    InvalidInputError
        With the parameter, what it must be and what it is.
    """
    given = {
        "dropout_kind": dropout_kind,
        "block": block,
        "skips": skips,
        "bottleneck": bottleneck,
    }
    for name, choices in CHOICES.items():
        if given[name] not in choices:
            raise InvalidInputError(
                f"{name} must be one of {', '.join(choices)}; got {given[name]!r}."
            )
    if deep_supervision and skips != "nested":
        raise InvalidInputError(
            f"deep_supervision=True needs skips='nested', whose nodes at full resolution it trains "
            f"one by one; got skips={skips!r}. Use skips='nested' or deep_supervision=False."
        )
    if not 0 <= stochastic_depth < 1:
        raise InvalidInputError(f"stochastic_depth must be in [0, 1); got {stochastic_depth!r}.")
    if stochastic_depth and block == "plain":
        raise InvalidInputError(
            "stochastic_depth needs blocks with a shortcut that is left when the rest is dropped; "
            f"got stochastic_depth={stochastic_depth!r} with block='plain'. Use block='residual' "
            "or 'recurrent', or stochastic_depth=0."
        )


def without_neutral(config: dict[str, Any]) -> dict[str, Any]:
    """Leave out what makes no variant.

    The configuration of a plain network is then what it was before there were variants: it fits
    weights and fits that were saved earlier.
    """
    return {
        name: value
        for name, value in config.items()
        if name not in NEUTRAL or value != NEUTRAL[name]
    }
