"""How well numbers are predicted out of fold, and how well they would be by chance."""

from collections.abc import Sequence

import numpy as np

#: Ridge penalty of the kernel regression, whose kernels are about one on the diagonal.
_PENALTY = 0.3

#: A series is taken as dependent on its neighbours from this probability on.
_LEVEL = 0.05

#: Permutations that this is judged by.
_N_ORDERS = 199

Folds = Sequence[tuple[np.ndarray, np.ndarray]]


def fold_predictor(features: np.ndarray, folds: Folds) -> np.ndarray:
    """Give the matrix that turns targets into out-of-fold predictions.

    Kernel ridge regression with half a linear and half a Gaussian kernel: its predictions are
    linear in the targets, so that thousands of shuffled targets cost one product.

    Parameters
    ----------
    features : ndarray of shape (n_images, n_features)
        What a model sees.
    folds : sequence of (train, test)
        Indices.

    Returns
    -------
    ndarray of shape (n_images, n_images)
        Row i gives the prediction of image i, less the mean of its fold's training targets; NaN for
        images that are in no test part.
    """
    spread = features.std(axis=0)
    kept = spread > 1e-9 * max(1.0, float(np.abs(features).max()))
    scaled = (features[:, kept] - features[:, kept].mean(axis=0)) / spread[kept]
    n, d = len(features), max(1, scaled.shape[1])
    product = scaled @ scaled.T / d
    own = np.diag(product)
    kernel = 0.5 * product + 0.5 * np.exp(product - 0.5 * np.add.outer(own, own))
    matrix = np.full((n, n), np.nan)
    for train, test in folds:
        inverse = np.linalg.inv(kernel[np.ix_(train, train)] + _PENALTY * np.eye(len(train)))
        weights = kernel[np.ix_(test, train)] @ inverse
        matrix[test] = 0.0
        # Targets count from their mean over the training part.
        matrix[np.ix_(test, train)] = weights - weights.mean(axis=1, keepdims=True)
    return matrix


def baseline_predictor(n: int, folds: Folds) -> np.ndarray:
    """Give the matrix that predicts the mean of each fold's training targets."""
    matrix = np.full((n, n), np.nan)
    for train, test in folds:
        matrix[test] = 0.0
        matrix[np.ix_(test, train)] = 1 / len(train)
    return matrix


def skill(matrix: np.ndarray, baseline: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Give the share of the squared error of the mean that predictions save.

    Parameters
    ----------
    matrix : ndarray of shape (n_images, n_images)
        From :func:`fold_predictor`.
    baseline : ndarray of shape (n_images, n_images)
        From :func:`baseline_predictor`.
    targets : ndarray of shape (n_images, ...)
        What is predicted; all columns at once.

    Returns
    -------
    ndarray of shape (...)
        1 is perfect, 0 no better than the mean.
    """
    tested = ~np.isnan(baseline[:, 0])
    flat = targets.reshape(len(targets), -1)
    wrong = flat[tested] - baseline[tested] @ flat
    left = wrong - matrix[tested] @ flat
    total = np.maximum((wrong**2).sum(axis=0), np.finfo(float).tiny)
    return (1 - (left**2).sum(axis=0) / total).reshape(targets.shape[1:])


def chance_targets(
    values: np.ndarray, stacks: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Give series that are like one of mask statistics, but know nothing of the images.

    Where neighbours are not alike, the values are shuffled. Where they are, shuffling would
    make chance look too weak: phases of the series' frequencies are drawn at random instead, which
    keeps how alike neighbours are.

    Parameters
    ----------
    values : ndarray of shape (n_images,)
        One statistic, in z order.
    stacks : ndarray of shape (n_images,), int
        The stack of each image.
    n : int
        Number of series.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    ndarray of shape (n_images, n)
        The series.

    References
    ----------
    Theiler et al. (1992), "Testing for nonlinearity in time series: the method of surrogate data",
    Physica D 58, doi 10.1016/0167-2789(92)90102-S.
    """
    if not _is_series(values, stacks, rng):
        return np.stack([rng.permutation(values) for _ in range(n)], axis=1)
    series = np.empty((len(values), n))
    for number in np.unique(stacks):
        members = np.flatnonzero(stacks == number)
        series[members] = _shuffle_phases(values[members], n, rng)
    return series


def _is_series(values: np.ndarray, stacks: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether neighbours of one stack are alike."""
    pairs = np.flatnonzero(stacks[1:] == stacks[:-1])
    centred = values - values.mean()

    def likeness(series: np.ndarray) -> float:
        return float((series[pairs] * series[pairs + 1]).sum())

    found = likeness(centred)
    others = [likeness(rng.permutation(centred)) for _ in range(_N_ORDERS)]
    return (1 + sum(other >= found for other in others)) / (1 + _N_ORDERS) <= _LEVEL


def _shuffle_phases(values: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    mean = values.mean()
    # The series and its mirror image, so that a trend does not become a jump at the end.
    doubled = np.concatenate([values, values[::-1]]) - mean
    spectrum = np.abs(np.fft.rfft(doubled))[:, np.newaxis]
    phases = np.exp(2j * np.pi * rng.random((len(spectrum), n)))
    return mean + np.fft.irfft(spectrum * phases, n=len(doubled), axis=0)[: len(values)]
