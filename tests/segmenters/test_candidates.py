"""The candidate networks, and one's own: fit, predict, tiles, state, and what is refused."""

import pickle
import re
from functools import partial

import keras
import numpy as np
import pytest
from sklearn.base import clone

from membseg import (
    DeepLabV3PlusSegmenter,
    FCNSegmenter,
    KerasSegmenter,
    MultiPathSegmenter,
    SegNetSegmenter,
    UNetSegmenter,
)
from membseg.exceptions import InvalidInputError
from membseg.networks import build_unet

QUICK = {
    "max_steps": 2,
    "batch_size": 2,
    "tta": "none",
    "threshold": 0.5,
    "precision": "float32",
    "random_state": 0,
}


def build_own(n_channels, filters=2):
    """A builder that takes neither seed nor dtype."""
    image = keras.Input((None, None, n_channels))
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(image)
    x = keras.layers.Dropout(0.1)(x)
    return keras.Model(image, keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same")(x))


def build_small_unet(n_channels, seed, dtype, l2):
    return build_unet(n_channels, depth=1, base_filters=2, seed=seed, dtype=dtype, l2=l2)


SHALLOW = QUICK | {"base_filters": 2, "stem_stride": 1, "norm_layer": "none"}

CANDIDATES = {
    "fcn": FCNSegmenter(base_filters=1, **QUICK),
    "segnet": SegNetSegmenter(depth=2, base_filters=2, stem_stride=1, **QUICK),
    "deeplab": DeepLabV3PlusSegmenter(base_filters=1, atrous_rate=1, norm_layer="none", **QUICK),
    "hrnet": MultiPathSegmenter(n_paths=2, **SHALLOW),
    "two_path": MultiPathSegmenter(mode="two_path", **SHALLOW),
    "own": KerasSegmenter(build_own, **QUICK),
    "own with options": KerasSegmenter(build_small_unet, l2=1e-4, **QUICK),
}


@pytest.fixture(scope="module")
def fitted_ones(slices):
    """Each candidate, fitted when it is asked for; not to be changed."""

    class Fitted(dict):
        def __missing__(self, name):
            self[name] = clone(CANDIDATES[name]).fit(*slices)
            return self[name]

    return Fitted()


#: Those that take long to compile.
HEAVY = ("fcn", "deeplab", "two_path")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in HEAVY)) for name in CANDIDATES],
)
def test_fit_and_predict(fitted_ones, slices, name):
    X, y = slices
    segmenter = fitted_ones[name]
    assert segmenter.predict(X).shape == y.shape
    assert segmenter.predict(X).dtype == y.dtype
    assert segmenter.predict([X[0, :33, :50]])[0].shape == (33, 50)
    assert np.isfinite(segmenter.decision_function(X)).all()
    assert segmenter.n_steps_ == 2
    twin = pickle.loads(pickle.dumps(segmenter))
    # Two traces of one network may be rounded differently by TensorFlow.
    np.testing.assert_allclose(
        twin.decision_function(X), segmenter.decision_function(X), rtol=1e-5, atol=1e-6
    )
    assert segmenter.n_parameters_ == segmenter.network_.count_params()


@pytest.mark.parametrize("name", ["segnet", "own"])
def test_the_same_seed_gives_the_same_bits(fitted_ones, slices, name):
    X, y = slices
    again = clone(CANDIDATES[name]).fit(X, y)
    np.testing.assert_array_equal(
        again.decision_function(X), fitted_ones[name].decision_function(X)
    )


@pytest.mark.parametrize("name", ["segnet", "hrnet", "two_path", "own", "own with options"])
@pytest.mark.parametrize("tta", ["none", pytest.param("d4", marks=pytest.mark.slow)])
def test_tiles_equal_the_whole_image(fitted_ones, slices, name, tta):
    segmenter = pickle.loads(pickle.dumps(fitted_ones[name])).set_params(tta=tta)
    assert segmenter.__sklearn_tags__().tile_exact
    halo, factor = segmenter._reach(segmenter._config)
    big = np.tile(slices[0][:1], (1, 3, 3))[:, :150, :139]
    whole = segmenter.decision_function(big)
    tiled = segmenter.set_params(tile_size=2 * halo + 4 * factor).decision_function(big)
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


@pytest.mark.slow
def test_tiles_of_the_fcn_equal_the_whole_image(fitted_ones, slices):
    segmenter = pickle.loads(pickle.dumps(fitted_ones["fcn"]))
    assert segmenter.__sklearn_tags__().tile_exact
    halo, factor = segmenter._reach(segmenter._config)
    assert (halo, factor) == (256, 32)
    big = np.tile(slices[0][:1], (1, 11, 3))[:, :700, :70]
    whole = segmenter.decision_function(big)
    tiled = segmenter.set_params(tile_size=576).decision_function(big)
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_who_says_that_tiles_are_exact():
    for segmenter in (FCNSegmenter(), SegNetSegmenter(), MultiPathSegmenter()):
        assert segmenter.__sklearn_tags__().tile_exact
        assert not segmenter.set_params(norm_layer="group").__sklearn_tags__().tile_exact
    assert not DeepLabV3PlusSegmenter().__sklearn_tags__().tile_exact
    # It is not known before the network is built.
    assert not KerasSegmenter(build_own).__sklearn_tags__().tile_exact


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (FCNSegmenter, {"variant": "4s", "stem_stride": 3, "dropout": 1.0, "base_filters": 0}),
        (SegNetSegmenter, {"depth": 6, "norm_layer": "layer", "stem_stride": 0}),
        (DeepLabV3PlusSegmenter, {"output_stride": 32, "backbone": "xception", "atrous_rate": 0}),
        (MultiPathSegmenter, {"mode": "unet", "layout": "w48", "n_paths": 5, "stem_stride": 3}),
        (partial(KerasSegmenter, build_own), {"build_fn": "unet", "l1": -1}),
    ],
)
def test_bad_parameters_are_refused_in_fit(slices, make, bad):
    for name, value in bad.items():
        with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
            make(**QUICK).set_params(**{name: value}).fit(*slices)


def test_no_candidate_has_initial_weights():
    for segmenter in CANDIDATES.values():
        assert "initial_weights" not in segmenter.get_params()
    assert UNetSegmenter().get_params()["initial_weights"] == "auto"


def test_a_builder_gets_the_options_that_it_takes(fitted_ones, slices):
    network = fitted_ones["own with options"].network_
    assert network.get_layer("down0_conv0").kernel_regularizer.l2 == pytest.approx(1e-4)
    segmenter = KerasSegmenter(build_small_unet, **(QUICK | {"precision": "bfloat16"}))
    assert segmenter.fit(*slices).network_.get_layer("down0_conv0").compute_dtype == "bfloat16"


def test_a_builder_without_seed_leaves_the_global_state_alone(slices):
    import random

    random.seed(3)
    expected = random.random()
    random.seed(3)
    first = KerasSegmenter(build_own, **QUICK).fit(*slices)
    assert random.random() == expected
    other = KerasSegmenter(build_own, **(QUICK | {"random_state": 1})).fit(*slices)
    assert not np.array_equal(first._weights[0], other._weights[0])


def own(*, height=None, channels=None, outputs=1, layers=()):
    """A builder with a mistake in it."""

    def build(n_channels):
        image = keras.Input((height, None, channels or n_channels))
        x = image
        for layer in layers:
            x = layer(x)
        return keras.Model(image, keras.layers.Conv2D(outputs, 1)(x))

    return build


def probabilities(n_channels):
    image = keras.Input((None, None, n_channels))
    return keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(image))


REFUSED = {
    "no network": (lambda n_channels: 3, "build_fn must return a functional Keras model, "
                   "keras.Model(inputs, outputs); got a int."),
    "two logits": (own(outputs=2), "build_fn must return a network that gives logits of shape "
                   "(None, None, None, 1), with open height and width; got (None, None, None, 2)."),
    "fixed height": (own(height=64), "takes images of shape (None, None, None, 1), with open "
                     "height and width; got (None, 64, None, 1)."),
    "channels": (own(channels=3), "got (None, None, None, 3)."),
    "smaller": (own(layers=[keras.layers.MaxPooling2D(2)]), "build_fn returned what cannot be "
                "used: network must return logits of the height and width of its input"),
    "probabilities": (probabilities, "the last layer ends in sigmoid, which gives probabilities. "
                      "Leave its activation out."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_builder_of_something_else_is_refused(slices, case):
    build_fn, message = REFUSED[case]
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        KerasSegmenter(build_fn, **QUICK).fit(*slices)


def test_penalties_need_a_builder_that_takes_them(slices):
    message = "l1 must be 0 for a build_fn that has no parameter l1; got 0.1."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        KerasSegmenter(build_own, l1=0.1, **QUICK).fit(*slices)


def test_a_partial_builder_can_be_pickled(slices):
    X, y = slices
    segmenter = KerasSegmenter(partial(build_own, filters=3), **QUICK).fit(X, y)
    twin = pickle.loads(pickle.dumps(segmenter))
    np.testing.assert_array_equal(twin.predict(X), segmenter.predict(X))
    assert segmenter.__sklearn_tags__().tile_exact
    assert segmenter.estimate_cost(X, y).n_steps == 2
