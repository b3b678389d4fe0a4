"""What is exported, before any format comes into play."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

import membseg
from membseg import (
    CalibratedSegmenter,
    EnsembleSegmenter,
    RidgeSegmenter,
    TunedThresholdSegmenter,
)
from membseg.exceptions import InvalidInputError, InvalidTypeError, TrainingWarning
from membseg.export._graph import _extend, build_graph
from membseg.inference import clip_window
from membseg.preprocessing import CLAHE


def images_of(X):
    return ops.convert_to_tensor(X[..., np.newaxis].astype(np.float32))


def apply(graph, X):
    return ops.convert_to_numpy(graph.function(images_of(X)))[..., 0]


@settings(deadline=None, max_examples=50)
@given(length=st.integers(1, 40), factor=st.sampled_from([1, 2, 4, 16]))
def test_images_are_continued_as_predict_does_it(length, factor):
    row = np.arange(length, dtype=np.float32).reshape(1, 1, length, 1)
    given_pixels = ops.convert_to_numpy(_extend(ops.convert_to_tensor(row), 2, length, factor, 8))
    stop = -(-(length + 16) // factor) * factor - 8
    inside, order = clip_window(-8, stop, length)
    np.testing.assert_array_equal(given_pixels.ravel(), row.ravel()[inside][order])


def test_logits_are_the_decision_function(net, slices):
    graph = build_graph(net, output="logits")
    np.testing.assert_allclose(
        apply(graph, slices[0][:, :31]), net.decision_function(slices[0][:, :31]), atol=1e-4
    )


@pytest.mark.parametrize("mode", ["stack", "none"])
def test_normalisation_by_constants_or_none(small, slices, mode):
    X = slices[0] / np.float32(100)
    segmenter = small(intensity_norm=mode).fit(X, slices[1])
    expected = segmenter.predict_membrane(X[:1] + 1)
    np.testing.assert_allclose(apply(build_graph(segmenter), X[:1] + 1), expected, atol=1e-5)


def test_without_normalisation_it_takes_normalised_pixels(net, slices):
    X = slices[0]
    normalised = (X - X.mean((1, 2), keepdims=True)) / X.std((1, 2), keepdims=True)
    graph = build_graph(net, normalise=False)
    np.testing.assert_allclose(apply(graph, normalised), net.predict_membrane(X), atol=1e-5)
    assert graph.metadata["normalised_inside"] is False


def test_a_net_trained_in_bfloat16_is_exported_in_float32(small, slices):
    coarse = small(precision="bfloat16").fit(*slices)
    graph = build_graph(coarse)
    assert {layer.compute_dtype for layer in graph.network.layers} == {"float32"}
    assert abs(apply(graph, slices[0]) - coarse.predict_membrane(slices[0])).max() < 0.05


def test_the_segmenter_is_left_alone(net, slices):
    before = net.predict_membrane(slices[0])
    graph = build_graph(net)
    graph.network.set_weights([np.zeros_like(weight) for weight in graph.network.get_weights()])
    np.testing.assert_array_equal(net.predict_membrane(slices[0]), before)


def test_metadata_tell_what_a_user_must_know(small, slices):
    segmenter = small(depth=2, stem_stride=1, zoom=1, intensity_norm="stack", threshold=0.25)
    X, y = slices
    metadata = build_graph(segmenter.fit(X, 255 * y)).metadata
    assert metadata == {
        "membseg_version": membseg.__version__,
        "segmenter": "UNetSegmenter",
        "classes": [0, 255],
        "threshold": 0.25,
        "n_channels": 1,
        "intensity_norm": "stack",
        "intensity_offset": [pytest.approx(X.mean())],
        "intensity_scale": [pytest.approx(1 / X.std())],
        "halo": 24,
        "factor": 4,
        "tile_exact": True,
        "normalised_inside": True,
        "output": "probability",
        "axes": "n, height, width, channels",
    }


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "beta"])
def test_calibrated_ones_give_calibrated_probabilities(net, slices, method):
    calibrated = CalibratedSegmenter(FrozenEstimator(net), method=method, threshold=0.4)
    with pytest.warns(match="learnt"):
        calibrated.fit(*slices)
    graph = build_graph(calibrated)
    expected = calibrated.predict_membrane(slices[0])
    assert abs(expected - net.predict_membrane(slices[0])).max() > 1e-3
    np.testing.assert_allclose(apply(graph, slices[0]), expected, atol=1e-5)
    assert graph.metadata["segmenter"] == "CalibratedSegmenter"
    assert graph.metadata["threshold"] == 0.4


def test_a_tuned_threshold_is_told(net, slices):
    tuned = TunedThresholdSegmenter(FrozenEstimator(net), scoring="iou")
    with pytest.warns(match="learnt"):
        tuned.fit(*slices)
    graph = build_graph(tuned)
    assert graph.metadata["threshold"] == tuned.threshold_
    np.testing.assert_allclose(apply(graph, slices[0]), net.predict_membrane(slices[0]), atol=1e-5)


@pytest.mark.parametrize("method", ["isotonic", "local"])
def test_other_curves_are_refused(net, slices, method):
    calibrated = CalibratedSegmenter(FrozenEstimator(net), method=method)
    with pytest.warns(match="learnt"):
        calibrated.fit(*slices)
    with pytest.raises(InvalidInputError, match=rf"method='{method}' cannot be exported"):
        build_graph(calibrated)


def test_not_fitted(small):
    with pytest.raises(NotFittedError):
        build_graph(small())
    with pytest.raises(NotFittedError):
        build_graph(CalibratedSegmenter(small()))
    with pytest.raises(NotFittedError):
        build_graph(TunedThresholdSegmenter(small()))


def test_a_failed_fit_has_no_network(small, slices):
    segmenter = small(learning_rate=-1.0, on_failure="worst")
    with pytest.warns(TrainingWarning):
        segmenter.fit(*slices)
    with pytest.raises(InvalidInputError, match="its fit failed and gave the prior"):
        build_graph(segmenter)


def test_what_holds_no_single_network(net, slices):
    pipeline = make_pipeline(CLAHE(), clone(net)).fit(*slices)
    with pytest.raises(InvalidTypeError, match=r"got Pipeline\. Export the last step"):
        build_graph(pipeline)
    ensemble = EnsembleSegmenter([("one", net), ("two", net)])
    ensemble.estimators_ = [net, net]
    with pytest.raises(InvalidTypeError, match=r"Export its members one by one"):
        build_graph(ensemble)
    with pytest.raises(InvalidTypeError, match=r"Without a Keras network"):
        build_graph(RidgeSegmenter())

    class Search:
        best_estimator_ = net

    with pytest.raises(InvalidTypeError, match=r"Export its best_estimator_"):
        build_graph(Search())


def test_unknown_output(net):
    with pytest.raises(InvalidInputError, match="output must be one of 'probability', 'logits'"):
        build_graph(net, output="mask")


def test_another_backend(net, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InvalidInputError, match=r"needs Keras's TensorFlow backend; .* 'jax'"):
        build_graph(net)
