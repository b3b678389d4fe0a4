"""Files that somebody forged: each is told, and nothing in it is built before it was checked."""

import json
import pickle
import re

import numpy as np
import pytest

import membseg
from membseg import ThresholdSegmenter
from membseg.exceptions import ModelFileError
from membseg.io._container import load_container, save_container
from membseg.persistence._trees import make_tree


@pytest.fixture
def forge(tmp_path):
    """Save a segmenter, change document and arrays, sign them anew, and load the file."""

    def load_changed(segmenter, change):
        path = tmp_path / "file.membseg"
        membseg.save(segmenter, path)
        document, arrays = load_container(path, "segmenter")
        change(document, arrays)
        save_container(path, "segmenter", document, arrays)
        return membseg.load(path)

    return load_changed


def refuse(forge, segmenter, change, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        forge(segmenter, change)
    assert "file.membseg cannot be loaded: " in str(caught.value)


def set_state(name, value):
    def change(document, arrays):
        document["segmenter"]["state"][name] = value

    return change


def set_parameter(name, value):
    def change(document, arrays):
        document["segmenter"]["parameters"][name] = value

    return change


def set_config(name, value):
    """Change a size of the network; by None, take it out."""

    def change(document, arrays):
        items = document["segmenter"]["state"]["_config"]["items"]
        items[:] = [item for item in items if item[0] != name]
        if value is not None:
            items.append([name, value])

    return change


def set_array(part, value):
    """Change the one array whose name ends in something."""

    def change(document, arrays):
        (name,) = [name for name in arrays if name.endswith(part)]
        arrays[name] = value(arrays[name]) if callable(value) else value

    return change


def drop_array(part):
    def change(document, arrays):
        for name in [name for name in arrays if name.endswith(part)]:
            del arrays[name]

    return change


# -------------------------------------------------------------------------------- the document


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "its segmenter has the format 2, and this membseg knows.*update membseg"),
        ({"format": 0}, "its format must be a whole number from 1 on"),
        ({"format": 1.0}, "its format must be a whole number from 1 on"),
        ({"more": 1}, "its document has other keys than it must have"),
        ({"versions": None}, "its versions are missing"),
        ({"versions": {"membseg": "1"}}, "its versions are missing"),
        ({"segmenter": None}, "an estimator of it has other keys"),
        ({"segmenter": [1]}, "an estimator of it has other keys"),
    ],
)
def test_the_document(changes, message, forge):
    refuse(forge, ThresholdSegmenter(), lambda document, _: document.update(changes), message)


@pytest.mark.parametrize(
    "name",
    [
        "os.system", "builtins.eval", "membseg.io.save_stack", "GridSearchCV", "CachedSegmenter",
        "sklearn.GridSearchCV", "__class__", "", "sklearn.Pipeline.__init__", 3, None, ["Dummy"],
    ],
)  # fmt: skip
def test_classes_that_no_file_holds(name, forge):
    def change(document, arrays):
        document["segmenter"]["class"] = name

    refuse(forge, ThresholdSegmenter(), change, "it names a class that no model file holds")


def test_a_class_that_is_no_segmenter(forge):
    def change(document, arrays):
        document["segmenter"] = {
            "type": "object",
            "class": "sklearn.LeaveOneOut",
            "parameters": {},
        }

    refuse(forge, ThresholdSegmenter(), change, "it holds no segmenter but a LeaveOneOut")


def test_an_array_that_nothing_asks_for(forge):
    def change(document, arrays):
        arrays["payload"] = np.zeros(3)

    refuse(forge, ThresholdSegmenter(), change, "an array that nothing asks for, 'payload'")


# ---------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("name", ["__class__", "fit", "classes_", "_validate_params"])
def test_parameters_that_there_are_not(name, forge):
    message = f"a ThresholdSegmenter here has no parameter '{re.escape(name)}'"
    refuse(forge, ThresholdSegmenter(), set_parameter(name, 1), message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "os.system"}, "something of an unknown type, 'os.system'"),
        ({"type": ["dict"]}, "something of an unknown type"),
        ({"a": 1}, "something of an unknown type, 'None'"),
        ({"type": "array", "name": "gone"}, "the array 'gone' is missing"),
        ({"type": "array", "name": 3}, "name of a array is missing, or none"),
        ({"type": "builder", "name": "eval", "keywords": {}}, "a function that no model file hol"),
        ({"type": "builder", "name": "build_unet", "keywords": {"a": 1}}, "does not take"),
        ({"type": "builder", "name": "build_unet", "keywords": {"depth": []}}, "does not take"),
        ({"type": "dict", "items": [1]}, "a table of it is no list of pairs"),
        ({"type": "dict", "items": [[[], 1]]}, "keys that are no texts or numbers"),
        ({"type": "float", "value": "1"}, "a number of it is none"),
        ({"type": "record", "class": "os.system", "fields": {}}, "a record that no model file ho"),
        ({"type": "record", "class": "Intensity", "fields": {}}, "has other fields"),
        ({"type": "record", "class": "Intensity", "fields": []}, "fields of it must be a table"),
        ({"type": "scalar", "dtype": "object", "value": 1}, "names a dtype that no model file h"),
        ({"type": "scalar", "dtype": "int8", "value": "1"}, "a number of it is none"),
        ({"type": "stream", "legacy": False, "state": {}}, "a random stream of it cannot be read"),
        (
            {
                "type": "stream",
                "legacy": False,
                "state": {"bit_generator": "PCG64", "state": {"whole": "1" * 99}},
            },
            "a random stream of it cannot be read",
        ),
        ({"type": "tree", "arrays": {}}, "a tree of it has other arrays than a tree has"),
        ({"type": "tree", "arrays": {"values": 1}}, "a tree of it has arrays that are none"),
        ({"type": "values", "dtype": "int8", "shape": [], "values": ["a"]}, "are no numbers"),
        ({"type": "values", "dtype": "int8", "shape": [2**40], "values": []}, "cannot reshape"),
        ({"type": "tuple", "items": 3}, "items of a tuple is missing, or none"),
        (2**70, "a whole number that is too large"),
    ],
)
def test_values_that_are_none(value, message, forge):
    refuse(forge, ThresholdSegmenter(), set_parameter("sigma", value), message)


def test_a_value_that_no_segmenter_of_its_class_has(plain, forge):
    refuse(forge, plain["threshold"], set_parameter("sigma", -1.0), "'sigma' parameter")
    refuse(forge, plain["threshold"], set_parameter("method", "eval"), "'method' parameter")


def test_folders_of_other_machines(plain, unet, forge):
    message = "of an estimator of it must be null"
    refuse(forge, plain["pipeline"], set_parameter("memory", "cache"), f"memory {message}")
    refuse(forge, unet, set_parameter("checkpoint_dir", "a"), f"checkpoint_dir {message}")


def test_parameters_that_are_newer_than_the_file_have_their_defaults(forge):
    def change(document, arrays):
        del document["segmenter"]["parameters"]["sigma"]

    assert forge(ThresholdSegmenter(sigma=3.0), change).sigma == ThresholdSegmenter().sigma


def test_a_parameter_that_must_be_there(plain, forge):
    def change(document, arrays):
        del document["segmenter"]["parameters"]["estimator"]

    refuse(forge, plain["risk"], change, "missing 1 required positional argument: 'estimator'")


# --------------------------------------------------------------------------------------- state


@pytest.mark.parametrize("name", ["__dict__", "__class__", "predict", "_weights", "note_"])
def test_attributes_that_there_are_not(name, plain, forge):
    refuse(forge, plain["threshold"], set_state(name, 1), f"unknown attribute, '{name}'")


def test_attributes_that_are_missing(plain, forge):
    def change(document, arrays):
        del document["segmenter"]["state"]["threshold_"]

    refuse(forge, plain["ridge"], change, "threshold_ of a RidgeSegmenter is missing")


@pytest.mark.parametrize(
    ("name", "attribute", "value", "message"),
    [
        ("threshold", "threshold_", "0.5", r"must be a number in \[0, 1\]"),
        ("threshold", "threshold_", 2, r"must be a number in \[0, 1\]"),
        ("threshold", "threshold_", {"type": "float", "value": "nan"}, "must be a number in"),
        ("threshold", "n_channels_in_", 0, "must be a positive whole number"),
        ("threshold", "n_channels_in_", True, "must be a positive whole number"),
        ("threshold", "_images_seen", [1], "must be a list of texts"),
        ("threshold", "classes_", [0, 1], "must be an array of finite numbers with 1 axes"),
        ("threshold", "_response", None, "must be a GreyResponse"),
        ("tuned", "estimator_", None, "must be a fitted segmenter"),
        ("ensemble", "estimators_", [], "must be a list of fitted segmenters"),
        ("temperature", "_curve", None, "must be one of BetaCurve, LocalCurve, SklearnCurve"),
        ("forest", "estimator_", None, "must be a fitted classifier"),
        ("forest", "_features", None, "must be a PixelFeatures"),
    ],
)
def test_attributes_of_another_kind(name, attribute, value, message, plain, forge):
    refuse(forge, plain[name], set_state(attribute, value), f"{attribute} of a .* {message}")


def test_an_unfitted_segmenter_in_a_fitted_one(plain, forge):
    def change(document, arrays):
        del document["segmenter"]["state"]["estimator_"]["state"]

    refuse(forge, plain["risk"], change, "estimator_ of a RiskControlledSegmenter must be a fitted")


def test_a_splitter_has_nothing_to_learn(plain, forge):
    def change(document, arrays):
        document["segmenter"]["parameters"]["cv"]["state"] = {"a": 1}

    refuse(forge, plain["risk"], change, "a sklearn.KFold of it has an unknown attribute")


def test_two_equal_classes(plain, forge):
    change = set_array(".classes_", np.zeros(2, np.uint8))
    refuse(forge, plain["dummy"], change, "classes_ must be two different values")


def test_weights_of_other_members(plain, forge):
    change = set_array("weights_", np.ones(3))
    refuse(
        forge, plain["ensemble"], change, "weights_ of an EnsembleSegmenter must have one number"
    )


def record_fields(name, **fields):
    def change(document, arrays):
        document["segmenter"]["state"][name]["fields"].update(fields)

    return change


@pytest.mark.parametrize(
    ("name", "attribute", "fields", "message"),
    [
        ("ridge", "_response", {"filter": "rank"}, "filter of a RidgeResponse is unknown"),
        ("ridge", "_response", {"scale": "a"}, "scale of a RidgeResponse must be a finite number"),
        ("threshold", "_response", {"method": "a"}, "method of a GreyResponse is unknown"),
        ("threshold", "_response", {"block_size": 0}, "block_size of a GreyResponse must be a pos"),
        ("sigmoid", "_curve", {"method": "beta"}, "has learnt other things than its method does"),
        ("sigmoid", "_curve", {"method": "eval"}, "has learnt other things than its method does"),
        ("sigmoid", "_curve", {"learnt": 3}, "learnt of a SklearnCurve must be a table"),
        (
            "temperature",
            "_curve",
            {"learnt": {"type": "dict", "items": [["beta_", "a"]]}},
            "beta_ of a SklearnCurve must be a finite number",
        ),
    ],
)
def test_records(name, attribute, fields, message, plain, forge):
    refuse(forge, plain[name], record_fields(attribute, **fields), message)


def test_steps_that_fall(plain, forge):
    change = set_array("X_thresholds_", lambda array: array[::-1].copy())
    refuse(forge, plain["isotonic"], change, "steps that do not rise")


def test_a_curve_of_two_lengths(plain, forge):
    change = set_array("curve_.scores", np.zeros(5))
    refuse(forge, plain["tuned"], change, "curve_ of a TunedThresholdSegmenter has two lengths")


def test_a_classifier_of_other_features(plain, forge):
    change = set_array("coef_", np.zeros((1, 5)))
    refuse(forge, plain["logistic pixels"], change, "coef_ of a LogisticRegression has a wrong sha")


# --------------------------------------------------------------------------------------- trees


def tree():
    """A root, a leaf, and a node with two leaves."""
    leaf = -1, -1, -2, -2.0
    rows = [(1, 2, 0, 0.5), leaf, (3, 4, 1, 0.25), leaf, leaf]
    left, right, feature, threshold = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "left_child": left.astype(np.int32),
        "right_child": right.astype(np.int32),
        "feature": feature.astype(np.int32),
        "threshold": threshold,
        "impurity": np.zeros(5),
        "n_node_samples": np.full(5, 3),
        "weighted_n_node_samples": np.full(5, 3.0),
        "missing_go_to_left": np.zeros(5, np.uint8),
        "values": np.array([[[0.5, 0.5]], [[1, 0]], [[0.5, 0.5]], [[0, 1]], [[0.3, 0.7]]]),
        "n_features": np.array(2),
    }


def test_a_sound_tree():
    made = make_tree(tree())
    assert (made.max_depth, made.node_count, made.n_features) == (2, 5, 2)
    X = np.array([[0, 0], [1, 0], [1, 1]], dtype=np.float32)
    np.testing.assert_array_equal(made.predict(X)[:, -1], [0.0, 1.0, 0.7][: len(X)])


@pytest.mark.parametrize(
    ("name", "node", "value"),
    [
        ("left_child", 0, 0),  # itself
        ("left_child", 2, 0),  # back to the root
        ("left_child", 2, 2**30),
        ("right_child", 2, 5),
        ("right_child", 2, -1),
        ("right_child", 0, 3),  # a node with two parents
        ("right_child", 1, 4),  # half a leaf
        ("left_child", 0, -7),
        ("feature", 0, 2),
        ("feature", 0, -2),
        ("feature", 1, 0),
    ],
)
def test_paths_that_lead_nowhere(name, node, value):
    arrays = tree()
    arrays[name][node] = value
    with pytest.raises(ValueError, match="a path that leads nowhere"):
        make_tree(arrays)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("left_child", np.zeros(5, np.int64)),
        ("left_child", np.zeros(4, np.int32)),
        ("threshold", np.zeros((5, 1))),
        ("values", np.zeros((5, 2))),
        ("values", np.zeros((5, 2, 2))),
        ("values", np.zeros((5, 1, 3))),
        ("values", np.zeros((0, 1, 2))),
        ("values", np.full((5, 1, 2), np.nan)),
        ("values", np.zeros((5, 1, 2), np.float32)),
        ("n_features", np.array(0)),
        ("n_features", np.array(2**40)),
        ("n_features", np.array(2.0)),
        ("n_features", np.array([2])),
    ],
)
def test_arrays_that_are_no_tree(name, value):
    with pytest.raises(ValueError, match="arrays of a wrong shape or dtype"):
        make_tree(tree() | {name: value})


def forest_state(document):
    return document["segmenter"]["state"]["estimator_"]["state"]


def test_a_forest_of_trees_of_other_features(plain, forge):
    def change(document, arrays):
        forest_state(document)["n_features_in_"] += 1

    refuse(forge, plain["forest"], change, "has other features than its forest")


def test_a_tree_of_other_features_than_its_estimator_says(plain, forge):
    def change(document, arrays):
        for one in forest_state(document)["estimators_"]:
            one["state"]["n_features_in_"] += 1
        forest_state(document)["n_features_in_"] += 1

    refuse(forge, plain["forest"], change, "has other sizes than its estimator says")


def test_a_forest_with_an_unfitted_tree(plain, forge):
    def change(document, arrays):
        del forest_state(document)["estimators_"][1]["state"]

    refuse(forge, plain["forest"], change, "a tree of it is not fitted")


def test_a_forest_of_many_outputs(plain, forge):
    def change(document, arrays):
        forest_state(document)["n_outputs_"] = 2

    refuse(forge, plain["forest"], change, "a forest of it has other sizes than it must have")


# ------------------------------------------------------------------------------------ networks


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_array("_weights.0"), "the array '.*_weights.0' is missing"),
        (set_array("_weights.0", np.zeros((3, 3, 1, 5), np.float32)), r"shape \(3, 3, 1, 4\) in "),
        (set_array("_weights.0", lambda w: w.astype(np.float64)), "its weights must be float32"),
        (set_array("_weights.0", lambda w: w * np.nan), "a list of arrays of finite numbers"),
        (set_state("_weights", []), "weights, and it holds 0"),
        (set_state("_weights", None), "a segmenter without weights has no prior, or has a netw"),
        (set_state("_config", None), "lacks its network or its normalisation"),
        (set_state("_intensity_norm", "eval"), "lacks its network or its normalisation"),
        (set_state("_intensity_norm", "stack"), "intensity_ must have one number a channel"),
        (set_state("history_", [1]), "history_ of a UNetSegmenter must be a list of rows"),
        (set_state("history_", [{"type": "dict", "items": []}]), "must have an epoch and a step"),
        (set_state("n_parameters_", 3), "n_parameters_ is not the number of its weights"),
        (set_state("n_channels_in_", 3), "its network has other channels than its segmenter"),
        (set_state("_going_on", {"type": "dict", "items": []}), "what partial_fit goes on with"),
        (set_config("n_channels", 2**40), "a dtype, a number of channels or a seed that cannot"),
        (set_config("dtype", "object"), "a dtype, a number of channels or a seed that cannot be"),
        (set_config("seed", None), "its network has no seed"),
        (set_config("base_filters", 10**12), "its network has weights of shape"),
        (set_config("base_filters", 0), "has a size that cannot be, 'base_filters'"),
        (set_config("depth", 10**9), "has a size that cannot be, 'depth'"),
        (set_config("depth", "auto"), "has a size that cannot be, 'depth'"),
        (set_config("depth", 8), "its network has .* weights, and it holds"),
        (set_config("block", "eval"), "has a size that cannot be, 'block'"),
        (set_config("__class__", 1), "has a size that cannot be, '__class__'"),
        (set_config("build_fn", 1), "has a size that cannot be, 'build_fn'"),
    ],
)
def test_networks(change, message, unet, forge):
    refuse(forge, unet, change, message)


def test_an_optimizer_of_another_network(make, slices, forge):
    segmenter = make().partial_fit(*slices)
    change = set_array("optimizer.4", np.zeros((7, 7), np.float32))
    refuse(forge, segmenter, change, "what its optimizer goes on with is not of the shapes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_config("build_fn", None), "its network has no builder"),
        (set_config("build_fn", 3), "its network has no builder"),
        (set_config("radius", 10**9), "looks further, or less far, than it says"),
        (set_config("radius", None), "its network has other sizes than it must have"),
        (
            set_config(
                "build_fn",
                {"type": "builder", "name": "build_unet", "keywords": {"depth": 10**9}},
            ),
            "has a size that cannot be, 'depth'",
        ),
        (
            set_config(
                "build_fn",
                {"type": "builder", "name": "build_unet", "keywords": {"seed": 10**12}},
            ),
            "has a number that cannot be",
        ),
    ],
)
def test_networks_of_builders(change, message, networks, forge):
    refuse(forge, networks["own"], change, message)


def test_a_huge_network_takes_no_memory(unet, forge):
    import tracemalloc

    def change(document, arrays):
        set_config("base_filters", 100_000)(document, arrays)
        set_config("depth", 8)(document, arrays)

    refuse(forge, unet, lambda *_: set_config("seed", None)(*_), "no seed")  # everything imported
    tracemalloc.start()
    try:
        refuse(forge, unet, change, "its network has")
        assert tracemalloc.get_traced_memory()[1] < 2e8
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------------------------------- code


class Payload:
    """What creates a file when somebody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_is_not_unpickled(tmp_path):
    path, canary = tmp_path / "file.membseg", tmp_path / "canary"
    path.write_bytes(pickle.dumps(Payload(canary)))
    with pytest.raises(ModelFileError, match="is no file that membseg saved"):
        membseg.load(path)
    assert not canary.exists()


def test_a_checkpoint_is_no_segmenter(tmp_path):
    path = tmp_path / "file"
    save_container(path, "checkpoint", {}, {})
    with pytest.raises(ModelFileError, match="a file of a segmenter; it is one of a 'checkpoint'"):
        membseg.load(path)


def test_the_document_is_readable_json(tmp_path):
    path = tmp_path / "file"
    membseg.save(ThresholdSegmenter(sigma=2.0), path)
    document, _ = load_container(path, "segmenter")
    json.dumps(document, allow_nan=False)
    assert document["segmenter"]["class"] == "ThresholdSegmenter"
    assert document["segmenter"]["parameters"]["sigma"] == 2.0
    assert set(document["versions"]) == {
        "membseg", "python", "numpy", "scikit-learn", "keras", "backend",
    }  # fmt: skip
