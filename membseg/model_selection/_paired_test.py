"""Whether two candidates differ by more than their folds do."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student


def corrected_t_test(
    differences: Sequence[float], n_train: Sequence[int], n_test: Sequence[int]
) -> float:
    """Test the differences of two candidates over the folds of a cross-validation.

    The folds' training parts overlap, so that differences are not independent and a plain t-test
    finds far too much. Nadeau and Bengio widen the variance of their mean from ``s2 / k`` to
    ``(1 / k + n_test / n_train) * s2``, where ``s2`` is the sample variance of the `k`
    differences:

        t = mean(d) / sqrt((1 / k + n_test / n_train) * s2),  k - 1 degrees of freedom.

    Parameters
    ----------
    differences : sequence of float
        Score of one minus score of the other, one a fold.
    n_train, n_test : sequence of int
        Numbers of slices in the parts of each fold; their means count.

    Returns
    -------
    float
        Two-sided p-value, in [0, 1]; nan for a single fold. 1.0 where all differences are zero,
        and 0.0 where all are the same other number.

    References
    ----------
    Nadeau and Bengio (2003), "Inference for the generalization error", Machine Learning 52,
    239-281, doi 10.1023/A:1024068626366: the corrected resampled t-test.
    """
    d = np.asarray(differences, dtype=float)
    if len(d) < 2:
        return float("nan")
    mean, variance = float(d.mean()), float(d.var(ddof=1))
    if np.ptp(d) == 0:
        return 1.0 if mean == 0 else 0.0
    widened = (1 / len(d) + np.mean(n_test) / np.mean(n_train)) * variance
    return float(2 * student.sf(abs(mean) / np.sqrt(widened), df=len(d) - 1))
