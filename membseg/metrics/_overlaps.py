"""How the cells of two label images overlap: a sparse table of the pixels that they share."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Overlaps:
    """Cells of two label images of one size, and the pixels that they share.

    Attributes
    ----------
    true_ids, pred_ids : ndarray of int
        Numbers of the cells on either side, ascending.
    true_areas, pred_areas : ndarray of int64
        Pixels of each of them.
    rows, columns : ndarray of int
        Pairs of cells that share a pixel, as places in `true_ids` and `pred_ids`, row by row.
    shared : ndarray of int64
        Pixels of each pair.
    """

    true_ids: np.ndarray
    pred_ids: np.ndarray
    true_areas: np.ndarray
    pred_areas: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    shared: np.ndarray

    @property
    def union(self) -> np.ndarray:
        """Pixels of either cell of each pair."""
        return self.true_areas[self.rows] + self.pred_areas[self.columns] - self.shared

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each pair."""
        return self.shared / self.union


def count_overlaps(truth: np.ndarray, guess: np.ndarray) -> Overlaps:
    """Count the pixels that cells of two label images share."""
    true_ids, true_codes, true_areas = compress(truth)
    pred_ids, pred_codes, pred_areas = compress(guess)
    rows, columns, shared = _count_pairs(true_codes.ravel(), pred_codes.ravel())
    return Overlaps(true_ids, pred_ids, true_areas, pred_areas, rows, columns, shared)


def _count_pairs(
    first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pairs of codes above 0; give them in order, as places from 0."""
    # Along a row codes seldom change: runs are counted, which are few, and not pixels.
    changes = np.flatnonzero((first[1:] != first[:-1]) | (second[1:] != second[:-1])) + 1
    starts = np.append(0, changes)
    lengths = np.diff(np.append(starts, first.size))
    first, second = first[starts], second[starts]
    both = (first > 0) & (second > 0)
    n = int(second.max()) + 1
    pairs, places = np.unique(first[both].astype(np.int64) * n + second[both], return_inverse=True)
    shared = np.bincount(places, weights=lengths[both], minlength=len(pairs)).astype(np.int64)
    rows, columns = np.divmod(pairs, n)
    return rows - 1, columns - 1, shared


def compress(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the numbers of cells, each pixel's place among them (from 1; 0 is none), and areas."""
    highest = int(labels.max())
    if highest <= 4 * labels.size:
        # Counting is much faster than sorting, where numbers are not wild.
        counts = np.bincount(labels.ravel().astype(np.int64, copy=False))
        ids = np.flatnonzero(counts)
        places = np.zeros(len(counts), np.int32)
        ids = ids[ids > 0]
        places[ids] = np.arange(1, len(ids) + 1)
        return ids, places[labels], counts[ids]
    ids, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    codes = codes.reshape(labels.shape).astype(np.int32)
    if ids[0] == 0:
        return ids[1:], codes, counts[1:]
    return ids, codes + 1, counts


def assign(
    rows: np.ndarray, columns: np.ndarray, gain: np.ndarray, *, many: bool = True
) -> np.ndarray:
    """Choose pairs of the largest total gain so that no row or column is used twice.

    Parameters
    ----------
    rows, columns : ndarray of int
        The pairs that may be chosen.
    gain : ndarray of float
        What each is worth, in (0, 1].
    many : bool, default=True
        Whether as many pairs are chosen as can be, and gains decide among such choices only.

    Returns
    -------
    ndarray of int
        Places of the chosen pairs, ascending.
    """
    clear = np.bincount(rows)[rows] == 1
    clear &= np.bincount(columns)[columns] == 1
    rest = np.flatnonzero(~clear)
    chosen = _assign_sparse(rows[rest], columns[rest], gain[rest], many) if rest.size else rest
    return np.sort(np.concatenate([np.flatnonzero(clear), rest[chosen]]))


def _assign_sparse(
    rows: np.ndarray, columns: np.ndarray, gain: np.ndarray, many: bool
) -> np.ndarray:
    """Solve the assignment in time and memory that follow the pairs, not rows times columns."""
    _, rows = np.unique(rows, return_inverse=True)
    _, columns = np.unique(columns, return_inverse=True)
    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    # Each row may also take a column of its own that is worth nothing: so there always is a
    # choice for all rows.
    own = np.arange(n_rows)
    # With `many`, a pair more is worth more than all that gains can add up to.
    worth = 1 + gain / (2 * min(n_rows, n_columns)) if many else gain
    weights = np.concatenate([3 - worth, np.full(n_rows, 3.0)])
    table = sparse.csr_array(
        (weights, (np.concatenate([rows, own]), np.concatenate([columns, n_columns + own]))),
        shape=(n_rows, n_columns + n_rows),
    )
    taken = np.empty(n_rows, np.int64)
    found_rows, found_columns = sparse.csgraph.min_weight_full_bipartite_matching(table)
    taken[found_rows] = found_columns
    return np.flatnonzero(taken[rows] == columns)
