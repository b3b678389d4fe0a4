"""The most doubtful slices, apart from each other; and whether labelling them pays."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from membseg import EnsembleSegmenter, RidgeSegmenter, ThresholdSegmenter, make_membranes
from membseg.base import SegmenterMixin
from membseg.calibration import choose_slices, predict_uncertainty
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import log_loss


class Told(SegmenterMixin, BaseEstimator):
    """Takes pixels for logits, and remembers how many slices it was asked for at once."""

    def fit(self, X, y):
        self.classes_, self.threshold_, self.asked_ = np.array([0, 1]), 0.5, []
        return self

    def decision_function(self, X):
        self.asked_.append(len(X))
        maps = [np.float32(x) for x in X]
        return maps if isinstance(X, list) else np.stack(maps)


def slices_of_doubt(doubts):
    """Slices whose order of doubt is that of the numbers."""
    return [np.full((4, 5), 9.0 - doubt) for doubt in doubts]


@pytest.fixture
def told():
    return Told().fit(None, None)


def test_the_most_doubtful_first(told):
    X = slices_of_doubt([2, 5, 1, 7, 4])
    assert choose_slices(told, X).tolist() == [3]
    chosen = choose_slices(told, X, 3)
    assert chosen.tolist() == [3, 1, 4]
    assert chosen.dtype == np.int64
    assert choose_slices(told, np.stack(X), 3).tolist() == [3, 1, 4]
    assert set(told.asked_) == {1}


def test_neighbours_are_passed_over(told):
    X = slices_of_doubt([3, 6, 7, 5, 1, 2])
    assert choose_slices(told, X, 2, gap=1).tolist() == [2, 0]
    assert choose_slices(told, X, 2, gap=2).tolist() == [2, 5]
    # The middle one alone would leave no room for a second.
    assert choose_slices(told, slices_of_doubt([1, 7, 2]), 2, gap=1).tolist() == [2, 0]


@given(
    doubts=st.lists(st.integers(0, 8), min_size=1, max_size=9),
    n_slices=st.integers(1, 5),
    gap=st.integers(0, 3),
)
def test_as_many_as_can_be_had(doubts, n_slices, gap):
    told, X = Told().fit(None, None), slices_of_doubt(doubts)
    fits = [
        places
        for places in itertools.combinations(range(len(X)), n_slices)
        if (np.diff(places) > gap).all()
    ]
    if not fits:
        with pytest.raises(InvalidInputError, match="n_slices must be at most"):
            choose_slices(told, X, n_slices, gap=gap)
        return
    chosen = choose_slices(told, X, n_slices, gap=gap)
    assert tuple(sorted(chosen)) in fits
    # Greedy: no other choice that can be completed begins with a more doubtful slice.
    assert doubts[chosen[0]] == max(doubts[place] for places in fits for place in places)


def test_members_and_sizes_that_differ():
    X, y = make_membranes(4, 40, 40, random_state=0)
    members = [("lines", RidgeSegmenter()), ("cut", ThresholdSegmenter())]
    ensemble = EnsembleSegmenter(members).fit(X[:1], y[:1])
    pool = [X[1], X[2, :32], X[3, :, :24]]
    for method in ("single", "views", "members"):
        scores = predict_uncertainty(ensemble, pool, method=method).image_scores
        chosen = choose_slices(ensemble, pool, 3, method=method)
        assert chosen.tolist() == np.argsort(-scores).tolist()


def test_bad_numbers(told):
    X = slices_of_doubt(range(5))
    with pytest.raises(InvalidInputError, match="at most 3 with gap=1 and 5 slices in X; got 4"):
        choose_slices(told, X, 4, gap=1)
    with pytest.raises(InvalidInputError, match="n_slices must be an int of 1 or more; got 0"):
        choose_slices(told, X, 0)
    with pytest.raises(InvalidInputError, match="gap must be an int of 0 or more; got -1"):
        choose_slices(told, X, gap=-1)
    with pytest.raises(InvalidTypeError, match=r"n_slices must be an int of 1 or more; got 1\.5"):
        choose_slices(told, X, 1.5)
    with pytest.raises(InvalidInputError, match="method must be one of"):
        choose_slices(told, X, method="entropy")


# Whether it pays.


def gain_over_chance(seed):
    """How much lower the log loss is after labelling the chosen slice than after any slice."""
    rng = np.random.default_rng(seed)
    X, y = make_membranes(11, 48, 48, cell_size=24, difficulty=0.3, continuity=0, random_state=seed)
    # One labelled slice, a pool of six of which two are of another kind, and four to test, half
    # of either kind. The other kind is faint and grainy.
    pool, test = np.arange(1, 7), np.arange(7, 11)
    faint = np.concatenate([rng.choice(pool, 2, replace=False), test[:2]])
    grain = rng.normal(0, 15, X[faint].shape)
    X[faint] = np.clip(128 + 0.25 * (X[faint] - 128.0) + grain, 0, 255).astype(np.uint8)
    losses = []
    for place in pool:
        labelled = [0, place]
        segmenter = make_segmenter().fit(X[labelled], y[labelled])
        losses.append(log_loss(y[test], segmenter.predict_membrane(X[test])))
    (chosen,) = choose_slices(make_segmenter().fit(X[:1], y[:1]), X[pool])
    return np.mean(losses) - losses[chosen]


def make_segmenter():
    return RidgeSegmenter(scale=2.0, threshold=0.5)


@pytest.mark.slow
def test_labelling_the_chosen_slice_beats_chance():
    gains = [gain_over_chance(seed) for seed in range(100, 130)]
    error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    assert np.mean(gains) > 2 * error
