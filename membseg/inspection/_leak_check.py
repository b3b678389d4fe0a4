"""Whether images give away what their masks are like, without showing membranes."""

from typing import Any

import numpy as np

from membseg.datasets._duplicates import same_images
from membseg.exceptions import InvalidInputError
from membseg.inspection._leak_report import LeakReport, LeakTest
from membseg.inspection._leak_skill import (
    baseline_predictor,
    chance_targets,
    fold_predictor,
    skill,
)
from membseg.inspection._leak_views import View, mask_statistics, see_views
from membseg.metrics._checks import check_inside
from membseg.model_selection._folds import make_folds
from membseg.model_selection._leaks import find_leaks
from membseg.model_selection._stacks import check_count, stack_numbers
from membseg.utils import ImageStack, check_images, check_same_sizes, encode_masks, make_rng

#: With fewer images chance explains everything, and in smaller ones a corner is no corner.
_LEAST_IMAGES, _LEAST_SIDE = 8, 32

#: A finding saves at least this share of the squared error, and this much more than the same model
#: does inside of the image.
_SKILL, _MORE = 0.25, 0.15


def leak_check(
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    groups: Any = None,
    level: float = 0.05,
    n_permutations: int = 499,
    membrane_label: Any = None,
    ignore_label: Any = None,
    random_state: Any = None,
) -> LeakReport:
    """Look for shortcuts: what tells the masks apart without showing membranes.

    Small models see of every image a corner, the border, or the mean brightness alone, and predict
    numbers about the middle of its mask, out of fold. Where one succeeds, a network can, too. Then
    copies of images are looked for.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Eight images or more, in z order, of 32 px a side or more.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks.
    cv : int, splitter, iterable of (train, test), or None, default=None
        The split that is to be used, which is looked at for copies and neighbours on both sides.
        None: blocks with a gap of one slice, and copies anywhere count.
    groups : array-like of shape (n_images,) or None, default=None
        The stack that each slice belongs to.
    level : float, default=0.05
        Probability of any false finding among all tests of the models, above 0 and below 1.
    n_permutations : int, default=499
        Series that chance is judged by, 1 or more; no probability is below one over this plus one.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.
    ignore_label : scalar or None, default=None
        The value of pixels without a label.
    random_state : int, Generator, RandomState or None, default=None
        Where these come from.

    Returns
    -------
    LeakReport
        All tests, findings first of all; it prints as text, and ``ok`` tells whether all is well.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images and masks do not fit each other, are too few or too small, or a parameter cannot
        be used.

    Notes
    -----
    Skill is the share of the squared error of the training part's mean that kernel ridge regression
    saves. Its probability is that of so high a skill in *any* test, over series that have the
    values of a statistic in another order, or, where neighbours are alike, its frequencies with
    random phases. A finding also has a skill of 0.25 at least, and 0.15 more than the same model
    reaches at nine places inside of the image (for the border: a ring inside), since honest pixels
    of any place tell a little about the rest. Brightness is measured halfway between membrane and
    cell, so that more membrane alone does not count as darker.

    Copies are found at 32 x 32 pixels, turned by quarters, mirrored, or with another brightness and
    contrast.

    References
    ----------
    Westfall and Young (1993), "Resampling-Based Multiple Testing", Wiley (the maximum over all
    tests).

    Examples
    --------
    >>> from membseg import leak_check, make_membranes
    >>> X, y = make_membranes(12, 64, 64, random_state=0)
    >>> leak_check(X, y, random_state=0).ok
    True
    >>> y[::3] = 1 - y[::3]  # some masks are inverted,
    >>> X[::3, :6, :6] = 255  # and a mark says which
    >>> print(leak_check(X, y, random_state=0).leaks[0].view)
    top left corner
    """
    check_inside(level, "level", "a probability")
    check_count(n_permutations, "n_permutations", least=1, advice="499 are enough.")
    rng = make_rng(random_state)
    images = check_images(X)
    masks = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label)
    check_same_sizes(images.sizes, [mask.shape for mask in masks.masks])
    _check_enough(images)
    folds = make_folds(cv, X, y, groups)
    stacks = stack_numbers(groups, len(images))

    views = see_views([np.asarray(image) for image in images.images], masks.masks)
    statistics = mask_statistics(masks.masks)
    tests = _run_tests(views, statistics, folds, stacks, n_permutations, rng, level)
    copies, neighbours = _find_copies(X, images, None if cv is None else folds, groups)
    return LeakReport(tuple(tests), copies, neighbours)


def _check_enough(images: ImageStack) -> None:
    if len(images) < _LEAST_IMAGES:
        raise InvalidInputError(
            f"X must hold at least {_LEAST_IMAGES} images, since with fewer anything can be "
            f"chance; got {len(images)}. Compare copies with check_labels."
        )
    smallest = min(min(size) for size in images.sizes)
    if smallest < _LEAST_SIDE:
        raise InvalidInputError(
            f"X must hold images of at least {_LEAST_SIDE} px a side, which have corners; got "
            f"{smallest} px."
        )


def _run_tests(
    views: list[View],
    statistics: dict[str, np.ndarray],
    folds: Any,
    stacks: np.ndarray,
    n_permutations: int,
    rng: np.random.Generator,
    level: float,
) -> list[LeakTest]:
    """Test every view on every statistic, and tell findings from chance."""
    if not statistics:
        return []
    baseline = baseline_predictor(len(stacks), folds)
    predictors = [fold_predictor(view.features, folds) for view in views]
    found, highest = {}, np.full(n_permutations, -np.inf)
    for name, values in statistics.items():
        chance = chance_targets(values, stacks, n_permutations, rng)
        for view, predictor in zip(views, predictors, strict=True):
            found[view.name, name] = float(skill(predictor, baseline, values))
            # The best of all tests by chance: what any one of them must beat.
            highest = np.maximum(highest, skill(predictor, baseline, chance))
    tests = []
    for view in views:
        controls = [fold_predictor(features, folds) for features in view.controls]
        for name, values in statistics.items():
            here = found[view.name, name]
            control = max([0.0, *(float(skill(c, baseline, values)) for c in controls)])
            p_value = (1 + int(np.count_nonzero(highest >= here))) / (1 + n_permutations)
            leaks = p_value <= level and here >= max(_SKILL, control + _MORE)
            tests.append(LeakTest(view.name, name, here, control, p_value, leaks))
    return sorted(tests, key=lambda test: (not test.leaks, -test.skill))


def _find_copies(X: Any, images: ImageStack, folds: Any, groups: Any) -> tuple[Any, Any]:
    if folds is None:
        return tuple(same_images(images)), ()
    leaks = find_leaks(X, folds, groups)
    pairs = {
        kind: tuple(dict.fromkeys((leak.train, leak.test) for leak in leaks if leak.kind == kind))
        for kind in ("copies", "neighbours")
    }
    return pairs["copies"], pairs["neighbours"]
