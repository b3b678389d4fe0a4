"""Starting from another segmenter's weights, and keeping the first of them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from membseg import SegNetSegmenter, ThresholdSegmenter, UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.model_selection._fit_key import fit_key
from membseg.utils import check_images
from membseg.utils._image_keys import image_keys

TINY = {
    "base_filters": 4, "max_steps": 2, "steps_per_epoch": 2, "batch_size": 2, "tta": "none",
    "precision": "float32", "random_state": 0,
}  # fmt: skip


def make(**options):
    return UNetSegmenter(**({"depth": 2, "stem_stride": 1} | TINY | options))


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 48, 48, random_state=0)


@pytest.fixture(scope="module")
def source(slices):
    return make(random_state=5).fit(*slices)


def test_without_learning_the_weights_are_the_sources(slices, source):
    tuned = make(init_from=source, learning_rate=1e-30, weight_decay=0.0).fit(*slices)
    np.testing.assert_array_equal(
        tuned.decision_function(slices[0]), source.decision_function(slices[0])
    )


def test_the_source_stays_as_it_is(slices, source):
    before = [weight.copy() for weight in source._weights]
    make(init_from=source, learning_rate=0.1).fit(*slices)
    for old, now in zip(before, source._weights, strict=True):
        np.testing.assert_array_equal(old, now)


def test_frozen_levels_keep_the_sources_weights(slices, source):
    tuned = make(init_from=source, freeze_depth=2).fit(*slices)
    same = {
        variable.path.split("/")[0]: np.array_equal(new, old)
        for variable, new, old in zip(
            tuned.network_.weights, tuned._weights, source._weights, strict=True
        )
    }
    assert {name for name, is_same in same.items() if is_same} == {
        "down0_conv0", "down0_conv1", "down1_conv0", "down1_conv1"
    }  # fmt: skip
    # The next fit of the same network trains everything again.
    free = make(init_from=source).fit(*slices)
    assert not any(
        np.array_equal(new, old) for new, old in zip(free._weights, source._weights, strict=True)
    )


def test_frozen_levels_need_weights_to_keep(slices):
    with pytest.raises(InvalidInputError, match=r"freeze_depth must be 0 where training starts fr"):
        make(freeze_depth=1).fit(*slices)


def test_a_clone_has_the_same_fitted_source(slices, source):
    segmenter = make(init_from=source, learning_rate=1e-3)
    copied = clone(segmenter)
    assert copied.init_from is source
    assert copied.get_params(deep=False) == segmenter.get_params(deep=False)
    assert not hasattr(copied, "history_")
    assert clone(make()).init_from is None
    assert clone(make(init_from=FrozenEstimator(source)).fit(*slices)).init_from.estimator is source


def test_a_pickle_predicts_the_same(slices, source):
    tuned = make(init_from=source).fit(*slices)
    again = pickle.loads(pickle.dumps(tuned))
    np.testing.assert_array_equal(again.predict(slices[0]), tuned.predict(slices[0]))


def test_sizes_that_are_auto_become_the_sources(slices):
    source = UNetSegmenter(**TINY, depth=1, stem_stride=1).fit(*slices)
    tuned = UNetSegmenter(**TINY, init_from=source).fit(*slices)
    sizes = ("depth", "stem_stride", "zoom")
    assert [tuned._config[name] for name in sizes] == [1, 1, 1]
    # Enlarged or not: the images say, since it has no weights.
    source = UNetSegmenter(**TINY, depth=1, zoom=1, stem_stride=2).fit(*slices)
    thin = np.zeros_like(slices[1])
    thin[:, ::8] = 1
    tuned = UNetSegmenter(**TINY, init_from=source).fit(slices[0], thin)
    assert [tuned._config[name] for name in sizes] == [1, 2, 2]
    tuned = UNetSegmenter(**TINY, init_from=source, zoom=1).fit(slices[0], thin)
    assert [tuned._config[name] for name in sizes] == [1, 2, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_filters": 2}, r"init_from must have the network .* weights of down0_conv0/kernel "
         r"have shape \(3, 3, 1, 2\) here and \(3, 3, 1, 4\) in init_from\. Give both"),
        ({"depth": 1}, r"init_from must have the network .* have shape"),
        ({"norm_layer": "batch"}, "init_from must have the network"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_refused(slices, source, options, message):
    with pytest.raises(InvalidInputError, match=message):
        make(init_from=source, **options).fit(*slices)


def test_a_network_that_goes_on_longer_is_refused(slices, source):
    class Longer(UNetSegmenter):
        @staticmethod
        def _build(config):
            import keras

            network = UNetSegmenter._build(config)
            return keras.Model(network.inputs, keras.layers.Conv2D(1, 1)(network.outputs[0]))

    segmenter = Longer(**TINY, depth=2, stem_stride=1, init_from=source)
    with pytest.raises(InvalidInputError, match="arrays of weights and init_from"):
        segmenter.fit(*slices)


def test_another_architecture_is_refused(slices, source):
    with pytest.raises(InvalidInputError, match="init_from must have the network"):
        SegNetSegmenter(**TINY, depth=2, init_from=source).fit(*slices)


def test_what_has_no_network_is_refused(slices):
    segmenter = make(init_from=ThresholdSegmenter())
    with pytest.raises(
        InvalidTypeError, match=r"init_from must be a fitted segmenter .* Threshold"
    ):
        segmenter.fit(*slices)
    with pytest.raises(InvalidInputError, match="init_from must be fitted; this UNet"):
        make(init_from=make()).fit(*slices)


def test_a_source_whose_fit_failed_is_refused(slices):
    with pytest.warns(UserWarning, match="fit failed"):
        failed = make(loss="none such", on_failure="worst").fit(*slices)
    with pytest.raises(InvalidInputError, match="init_from must hold a trained network"):
        make(init_from=failed).fit(*slices)


def test_the_sources_weights_are_in_the_name_of_a_kept_fit(slices, source):
    data = {"X": slices[0], "y": slices[1]}
    other = make(random_state=6).fit(*slices)
    keys = {fit_key(make(init_from=init), data) for init in (None, source, other)}
    assert len(keys) == 3
    assert fit_key(clone(make(init_from=source)), data) in keys


def test_images_that_were_learnt_from_are_remembered_labelled_ones_alone(slices, source):
    X, y = slices
    partly = y.astype(np.int16)
    partly[2] = -1
    new = X[..., ::-1].copy()
    tuned = make(init_from=source).fit(new, partly)
    assert tuned._images_seen == [*image_keys(check_images(new[:2])), *source._images_seen]
