"""The scores of the ISBI 2012 challenge on cell maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._maps import list_maps
from membseg.metrics._partitions import COLUMNS, slice_scores
from membseg.utils import check_same_sizes


@dataclass(frozen=True, eq=False)
class IsbiScores:
    """Scores of the ISBI 2012 challenge; higher is better, 1.0 is best.

    Parameters
    ----------
    v_rand, v_info : float
        The largest means over slices among all thresholds, in [0, 1].
    best_threshold_v_rand, best_threshold_v_info : float
        Where they were reached: the cut of the **cell** map.
    table : dict of str to ndarray of shape (n_thresholds,)
        "threshold", and at each of them the means over slices of "v_rand", "v_rand_merge",
        "v_rand_split", "v_info", "v_info_merge" and "v_info_split".
    per_slice : dict of str to ndarray of shape (n_images, n_thresholds)
        The same scores slice by slice.
    """

    v_rand: float
    v_info: float
    best_threshold_v_rand: float
    best_threshold_v_info: float
    table: dict[str, np.ndarray]
    per_slice: dict[str, np.ndarray]


def isbi_challenge_scores(
    cell_true: Any, cell_prob: Any, thresholds: Sequence[float] | None = None
) -> IsbiScores:
    """V_Rand and V_Info after border thinning, as the ISBI 2012 challenge scores them [1]_.

    Parameters
    ----------
    cell_true : array-like of shape (n_images, height, width) or list of (height, width) arrays
        True cell maps, **1 = cell, 0 = membrane**: bool, integers 0 and 1, or floats in [0, 1].
    cell_prob : array-like or list, as `cell_true`
        Predicted cell maps, or probabilities of cell.
    thresholds : sequence of float or None, default=None
        Cuts; a pixel is cell where its map is above. None takes the challenge's 11 values, 0 to 1
        in steps of 0.1 that are added up in double precision (the last is 0.9999999999999999).

    Returns
    -------
    IsbiScores
        The best scores, their thresholds, and the table of all thresholds.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If maps or thresholds cannot be used.

    See Also
    --------
    v_rand_score, v_info_score : The same scores of membrane masks and probabilities.

    Notes
    -----
    Both maps are cut at each threshold and compared in float64. The true cells are labelled with
    4-connectivity; the predicted ones are thinned (:func:`thin_borders`). On the pixels of true
    cells, with p_ij their shares by true cell i and predicted cell j, a_i and b_j its sums, and
    every dam pixel a part of its own, V_Rand is sum p_ij^2 over the mean of sum a_i^2 and
    sum b_j^2; over the latter alone it is the *merge* score (low where cells run together), over
    the former the *split* score. V_Info is the mutual information over the mean of the two
    entropies; over the truth's alone it is the merge score, over the prediction's the split score.
    Means over slices are taken at each threshold, then the largest one.

    A slice without true cells scores 0.0; one of a single true cell, or a single predicted one,
    has a V_Info of 0.0. The best threshold is chosen on the data that is scored: quote a score at
    a threshold that was fixed beforehand as well.

    References
    ----------
    .. [1] I. Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation
       algorithms for connectomics", Frontiers in Neuroanatomy 9:142, 2015,
       doi 10.3389/fnana.2015.00142.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.metrics import isbi_challenge_scores
    >>> cell = np.ones((1, 8, 8))
    >>> cell[:, 4] = 0
    >>> result = isbi_challenge_scores(cell, 0.2 + 0.6 * cell)
    >>> result.v_rand, result.v_info, round(result.best_threshold_v_rand, 1)
    (1.0, 1.0, 0.2)
    """
    truth = _check_cells(cell_true, "cell_true")
    guess = _check_cells(cell_prob, "cell_prob")
    check_same_sizes(
        [t.shape for t in truth], [g.shape for g in guess], names=("cell_true", "cell_prob")
    )
    return score_slices(truth, guess, _check_thresholds(thresholds))


def challenge_thresholds() -> np.ndarray:
    """The challenge's cuts: 0.1 added up ten times, in double precision."""
    return np.add.accumulate([0.0, *[0.1] * 10])


def score_slices(
    truth: list[np.ndarray],
    guess: list[np.ndarray],
    thresholds: np.ndarray,
    weights: np.ndarray | None = None,
) -> IsbiScores:
    """Scores of checked cell maps; `weights` of the slices in the means."""
    values = np.stack(
        [
            # Only float64 holds the challenge's last threshold apart from 1.
            slice_scores(t.astype(np.float64), g.astype(np.float64), thresholds)
            for t, g in zip(truth, guess, strict=True)
        ]
    )
    means = np.average(values, axis=0, weights=weights)
    table = {name: means[:, i] for i, name in enumerate(COLUMNS)}
    best_rand, best_info = int(np.argmax(table["v_rand"])), int(np.argmax(table["v_info"]))
    return IsbiScores(
        v_rand=float(table["v_rand"][best_rand]),
        v_info=float(table["v_info"][best_info]),
        best_threshold_v_rand=float(thresholds[best_rand]),
        best_threshold_v_info=float(thresholds[best_info]),
        table={"threshold": thresholds, **table},
        per_slice={name: values[:, :, i] for i, name in enumerate(COLUMNS)},
    )


def _check_cells(cells: Any, name: str) -> list[np.ndarray]:
    maps = list_maps(cells, name=name, column=0)
    for i, image in enumerate(maps):
        if image.min() < 0 or image.max() > 1:
            raise InvalidInputError(
                f"{name} must lie in [0, 1], 1 = cell; {name}[{i}] runs from {image.min():g} to "
                f"{image.max():g}. For grey values up to 255 write {name} / 255."
            )
    return maps


def _check_thresholds(thresholds: Sequence[float] | None) -> np.ndarray:
    if thresholds is None:
        return challenge_thresholds()
    cuts = np.asarray(thresholds)
    if cuts.dtype.kind not in "iuf":
        raise InvalidTypeError(f"thresholds must be numbers; got dtype {cuts.dtype}.")
    if cuts.ndim != 1 or cuts.size == 0 or not np.isfinite(cuts).all():
        raise InvalidInputError(
            f"thresholds must be a sequence of finite numbers; got {thresholds!r}."
        )
    return cuts.astype(np.float64)
