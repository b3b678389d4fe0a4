"""Agreement of more than two experts."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError


def fleiss_kappa(counts: Any) -> float:
    """Measure the agreement of several experts beyond what chance would give.

    Parameters
    ----------
    counts : array-like of shape (n_items, n_categories), int
        How many experts put each item into each category; equally many experts for all items.

    Returns
    -------
    float
        Fleiss' kappa: 1 where all agree, about 0 where they agree as often as chance would have
        it; NaN where all put everything into one category, since chance would agree as well.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `counts` is no table of whole numbers, or has fewer than two experts an item or not
        equally many.

    References
    ----------
    .. [1] Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychological
       Bulletin 76(5), doi 10.1037/h0031619.

    Examples
    --------
    >>> from membseg.review import fleiss_kappa
    >>> fleiss_kappa([[3, 0], [0, 3], [3, 0]])
    1.0
    >>> round(fleiss_kappa([[3, 0], [1, 2], [0, 3]]), 3)
    0.55
    """
    table = _check_counts(counts)
    n_experts = table[0].sum()
    shares = table.sum(axis=0) / table.sum()
    by_chance = float((shares**2).sum())
    if by_chance >= 1:
        return float("nan")
    agreeing = (table * (table - 1)).sum(axis=1) / (n_experts * (n_experts - 1))
    return float((agreeing.mean() - by_chance) / (1 - by_chance))


def _check_counts(counts: Any) -> np.ndarray:
    table = np.asarray(counts)
    if table.dtype.kind not in "iuf":
        raise InvalidTypeError(f"counts must hold whole numbers; got dtype {table.dtype}.")
    if table.ndim != 2 or table.size == 0:
        raise InvalidInputError(
            f"counts must have shape (n_items, n_categories) and items; got shape {table.shape}."
        )
    table = table.astype(np.float64)
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.rint(table)).any():
        raise InvalidInputError("counts must hold whole numbers of at least 0.")
    n_experts = table.sum(axis=1)
    if n_experts.min() < 2 or n_experts.min() != n_experts.max():
        raise InvalidInputError(
            "counts must have the same number of experts, two or more, for every item; got from "
            f"{n_experts.min():g} to {n_experts.max():g}. Leave out the items that not all judged."
        )
    return table
