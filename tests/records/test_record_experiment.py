"""One call writes down what was told, what was found, and where."""

import hashlib
import json
import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from membseg import CalibratedSegmenter, KerasSegmenter, ThresholdSegmenter, get_scorer
from membseg.exceptions import InvalidInputError, InvalidTypeError, RecordError
from membseg.preprocessing import CLAHE
from membseg.records import load_record, record_experiment


def test_a_network_is_written_down_completely(net_record, fitted, slices):
    X, y = slices
    record = net_record
    assert record.estimator_class == "UNetSegmenter"
    assert record.parameters == fitted.get_params() | {"init_from": None}
    assert record.seeds == {"random_state": 0}
    assert record.n_steps == fitted.n_steps_ == 2
    assert [row["loss"] for row in record.history] == [row["loss"] for row in fitted.history_]
    assert record.fitted == {
        "threshold": 0.5,
        "best_epoch": fitted.best_epoch_,
        "n_parameters": fitted.n_parameters_,
        "batch_size": 2,
        "patch_size": fitted.patch_size_,
    }
    assert record.timings["fit"] == fitted.fit_time_
    assert record.timings["predict"] > 0
    assert record.data["train"]["n_images"] == 4
    assert record.data["test"]["sizes"] == [[32, 32]] * 2
    assert record.data["train"]["membrane_fraction"] == pytest.approx(float(y[:4].mean()))
    for name in ("iou", "v_rand"):
        assert record.scores["test"][name] == get_scorer(name)(fitted, X[4:], y[4:])
    # A loss keeps its own sign.
    assert record.scores["test"]["ece"] == -get_scorer("ece")(fitted, X[4:], y[4:])


def test_identifiers_sort_by_time_and_differ(slices):
    X, y = slices
    segmenter = ThresholdSegmenter().fit(X, y)
    first, second = (record_experiment(segmenter, X, y, scoring="iou") for _ in range(2))
    assert first.created < second.created
    assert first.id != second.id
    assert first.id[:15] == first.created[:19].replace("-", "").replace(":", "")


def test_the_usual_scores_of_the_images_of_training(slices):
    X, y = slices
    record = record_experiment(ThresholdSegmenter().fit(X, y), X, y)
    names = ["v_rand", "v_info", "v_rand_mask", "v_info_mask", "iou", "dice", "ece"]
    assert list(record.scores) == ["train"]
    assert list(record.scores["train"]) == names


def test_memory_where_the_system_tells_it(plain_record):
    if sys.platform == "win32":
        assert plain_record.memory == {}
    else:
        assert plain_record.memory["peak_bytes"] > 1e7


def test_what_the_caller_says_is_kept(slices):
    X, y = slices
    record = record_experiment(
        ThresholdSegmenter().fit(X, y),
        X,
        y,
        scoring="iou",
        name="Otsu",
        notes="first",
        tags="baseline",
        split={"train": np.arange(6), "groups": ["a"] * 6},
        fit_params={"sample_weight": np.ones(6)},
        intended_use="neuropil",
        limits="none known",
    )
    assert (record.name, record.notes, record.tags) == ("Otsu", "first", ["baseline"])
    assert record.split == {"train": [0, 1, 2, 3, 4, 5], "groups": ["a"] * 6}
    assert list(record.fit_params) == ["sample_weight"]
    assert (record.intended_use, record.limits) == ("neuropil", "none known")


def test_pipelines_wrappers_and_searches(slices):
    X, y = slices
    pipeline = make_pipeline(CLAHE(), ThresholdSegmenter()).fit(X, y)
    record = record_experiment(pipeline, X, y, scoring="iou")
    assert record.estimator_class == "Pipeline"
    assert record.parameters["thresholdsegmenter__sigma"] == 1.0
    assert record.parameters["thresholdsegmenter"] == "ThresholdSegmenter"
    calibrated = CalibratedSegmenter(ThresholdSegmenter(), cv=2).fit(X, y)
    record = record_experiment(calibrated, X, y, scoring="iou")
    assert record.parameters["estimator__sigma"] == 1.0
    search = GridSearchCV(ThresholdSegmenter(), {"sigma": [3.0]}, cv=KFold(2)).fit(X, y)
    record = record_experiment(search, X, y, scoring="iou")
    assert (record.estimator_class, record.parameters["sigma"]) == ("ThresholdSegmenter", 3.0)


def build(n_channels):
    import keras

    image = keras.Input((None, None, n_channels))
    return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))


def test_a_network_of_ones_own_is_recorded_by_name(slices):
    X, y = slices
    segmenter = KerasSegmenter(build, max_steps=1, batch_size=2, threshold=0.5, tta="none")
    record = record_experiment(segmenter.fit(X, y), X, y, scoring="iou")
    assert record.parameters["build_fn"] == "build"
    assert record.estimator is None


def test_files_go_into_the_folder(fitted, slices, tmp_path):
    X, y = slices
    picture = tmp_path / "own.jpg"
    picture.write_bytes(b"picture")
    folder = tmp_path / "new" / "runs"
    record = record_experiment(
        fitted,
        X[:4],
        y[:4],
        scoring="iou",
        folder=folder,
        figures={"my picture/1": picture},
        save_model=True,
        markdown=True,
    )
    assert load_record(folder / f"{record.id}.json") == record
    assert (folder / f"{record.id}.md").read_text(encoding="utf-8") == record.to_markdown()
    assert record.figures == {"my picture/1": f"{record.id}-1-my-picture-1.jpg"}
    assert (folder / record.figures["my picture/1"]).read_bytes() == b"picture"
    model = (folder / record.model_file["path"]).read_bytes()
    assert record.model_file["sha256"] == hashlib.sha256(model).hexdigest()
    assert json.loads((folder / f"{record.id}.json").read_text(encoding="utf-8"))["format"] == 1


def test_figures_of_matplotlib_are_drawn_into_the_folder(slices, tmp_path):
    figure = pytest.importorskip("matplotlib.figure", reason="needs matplotlib").Figure()
    X, y = slices
    record = record_experiment(
        ThresholdSegmenter().fit(X, y),
        X,
        y,
        scoring="iou",
        folder=tmp_path,
        figures={"empty": figure},
    )
    assert (tmp_path / record.figures["empty"]).read_bytes().startswith(b"\x89PNG")


def test_unusable_arguments(slices, tmp_path):
    X, y = slices
    fitted = ThresholdSegmenter().fit(X, y)
    with pytest.raises(NotFittedError, match="ThresholdSegmenter instance is not fitted yet"):
        record_experiment(ThresholdSegmenter(), X, y)
    with pytest.raises(InvalidTypeError, match=r"segmenter must be a segmenter, .*; got int"):
        record_experiment(3, X, y)
    with pytest.raises(InvalidTypeError, match=r"such as UNetSegmenter.*; got ThresholdSegmenter"):
        record_experiment(ThresholdSegmenter, X, y)
    with pytest.raises(InvalidInputError, match="y_test must be given where X_test is"):
        record_experiment(fitted, X, y, X_test=X)
    with pytest.raises(InvalidInputError, match="X_test must be given where y_test is"):
        record_experiment(fitted, X, y, y_test=y)
    with pytest.raises(InvalidInputError, match="folder must be given where figures, save_model"):
        record_experiment(fitted, X, y, save_model=True)
    with pytest.raises(InvalidTypeError, match="split must be a dict or None; got list"):
        record_experiment(fitted, X, y, split=[1])
    with pytest.raises(InvalidTypeError, match=r"scoring must be the name of a score.*got 3"):
        record_experiment(fitted, X, y, scoring=3)
    with pytest.raises(InvalidInputError, match=r"name must be one of .*got 'nothing'"):
        record_experiment(fitted, X, y, scoring=["iou", "nothing"])
    with pytest.raises(InvalidTypeError, match=r"figures\['a'\] must be a matplotlib Figure.*int"):
        record_experiment(fitted, X, y, folder=tmp_path, figures={"a": 1})
    with pytest.raises(
        InvalidInputError, match=r"figures\['a'\] .* there is no file 'nothing.png'"
    ):
        record_experiment(fitted, X, y, folder=tmp_path, figures={"a": "nothing.png"})
    with pytest.raises(InvalidInputError, match="X and y must hold the same number of images"):
        record_experiment(fitted, X, y[:3])
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    def savefig(self, path, **options):
        raise OSError(28, "No space left on device")


def test_a_figure_that_cannot_be_written(slices, tmp_path):
    X, y = slices
    with pytest.raises(RecordError, match=r"figures\['a'\] could not be written to .*No space"):
        record_experiment(
            ThresholdSegmenter().fit(X, y), X, y, folder=tmp_path, figures={"a": FullDisk()}
        )
