"""The quality model: ranks masks without their truth, and says how well."""

import pickle

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from membseg import QualityModel, RidgeSegmenter, SliceBlockKFold, ThresholdSegmenter
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics import iou_score, v_rand_score
from membseg.quality import _plant
from membseg.quality._examples import score_mask
from membseg.quality._measures import AGREEMENT, MEASURES, OWN

#: What a test can wait for.
FEW_TREES = ExtraTreesRegressor(30, random_state=0)


def spoilt(y, seed=5):
    """Masks of one slice, from good to bad."""
    rng = np.random.default_rng(seed)
    mask = y.astype(bool)
    masks = [mask, np.zeros_like(mask)]
    for strength in (0.1, 0.5, 1.0):
        masks += [defect(mask, strength, rng) for defect in _plant.DEFECTS.values()]
    return np.stack(masks)


def test_it_ranks_masks_it_has_not_seen(model, stack):
    X, y = stack
    true, guess = [], []
    for i in (6, 7):
        masks = spoilt(y[i])
        found = model.score_masks(X[[i] * len(masks)], masks)
        assert found.shape == (len(masks),)
        assert found[0] > found[1]
        true += [
            v_rand_score(y[i : i + 1], m[np.newaxis].astype(int), membrane_label=1) for m in masks
        ]
        guess += found.tolist()
    assert spearmanr(true, guess).statistic > 0.7


def test_the_iou_is_predicted_too(model, stack):
    X, y = stack
    masks = spoilt(y[7])
    true = [iou_score(y[7:8], m[np.newaxis].astype(int), membrane_label=1) for m in masks]
    guess = model.score_masks(X[[7] * len(masks)], masks, scoring="iou")
    assert spearmanr(true, guess).statistic > 0.7


def test_it_judges_its_own_predictions(model, stack):
    X, _ = stack
    found = model.predict(X[6:])
    np.testing.assert_allclose(found, model.score_masks(X[6:], model.segmenter_.predict(X[6:])))
    assert ((found >= 0) & (found <= 1)).all()
    rows = model.measure(X[6:], model.segmenter_.predict(X[6:]))
    assert [row["agreement_iou"] for row in rows] == [1, 1]


def test_skill_is_that_of_the_examples_out_of_fold(model):
    examples = model.examples_
    assert {e["image"] for e in examples} == set(range(6))
    for name, skill in model.skill_.items():
        true = np.array([e[name] for e in examples])
        guess = np.array([e[f"{name}_predicted"] for e in examples])
        assert skill.spearman == pytest.approx(spearmanr(true, guess).statistic)
        assert skill.mae == pytest.approx(np.abs(true - guess).mean())
        assert (skill.n_examples, skill.n_slices) == (len(examples), 6)
    assert model.skill_["v_rand"].spearman > 0.7
    assert str(model.skill_["v_rand"]).startswith("rank correlation 0.")
    kinds = {e["kind"] for e in examples}
    assert {"labelled", "all cell", "other slice's", "own", "own from 0.5"} <= kinds


def test_labelled_masks_are_scored_one_and_all_cell_nought(model):
    by_kind = {}
    for example in model.examples_:
        by_kind.setdefault(example["kind"], []).append(example)
    assert {e["iou"] for e in by_kind["labelled"]} == {1.0}
    assert {e["iou"] for e in by_kind["all cell"]} == {0.0}


def test_scores_do_not_depend_on_what_else_is_asked(model, stack):
    X, y = stack
    together = model.score_masks(X[[6, 7, 6]], y[[6, 7, 7]])
    alone = [model.score_masks(X[[i]], y[[j]])[0] for i, j in ((6, 6), (7, 7), (6, 7))]
    np.testing.assert_allclose(together, alone)
    np.testing.assert_allclose(model.score_masks(list(X[6:]), list(y[6:])), together[:2])


def test_values_of_masks(stack):
    X, y = stack
    # Membranes are 0, as in the ISBI challenge's files.
    segmenter = RidgeSegmenter(membrane_label=0)
    model = QualityModel(segmenter, regressor=FEW_TREES, n_planted=4, cv=2, random_state=0).fit(
        X, 255 - 255 * y
    )
    assert model.classes_.tolist() == [255, 0]
    own = model.score_masks(X[:2], 255 - 255 * y[:2])
    np.testing.assert_array_equal(own, model.score_masks(X[:2], 1 + y[:2]))
    np.testing.assert_array_equal(own, model.score_masks(X[:2], 1 - y[:2], membrane_label=0))
    # Nothing but 255 is all cell here.
    empty = model.measure(X[:1], np.full_like(y[:1], 255))
    assert empty[0]["membrane_fraction"] == 0


def test_without_a_segmenter(stack):
    X, y = stack
    model = QualityModel(None, regressor=FEW_TREES, n_planted=6, cv=2, random_state=0).fit(
        X[:6], y[:6]
    )
    good, bad = model.score_masks(X[[7, 7]], np.stack([y[7], 0 * y[7]]))
    assert good > bad
    assert not set(AGREEMENT) & set(model.measure(X[:1], y[:1])[0])
    assert np.isnan(model.skill_["iou"].mae_own)
    with pytest.raises(InvalidTypeError, match="segmenter must be a segmenter for predict"):
        model.predict(X)


def test_sparse_labels(stack):
    X, y = stack
    y = y.astype(np.int16)
    y[0] = -1
    y[1, :20] = -1
    model = QualityModel(
        RidgeSegmenter(), regressor=FEW_TREES, n_planted=3, cv=2, random_state=0
    ).fit(X, y)
    assert {e["image"] for e in model.examples_} == set(range(1, 8))
    assert {e["iou"] for e in model.examples_ if e["kind"] == "labelled"} == {1.0}


def test_other_regressors_folds_lists_and_groups(stack):
    X, y = stack
    model = QualityModel(
        ThresholdSegmenter(),
        regressor=LinearRegression(),
        n_planted=4,
        n_jobs=2,
        cv=SliceBlockKFold(2, gap=1),
    )
    model.fit([x[:60] for x in X], [m[:60] for m in y], groups=np.arange(8) // 4)
    assert isinstance(model.regressor_, LinearRegression)
    assert model.predict([X[0], X[1][:50]]).shape == (2,)


def test_repeats_are_the_same_and_pickles_too(stack):
    X, y = (a[:, :48, :48] for a in stack)
    plan = QualityModel(ThresholdSegmenter(), n_planted=2, cv=2, random_state=3)
    a, b = clone(plan).fit(X[:5], y[:5]), clone(plan).fit(X[:5], y[:5])
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(a)).predict(X), a.predict(X))


def test_its_lines(model, stack):
    X, y = stack
    assert model.dark_
    assert 0.7 <= model.scale_ <= 4
    other = QualityModel(None, regressor=FEW_TREES, n_planted=2, cv=2, random_state=0).fit(
        255.0 - X, y
    )
    assert not other.dark_


def test_every_measure_is_a_number_for_every_mask(model, stack):
    X, y = stack
    for mask in spoilt(y[6]):
        row = model.measure(X[6:7], mask[np.newaxis].astype(np.uint8), membrane_label=1)[0]
        assert set(row) == set(OWN + AGREEMENT)
        if 0 < mask.mean() < 1:
            assert np.isfinite(list(row.values())).all(), row
    assert set(row) <= set(MEASURES)


# -------------------------------------------------------------------------------- planted defects


def defects_of(kind, mask, seed=0):
    return [
        _plant.DEFECTS[kind](mask, s, np.random.default_rng(seed)) for s in (0.05, 0.4, 0.7, 1.0)
    ]


@pytest.mark.parametrize(
    ("kind", "side"),
    [("eroded", -1), ("dilated", 1), ("gaps", -1), ("specks", 1), ("false walls", 1),
     ("missing walls", -1)],
)  # fmt: skip
def test_planted_defects_take_away_or_add(stack, kind, side):
    mask = stack[1][0].astype(bool)
    for bad in defects_of(kind, mask):
        lost, won = (mask & ~bad).sum(), (bad & ~mask).sum()
        assert (won if side < 0 else lost) == 0
        assert (lost if side < 0 else won) > 0
        assert bad.dtype == bool


@pytest.mark.parametrize("kind", ["eroded", "dilated"])
def test_stronger_erosion_is_worse(stack, kind):
    code = stack[1][0].astype(np.uint8)
    scores = [score_mask(code, bad)[1] for bad in defects_of(kind, code == 1)]
    assert scores == sorted(scores, reverse=True)


def test_shifts_move_by_what_they_say(stack):
    mask = np.zeros((64, 64), bool)
    mask[32, 32] = True
    for strength in (0.1, 0.5, 1.0):
        bad = _plant.shift(mask, strength, np.random.default_rng(1))
        assert np.hypot(*(np.argwhere(bad)[0] - 32)) == pytest.approx(2 + 14 * strength, abs=0.8)


def test_defects_of_nothing():
    rng = np.random.default_rng(0)
    for value in (False, True):
        mask = np.full((24, 24), value)
        for defect in _plant.DEFECTS.values():
            assert defect(mask, 0.5, rng).shape == mask.shape
    assert len(list(_plant.plant_defects(np.zeros((20, 20), bool), 20, rng))) == 20


# ---------------------------------------------------------------------------------------- bad input


class Small(SegmenterMixin, BaseEstimator):
    """Predicts maps that are too small once it is asked for new images."""

    def fit(self, X, y):
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        n = len(X[0]) if len(X[0]) < 40 else len(X[0]) - 2
        return np.ones((len(X), n, n), np.float32)

    def predict(self, X):
        return (self.decision_function(X) > 0).astype(int)


def test_bad_input(model, stack):
    X, y = stack
    with pytest.raises(InvalidInputError, match="QualityModel learns from labelled slices"):
        QualityModel(RidgeSegmenter()).fit(X)
    with pytest.raises(InvalidInputError, match="must hold labelled pixels"):
        QualityModel(None, ignore_label=-1).fit(X, np.full(y.shape, -1))
    with pytest.raises(InvalidInputError, match="membrane_label must be None where there is a seg"):
        QualityModel(RidgeSegmenter(), membrane_label=1).fit(X, y)
    few = np.full(y.shape, -1)
    few[2] = y[2]
    with pytest.raises(InvalidInputError, match="needs at least 2 labelled slices"):
        QualityModel(RidgeSegmenter()).fit(X, few)
    with pytest.raises(InvalidInputError, match=r"X and y must agree in height and width"):
        QualityModel(RidgeSegmenter()).fit(X, y[:, 2:])
    with pytest.raises(InvalidInputError, match=r"X and masks must agree in height and width"):
        model.score_masks(X[:2], y[:2, :, 1:])
    with pytest.raises(InvalidInputError, match="same number of images"):
        model.score_masks(X[:2], y[:1])
    for ask in (lambda: model.predict(X, scoring="dice"),
                lambda: model.score_masks(X, y, scoring="dice")):  # fmt: skip
        with pytest.raises(InvalidInputError, match="scoring must be 'v_rand' or 'iou'"):
            ask()
    with pytest.raises(NotFittedError):
        QualityModel(None).predict(X)
    with pytest.raises(ValueError, match="'n_planted' parameter"):
        QualityModel(None, n_planted=0).fit(X, y)


def test_a_segmenter_whose_predictions_have_another_size(stack):
    X, y = stack
    model = QualityModel(Small(), regressor=FEW_TREES, n_planted=2, cv=2, random_state=0)
    model.fit(X[:4, :36, :36], y[:4, :36, :36])
    with pytest.raises(InvalidInputError, match=r"X and predict\(X\) must agree in height"):
        model.score_masks(X[:1, :48, :48], y[:1, :48, :48])
