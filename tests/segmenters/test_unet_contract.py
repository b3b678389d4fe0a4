"""The array contract of DESIGN: shapes, dtypes, polarity, and what follows from what."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_score

from membseg import UNetSegmenter, get_scorer
from membseg.exceptions import InvalidInputError


def test_shapes_and_dtypes(fitted, slices):
    X, y = slices
    assert fitted.decision_function(X).shape == X.shape
    assert fitted.decision_function(X).dtype == np.float32
    assert fitted.predict_proba(X).shape == (4, 2, 64, 64)
    assert fitted.predict_proba(X).dtype == np.float32
    assert fitted.predict_membrane(X).dtype == np.float32
    assert fitted.predict(X).dtype == y.dtype
    assert 0 <= fitted.score(X, y) <= 1


def test_everything_follows_from_the_logits(fitted, slices):
    X, _ = slices
    logits = fitted.decision_function(X).astype(np.float64)
    membrane = fitted.predict_membrane(X)
    np.testing.assert_allclose(membrane, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    proba = fitted.predict_proba(X)
    np.testing.assert_array_equal(proba[:, 1], membrane)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    expected = fitted.classes_[(membrane >= fitted.threshold_).astype(int)]
    np.testing.assert_array_equal(fitted.predict(X), expected)


def test_fitted_attributes(fitted):
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.n_channels_in_ == 1
    assert fitted.n_images_seen_ == 4
    assert fitted.n_steps_ == 2
    assert fitted.best_epoch_ == 1
    assert fitted.fit_time_ > 0
    assert [set(row) for row in fitted.history_] == [
        {"epoch", "step", "learning_rate", "loss", "val_loss", "val_iou", "seconds"}
    ]
    assert all(type(value) in (int, float) for value in fitted.history_[0].values())
    assert fitted.network_.output_shape == (None, None, None, 1)


def test_an_image_does_not_depend_on_its_neighbours(fitted, slices):
    X, _ = slices
    stack = fitted.decision_function(X)
    for i in range(len(X)):
        np.testing.assert_array_equal(fitted.decision_function(X[i : i + 1])[0], stack[i])
    np.testing.assert_array_equal(fitted.decision_function(X[::-1])[::-1], stack)


def test_lists_in_lists_out(fitted, slices):
    X, _ = slices
    images = [X[0], X[1, :33, :50], X[2, :7, :9]]
    for method in ("decision_function", "predict_membrane", "predict"):
        results = getattr(fitted, method)(images)
        assert isinstance(results, list)
        assert [r.shape for r in results] == [i.shape for i in images]
    assert [p.shape for p in fitted.predict_proba(images)] == [(2, *i.shape) for i in images]
    np.testing.assert_array_equal(
        fitted.decision_function(images)[0], fitted.decision_function(X)[0]
    )


@pytest.mark.parametrize("size", [(2, 3), (5, 70), (64, 63), (17, 33)])
def test_any_size_at_predict_time(fitted, size):
    X = np.random.default_rng(0).integers(0, 255, (1, *size)).astype(np.uint8)
    assert fitted.predict(X).shape == (1, *size)


def test_fit_on_a_list_of_different_sizes(slices, quick):
    X, y = slices
    images = [X[0], X[1, :40, :50], X[2, :30]]
    masks = [y[0], y[1, :40, :50], y[2, :30]]
    segmenter = quick().fit(images, masks)
    assert [m.shape for m in segmenter.predict(images)] == [m.shape for m in masks]
    assert isinstance(segmenter.score(images, masks), float)


def test_colour_images(slices, quick):
    X, y = slices
    colour = np.stack([X, X, 255 - X], axis=-1)
    segmenter = quick().fit(colour, y)
    assert segmenter.n_channels_in_ == 3
    assert segmenter.predict(colour).shape == y.shape


@pytest.mark.parametrize(
    "encode",
    [lambda y: y * 255, lambda y: y.astype(bool), lambda y: y.astype(np.float32)],
    ids=["0/255", "bool", "float"],
)
def test_the_values_of_the_masks_do_not_matter(fitted, slices, quick, encode):
    X, y = slices
    other = quick().fit(X, encode(y))
    np.testing.assert_array_equal(other.decision_function(X), fitted.decision_function(X))
    np.testing.assert_array_equal(other.predict(X), encode(fitted.predict(X)))
    assert other.predict(X).dtype == encode(y).dtype
    assert other.score(X, encode(y)) == fitted.score(X, y)


def test_flipping_polarity_and_label_together_flips_only_the_values(fitted, slices, quick):
    X, y = slices
    other = quick(membrane_label=0).fit(X, 1 - y)
    assert other.classes_.tolist() == [1, 0]
    np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(other.predict(X), 1 - fitted.predict(X))
    assert other.score(X, 1 - y) == fitted.score(X, y)


@pytest.mark.parametrize("tta", ["none", "d4"])
@pytest.mark.parametrize(("stem_stride", "zoom"), [(1, 1), (2, 1), (2, 2)])
def test_tiled_equals_whole(slices, quick, tta, stem_stride, zoom):
    X, y = slices
    segmenter = quick(tta=tta, stem_stride=stem_stride, zoom=zoom, depth=1).fit(X, y)
    big = np.tile(X[:1], (1, 3, 3))[:, :150, :139]
    whole = segmenter.decision_function(big)
    tiled = segmenter.set_params(tile_size=64).decision_function(big)
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_tiled_equals_whole_in_bfloat16(slices, quick):
    X, y = slices
    segmenter = quick(precision="bfloat16", depth=1).fit(X, y)
    big = np.tile(X[:1], (1, 3, 3))
    whole = segmenter.predict(big)
    tiled = segmenter.set_params(tile_size=64).predict(big)
    assert np.mean(tiled == whole) >= 0.999


def test_more_views_than_one_are_invariant_to_turning_the_image(slices, quick):
    X, y = slices
    segmenter = quick(tta="d4").fit(X, y)
    turned = np.rot90(X, axes=(1, 2))
    np.testing.assert_allclose(
        segmenter.predict_membrane(turned),
        np.rot90(segmenter.predict_membrane(X), axes=(1, 2)),
        atol=1e-5,
    )


def test_predict_membrane_writes_into_the_callers_array(fitted, slices, tmp_path):
    X, _ = slices
    out = np.memmap(tmp_path / "maps", dtype=np.float32, mode="w+", shape=X.shape)
    assert fitted.predict_membrane(X, out=out) is out
    np.testing.assert_array_equal(out, fitted.predict_membrane(X))
    for bad in (out[1:], np.zeros(X.shape, np.uint8), [0.0]):
        with pytest.raises(InvalidInputError, match=r"out must be a float array of the shape"):
            fitted.predict_membrane(X, out=bad)
    with pytest.raises(NotFittedError):
        clone(fitted).predict_membrane(X, out=out)


def test_inputs_of_every_layout_and_dtype_give_the_same(fitted, slices, tmp_path):
    X, _ = slices
    expected = fitted.decision_function(X)
    np.save(tmp_path / "X.npy", X)
    read_only = X.copy()
    read_only.flags.writeable = False
    for same in (
        np.asfortranarray(X),
        X.astype(np.uint16),
        X.astype(np.float64),
        np.load(tmp_path / "X.npy", mmap_mode="r"),
        read_only,
        X[..., np.newaxis],
    ):
        np.testing.assert_allclose(fitted.decision_function(same), expected, atol=2e-4)


def test_parameters_of_fit_changed_later_change_no_prediction(slices, quick):
    X, y = slices
    segmenter = quick(intensity_norm="none").fit(X / 255, y)
    before = segmenter.decision_function(X / 255)
    segmenter.set_params(intensity_norm="stack")
    np.testing.assert_array_equal(segmenter.decision_function(X / 255), before)


def test_predict_changes_nothing(fitted, slices):
    X, _ = slices
    before, image = dict(vars(fitted)), X.copy()
    fitted.predict(X)
    assert vars(fitted) == before
    np.testing.assert_array_equal(X, image)


@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))], ids=["deepcopy", "pickle"]
)
def test_copies_predict_the_same_bits(fitted, slices, copy_of):
    X, _ = slices
    twin = copy_of(fitted)
    np.testing.assert_array_equal(twin.decision_function(X), fitted.decision_function(X))
    assert twin.get_params() == fitted.get_params()
    assert twin.history_ == fitted.history_


def test_joblib_and_the_size_of_the_file(fitted, slices, tmp_path):
    joblib.dump(fitted, tmp_path / "s.joblib")
    n_bytes = (tmp_path / "s.joblib").stat().st_size
    assert n_bytes < 4 * fitted.network_.count_params() + 30_000
    twin = joblib.load(tmp_path / "s.joblib")
    np.testing.assert_array_equal(twin.predict(slices[0]), fitted.predict(slices[0]))


def test_the_state_is_plain(fitted):
    state = fitted.__getstate__()
    assert all(isinstance(w, np.ndarray) for w in state["_weights"])
    assert "keras" not in {type(v).__module__.split(".")[0] for v in state.values()}


def test_unfitted_copies(quick):
    for twin in (clone(quick()), copy.deepcopy(quick()), pickle.loads(pickle.dumps(quick()))):
        assert twin.get_params() == quick().get_params()
        with pytest.raises(NotFittedError):
            twin.predict(np.zeros((1, 32, 32)))


def test_clone_forgets_what_was_learnt(fitted):
    with pytest.raises(NotFittedError):
        clone(fitted).decision_function(np.zeros((1, 32, 32)))


def test_html_view_is_small(fitted):
    assert len(fitted._repr_html_()) < 60_000


def test_tags_and_tunables():
    tags = UNetSegmenter().__sklearn_tags__()
    assert tags.estimator_type == "segmenter"
    assert tags.target_tags.required
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.tile_exact
    assert not UNetSegmenter(norm_layer="group").__sklearn_tags__().tile_exact
    for value in UNetSegmenter().get_params().values():
        assert value is None or isinstance(value, int | float | str | bool)


def test_cross_validation(slices, quick):
    X, y = slices
    scores = cross_val_score(quick(), X, y, cv=KFold(2), scoring=get_scorer("dice"))
    assert np.isfinite(scores).all()
