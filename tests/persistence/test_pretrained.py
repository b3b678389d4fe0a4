"""Segmenters that have been trained already: the one that ships, and fetching of others."""

import hashlib
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from membseg import (
    CalibratedSegmenter,
    RidgeSegmenter,
    UNetSegmenter,
    list_pretrained,
    load_pretrained,
    make_membranes,
)
from membseg.exceptions import InvalidInputError, ModelFileError
from membseg.persistence import _load_pretrained, load, save
from membseg.persistence._load_pretrained import PACKAGE_FOLDER, fetch_pretrained
from membseg.persistence._pretrained_registry import REGISTRY, PretrainedEntry
from membseg.utils._download import file_digest

BODY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def slices():
    """Two slices like real ones, of a seed that no weights have learnt from."""
    return make_membranes(2, 128, 160, random_state=7)


@pytest.fixture(scope="module")
def segmenter():
    return load_pretrained("synthetic_unet")


@pytest.fixture
def entry(server):
    """A file on the server, and what the registry would say of it."""
    server.files["/net.bin"] = BODY
    return PretrainedEntry(
        name="net",
        segmenter="UNetSegmenter",
        good_for="tests",
        not_for="anything else",
        terms="none",
        n_bytes=len(BODY),
        source=f"{server.url}/net.bin",
        filename="net.bin",
        sha256=hashlib.sha256(BODY).hexdigest(),
        record={},
    )


def refuse(entry, home, message):
    with pytest.raises(ModelFileError, match=re.escape(message)):
        fetch_pretrained(entry, home)
    assert [path for path in home.rglob("*") if path.is_file()] == []


# ------------------------------------------------------------------------------- the shipped one


def test_it_finds_membranes_without_a_fit(segmenter, slices):
    X, y = slices
    masks = segmenter.predict(X)
    assert masks.dtype == np.uint8
    assert set(np.unique(masks)) == {0, 1}
    assert segmenter.classes_.tolist() == [0, 1]
    assert segmenter.score(X, y) > 0.6
    assert segmenter.score(X, y == 1) == segmenter.score(X, y)


def test_grey_values_may_be_stretched(segmenter, slices):
    X, _ = slices
    # Rounding apart, which may turn a pixel at the threshold over.
    assert (segmenter.predict(X) == segmenter.predict(X * 2.0 + 5.0)).mean() > 0.999


def test_predictions_are_the_same_each_time_it_is_loaded(segmenter, slices):
    X, _ = slices
    maps = segmenter.predict_membrane(X)
    np.testing.assert_array_equal(load_pretrained("synthetic_unet").predict_membrane(X), maps)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(segmenter)).predict_membrane(X), maps)


def test_it_can_be_saved(segmenter, slices, tmp_path):
    X, _ = slices
    save(segmenter, tmp_path / "net.membseg")
    loaded = load(tmp_path / "net.membseg")
    np.testing.assert_array_equal(loaded.predict_membrane(X), segmenter.predict_membrane(X))


def test_training_from_it_is_training_from_the_package_s_weights(segmenter, slices):
    X, y = slices
    params = {"stem_stride": 2, "zoom": 1, "max_steps": 2, "threshold": 0.5, "random_state": 0}
    started = UNetSegmenter(init_from=segmenter, **params).fit(X, y)
    expected = UNetSegmenter(initial_weights="synthetic", **params).fit(X, y)
    for mine, other in zip(started._weights, expected._weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert clone(started).init_from is segmenter


def test_searches_compare_starts(segmenter, slices):
    X, y = slices
    params = {"depth": 3, "stem_stride": 2, "max_steps": 1, "threshold": 0.5, "random_state": 0}
    net = UNetSegmenter(initial_weights="random", **params)
    starts = {"init_from": [None, FrozenEstimator(segmenter)]}
    search = GridSearchCV(net, starts, cv=2).fit(X, y)
    assert search.best_index_ == 1


def test_it_goes_on_learning(slices):
    X, y = slices
    segmenter = load_pretrained("synthetic_unet")
    before = segmenter._weights
    segmenter.set_params(warm_start=True, max_steps=1, learning_rate=1e-6, threshold=0.5)
    segmenter.fit(X, y)
    for mine, other in zip(segmenter._weights, before, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)


def test_a_clone_is_unfitted_and_starts_from_the_same_weights(segmenter):
    copy = clone(segmenter)
    assert copy.get_params() == segmenter.get_params()
    assert not hasattr(copy, "history_")
    assert copy.initial_weights == "synthetic"


def test_it_has_what_a_fit_leaves(segmenter, slices):
    X, y = slices
    fitted = UNetSegmenter(
        initial_weights="synthetic", stem_stride=2, zoom=1, max_steps=1, random_state=0
    ).fit(X, y)
    # What a later fit needs to go on is not known of the shipped one.
    assert set(vars(fitted)) - {"_going_on"} == set(vars(segmenter))
    assert fitted._config == {**segmenter._config, "seed": fitted._config["seed"]}
    assert fitted.n_parameters_ == segmenter.n_parameters_


def test_no_slice_is_taken_for_one_that_it_has_seen(segmenter, slices):
    X, y = slices
    # Such a slice would be a warning, which is an error in these tests.
    frozen = CalibratedSegmenter(FrozenEstimator(segmenter)).fit(X, y)
    assert frozen.predict_membrane(X).shape == X.shape


def test_it_says_what_it_is():
    (row,) = (row for row in list_pretrained() if row["name"] == "synthetic_unet")
    assert row["segmenter"] == "UNetSegmenter"
    assert row["terms"] == "BSD-3-Clause"
    assert row["source"] == "package"
    assert "synthetic" in row["record"]["data"]
    assert row["record"]["n_steps"] == 8439
    assert {"seed", "scores", "membseg", "recipe", "threshold"} <= set(row["record"])
    assert row["good_for"]
    assert row["not_for"]


def test_its_file_is_the_one_that_the_registry_knows():
    path = PACKAGE_FOLDER / REGISTRY["synthetic_unet"].filename
    assert path.stat().st_size == REGISTRY["synthetic_unet"].n_bytes < 1e6
    assert file_digest(path) == REGISTRY["synthetic_unet"].sha256


def test_a_damaged_package_is_told(monkeypatch):
    other = replace(REGISTRY["synthetic_unet"], sha256="0" * 64)
    monkeypatch.setitem(REGISTRY, "synthetic_unet", other)
    with pytest.raises(ModelFileError, match=r"must have the SHA-256 0{64}; .*Install membseg aga"):
        load_pretrained("synthetic_unet")
    monkeypatch.setitem(REGISTRY, "synthetic_unet", replace(other, filename="gone.npz"))
    with pytest.raises(ModelFileError, match=r"gone\.npz must be a file that can be read; it can"):
        load_pretrained("synthetic_unet")


def test_the_table_is_a_copy():
    list_pretrained()[0]["record"].clear()
    assert list_pretrained()[0]["record"]
    assert [row["name"] for row in list_pretrained()] == sorted(REGISTRY)


@pytest.mark.parametrize("name", ["unet", None, ["synthetic_unet"]])
def test_unknown_names(name):
    message = f"name must be one of ['synthetic_unet']; got {name!r}. list_pretrained() tells"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_pretrained(name)


# ------------------------------------------------------------------------------------- fetching


def test_a_file_is_downloaded_once(entry, server, tmp_path):
    path = fetch_pretrained(entry, tmp_path)
    assert path == tmp_path / "pretrained" / "net.bin"
    assert path.read_bytes() == BODY
    assert fetch_pretrained(replace(entry, source="http://127.0.0.1:9/gone"), tmp_path) == path
    assert server.hits == 1


def test_the_data_home_of_the_environment(entry, monkeypatch, tmp_path):
    monkeypatch.setenv("MEMBSEG_DATA_HOME", str(tmp_path))
    assert fetch_pretrained(entry).parent == tmp_path / "pretrained"


def test_a_fetched_file_is_a_model_file(entry, server, slices, monkeypatch, tmp_path):
    X, y = slices
    ridges = RidgeSegmenter().fit(X, y)
    save(ridges, tmp_path / "ridges.membseg")
    body = (tmp_path / "ridges.membseg").read_bytes()
    server.files["/net.bin"] = body
    digest = hashlib.sha256(body).hexdigest()
    monkeypatch.setitem(REGISTRY, "net", replace(entry, n_bytes=len(body), sha256=digest))
    fetched = load_pretrained("net", data_home=tmp_path)
    np.testing.assert_array_equal(fetched.predict(X), ridges.predict(X))


def test_a_fetched_file_that_is_no_model_file(entry, monkeypatch, tmp_path):
    monkeypatch.setitem(REGISTRY, "net", entry)
    with pytest.raises(ModelFileError, match=re.escape(f"{tmp_path / 'pretrained' / 'net.bin'}")):
        load_pretrained("net", tmp_path)


def test_another_file_is_not_opened_and_not_kept(entry, server, monkeypatch, tmp_path):
    def never(path):
        raise AssertionError("it was opened")

    server.files["/net.bin"] = bytes(len(BODY))
    monkeypatch.setitem(REGISTRY, "net", entry)
    monkeypatch.setattr(_load_pretrained, "load", never)
    message = f"The file of 'net' must have the SHA-256 {entry.sha256}; "
    refuse(entry, tmp_path, message)
    with pytest.raises(ModelFileError, match=r"It was not kept\. Try again; if it stays so"):
        load_pretrained("net", tmp_path)


def test_a_shorter_file_is_another_one(entry, server, tmp_path):
    server.files["/net.bin"] = BODY[:-1]
    refuse(entry, tmp_path, f"must have the SHA-256 {entry.sha256}")


def test_a_larger_file_is_not_read_to_its_end(entry, server, tmp_path):
    server.files["/net.bin"] = BODY * 2
    refuse(entry, tmp_path, f"must hold at most {len(BODY)} bytes; it goes on beyond that")


def test_a_broken_download_starts_anew(entry, server, tmp_path):
    server.broken["/net.bin"] = 100
    refuse(entry, tmp_path, f"must give {len(BODY)} bytes, as its server says; it broke off after")
    del server.broken["/net.bin"]
    assert fetch_pretrained(entry, tmp_path).read_bytes() == BODY


def test_not_there_and_nobody_there(entry, server, tmp_path):
    url = f"{server.url}/none"
    refuse(replace(entry, source=url), tmp_path, f"url {url} could not be downloaded: Not Found.")
    url = "http://127.0.0.1:9/net.bin"
    refuse(replace(entry, source=url), tmp_path, f"url {url} could not be downloaded: [Errno")


def test_only_the_web_is_asked(entry, tmp_path):
    local = replace(entry, source=(tmp_path / "net.bin").as_uri())
    with pytest.raises(InvalidInputError, match="url must start with one of https, http; got"):
        fetch_pretrained(local, tmp_path)


def test_a_damaged_file_in_the_data_home_is_told_and_stays(entry, server, tmp_path):
    path = tmp_path / "pretrained" / "net.bin"
    path.parent.mkdir()
    path.write_bytes(b"half")
    with pytest.raises(ModelFileError, match=re.escape(f"{path} has ")) as caught:
        fetch_pretrained(entry, tmp_path)
    assert "Delete it, and it is downloaded again." in str(caught.value)
    assert path.read_bytes() == b"half"
    assert server.hits == 0


def test_a_data_home_that_cannot_be_written_to(entry, server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelFileError, match="data_home must be a folder that can be written to"):
        fetch_pretrained(entry, tmp_path / "file")
    assert server.hits == 0
