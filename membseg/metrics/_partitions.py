"""V_Rand and V_Info of one slice: two partitions of its pixels compared."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse

from membseg.metrics._thin_borders import grow_cells

#: Order of the values of one slice at one threshold.
COLUMNS = ("v_rand", "v_rand_merge", "v_rand_split", "v_info", "v_info_merge", "v_info_split")

#: Entropies up to this are taken as zero: one region alone, up to rounding.
_NO_ENTROPY = 1e-12

#: Pixels of all cuts that are grown together: speed for small slices, little memory for large.
_PIXELS_AT_ONCE = 2**22


def slice_scores(
    cell_true: np.ndarray, cell_prob: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Scores of one slice, an array of shape (n_thresholds, 6) in the order of `COLUMNS`.

    Both maps (height, width) hold 1 for cell; both are cut at ``> t`` for each threshold t.
    """
    at_once = max(1, _PIXELS_AT_ONCE // cell_prob.size)
    parts = [thresholds[i : i + at_once] for i in range(0, len(thresholds), at_once)]
    return np.concatenate([_scores_of_cuts(cell_true, cell_prob, part) for part in parts])


def _scores_of_cuts(
    cell_true: np.ndarray, cell_prob: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    true_cuts, true_of = _distinct([cell_true > t for t in thresholds])
    guess_cuts, guess_of = _distinct([cell_prob > t for t in thresholds])
    truths = [ndimage.label(cut)[0] for cut in true_cuts]
    guesses = grow_cells(np.stack(guess_cuts))
    pairs = list(zip(true_of, guess_of, strict=True))
    scores = {(i, j): partition_scores(truths[i], guesses[j]) for i, j in set(pairs)}
    return np.stack([scores[pair] for pair in pairs])


def _distinct(cuts: list[np.ndarray]) -> tuple[list[np.ndarray], list[int]]:
    """Cuts without repeats, and which of them each one is.

    Of masks, and of maps near 0 and 1, all cuts are the same. Cuts shrink as thresholds rise, so
    a look at the one before finds the repeats.
    """
    kept, places = cuts[:1], [0]
    for cut in cuts[1:]:
        if not np.array_equal(cut, kept[-1]):
            kept.append(cut)
        places.append(len(kept) - 1)
    return kept, places


@dataclass(frozen=True)
class Shares:
    """Shares of regions among the pixels of true cells.

    Attributes
    ----------
    truth, guess, joint : ndarray of float
        Shares of true cells, of predicted regions, and of what they have in common.
    dams : float
        Share of dams in the prediction. Every dam pixel is a region of its own, of size 1 / n,
        that `guess` and `joint` do not list.
    n : int
        Pixels of true cells.
    """

    truth: np.ndarray
    guess: np.ndarray
    joint: np.ndarray
    dams: float
    n: int

    def pair_sums(self) -> tuple[float, float, float]:
        """Sums of the squared shares: in common, of the truth, of the prediction."""
        of_dams = self.dams / self.n
        both = float(np.sum(self.joint**2) + of_dams)
        return both, float(np.sum(self.truth**2)), float(np.sum(self.guess**2) + of_dams)

    def entropies(self) -> tuple[float, float, float]:
        """Entropies in nats: of the truth, of the prediction, of both together."""
        of_dams = self.dams * np.log(self.n)
        return (
            -_sum_p_log_p(self.truth),
            float(of_dams - _sum_p_log_p(self.guess)),
            float(of_dams - _sum_p_log_p(self.joint)),
        )


def count_shares(truth: np.ndarray, guess: np.ndarray) -> Shares | None:
    """Count the shares of two label images without gaps in their numbers; None without a cell.

    0 is membrane in the truth, and dam in the prediction.
    """
    inside = truth > 0
    n = int(np.count_nonzero(inside))
    if n == 0:
        return None
    table = sparse.coo_array((np.ones(n), (truth[inside], guess[inside]))).tocsc()
    in_truth = np.asarray(table.sum(axis=1)).ravel() / n
    in_guess = np.asarray(table.sum(axis=0)).ravel() / n
    joint = table.data[table.indptr[1] :] / n
    return Shares(in_truth, in_guess[1:], joint, float(in_guess[0]), n)


def partition_scores(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Scores in the order of `COLUMNS` of two label images; 0 is membrane, or dam."""
    shares = count_shares(truth, guess)
    if shares is None:
        return np.zeros(len(COLUMNS))
    return np.array([*_rand(shares), *_info(shares)])


def _rand(shares: Shares) -> tuple[float, float, float]:
    both, of_truth, of_guess = shares.pair_sums()
    return 2 * both / (of_truth + of_guess), both / of_guess, both / of_truth


def _info(shares: Shares) -> tuple[float, float, float]:
    of_truth, of_guess, of_both = shares.entropies()
    if of_guess <= _NO_ENTROPY:
        return 0.0, 0.0, 1.0
    if of_truth <= _NO_ENTROPY:
        return 0.0, 1.0, 0.0
    # Never negative but for rounding.
    shared = max(of_truth + of_guess - of_both, 0.0)
    return 2 * shared / (of_truth + of_guess), shared / of_truth, shared / of_guess


def _sum_p_log_p(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(np.sum(p * np.log(p)))
