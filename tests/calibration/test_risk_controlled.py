"""The masks miss no more membrane than was promised, and no more is promised than is proved."""

import pickle
import re
import sys

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import binom
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from membseg import (
    DummySegmenter,
    ThresholdSegmenter,
    UNetSegmenter,
    cross_val_predict_proba,
    get_scorer,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.calibration import RiskControlledSegmenter
from membseg.exceptions import InvalidInputError, MissingDependencyError
from membseg.preprocessing import CLAHE

GRID = np.arange(1, 100) / 100


class Logits(SegmenterMixin, BaseEstimator):
    """Takes images for logits."""

    def __init__(self, membrane_label=None, ignore_label=None):
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label

    def fit(self, X, y):
        values = np.unique(np.concatenate([np.ravel(m) for m in y])).tolist()
        values = [v for v in values if v != self.ignore_label]
        self.classes_ = np.array(sorted(values, key=lambda v: v == self.membrane_label))
        self.threshold_ = 0.5
        return self

    def decision_function(self, X):
        if isinstance(X, list):
            return [np.asarray(x, dtype="f4") for x in X]
        return np.asarray(X, dtype="f4")


class Unfittable(Logits):
    """Must not be fitted again."""

    def fit(self, X, y):
        raise AssertionError("it was fitted already")


def frozen(classes=(0, 1), **params):
    stub = Unfittable(**params)
    stub.classes_, stub.threshold_ = np.array(classes), 0.5
    return FrozenEstimator(stub)


def logit(probability):
    return (np.log(probability) - np.log1p(-probability)).astype("f4")


def make_maps(n_images, size, rng):
    """Logits of images that differ in how well their membrane is seen, and masks."""
    y = (rng.random((n_images, *size)) < 0.25).astype(np.uint8)
    clear = rng.normal(2.5, 0.7, (n_images, 1, 1))
    X = np.where(y == 1, clear, -2.0) + rng.normal(0, 1.2, y.shape)
    return X.astype("f4"), y


def make_all_or_nothing(n_images, size, rng):
    """Logits of images whose membrane is found as a whole or not at all: the hardest to bound."""
    y = (rng.random((n_images, *size)) < 0.25).astype(np.uint8)
    y[:, 0, 0] = 1
    seen = rng.uniform(0.0001, 1, (n_images, 1, 1)) ** 0.3
    return logit(np.where(y == 1, seen, rng.uniform(0.0001, 0.2, y.shape))), y


def shares_missed(prob, y, weights=None):
    """Share of membrane that each threshold misses, image by image, one threshold at a time."""
    rows = []
    for i, (p, m) in enumerate(zip(prob, y, strict=True)):
        w = np.ones(m.shape) if weights is None else np.broadcast_to(weights[i], m.shape)
        if w[m == 1].sum() > 0:
            found = [w[(m == 1) & (p >= np.float32(t))].sum() / w[m == 1].sum() for t in GRID]
            rows.append(1 - np.array(found))
    return np.array(rows)


def p_value(missed, max_missed):
    """Doubt in that the mean of shares is at most max_missed: section 3.1 of Bates et al."""
    n, mean = len(missed), missed.mean()
    if mean >= max_missed:
        return 1.0
    hoeffding = np.exp(-n * (rel_entr(mean, max_missed) + rel_entr(1 - mean, 1 - max_missed)))
    bentkus = np.e * binom.cdf(np.ceil(n * mean - 1e-9), n, max_missed)
    return min(hoeffding, bentkus)


def expected_threshold(missed, max_missed, confidence):
    """Highest threshold that is proved together with all below it; None if there is none."""
    best = None
    for t, column in zip(GRID, missed.T, strict=True):
        if p_value(column, max_missed) > 1 - confidence:
            break
        best = t
    return best


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "n_images"), [(make_maps, 50), (make_maps, 100), (make_all_or_nothing, 100)]
)
def test_the_promise_is_kept(make, n_images):
    rng = np.random.default_rng(0)
    X, y = make(1500, (8, 10), rng)
    missed = shares_missed(frozen().predict_membrane(X), y)
    n_splits, broken, precision, thresholds = 200, 0, [], []
    for _ in range(n_splits):
        order = rng.permutation(len(X))
        some, others = order[:n_images], order[n_images:]
        controlled = RiskControlledSegmenter(frozen()).fit(X[some], y[some])
        column = round(controlled.threshold_ * 100) - 1
        broken += missed[others, column].mean() > controlled.max_missed
        few = others[:40]
        precision.append(y[few][controlled.predict(X[few]) == 1].mean())
        thresholds.append(controlled.threshold_)
    promised = 1 - controlled.confidence
    allowed = promised + 2 * np.sqrt(promised * (1 - promised) / n_splits)
    assert broken / n_splits <= allowed
    assert min(precision) >= 0.5
    assert min(thresholds) > 0


@settings(max_examples=60, deadline=None)
@example(seed=1029, n_images=1, max_missed=0.6875, confidence=0.625, make=make_maps)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_images=st.integers(1, 80),
    max_missed=st.floats(0.05, 0.9),
    confidence=st.floats(0.05, 0.95),
    make=st.sampled_from([make_maps, make_all_or_nothing]),
)
def test_the_threshold_is_that_of_the_paper(seed, n_images, max_missed, confidence, make):
    X, y = make(n_images, (6, 8), np.random.default_rng(seed))
    y[0, :, :2] = [0, 1]
    controlled = RiskControlledSegmenter(frozen(), max_missed=max_missed, confidence=confidence)
    missed = shares_missed(frozen().predict_membrane(X), y)
    # Rounding may decide where both are equal.
    assume(all(abs(p_value(m, max_missed) - (1 - confidence)) > 1e-9 for m in missed.T))
    expected = expected_threshold(missed, max_missed, confidence)
    if expected is None:
        with pytest.raises(InvalidInputError, match="max_missed"):
            controlled.fit(X, y)
        return
    if (frozen().predict_membrane(X) >= np.float32(expected)).all():
        with pytest.raises(InvalidInputError, match="every pixel is called membrane"):
            controlled.fit(X, y)
        return
    controlled.fit(X, y)
    assert controlled.threshold_ == expected
    column = round(expected * 100) - 1
    assert controlled.missed_ == pytest.approx(missed[:, column].mean(), abs=1e-12)
    # The masks themselves miss it.
    mask = controlled.predict(X)
    shares = [1 - m[t == 1].mean() for m, t in zip(mask, y, strict=True) if t.any()]
    assert controlled.missed_ == pytest.approx(np.mean(shares), abs=1e-12)


def test_maps_out_of_fold():
    X, y = make_membranes(8, 40, 32, random_state=0)
    levels = {"max_missed": 0.5, "confidence": 0.6}
    controlled = RiskControlledSegmenter(ThresholdSegmenter(), cv=KFold(2), **levels).fit(X, y)
    maps = cross_val_predict_proba(
        ThresholdSegmenter(), X, y, cv=KFold(2), method="predict_membrane"
    )
    expected = expected_threshold(shares_missed(maps, y), *levels.values())
    assert controlled.threshold_ == expected
    plain = ThresholdSegmenter().fit(X, y)
    np.testing.assert_array_equal(controlled.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(controlled.predict(X), plain.predict_membrane(X) >= expected)


def test_more_is_missed_where_more_may_be():
    X, y = make_maps(80, (10, 12), np.random.default_rng(0))
    for name, values in (("max_missed", (0.1, 0.2, 0.4)), ("confidence", (0.99, 0.9, 0.5))):
        fits = [RiskControlledSegmenter(frozen(), **{name: v}).fit(X, y) for v in values]
        assert np.all(np.diff([fit.threshold_ for fit in fits]) > 0)
        assert all(fit.missed_ < fit.max_missed for fit in fits)


def test_the_order_of_images_does_not_matter():
    X, y = make_maps(40, (10, 12), np.random.default_rng(0))
    one = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y)
    other = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X[::-1], y[::-1])
    assert one.threshold_ == other.threshold_


def test_frozen_is_not_fitted_again():
    X, y = make_maps(40, (6, 8), np.random.default_rng(0))
    estimator = frozen()
    controlled = RiskControlledSegmenter(estimator, max_missed=0.3).fit(X, y)
    assert controlled.estimator_ is estimator
    assert controlled.n_channels_in_ == 1
    np.testing.assert_array_equal(controlled.decision_function(X), X)
    with pytest.raises(NotFittedError):
        RiskControlledSegmenter(FrozenEstimator(Logits())).fit(X, y)
    with pytest.raises(NotFittedError):
        RiskControlledSegmenter(frozen()).predict(X)


def test_pixels_without_a_label_do_not_count():
    rng = np.random.default_rng(0)
    X, y = make_maps(40, (10, 12), rng)
    alone = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X[:, :6], y[:, :6])
    y[:, 6:] = 7
    estimator = frozen(ignore_label=7)
    ignored = RiskControlledSegmenter(estimator, max_missed=0.2).fit(X, y)
    assert (ignored.threshold_, ignored.missed_) == (alone.threshold_, alone.missed_)
    assert ignored.classes_.tolist() == [0, 1]


def test_weights():
    rng = np.random.default_rng(0)
    X, y = make_maps(40, (10, 12), rng)
    plain = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y)
    weights = rng.uniform(0, 2, y.shape)
    weighted = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y, sample_weight=weights)
    missed = shares_missed(frozen().predict_membrane(X), y, weights)
    assert weighted.threshold_ == expected_threshold(missed, 0.2, 0.9)
    assert weighted.missed_ != plain.missed_
    # Tiny weights are weights; those of images only say which of them count.
    tiny = RiskControlledSegmenter(frozen(), max_missed=0.2)
    tiny.fit(X, y, sample_weight=np.full(y.shape, 1e-320))
    assert tiny.threshold_ == plain.threshold_
    half = np.repeat([3.0, 0.0], 20)
    of_images = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y, sample_weight=half)
    alone = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X[:20], y[:20])
    assert (of_images.threshold_, of_images.missed_) == (alone.threshold_, alone.missed_)


def test_images_without_membrane_are_left_out():
    X, y = make_maps(40, (10, 12), np.random.default_rng(0))
    plain = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y)
    more_X, more_y = np.concatenate([X, X - 9]), np.concatenate([y, np.zeros_like(y)])
    more = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(more_X, more_y)
    assert (more.threshold_, more.missed_) == (plain.threshold_, plain.missed_)


def test_images_of_different_sizes():
    rng = np.random.default_rng(0)
    small, large = make_maps(20, (6, 8), rng), make_maps(20, (12, 9), rng)
    X, y = ([*a, *b] for a, b in zip(small, large, strict=True))
    controlled = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y)
    missed = shares_missed(frozen().predict_membrane(X), y)
    assert controlled.threshold_ == expected_threshold(missed, 0.2, 0.9)
    assert [mask.shape for mask in controlled.predict(X)] == [m.shape for m in y]


def test_other_values_of_masks():
    X, y = make_maps(40, (10, 12), np.random.default_rng(0))
    plain = RiskControlledSegmenter(frozen(), max_missed=0.2).fit(X, y)
    inverted = np.where(y == 1, 0, 255).astype(np.uint8)
    estimator = frozen(np.array([255, 0], dtype=np.uint8), membrane_label=0)
    other = RiskControlledSegmenter(estimator, max_missed=0.2).fit(X, inverted)
    assert other.threshold_ == plain.threshold_
    assert other.classes_.tolist() == [255, 0]
    np.testing.assert_array_equal(other.predict(X) == 0, plain.predict(X) == 1)


def test_it_is_a_segmenter_to_scikit_learn():
    X, y = make_membranes(8, 40, 32, random_state=0)
    # Of eight slices the search leaves four.
    controlled = RiskControlledSegmenter(
        make_pipeline(CLAHE(), ThresholdSegmenter()), max_missed=0.6, confidence=0.5, cv=KFold(2)
    )
    grid = {"max_missed": [0.6, 0.8], "estimator__thresholdsegmenter__sigma": [0.5, 1.5]}
    search = GridSearchCV(controlled, grid, cv=KFold(2), scoring=get_scorer("iou"))
    assert set(search.fit(X, y).best_params_) == set(grid)
    copy = pickle.loads(pickle.dumps(controlled.fit(X, y)))
    np.testing.assert_array_equal(copy.predict(X), controlled.predict(X))
    twin = clone(controlled)
    assert not hasattr(twin, "threshold_")
    assert twin.fit(X, y).threshold_ == controlled.threshold_
    assert controlled.__sklearn_tags__().tile_exact
    group = RiskControlledSegmenter(UNetSegmenter(norm_layer="group"))
    assert not group.__sklearn_tags__().tile_exact


@pytest.mark.parametrize("name", ["max_missed", "confidence"])
@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, "high"])
def test_levels_lie_between_0_and_1(name, level):
    X, y = make_maps(4, (6, 8), np.random.default_rng(0))
    message = (
        f"The '{name}' parameter of RiskControlledSegmenter must be a float in the range "
        f"(0.0, 1.0). Got {level!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        RiskControlledSegmenter(frozen(), **{name: level}).fit(X, y)


@pytest.mark.parametrize(
    ("n_images", "levels", "needed"),
    [(21, {}, 22), (5, {"max_missed": 0.5, "confidence": 0.99}, 7), (44, {"confidence": 0.99}, 44)],
)
def test_how_many_images_are_needed(n_images, levels, needed):
    # Nothing is missed in any of them.
    y = np.tile(np.array([[0, 1], [1, 0]], dtype=np.uint8), (n_images, 2, 2))
    controlled = RiskControlledSegmenter(frozen(), **levels)
    if n_images >= needed:
        controlled.fit(y * 60.0 - 30.0, y)
        assert (controlled.threshold_, controlled.missed_) == (0.99, 0.0)
        return
    message = (
        f"y must hold about {needed} masks with labelled membrane or more, to prove "
        f"max_missed={controlled.max_missed:g} with confidence={controlled.confidence:g} even if "
        f"nothing is missed; got {n_images}. Give more images, a larger max_missed or a smaller "
        "confidence."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        controlled.fit(y * 60.0 - 30.0, y)
    # Images without membrane prove nothing either.
    more = np.concatenate([y, np.zeros((50, 4, 4), dtype=np.uint8)])
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        controlled.fit(more * 60.0 - 30.0, more)


def test_too_few_images_are_refused_before_training():
    X, y = make_maps(4, (6, 8), np.random.default_rng(0))
    for images, masks in ((X, y), (list(X), list(y))):
        with pytest.raises(InvalidInputError, match=r"y must hold about 22 masks .* got 4\."):
            RiskControlledSegmenter(Unfittable(), cv=KFold(2)).fit(images, masks)


def test_nothing_is_promised_that_is_not_proved():
    # A fifth of the membrane is not found at any threshold.
    y = np.tile(np.array([[0, 1, 1, 1, 1, 1]], dtype=np.uint8), (40, 2, 1))
    X = y * 16.0 - 8.0
    X[:, :, 1] = -8.0
    message = (
        "estimator must miss less membrane: even at the threshold 0.01 it misses 0.2 of it on "
        "average over 40 images, which does not prove max_missed=0.1 with confidence=0.9. Give a "
        "better segmenter, more images, a larger max_missed or a smaller confidence."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        RiskControlledSegmenter(frozen()).fit(X, y)


def test_calling_everything_membrane_is_no_way_to_keep_it():
    X, y = make_maps(40, (6, 8), np.random.default_rng(0))
    message = "every pixel is called membrane. Give a better segmenter, more images,"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        RiskControlledSegmenter(FrozenEstimator(DummySegmenter().fit(1 - X, y))).fit(X, y)
    # What does not count does not help.
    X[:], X[:, 0] = 1.0, -9.0
    weights = np.ones(y.shape)
    weights[:, 0] = 0
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        RiskControlledSegmenter(frozen()).fit(X, y, sample_weight=weights)


def test_masks_that_cannot_be_used():
    X, y = make_maps(40, (6, 8), np.random.default_rng(0))
    with pytest.raises(ValueError, match="y must hold two classes"):
        RiskControlledSegmenter(ThresholdSegmenter()).fit(X, np.zeros_like(y))
    with pytest.raises((ValueError, TypeError), match="y"):
        RiskControlledSegmenter(ThresholdSegmenter()).fit(X)


def test_missing_mapie(monkeypatch):
    monkeypatch.setitem(sys.modules, "mapie.risk_control", None)
    X, y = make_maps(40, (6, 8), np.random.default_rng(0))
    message = (
        "Control of the share missed needs the package 'mapie', which is not installed. "
        "Install it with: pip install 'membseg[conformal]'"
    )
    with pytest.raises(MissingDependencyError, match=re.escape(message)):
        RiskControlledSegmenter(Unfittable()).fit(X, y)
