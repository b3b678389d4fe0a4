"""Maps of several segmenters, put together."""

from typing import Any

import numpy as np

from membseg.utils import IGNORED, encode_masks
from membseg.utils._maps import LEAST


def mean_map(*maps: Any, weights: np.ndarray) -> Any:
    """Weighted mean of maps."""
    total = np.float32(weights[0]) * maps[0]
    for weight, one in zip(weights[1:], maps[1:], strict=True):
        total = total + np.float32(weight) * one
    return total


def deviation_map(*maps: Any, weights: np.ndarray) -> Any:
    """Weighted standard deviation of maps."""
    mean = mean_map(*maps, weights=weights)
    return np.sqrt(mean_map(*[(one - mean) ** 2 for one in maps], weights=weights))


def learn_weights(
    maps: list[Any], y: Any, membrane_label: Any, ignore_label: Any, *, is_logit: bool
) -> np.ndarray:
    """Find the weights of least log loss on the simplex."""
    from scipy.optimize import minimize

    codes = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label).masks
    kept = [code != IGNORED for code in codes]
    truth = np.concatenate([code[k] == 1 for code, k in zip(codes, kept, strict=True)])
    values = np.stack(
        [np.concatenate([m[k] for m, k in zip(one, kept, strict=True)]) for one in maps]
    ).astype(np.float64)

    def loss(weights: np.ndarray) -> float:
        mixed = weights @ values
        if is_logit:
            mixed = 1 / (1 + np.exp(-np.clip(mixed, -30, 30)))
        mixed = np.clip(mixed, LEAST, 1 - LEAST)
        return float(-np.where(truth, np.log(mixed), np.log1p(-mixed)).mean())

    n_members = len(maps)
    found = minimize(
        loss,
        np.full(n_members, 1 / n_members),
        method="SLSQP",
        bounds=[(0, 1)] * n_members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
    )
    weights = np.clip(found.x, 0, None)
    return weights / weights.sum()
