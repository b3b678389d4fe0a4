"""Intervals from images drawn anew."""

from collections.abc import Iterable

import numpy as np

from membseg.analysis._weighted import WeightedScores


def draw_scores(
    scores: WeightedScores, names: Iterable[str], n_resamples: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Give metrics of sets of images that are drawn with replacement.

    Parameters
    ----------
    scores : WeightedScores
        Metrics of the images.
    names : iterable of str
        Which of them.
    n_resamples : int
        How many sets.
    rng : Generator
        Source of randomness.

    Returns
    -------
    dict of str to ndarray of shape (n_resamples,)
        One value a set. NaN where there is one image only: it tells nothing about others.
    """
    n_images = scores.n_images
    if n_images < 2:
        return {name: np.full(n_resamples, np.nan) for name in names}
    drawn = rng.integers(n_images, size=(n_resamples, n_images))
    weights = np.stack([np.bincount(row, minlength=n_images) for row in drawn]).astype(np.float64)
    return {name: np.array([scores.scores[name](row) for row in weights]) for name in names}


def interval(drawn: np.ndarray, level: float) -> tuple[float, float]:
    """Give the percentiles between which that share of the values lies."""
    low, high = np.percentile(drawn, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
