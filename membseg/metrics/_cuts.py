"""From membrane masks and probabilities to the cuts that the challenge's metrics score."""

import numpy as np

from membseg.metrics._isbi import IsbiScores, challenge_thresholds, score_slices
from membseg.metrics._pairs import Pairs

#: Any cut between 0 and 1 does for masks.
_HALF = np.array([0.5])


def score_best(pairs: Pairs) -> IsbiScores:
    """Scores of encoded pairs of masks or maps at the challenge's thresholds."""
    # Converted once, in float64: 1 - (1 - p) is not p.
    cells = [1.0 - guess.astype(np.float64) for guess in pairs.guess]
    return _score(pairs, cells, challenge_thresholds())


def score_cut(pairs: Pairs) -> IsbiScores:
    """Scores of encoded pairs of masks as they are."""
    return _score(pairs, [guess != 1 for guess in pairs.guess], _HALF)


def cut_maps(pairs: Pairs, threshold: float) -> Pairs:
    """Encoded masks for maps: membrane where the probability is at least `threshold`."""
    # In the maps' own precision, as segmenters cut their float32 probabilities.
    masks = [(prob >= float(threshold)).astype(np.uint8) for prob in pairs.guess]
    return Pairs(pairs.truth, masks, pairs.weights)


def _score(pairs: Pairs, cells: list[np.ndarray], thresholds: np.ndarray) -> IsbiScores:
    weights = pairs.image_weights()
    used = np.flatnonzero(weights)
    truth = [pairs.truth[i] == 0 for i in used]
    return score_slices(truth, [cells[i] for i in used], thresholds, weights[used])
