"""The U-Net's variants as segmenters: fit, predict, tiles, state, and what is refused."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone

from membseg import UNetSegmenter
from membseg.exceptions import InvalidInputError, TrainingWarning
from membseg.networks import build_unet, network_reach
from membseg.networks._unet_variants import NEUTRAL

VARIANTS = {
    "recurrent": {"block": "recurrent", "skips": "attention", "stochastic_depth": 0.2},
    "supervised": {"depth": 2, "base_filters": 2, "skips": "nested", "deep_supervision": True},
    "everything": {
        "block": "residual",
        "skips": "nested",
        "squeeze_excitation": True,
        "bottleneck": "transformer",
        "stochastic_depth": 0.2,
        "dropout": 0.2,
    },
    "elementwise": {"dropout": 0.2, "dropout_kind": "elementwise"},
}


@pytest.fixture(scope="module")
def fitted_ones(slices, quick):
    """Each variant, fitted; not to be changed."""
    fast = {"stem_stride": 1, "threshold": 0.5}
    return {name: quick(**fast, **params).fit(*slices) for name, params in VARIANTS.items()}


def with_open_branches(segmenter):
    """A copy whose network has no branch that is still silent."""
    segmenter = pickle.loads(pickle.dumps(segmenter))
    for weight in segmenter.network_.weights:
        if weight.path.endswith("gain"):
            weight.assign(0.5)
    return segmenter


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_fit_and_predict(fitted_ones, slices, name):
    X, y = slices
    segmenter = fitted_ones[name]
    assert segmenter.predict(X).shape == y.shape
    assert segmenter.predict([X[0, :33, :50]])[0].shape == (33, 50)
    assert np.isfinite(segmenter.decision_function(X)).all()
    assert all(np.isfinite([row["loss"], row["val_loss"]]).all() for row in segmenter.history_)
    assert segmenter.n_parameters_ == segmenter.network_.count_params()
    twin = pickle.loads(pickle.dumps(segmenter))
    np.testing.assert_array_equal(twin.decision_function(X), segmenter.decision_function(X))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(fitted_ones, slices):
    X, y = slices
    again = clone(fitted_ones["everything"]).fit(X, y)
    expected = fitted_ones["everything"].decision_function(X)
    np.testing.assert_array_equal(again.decision_function(X), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recurrent", "supervised"])
def test_tiles_equal_the_whole_image(fitted_ones, slices, name):
    segmenter = with_open_branches(fitted_ones[name])
    assert segmenter.__sklearn_tags__().tile_exact
    halo, factor = segmenter._reach(segmenter._config)
    big = np.tile(slices[0][:1], (1, 3, 3))[:, :150, :139]
    whole = segmenter.decision_function(big)
    tiled = segmenter.set_params(tile_size=2 * halo + 4 * factor).decision_function(big)
    np.testing.assert_allclose(tiled, whole, atol=1e-4 * np.abs(whole).max())


def test_who_says_that_tiles_are_exact():
    for params in ({}, {"block": "recurrent"}, {"skips": "nested"}, {"skips": "attention"}):
        assert UNetSegmenter(**params).__sklearn_tags__().tile_exact
    for params in (
        {"squeeze_excitation": True},
        {"bottleneck": "transformer"},
        {"norm_layer": "group"},
    ):
        assert not UNetSegmenter(**params).__sklearn_tags__().tile_exact


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_the_reach_is_that_of_the_network(fitted_ones, name):
    segmenter = fitted_ones[name]
    reach = network_reach(segmenter.network_)
    assert segmenter._reach(segmenter._config) == (reach.radius, reach.factor)


def test_heads_are_judged_one_by_one(slices, quick):
    # At a learning rate of next to nothing the first step's loss is that of the first weights.
    X, y = slices
    params = {"depth": 2, "stem_stride": 1, "skips": "nested", "deep_supervision": True}
    params |= {"max_steps": 1, "learning_rate": 1e-12, "augmentation": "none", "patch_size": 64}
    params |= {"batch_size": 1, "validation_fraction": 0, "threshold": 0.5}
    segmenter = quick(**params).fit(X[:1], y[:1])
    image = (X[:1] - X[:1].mean()) / X[:1].std()
    heads = np.asarray(segmenter.network_(image[..., np.newaxis].astype(np.float32), training=True))
    target = y[:1, ..., np.newaxis]
    losses = np.logaddexp(0, heads) - heads * target
    mean = heads.mean(axis=-1, keepdims=True)
    assert segmenter.history_[0]["loss"] == pytest.approx(losses.mean(), rel=1e-3)
    of_mean = (np.logaddexp(0, mean) - mean * target).mean()
    assert of_mean != pytest.approx(losses.mean(), rel=1e-2)


@pytest.mark.slow
def test_dropout_samples_of_a_variant(fitted_ones, slices):
    X, _ = slices
    first, second = fitted_ones["everything"].predict_dropout_samples(X, n_samples=2)
    assert not np.array_equal(first, second)
    # Blocks that are skipped at random in training are no dropout.
    with pytest.raises(InvalidInputError, match="The network has no spatial dropout"):
        fitted_ones["recurrent"].predict_dropout_samples(X)


def test_a_plain_network_is_configured_as_ever(fitted, slices, quick):
    X, y = slices
    assert NEUTRAL.keys().isdisjoint(fitted._config)
    assert NEUTRAL.keys() <= fitted.get_params().keys()
    # Flags and numbers of a search are numpy's.
    same = quick(deep_supervision=np.False_, stochastic_depth=np.float64(0)).fit(X, y)
    assert same._config == fitted._config
    np.testing.assert_array_equal(same.decision_function(X), fitted.decision_function(X))
    variant = quick(block="residual", skips="attention", squeeze_excitation=np.True_).fit(X, y)
    more = {"block": "residual", "skips": "attention", "squeeze_excitation": True}
    assert variant._config == fitted._config | more
    assert type(variant._config["squeeze_excitation"]) is bool


def test_segmenters_of_before_there_were_variants(fitted, slices):
    X, _ = slices
    old = pickle.loads(pickle.dumps(fitted))
    for name in NEUTRAL:
        delattr(old, name)
    np.testing.assert_array_equal(old.decision_function(X), fitted.decision_function(X))
    assert build_unet(**old._config).count_params() == fitted.n_parameters_


def test_warm_start_needs_the_same_variant(fitted, slices):
    X, y = slices
    segmenter = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True)
    segmenter.fit(X, y)
    with pytest.raises(InvalidInputError, match="warm_start=True needs the network of the last"):
        segmenter.set_params(block="residual").fit(X, y)


def test_synthetic_weights_exist_for_the_plain_network_only(slices, quick):
    params = {"depth": 3, "base_filters": 16, "stem_stride": 2, "initial_weights": "synthetic"}
    with pytest.raises(InvalidInputError, match="initial_weights='synthetic' exists for the net"):
        quick(**params, skips="nested").fit(*slices)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"deep_supervision": True}, "deep_supervision=True needs skips='nested'"),
        ({"stochastic_depth": 0.1}, "got stochastic_depth=0.1 with block='plain'."),
    ],
)
def test_what_does_not_go_together_is_refused(slices, quick, params, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        quick(**params).fit(*slices)
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        quick(**params).estimate_cost(*slices)
    with pytest.warns(TrainingWarning, match=re.escape(message)):
        assert quick(**params, on_failure="worst").fit(*slices).n_steps_ == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block", "dense"),
        ("skips", "none"),
        ("deep_supervision", "yes"),
        ("squeeze_excitation", 2),
        ("bottleneck", "lstm"),
        ("stochastic_depth", 1.0),
    ],
)
def test_bad_parameters_are_refused_in_fit(slices, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
        UNetSegmenter(**{name: value}).fit(*slices)
