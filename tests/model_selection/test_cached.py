"""Fits that are kept, and searches that go on."""

import copy
import os
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from membseg import (
    SliceBlockKFold,
    ThresholdSegmenter,
    UNetSegmenter,
    cached,
    cross_val_predict_proba,
    make_membranes,
)
from membseg.base import SegmenterMixin
from membseg.exceptions import InvalidInputError, InvalidTypeError, TrainingWarning
from membseg.model_selection import CachedSegmenter
from membseg.model_selection._fit_key import fit_key
from membseg.testing import check_segmenter

ROOT = Path(__file__).resolve().parents[2]


class LoggingSegmenter(SegmenterMixin, BaseEstimator):
    """Writes a line at each fit, and draws a random level where it has no seed."""

    def __init__(self, log=None, level=0.0, random_state=0, warm_start=False, verbose=0):
        self.log = log
        self.level = level
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X, y=None, sample_weight=None):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{self.level}\n")
        rng = np.random.default_rng(self.random_state)
        self.drawn_ = self.level + rng.random()
        self.weight_ = None if sample_weight is None else float(np.sum(sample_weight))
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self

    def decision_function(self, X):
        return np.full(np.shape(X)[:3], self.drawn_, np.float32)


class Unpicklable(LoggingSegmenter):
    def __getstate__(self):
        raise TypeError("not this one")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(6, 32, 32, random_state=0)


@pytest.fixture
def log(tmp_path):
    """A file with a line for each fit."""
    path = tmp_path / "log"
    path.touch()
    return path


def n_fits(log):
    return len(log.read_text().splitlines())


def n_files(folder):
    return len(list(Path(folder).iterdir()))


def test_the_second_fit_is_read(slices, tmp_path, log):
    first = cached(LoggingSegmenter(str(log)), tmp_path / "c").fit(*slices)
    second = cached(LoggingSegmenter(str(log)), str(tmp_path / "c")).fit(*slices)
    assert (first.from_cache_, second.from_cache_, n_fits(log)) == (False, True, 1)
    np.testing.assert_array_equal(first.predict_proba(slices[0]), second.predict_proba(slices[0]))
    assert n_files(tmp_path / "c") == 1


def test_a_fit_without_a_seed_is_read_as_well(slices, tmp_path):
    fits = [cached(LoggingSegmenter(random_state=None), tmp_path).fit(*slices) for _ in range(2)]
    assert fits[0].drawn_ == fits[1].drawn_


def test_a_search_with_the_users_own_names_repeats_no_fit(slices, tmp_path, log):
    X, y = slices
    space = {"level": [-1.0, 0.0, 1.0]}
    searches = [
        GridSearchCV(cached(LoggingSegmenter(str(log)), tmp_path / "c"), space, cv=3).fit(X, y)
        for _ in range(2)
    ]
    assert n_fits(log) == 3 * 3 + 1
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert searches[1].best_estimator_.from_cache_
    plain = GridSearchCV(LoggingSegmenter(), space, cv=3).fit(X, y)
    np.testing.assert_array_equal(scores[0], plain.cv_results_["mean_test_score"])
    assert searches[1].best_params_ == plain.best_params_


KILLED = """
import os, signal, sys
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from membseg import SliceBlockKFold, cached, make_membranes
from membseg.base import SegmenterMixin

class Dying(SegmenterMixin, BaseEstimator):
    def __init__(self, level=0.0):
        self.level = level
    def fit(self, X, y=None):
        with open("log", "a+") as file:
            file.seek(0)
            if len(file.readlines()) == int(sys.argv[1]):
                os.kill(os.getpid(), signal.SIGKILL)
            file.write("fit\\n")
        self.classes_, self.threshold_ = np.array([0, 1]), 0.5
        return self
    def decision_function(self, X):
        return np.full(np.shape(X)[:3], self.level, np.float32)

X, y = make_membranes(6, 32, 32, random_state=0)
search = GridSearchCV(cached(Dying(), "fits"), {"level": [-1.0, 1.0]}, cv=SliceBlockKFold(3))
search.fit(X, y)
print(search.best_params_)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on Windows")
def test_a_search_that_was_killed_goes_on(tmp_path):
    def run(last):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(last)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run(4).returncode == -signal.SIGKILL
    assert n_fits(tmp_path / "log") == n_files(tmp_path / "fits") == 4
    done = run(99)
    assert done.stdout == "{'level': 1.0}\n", done.stderr
    assert n_fits(tmp_path / "log") == 2 * 3 + 1


@pytest.mark.slow
def test_the_real_network_in_a_search(tmp_path):
    X, y = make_membranes(4, 32, 32, random_state=0)
    tiny = UNetSegmenter(
        depth=1, base_filters=4, max_steps=2, batch_size=2, tta="none", precision="float32",
        random_state=0,
    )  # fmt: skip
    cv = SliceBlockKFold(2, gap=0)
    space = {"base_filters": [2, 4]}
    first = GridSearchCV(cached(tiny, tmp_path), space, cv=cv).fit(X, y)
    assert n_files(tmp_path) == 2 * 2 + 1
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    second = GridSearchCV(cached(tiny, tmp_path), space, cv=cv).fit(X, y)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps
    assert second.best_estimator_.from_cache_
    np.testing.assert_array_equal(
        first.cv_results_["mean_test_score"], second.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    plain = clone(tiny).set_params(**first.best_params_).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), second.predict_proba(X))
    assert second.best_estimator_.network_.count_params() == plain.network_.count_params()


def test_a_bayesian_search(slices, tmp_path, log):
    skopt = pytest.importorskip("skopt")
    for _ in range(2):
        search = skopt.BayesSearchCV(
            cached(LoggingSegmenter(str(log)), tmp_path / "c"),
            {"level": (-1.0, 1.0), "random_state": skopt.space.Categorical([1, 2])},
            n_iter=3,
            cv=SliceBlockKFold(2, gap=0),
            random_state=0,
        )
        search.fit(*slices)
    assert n_fits(log) == 3 * 2 + 1
    assert set(search.best_params_) == {"level", "random_state"}


@pytest.mark.slow
def test_several_processes_share_a_folder(slices, tmp_path):
    X, y = slices
    estimator = cached(ThresholdSegmenter(), tmp_path)
    scores = cross_val_score(estimator, X, y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(ThresholdSegmenter(), X, y, cv=3))
    assert n_files(tmp_path) == 3
    found = cross_validate(estimator, X, y, cv=3, return_estimator=True)
    assert all(fitted.from_cache_ for fitted in found["estimator"])


# --------------------------------------------------------------------- what names a fit


def keys(changes, slices):
    X, y = slices
    data = {"X": X, "y": y}
    estimator = LoggingSegmenter()
    return {
        name: fit_key(change.get("estimator", estimator), data | change.get("data", {}))
        for name, change in changes.items()
    }


def test_the_name_changes_with_everything_that_counts(slices):
    X, y = slices
    one_pixel = X.copy()
    one_pixel[3, 7, 9] += 1
    found = keys(
        {
            "as is": {},
            "a pixel": {"data": {"X": one_pixel}},
            "fewer": {"data": {"X": X[:5], "y": y[:5]}},
            "order": {"data": {"X": X[::-1]}},
            "shape": {"data": {"X": X.reshape(6, 16, 64)}},
            "type": {"data": {"X": X.astype(np.float64)}},
            "masks": {"data": {"y": 1 - y}},
            "swapped": {"data": {"X": y, "y": X}},
            "weights": {"data": {"sample_weight": np.ones(6)}},
            "other weights": {"data": {"sample_weight": np.full(6, 2.0)}},
            "groups": {"data": {"groups": np.array(list("aabbcc"))}},
            "other groups": {"data": {"groups": np.array(list("aabbcd"))}},
            "objects": {"data": {"groups": np.array(list("aabbcd"), dtype=object)}},
            "validation": {"data": {"validation_data": (X[:1], y[:1])}},
            "lists to validate": {"data": {"validation_data": ([X[0], X[1]], [y[0], y[1]])}},
            "parameter": {"estimator": LoggingSegmenter(level=1.0)},
            "text": {"estimator": LoggingSegmenter(level="1.0")},
            "seed": {"estimator": LoggingSegmenter(random_state=None)},
            "generator": {"estimator": LoggingSegmenter(random_state=np.random.default_rng(0))},
            "generator 1": {"estimator": LoggingSegmenter(random_state=np.random.default_rng(1))},
            "class": {"estimator": Unpicklable()},
        },
        slices,
    )
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in found.values())


def test_the_name_is_the_same_for_the_same_values(slices, tmp_path):
    X, y = slices
    np.save(tmp_path / "X.npy", X)
    found = keys(
        {
            "as is": {},
            "copy": {"data": {"X": X.copy()}},
            "Fortran": {"data": {"X": np.asfortranarray(X)}},
            "file": {"data": {"X": np.load(tmp_path / "X.npy", mmap_mode="r")}},
            "list": {"data": {"X": list(X), "y": list(y)}},
            "verbose": {"estimator": LoggingSegmenter(verbose=1)},
            "numpy's number": {"estimator": LoggingSegmenter(random_state=np.int64(0))},
        },
        slices,
    )
    assert len(set(found.values())) == 1


def test_the_name_is_the_same_in_another_process(slices):
    code = (
        "from membseg import ThresholdSegmenter, make_membranes\n"
        "from membseg.model_selection._fit_key import fit_key\n"
        "X, y = make_membranes(2, 32, 32, random_state=0)\n"
        "print(fit_key(ThresholdSegmenter(), {'X': X, 'y': y, 'groups': ['a', 'b']}))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    X, y = make_membranes(2, 32, 32, random_state=0)
    key = fit_key(ThresholdSegmenter(), {"X": X, "y": y, "groups": ["a", "b"]})
    assert done.stdout.strip() == key


@pytest.mark.parametrize("package", ["membseg", "keras"])
def test_the_name_changes_with_the_versions(slices, monkeypatch, package):
    before = fit_key(LoggingSegmenter(), {"X": slices[0]})
    monkeypatch.setattr("membseg.model_selection._fit_key.__version__", "9.9")
    if package == "keras":
        monkeypatch.undo()
        monkeypatch.setattr("membseg.model_selection._fit_key.version", lambda name: "9.9")
    assert fit_key(LoggingSegmenter(), {"X": slices[0]}) != before


def test_a_package_that_is_not_installed_counts_as_none(slices, monkeypatch):
    before = fit_key(LoggingSegmenter(), {"X": slices[0]})
    monkeypatch.setattr("membseg.model_selection._fit_key._PACKAGES", ("no-such-package",))
    assert fit_key(LoggingSegmenter(), {"X": slices[0]}) != before


# ------------------------------------------------------------------ it is the segmenter


def test_parameters_are_those_of_the_segmenter(tmp_path):
    inside = ThresholdSegmenter(sigma=3.0)
    segmenter = cached(inside, tmp_path)
    own = {"cached_estimator": inside, "cache_folder": str(tmp_path)}
    assert segmenter.get_params() == inside.get_params() | own
    assert segmenter.get_params(deep=False) == own
    assert segmenter.set_params(sigma=4.0, cache_folder="there") is segmenter
    assert (inside.sigma, segmenter.sigma, segmenter.cache_folder) == (4.0, 4.0, "there")
    segmenter.sigma = 5.0
    assert inside.sigma == 5.0
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        segmenter.set_params(nonsense=1)
    pipeline = Pipeline([("segment", segmenter)]).set_params(segment__sigma=6.0)
    assert pipeline.get_params()["segment__sigma"] == inside.sigma == 6.0


def test_clones_copies_and_pickles(slices, tmp_path):
    X, y = slices
    segmenter = cached(ThresholdSegmenter(sigma=2.0), tmp_path).fit(X, y)
    cloned = clone(segmenter)
    assert isinstance(cloned, CachedSegmenter)
    assert cloned.cached_estimator is not segmenter.cached_estimator
    assert cloned.sigma == 2.0
    assert not hasattr(cloned, "estimator_")
    with pytest.raises(NotFittedError):
        cloned.predict(X)
    for other in (copy.deepcopy(segmenter), pickle.loads(pickle.dumps(segmenter))):
        np.testing.assert_array_equal(other.predict(X), segmenter.predict(X))
        assert other.classes_.tolist() == [0, 1]
    assert "sigma=2.0" in repr(segmenter)
    assert "ThresholdSegmenter" in segmenter._repr_html_()


def test_it_predicts_as_the_segmenter_does(slices, tmp_path):
    X, y = slices
    plain = ThresholdSegmenter().fit(X, y)
    segmenter = cached(ThresholdSegmenter(), tmp_path).fit(X, y)
    for method in ("predict", "predict_proba", "predict_membrane", "decision_function"):
        np.testing.assert_array_equal(getattr(segmenter, method)(X), getattr(plain, method)(X))
    weights = np.arange(1.0, 7.0)
    assert segmenter.score(X, y, sample_weight=weights) == plain.score(X, y, weights)
    out = np.empty(y.shape, np.float32)
    assert segmenter.predict_membrane(X, out=out) is out
    np.testing.assert_array_equal(out, plain.predict_membrane(X))
    masks = np.empty_like(y)
    assert segmenter.predict(X, out=masks) is masks
    np.testing.assert_array_equal(masks, plain.predict(X))


def test_attributes_are_those_of_the_fitted_segmenter(slices, tmp_path):
    X, y = slices
    segmenter = cached(ThresholdSegmenter(), tmp_path)
    assert segmenter.ignore_label is None
    assert not hasattr(segmenter, "threshold_")
    segmenter.fit(X, y)
    assert segmenter.threshold_ == 0.5
    segmenter.threshold_ = 0.0  # what is set is used
    assert (segmenter.predict(X) == 1).all()
    with pytest.raises(AttributeError, match="'CachedSegmenter' object has no attribute '_secret'"):
        _ = segmenter._secret


def test_tags_and_kind_are_those_of_a_segmenter(tmp_path):
    group = UNetSegmenter(norm_layer="group")
    assert get_tags(cached(group, tmp_path)) == get_tags(group)
    assert not get_tags(cached(group, tmp_path)).tile_exact
    assert isinstance(cached(group, tmp_path), SegmenterMixin)


def test_weights_are_passed_on_and_count(slices, tmp_path):
    X, y = slices
    weighted = cached(LoggingSegmenter(), tmp_path).fit(X, y, sample_weight=np.full(6, 0.5))
    assert weighted.weight_ == 3.0
    assert cached(LoggingSegmenter(), tmp_path).fit(X, y).weight_ is None
    assert n_files(tmp_path) == 2


def test_requests_for_metadata_go_to_the_segmenter_and_back(slices, tmp_path):
    X, y = slices
    with sklearn.config_context(enable_metadata_routing=True):
        before = cached(LoggingSegmenter().set_fit_request(sample_weight=True), tmp_path)
        after = cached(LoggingSegmenter(), tmp_path).set_fit_request(sample_weight=True)
        after = after.set_score_request(sample_weight=True)
        for segmenter in (before, after):
            assert isinstance(segmenter, CachedSegmenter)
            params = {"sample_weight": np.full(6, 0.5)}
            if segmenter is before:
                segmenter = segmenter.set_score_request(sample_weight=False)
            found = cross_validate(segmenter, X, y, cv=3, params=params, return_estimator=True)[
                "estimator"
            ]
            assert [fitted.weight_ for fitted in found] == [2.0] * 3
    assert not hasattr(before, "set_predict_request")


def test_out_of_fold_maps(slices, tmp_path):
    X, y = slices
    expected = cross_val_predict_proba(ThresholdSegmenter(), X, y, cv=3)
    for _ in range(2):
        found = cross_val_predict_proba(cached(ThresholdSegmenter(), tmp_path), X, y, cv=3)
        np.testing.assert_array_equal(found, expected)
    assert n_files(tmp_path) == 3


def test_in_a_pipeline(slices, tmp_path):
    X, y = slices
    for most, n_kept in ((90, 1), (99, 2), (90, 2)):
        cut = FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": most})
        make_pipeline(cut, cached(ThresholdSegmenter(), tmp_path)).fit(X, y)
        assert n_files(tmp_path) == n_kept


def test_the_kept_fit_speaks_as_much_as_it_is_asked_to_now(slices, tmp_path):
    cached(LoggingSegmenter(), tmp_path).fit(*slices)
    again = cached(LoggingSegmenter(verbose=2), tmp_path).fit(*slices)
    assert again.from_cache_
    assert again.estimator_.verbose == 2


# -------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_file_is_fitted_again(slices, tmp_path, log, damage):
    folder = tmp_path / "c"
    cached(LoggingSegmenter(str(log)), folder).fit(*slices)
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes({"cut": content[:50], "flip": bytes(content), "empty": b""}[damage])
    message = f"The kept fit {path.name} cannot be read (its checksum is wrong) and is fitted again"
    with pytest.warns(TrainingWarning, match=re.escape(message)) as caught:
        again = cached(LoggingSegmenter(str(log)), folder).fit(*slices)
    assert caught[0].filename == __file__
    assert (again.from_cache_, n_fits(log)) == (False, 2)
    assert cached(LoggingSegmenter(str(log)), folder).fit(*slices).from_cache_


def test_a_file_whose_class_is_gone_is_fitted_again(slices, tmp_path, monkeypatch):
    cached(LoggingSegmenter(), tmp_path).fit(*slices)

    def gone(*_):
        raise ModuleNotFoundError("No module named 'gone'")

    monkeypatch.setattr("membseg.model_selection._fit_store.pickle.loads", gone)
    message = "cannot be read (ModuleNotFoundError: No module named 'gone') and is fitted again."
    with pytest.warns(TrainingWarning, match=re.escape(message)):
        assert not cached(LoggingSegmenter(), tmp_path).fit(*slices).from_cache_


def test_a_fit_that_cannot_be_kept_is_still_there(slices, tmp_path):
    message = f"The fit could not be kept in {tmp_path} (TypeError: not this one); it is used"
    with pytest.warns(TrainingWarning, match=re.escape(message)):
        segmenter = cached(Unpicklable(), tmp_path).fit(*slices)
    assert segmenter.predict(slices[0]).shape == (6, 32, 32)
    assert n_files(tmp_path) == 0


def test_a_full_disk_leaves_no_half_file(slices, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("membseg.io._write_at_once.os.replace", full)
    with pytest.warns(TrainingWarning, match=re.escape("(OSError: No space left on device)")):
        cached(LoggingSegmenter(), tmp_path).fit(*slices)
    assert n_files(tmp_path) == 0


def test_errors_of_fit_are_not_kept(slices, tmp_path):
    segmenter = cached(ThresholdSegmenter(sigma=-1.0), tmp_path)
    for _ in range(2):
        with pytest.raises(ValueError, match="sigma"):
            segmenter.fit(*slices)
    with pytest.raises(ValueError, match=re.escape("For a single image write X[np.newaxis]")):
        cached(ThresholdSegmenter(), tmp_path).fit(slices[0][0], slices[1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        cached(ThresholdSegmenter(), tmp_path).fit(slices[0])
    assert n_files(tmp_path) == 0


def test_refusals(slices, tmp_path):
    file = tmp_path / "file"
    file.touch()
    message = "folder must be a folder, or the path of one to make; got "
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        cached(ThresholdSegmenter(), file).fit(*slices)
    message = "warm_start must be False for a cached segmenter"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        cached(LoggingSegmenter(warm_start=True), tmp_path).fit(*slices)


@pytest.mark.parametrize(
    ("estimator", "folder", "message"),
    [
        (UNetSegmenter, "there", "estimator must be a segmenter, an instance such as "
         "UNetSegmenter(); got UNetSegmenter. In a pipeline wrap the last step"),
        (make_pipeline(ThresholdSegmenter()), "there", "got Pipeline. In a pipeline wrap"),
        (ThresholdSegmenter(), None, "folder must be the path of a folder, a str or a Path; got "
         "NoneType."),
    ],
)  # fmt: skip
def test_wrong_kinds(estimator, folder, message):
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        cached(estimator, folder)


def test_it_keeps_the_contract_of_segmenters(tmp_path):
    found = check_segmenter(cached(ThresholdSegmenter(), tmp_path))
    assert sum(result["status"] == "passed" for result in found) > 50
