"""What is saved comes back: predictions, parameters, history, and the right to go on."""

import functools
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

import membseg
from membseg import (
    EnsembleSegmenter,
    KerasSegmenter,
    PixelForestSegmenter,
    ThresholdSegmenter,
    UNetSegmenter,
    cached,
)
from membseg.exceptions import (
    InvalidInputError,
    InvalidTypeError,
    ModelFileError,
    ModelFileWarning,
)
from membseg.networks import build_unet
from membseg.persistence import _versions
from membseg.preprocessing import CLAHE

NAMES = [
    "threshold", "dummy", "ridge", "forest", "default forest", "logistic pixels", "ensemble",
    "temperature", "sigmoid", "isotonic", "beta", "local", "tuned", "risk", "cells",
    "pipeline", "calibrated pipeline",
]  # fmt: skip
NETWORKS = ["unet", "stack", "own", "started", "frozen", "ensemble"]


def round_trip(segmenter, folder):
    path = folder / "segmenter.membseg"
    membseg.save(segmenter, path)
    return membseg.load(path)


def check_equal(segmenter, loaded, X, folder):
    """Compare predictions bit by bit, parameters, and the file of what was loaded."""
    assert type(loaded) is type(segmenter)
    np.testing.assert_array_equal(loaded.predict_proba(X), segmenter.predict_proba(X))
    masks = segmenter.predict(X)
    np.testing.assert_array_equal(loaded.predict(X), masks)
    assert loaded.predict(X).dtype == masks.dtype
    assert str(loaded.get_params()) == str(segmenter.get_params())
    for name in ("threshold_", "history_", "n_steps_", "_images_seen"):
        if hasattr(segmenter, name):
            assert getattr(loaded, name) == getattr(segmenter, name)
    again = folder / "again.membseg"
    membseg.save(loaded, again)
    assert again.read_bytes() == (folder / "segmenter.membseg").read_bytes()
    assert not hasattr(clone(loaded), "classes_")
    copied = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(copied.predict_proba(X), loaded.predict_proba(X))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network(name, plain, slices, tmp_path):
    loaded = round_trip(plain[name], tmp_path)
    check_equal(plain[name], loaded, slices[0], tmp_path)
    loaded.fit(*slices)


def test_the_list_is_complete(plain, networks):
    assert list(plain) == NAMES
    assert list(networks) == NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_with_a_network(name, networks, slices, tmp_path):
    check_equal(networks[name], round_trip(networks[name], tmp_path), slices[0], tmp_path)


def test_it_is_read_in_another_process(unet, slices, tmp_path):
    membseg.save(unet, tmp_path / "unet.membseg")
    np.save(tmp_path / "X.npy", slices[0])
    code = (
        "import numpy, membseg; "
        "maps = membseg.load('unet.membseg').predict_membrane(numpy.load('X.npy')); "
        "numpy.save('maps.npy', maps)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "maps.npy"), unet.predict_membrane(slices[0]))


def test_it_goes_on_learning_as_the_first_one_would(make, slices, tmp_path):
    segmenter = make().fit(*slices)
    loaded = round_trip(segmenter, tmp_path)
    for one in (segmenter, loaded):
        one.set_params(warm_start=True).fit(*slices)
    for mine, other in zip(segmenter._weights, loaded._weights, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_partial_fit_goes_on_as_the_first_one_would(make, slices, tmp_path):
    segmenter = make().partial_fit(*slices)
    loaded = round_trip(segmenter, tmp_path)
    for one in (segmenter, loaded):
        one.partial_fit(*slices)
    assert len(loaded.history_) == 2
    for mine, other in zip(segmenter._weights, loaded._weights, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_fit_that_gave_the_prior(slices, tmp_path):
    segmenter = UNetSegmenter(loss="none such", on_failure="worst")
    with pytest.warns(match="on_failure='worst'"):
        segmenter.fit(*slices)
    loaded = round_trip(segmenter, tmp_path)
    check_equal(segmenter, loaded, slices[0], tmp_path)


def test_a_live_network_is_no_part_of_the_file(unet, tmp_path):
    copied = pickle.loads(pickle.dumps(unet))
    membseg.save(copied, tmp_path / "a.membseg")
    assert copied.network_ is copied.network_
    membseg.save(copied, tmp_path / "b.membseg")
    assert (tmp_path / "a.membseg").read_bytes() == (tmp_path / "b.membseg").read_bytes()


@pytest.mark.parametrize(
    "segmenter",
    [
        UNetSegmenter(depth=2, random_state=3),
        EnsembleSegmenter([("a", ThresholdSegmenter(sigma=np.float32(2)))], cv=KFold(2)),
        make_pipeline(CLAHE(), ThresholdSegmenter()),
        KerasSegmenter(functools.partial(build_unet, depth=1), max_steps=1),
        KerasSegmenter(build_unet),
        PixelForestSegmenter(LogisticRegression(class_weight={0: 1, 1: float("inf")})),
    ],
    ids=lambda segmenter: type(segmenter).__name__,
)
def test_unfitted_ones(segmenter, tmp_path):
    loaded = round_trip(segmenter, tmp_path)
    assert str(loaded.get_params()) == str(segmenter.get_params())
    assert not hasattr(loaded, "classes_")


@pytest.mark.parametrize(
    "make_stream",
    [
        *(
            functools.partial(lambda kind: np.random.Generator(kind(5)), kind)
            for kind in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64)
        ),
        lambda: np.random.RandomState(5),
    ],
)
def test_random_streams_go_on_where_they_were(make_stream, tmp_path):
    stream = make_stream()
    stream.random(3)
    stream.normal(size=3)
    loaded = round_trip(UNetSegmenter(random_state=stream), tmp_path).random_state
    np.testing.assert_array_equal(loaded.normal(size=5), stream.normal(size=5))


def test_values_keep_their_types(tmp_path):
    cv = [(np.array([0, 1]), np.array([2])), ((2,), [0])]
    ensemble = EnsembleSegmenter(
        ThresholdSegmenter(sigma=np.float32(0.1), threshold=np.float64(1e-300)),
        weights=np.array([[1.5]], dtype=np.float32),
        cv=cv,
        n_jobs=np.int8(2),
    )
    loaded = round_trip(ensemble, tmp_path)
    assert type(loaded.estimators.sigma) is np.float32
    assert loaded.estimators.threshold == 1e-300
    assert loaded.weights.dtype == np.float32
    assert loaded.weights.shape == (1, 1)
    assert type(loaded.n_jobs) is np.int8
    assert type(loaded.cv[1]) is tuple
    assert loaded.cv[1] == ((2,), [0])
    np.testing.assert_array_equal(loaded.cv[0][0], [0, 1])


def test_odd_names(tmp_path):
    ensemble = EnsembleSegmenter(ThresholdSegmenter(), cv={"\u00e9/..": np.ones(2)})
    np.testing.assert_array_equal(round_trip(ensemble, tmp_path).cv["\u00e9/.."], [1, 1])


def test_the_door():
    assert membseg.load.__module__ == "membseg.persistence._load"
    assert {"save", "load"} <= set(membseg.__all__)


# --------------------------------------------------------------------------- what cannot be saved


def refuse(segmenter, path, message, error=InvalidTypeError):
    with pytest.raises(error, match=message):
        membseg.save(segmenter, path)
    assert not path.exists()


def build_own(n_channels):
    image = keras.Input((None, None, n_channels))
    return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))


class Foreign(ThresholdSegmenter):
    """A segmenter of somebody else."""


def search():
    return GridSearchCV(ThresholdSegmenter(), {"sigma": [1.0]}, cv=KFold(2))


@pytest.mark.parametrize(
    ("segmenter", "message"),
    [
        (KerasSegmenter(build_own), "build_fn of the estimator cannot be saved.*holds no code"),
        (KerasSegmenter(functools.partial(build_unet, 1)), "arguments that have no name"),
        (KerasSegmenter(keras.Model), "build_fn of the estimator cannot be saved"),
        (Foreign(), "segmenter cannot be saved: a model file holds no .*Foreign. Keep it with pic"),
        (
            PixelForestSegmenter(GaussianNB()),
            "estimator of the estimator cannot be saved.*GaussianN",
        ),
        (make_pipeline(PCA(), ThresholdSegmenter()), "holds no sklearn.*PCA"),
        (ThresholdSegmenter(sigma=1j), "sigma of the estimator cannot be saved.*complex"),
        (ThresholdSegmenter(sigma=2**70), "sigma of the estimator cannot be saved.*int"),
        (ThresholdSegmenter(sigma=np.array(["a"])), "sigma of the estimator cannot be saved"),
        (ThresholdSegmenter(sigma={(1,): 2}), "a key of sigma of the estimator cannot be saved"),
        (search(), r"membseg\.save\(search\.best_estimator_, path\)"),
        (cached(ThresholdSegmenter(), "folder"), r"membseg\.save\(cached\.estimator_, path\)"),
        (ThresholdSegmenter, "must be a segmenter.*got the class ThresholdSegmenter, not an inst"),
        ("segmenter.membseg", "segmenter must be a segmenter, or a Pipeline that ends in one; got"),
        (make_pipeline(CLAHE()), "segmenter must be a segmenter, or a Pipeline that ends in one"),
    ],
)
def test_what_a_file_cannot_hold(segmenter, message, tmp_path):
    refuse(segmenter, tmp_path / "segmenter.membseg", message)


def test_itself_in_itself(tmp_path):
    cv = []
    cv.append(cv)
    refuse(EnsembleSegmenter(ThresholdSegmenter(), cv=cv), tmp_path / "a", "holds itself")


def test_an_attribute_of_somebody_else(slices, tmp_path):
    segmenter = ThresholdSegmenter().fit(*slices)
    segmenter.note_ = 1
    refuse(
        segmenter, tmp_path / "a", r"holds no attribute note_ of a ThresholdSegmenter. Delete it"
    )


def test_a_parameter_that_cannot_be(slices, tmp_path):
    segmenter = ThresholdSegmenter().fit(*slices).set_params(sigma=-1.0)
    refuse(segmenter, tmp_path / "a", "could not be loaded again: .*sigma.*", InvalidInputError)


def test_folders_are_no_part_of_a_file(tmp_path):
    pipeline = make_pipeline(
        CLAHE(), UNetSegmenter(checkpoint_dir=tmp_path), memory=str(tmp_path / "cache")
    )
    loaded = round_trip(pipeline, tmp_path)
    assert loaded.memory is None
    assert loaded[-1].checkpoint_dir is None


def test_what_was_there_stays_when_nothing_can_be_saved(tmp_path):
    path = tmp_path / "segmenter.membseg"
    membseg.save(ThresholdSegmenter(), path)
    with pytest.raises(InvalidTypeError):
        membseg.save(KerasSegmenter(build_own), path)
    assert membseg.load(path).get_params() == ThresholdSegmenter().get_params()
    assert os.listdir(tmp_path) == ["segmenter.membseg"]


def test_no_folder(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be written: No such file or directory"):
        membseg.save(ThresholdSegmenter(), tmp_path / "none" / "a.membseg")


# --------------------------------------------------------------------------------------- versions


def save_under(versions, segmenter, path, monkeypatch):
    now = _versions.list_versions()
    with monkeypatch.context() as patch:
        patch.setattr("membseg.persistence._save.list_versions", lambda: now | versions)
        membseg.save(segmenter, path)


def test_another_version_of_membseg_warns(monkeypatch, tmp_path):
    path = tmp_path / "a.membseg"
    save_under({"membseg": "0.0.1"}, ThresholdSegmenter(), path, monkeypatch)
    with pytest.warns(ModelFileWarning, match=r"was saved with membseg 0\.0\.1 \(here ") as caught:
        membseg.load(path)
    assert caught[0].filename == __file__


def test_another_version_of_sklearn_warns_where_it_matters(plain, monkeypatch, tmp_path):
    path = tmp_path / "a.membseg"
    save_under({"scikit-learn": "1.0"}, plain["threshold"], path, monkeypatch)
    membseg.load(path)
    save_under({"scikit-learn": "1.0"}, plain["forest"], path, monkeypatch)
    with pytest.warns(ModelFileWarning, match=r"was saved with scikit-learn 1\.0 \(here "):
        membseg.load(path)
