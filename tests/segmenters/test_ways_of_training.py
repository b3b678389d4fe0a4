"""Parameters that change how steps are taken, end to end; the steps have tests of their own."""

import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.segmenters import SegNetSegmenter

TINY = {
    "max_steps": 4, "steps_per_epoch": 2, "batch_size": 2, "tta": "none", "precision": "float32",
    "random_state": 0, "patch_size": 32,
}  # fmt: skip


def make(**options):
    return UNetSegmenter(**({"depth": 1, "base_filters": 4, "stem_stride": 1} | TINY | options))


@pytest.fixture(scope="module")
def slices():
    return make_membranes(4, 48, 48, random_state=0)


@pytest.fixture(scope="module")
def partly(slices):
    """Masks of two slices, and none of the others."""
    y = slices[1].astype(np.int16)
    y[2:] = -1
    return y


@pytest.fixture(scope="module")
def plain(slices):
    return make().fit(*slices).decision_function(slices[0])


@pytest.mark.parametrize("mode", ["patch", pytest.param("segan", marks=pytest.mark.slow)])
def test_adversarial_training_changes_the_fit_and_tells_both_losses(slices, plain, mode):
    options = {"adversarial_weight": 0.5, "adversarial_mode": mode}
    segmenter = make(**options).fit(*slices)
    logits = segmenter.decision_function(slices[0])
    assert not np.array_equal(logits, plain)
    for row in segmenter.history_:
        assert {"loss", "adversarial_loss", "discriminator_loss"} <= set(row)
    again = make(**options).fit(*slices)
    np.testing.assert_array_equal(again.decision_function(slices[0]), logits)
    # The next plain fit, of the same network of the pool, knows nothing of it.
    np.testing.assert_array_equal(make().fit(*slices).decision_function(slices[0]), plain)


@pytest.mark.parametrize("mode", ["mean_teacher", "pseudo_labels"])
def test_images_without_labels_count_where_they_are_asked_for(slices, partly, mode):
    X, _ = slices
    ignored = make().fit(X, partly).decision_function(X)
    alone = make().fit(X[:2], partly[:2]).decision_function(X)
    segmenter = make(unlabelled=mode).fit(X, partly)
    logits = segmenter.decision_function(X)
    np.testing.assert_array_equal(ignored, alone)
    assert np.isfinite(logits).all()
    assert "unlabelled_weight" in segmenter.history_[-1]
    again = make(unlabelled=mode).fit(X, partly).decision_function(X)
    np.testing.assert_array_equal(again, logits)
    if mode == "mean_teacher":
        other = X.copy()
        other[2:] = X[2:, ::-1, ::2].repeat(2, axis=2)
        assert not np.array_equal(
            make(unlabelled=mode).fit(other, partly).decision_function(X), logits
        )


@pytest.mark.slow
def test_batch_normalisation_and_heads_go_with_both(slices, partly):
    X, y = slices
    SegNetSegmenter(depth=1, base_filters=2, adversarial_weight=0.1, **TINY).fit(X, y)
    SegNetSegmenter(depth=1, base_filters=2, unlabelled="mean_teacher", **TINY).fit(X, partly)
    nested = {"depth": 2, "skips": "nested", "deep_supervision": True}
    make(adversarial_weight=0.1, **nested).fit(X, y)
    make(unlabelled="pseudo_labels", **nested).fit(X, partly)


def test_smoothed_labels_draw_logits_towards_zero(slices):
    X, y = slices
    options = {"max_steps": 40, "learning_rate": 1e-2, "threshold": 0.5}
    plain = make(**options).fit(X, y).decision_function(X)
    smooth = make(label_smoothing=0.8, **options).fit(X, y).decision_function(X)
    assert np.abs(smooth).mean() < 0.6 * np.abs(plain).mean()


def test_an_average_of_the_weights_lags_behind(slices):
    X, y = slices
    options = {"validation_fraction": 0, "steps_per_epoch": 8, "max_steps": 8}
    first = make(learning_rate=1e-30, weight_decay=0.0, **options).fit(X, y)._weights
    plain = make(**options).fit(X, y)._weights
    average = make(weight_averaging=0.9, **options).fit(X, y)._weights

    def distance(weights):
        return sum(float(np.abs(a - b).sum()) for a, b in zip(weights, first, strict=True))

    assert 0 < distance(average) < distance(plain)


@pytest.mark.parametrize("step", ["mixup", "cutmix"])
def test_mixed_patches_change_the_fit(slices, plain, step):
    segmenter = make(augmentation=f"d4+intensity+sharpness+{step}").fit(*slices)
    assert not np.array_equal(segmenter.decision_function(slices[0]), plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"adversarial_weight": 0.1, "unlabelled": "mean_teacher"},
            r"adversarial_weight=0\.1 cannot be had with unlabelled='mean_teacher': each takes",
        ),
        (
            {"adversarial_weight": 0.1, "device_data": True},
            r"adversarial_weight=0\.1 cannot be had with device_data=True",
        ),
        (
            {"unlabelled": "pseudo_labels", "device_data": True},
            "unlabelled='pseudo_labels' cannot be had with device_data=True",
        ),
        ({"unlabelled": "mean_teacher"}, "unlabelled must be 'ignore' where no image"),
        (
            {"loss": "lovasz", "label_smoothing": 0.1},
            r"loss must be made of .* as with label_smoothing=0\.1; got 'lovasz'",
        ),
    ],
)
def test_what_does_not_go_together_is_told(slices, options, message):
    with pytest.raises(InvalidInputError, match=message):
        make(**options).fit(*slices)
