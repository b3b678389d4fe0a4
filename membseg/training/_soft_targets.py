"""Which losses go with targets between 0 and 1."""

from membseg.exceptions import InvalidInputError
from membseg.losses import SOFT_LOSSES, parse_loss
from membseg.training._augment import parse_augmentation


def check_soft_targets(
    loss: str,
    *,
    augmentation: str = "none",
    label_smoothing: float = 0.0,
    unlabelled: str = "ignore",
) -> None:
    """Refuse a loss of hard targets where targets will lie between 0 and 1.

    Parameters
    ----------
    loss : str
        As :func:`membseg.losses.parse_loss` reads it.
    augmentation : str, default="none"
        Recipe; its step mixup makes such targets.
    label_smoothing : float, default=0.0
        Makes them where it is above 0.
    unlabelled : {"ignore", "mean_teacher", "pseudo_labels"}, default="ignore"
        "mean_teacher" makes them.

    Raises
    ------
    InvalidInputError
        If a term of `loss` is not defined for them.
    """
    hard = [name for _, name in parse_loss(loss) if name not in SOFT_LOSSES]
    # What asks for soft targets, and what would not.
    asking = {
        "mixup in augmentation": ("mixup" in parse_augmentation(augmentation), "cutmix"),
        f"label_smoothing={label_smoothing}": (label_smoothing > 0, "label_smoothing=0"),
        f"unlabelled={unlabelled!r}": (unlabelled == "mean_teacher", "unlabelled='pseudo_labels'"),
    }
    reasons = [reason for reason, (asks, _) in asking.items() if asks]
    ways_out = [instead for asks, instead in asking.values() if asks]
    if hard and reasons:
        raise InvalidInputError(
            f"loss must be made of {', '.join(SOFT_LOSSES)} where targets lie between 0 and 1, as "
            f"with {' and '.join(reasons)}; got {loss!r}, with {' and '.join(hard)}. Use "
            f"loss='bce', or {' and '.join(ways_out)} instead."
        )
