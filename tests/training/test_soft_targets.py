"""Losses of hard targets are refused where targets will be soft, with the way out."""

import re

import pytest

from membseg.exceptions import InvalidInputError
from membseg.losses import LOSSES, SOFT_LOSSES
from membseg.training._soft_targets import check_soft_targets

HARD = [name for name in LOSSES if name not in SOFT_LOSSES]
SOFT_NAMES = "bce, dice, jaccard, tversky, focal_tversky, boundary, cldice"

#: What asks for soft targets, how it is named, and what to use instead.
ASKING = [
    ({"augmentation": "d4+mixup"}, "mixup in augmentation", "cutmix"),
    ({"label_smoothing": 0.1}, "label_smoothing=0.1", "label_smoothing=0"),
    ({"unlabelled": "mean_teacher"}, "unlabelled='mean_teacher'", "unlabelled='pseudo_labels'"),
]


@pytest.mark.parametrize("loss", HARD)
@pytest.mark.parametrize(("options", "name", "instead"), ASKING)
def test_hard_losses_are_refused(loss, options, name, instead):
    message = (
        f"loss must be made of {SOFT_NAMES} where targets lie between 0 and 1, as with {name}; got "
        f"'bce+0.5*{loss}', with {loss}. Use loss='bce', or {instead} instead."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_soft_targets(f"bce+0.5*{loss}", **options)


def test_all_reasons_are_named():
    message = (
        "as with mixup in augmentation and unlabelled='mean_teacher'; got 'lovasz+focal', with "
        "lovasz and focal. Use loss='bce', or cutmix and unlabelled='pseudo_labels' instead."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        check_soft_targets("lovasz+focal", augmentation="mixup", unlabelled="mean_teacher")


@pytest.mark.parametrize("loss", HARD)
@pytest.mark.parametrize(
    "options",
    [{}, {"augmentation": "d4+cutmix"}, {"label_smoothing": 0.0}, {"unlabelled": "pseudo_labels"}],
)
def test_hard_targets_go_with_every_loss(loss, options):
    check_soft_targets(loss, **options)


@pytest.mark.parametrize("loss", [*SOFT_LOSSES, "bce+0.5*cldice"])
def test_soft_losses_go_with_all(loss):
    for options, _, _ in ASKING:
        check_soft_targets(loss, **options)
