"""The validator: reads blocks with context, scores them as scikit-image-free brute force does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.inference import View
from membseg.losses import PixelLoss, binary_crossentropy
from membseg.training import Block, TrainingData, Validator
from membseg.utils import IGNORED, fit_intensity

IDENTITY = [View(0, False)]


def make_validator(height, width, blocks, factor=4, seed=0):
    rng = np.random.default_rng(seed)
    images = [rng.normal(size=(height, width, 1)) for _ in range(2)]
    masks = [rng.choice([0, 1, IGNORED], (height, width)).astype(np.uint8) for _ in range(2)]
    data = TrainingData(images, masks, None, fit_intensity(images, "none"))
    return images, masks, Validator(data, blocks, factor)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(0, 999))
def test_blocks_are_read_where_they_lie(height, width, seed):
    rng = np.random.default_rng(seed)
    spans = []
    for length in (height, width):
        start = int(rng.integers(length))
        spans.append(slice(start, int(rng.integers(start + 1, length + 1))))
    images, masks, validator = make_validator(height, width, [Block(1, *spans)])
    seen = []

    def echo(batch):
        seen.append(batch.shape)
        return batch[..., 0]

    logits = validator.predict(echo, IDENTITY)
    np.testing.assert_allclose(logits[0], images[1][tuple(spans)][..., 0], rtol=1e-6)
    np.testing.assert_array_equal(validator.codes[0], masks[1][tuple(spans)])
    assert all(size % 4 == 0 for shape in seen for size in shape[1:3])


def test_whole_images_and_emptiness():
    whole = Block(0, slice(None), slice(None))
    images, _, validator = make_validator(20, 30, [whole])
    assert validator
    np.testing.assert_allclose(
        validator.predict(lambda batch: batch[..., 0], IDENTITY)[0], images[0][..., 0], rtol=1e-6
    )
    assert not make_validator(20, 30, [])[2]


def test_loss_is_over_all_labelled_pixels_of_all_blocks():
    blocks = [Block(0, slice(0, 5), slice(0, 9)), Block(1, slice(2, 20), slice(1, 4))]
    _, _, validator = make_validator(20, 30, blocks)
    rng = np.random.default_rng(3)
    logits = [rng.normal(0, 2, code.shape).astype(np.float32) for code in validator.codes]
    losses = []
    for code, z in zip(validator.codes, logits, strict=True):
        for c, v in zip(code.ravel(), z.ravel(), strict=True):
            if c != IGNORED:
                losses.append(np.log1p(np.exp(-v if c == 1 else v)))
    expected = np.mean(losses)
    assert validator.loss(logits, binary_crossentropy) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["boundary", "bce+0.5*cldice"])
def test_losses_that_look_at_neighbours_see_blocks_as_they_are(name):
    blocks = [Block(0, slice(0, 5), slice(0, 9)), Block(1, slice(2, 20), slice(1, 4))]
    _, _, validator = make_validator(20, 30, blocks)
    rng = np.random.default_rng(3)
    logits = [rng.normal(0, 2, code.shape).astype(np.float32) for code in validator.codes]
    values, sizes = [], []
    for code, z in zip(validator.codes, logits, strict=True):
        y_true = np.stack([code == 1, code != IGNORED], axis=-1)[None].astype(np.float32)
        values.append(float(PixelLoss(name)(y_true, z[None, ..., None])))
        sizes.append((code != IGNORED).sum())
    expected = np.average(values, weights=sizes)
    assert validator.loss(logits, PixelLoss(name)) == pytest.approx(expected, rel=1e-6)


def test_tiles_give_what_the_whole_block_gives():
    rng = np.random.default_rng(0)
    images = [rng.normal(size=(90, 70, 1))]
    data = TrainingData(images, [np.zeros((90, 70), np.uint8)], None, fit_intensity(images, "none"))
    whole = [Block(0, slice(None), slice(None))]
    shapes = set()

    def blur(batch):
        """Reach 1, zero-padded."""
        shapes.add(batch.shape[1:3])
        padded = np.pad(batch[..., 0], ((0, 0), (1, 1), (1, 1)))
        return padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, 1:-1]

    tiled = Validator(data, whole, 4, halo=4, tile_size=24).predict(blur, IDENTITY)[0]
    assert shapes == {(24, 24)}
    np.testing.assert_allclose(tiled, Validator(data, whole, 4).predict(blur, IDENTITY)[0])


@pytest.mark.parametrize("code", [0, 1, IGNORED])
def test_one_class_tells_no_threshold(code):
    images = [np.zeros((20, 30, 1))]
    data = TrainingData(
        images, [np.full((20, 30), code, np.uint8)], None, fit_intensity(images, "none")
    )
    validator = Validator(data, [Block(0, slice(None), slice(None))], 4)
    assert validator.best_threshold([np.zeros((20, 30), np.float32)], "iou") == 0.5


def test_of_equally_good_thresholds_the_middle_is_taken():
    images = [np.zeros((20, 30, 1))]
    mask = np.zeros((20, 30), np.uint8)
    mask[5:8] = 1
    data = TrainingData(images, [mask], None, fit_intensity(images, "none"))
    validator = Validator(data, [Block(0, slice(None), slice(None))], 4)
    logits = [np.where(mask == 1, 1.0, -1.0).astype(np.float32)]
    for name in ("iou", "dice"):
        assert validator.best_threshold(logits, name) == pytest.approx(0.5, abs=0.06)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999))
def test_best_threshold_is_best(seed):
    whole = [Block(0, slice(None), slice(None)), Block(1, slice(None), slice(None))]
    _, _, validator = make_validator(20, 30, whole, seed=seed)
    rng = np.random.default_rng(seed)
    logits = [
        (rng.normal(0, 1, code.shape) + 1.5 * (code == 1) - 2).astype(np.float32)
        for code in validator.codes
    ]
    chosen = validator.best_threshold(logits, "iou")
    best = max(validator.score("iou", logits, t / 100) for t in range(1, 100))
    assert validator.score("iou", logits, chosen) == pytest.approx(best, abs=1e-9)
    auto = validator.best_threshold(logits, "auto")
    assert auto <= chosen
    assert validator.score("iou", logits, auto) >= 0.995 * best
    assert auto == 0.01 or validator.score("iou", logits, auto - 0.01) < 0.995 * best
    for name, n_steps in (("dice", 100), ("balanced_accuracy", 100), ("boundary_f1", 20)):
        chosen = validator.best_threshold(logits, name)
        best = max(validator.score(name, logits, t / n_steps) for t in range(1, n_steps))
        assert validator.score(name, logits, chosen) == pytest.approx(best, abs=1e-9)
