"""MaskRCNNSegmenter: what it finds, what it refuses, that it repeats."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from membseg import load, save
from membseg.datasets import make_membranes
from membseg.exceptions import InvalidInputError
from membseg.metrics import instance_average_precision_score, label_components
from membseg.segmenters import MaskRCNNSegmenter

TINY = {
    "base_filters": 2,
    "pyramid_filters": 4,
    "head_units": 8,
    "mask_filters": 2,
    "n_rois": 8,
    "max_steps": 2,
    "batch_size": 1,
    "precision": "float32",
    "random_state": 0,
}


def tiny(**params):
    return MaskRCNNSegmenter(**(TINY | params))


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 48, 64, difficulty=0.1, random_state=0)


@pytest.fixture(scope="module")
def fitted(slices):
    # All boxes are as sure after two steps: those of the untrained network are as good as any.
    return tiny(cell_score=0.0, min_score=1e-3).fit(*slices)


@pytest.mark.slow
def test_instances_scores_and_boxes_belong_together(fitted, slices):
    labels, scores, boxes = fitted.predict_instances(
        slices[0], return_scores=True, return_boxes=True
    )
    assert labels.shape == slices[0].shape
    assert labels.dtype == np.int32
    for image, score, box in zip(labels, scores, boxes, strict=True):
        assert set(np.unique(image)) - {0} == set(range(1, len(score) + 1))
        assert score.dtype == np.float64
        assert ((score > 0) & (score <= 1)).all()
        for number, (top, left, bottom, right) in enumerate(box.tolist(), start=1):
            rows, columns = np.nonzero(image == number)
            assert (rows.min(), columns.min()) == (top, left)
            assert (rows.max() + 1, columns.max() + 1) == (bottom, right)
    np.testing.assert_array_equal(fitted.predict_instances(slices[0]), labels)


@pytest.mark.slow
def test_lists_give_lists(fitted, slices):
    X = [slices[0][0], slices[0][1][:40, :50]]
    labels, scores = fitted.predict_instances(X, return_scores=True)
    assert isinstance(labels, list)
    assert [image.shape for image in labels] == [(48, 64), (40, 50)]
    assert len(scores) == 2


def test_unfitted():
    with pytest.raises(NotFittedError):
        tiny().predict_instances(np.zeros((1, 32, 32)))


@pytest.mark.slow
def test_fitted_attributes(fitted):
    assert fitted.n_steps_ == 2
    assert fitted.patch_size_ == 32
    assert fitted.batch_size_ == 1
    assert fitted.n_parameters_ == sum(w.size for w in fitted._weights)
    (row,) = fitted.history_
    wanted = {"epoch", "step", "learning_rate", "loss", "seconds"}
    terms = ("objectness", "anchor_box", "class", "box", "mask")
    assert set(row) == wanted | {f"{name}_loss" for name in terms}
    assert 0 <= fitted.threshold_ <= 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(fitted, slices):
    twin = clone(fitted).fit(*slices)
    for one, other in zip(fitted._weights, twin._weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_saved_and_loaded_it_finds_the_same(fitted, slices, tmp_path):
    save(fitted, tmp_path / "cells.membseg")
    loaded = load(tmp_path / "cells.membseg")
    one, other = (s.predict_instances(slices[0], return_boxes=True) for s in (fitted, loaded))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(fitted.predict(slices[0]), loaded.predict(slices[0]))


@pytest.mark.slow
def test_the_threshold_is_taken_or_chosen(slices):
    segmenter = tiny(threshold=0.25).fit(*slices)
    assert segmenter.threshold_ == 0.25
    X, y = slices
    chosen = tiny().fit(X[:2], y[:2], validation_data=(X[2:], y[2:]))
    assert chosen.score(X[2:], y[2:]) > 0


@pytest.mark.slow
def test_intensities_of_the_stack_are_kept(slices):
    segmenter = tiny(intensity_norm="stack", threshold=0.5).fit(*slices)
    assert segmenter.intensity_.offset == pytest.approx([slices[0].mean()])
    assert segmenter.predict(slices[0]).shape == slices[0].shape


# Compiling may take longer than that where the machine is busy.
@pytest.mark.filterwarnings("ignore:time_limit=20")
@pytest.mark.slow
def test_a_time_limit_ends_training(slices):
    segmenter = tiny(max_steps=None, time_limit=20.0, threshold=0.5)
    segmenter.fit(*slices)
    assert segmenter.n_steps_ >= 1


@pytest.mark.slow
def test_verbose_tells_epochs(slices, capsys):
    tiny(verbose=1, threshold=0.5).fit(*slices)
    assert "epoch   1" in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["patch_size", "tile_size"])
def test_sizes_are_multiples_of_32(slices, name):
    with pytest.raises(InvalidInputError, match=f"{name} must be a multiple of 32; got 50. Use 32"):
        tiny(**{name: 50}).fit(*slices)


def test_patches_must_fit_into_the_images(slices):
    with pytest.raises(InvalidInputError, match=r"patch_size must not exceed .* 48 px; got 64"):
        tiny(patch_size=64).fit(*slices)


@pytest.mark.filterwarnings("ignore:Membrane is 99")
def test_there_must_be_a_cell(slices):
    X, y = slices
    y = np.ones_like(y)
    y[:, :4, :4] = 0
    with pytest.raises(InvalidInputError, match="y must show cells for a network"):
        tiny(membrane_label=1).fit(X, y)


@pytest.mark.slow
def test_it_learns_to_find_cells():
    X, y = make_membranes(8, 128, 128, difficulty=0.0, random_state=0)
    segmenter = MaskRCNNSegmenter(
        base_filters=8, pyramid_filters=32, head_units=64, mask_filters=16, patch_size=128,
        max_steps=150, random_state=0,
    ).fit(X[:6], y[:6])  # fmt: skip
    labels, scores = segmenter.predict_instances(X[6:], return_scores=True)
    assert instance_average_precision_score(label_components(y[6:]), labels, scores) > 0.3
    assert segmenter.score(X[6:], y[6:]) > 0.3
