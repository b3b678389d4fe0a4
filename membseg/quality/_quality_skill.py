"""How well the scores of masks were predicted."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr


@dataclass(frozen=True)
class QualitySkill:
    """How well scores of slices are predicted whose masks were not learnt from.

    Attributes
    ----------
    spearman : float
        Rank correlation of predicted and true scores over all examples; NaN where all are equal.
    mae : float
        Mean absolute difference between them.
    spearman_own, mae_own : float
        The same for the segmenter's own predictions alone, at several thresholds and with
        defects; NaN without a segmenter.
    n_examples, n_slices : int
        Numbers of masks, and of slices that they belong to.
    """

    spearman: float
    mae: float
    spearman_own: float
    mae_own: float
    n_examples: int
    n_slices: int

    def __str__(self) -> str:
        own = ""
        if np.isfinite(self.mae_own):
            own = f" (own predictions: {self.spearman_own:.2f} and {self.mae_own:.3f})"
        return (
            f"rank correlation {self.spearman:.2f}, mean error {self.mae:.3f}{own}, out of fold, "
            f"on {self.n_examples} masks of {self.n_slices} slices"
        )


def skill_of(true: np.ndarray, guess: np.ndarray, own: np.ndarray, n_slices: int) -> QualitySkill:
    """Compare scores that were guessed with the true ones, and those of `own` predictions apart."""
    nan = float("nan")
    return QualitySkill(
        spearman=_rank_correlation(true, guess),
        mae=float(np.abs(true - guess).mean()),
        spearman_own=_rank_correlation(true[own], guess[own]) if own.any() else nan,
        mae_own=float(np.abs(true - guess)[own].mean()) if own.any() else nan,
        n_examples=len(true),
        n_slices=n_slices,
    )


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)
