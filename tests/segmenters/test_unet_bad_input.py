"""What bad input gets: a sentence with the argument, what it must be, what it got, the way out."""

import re

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from membseg import FCNSegmenter, make_membranes
from membseg.exceptions import (
    DataWarning,
    InvalidInputError,
    InvalidTypeError,
    OutOfMemoryError,
    TrainingError,
    TrainingWarning,
)

BAD = {
    "depth": [0, 9, "deep", 1.5],
    "base_filters": [0, 2.5],
    "stem_stride": [3, "wide"],
    "zoom": [0, 3, "far"],
    "norm_layer": ["layer"],
    "dropout": [-0.1, 1.0],
    "dropout_kind": ["channel", 1],
    "block": ["dense"],
    "skips": ["none"],
    "deep_supervision": ["yes"],
    "squeeze_excitation": ["yes"],
    "bottleneck": ["mamba"],
    "stochastic_depth": [-0.1, 1.0],
    "initial_weights": ["imagenet"],
    "loss": [3],
    "l1": [-1],
    "l2": [-1],
    "weight_decay": [-1],
    "label_smoothing": [-0.1, 1.0],
    "learning_rate": [0, -1, "fast"],
    "batch_size": [0],
    "patch_size": [0, "big"],
    "epochs": [0],
    "steps_per_epoch": [0],
    "max_steps": [0],
    "time_limit": [0, "long"],
    "validation_fraction": [-0.1, 1.0],
    "monitor": ["beauty"],
    "early_stopping": ["yes"],
    "patience": [0],
    "weight_averaging": [-0.1, 1.0],
    "adversarial_weight": [-0.5],
    "adversarial_mode": ["gan"],
    "unlabelled": ["drop"],
    "init_from": ["imagenet"],
    "freeze_depth": [-1, 0.5],
    "augmentation": [3],
    "augmentation_strength": [-1],
    "intensity_norm": ["tile"],
    "membrane_label": ["dark"],
    "ignore_label": ["none"],
    "threshold": [-0.1, 1.1, "best", "roc_auc"],
    "tta": ["d8"],
    "tile_size": [0, "big"],
    "precision": ["float16"],
    "device_data": ["gpu", 3],
    "on_failure": ["ignore"],
    "random_state": ["seed", -1],
    "warm_start": ["yes"],
    "checkpoint_dir": [3],
    "verbose": [-1, "loud"],
}


def test_a_network_too_deep_for_the_images_is_told_before_training(quick):
    X, y = make_membranes(2, 28, 40, random_state=0)
    message = (
        r"X must hold images of at least 32 x 32 px .* 64 times .* are 28 px .*depth, now 6, or"
    )
    with pytest.raises(InvalidInputError, match=message):
        quick(depth=6, stem_stride=1).fit(X, y)
    with pytest.raises(InvalidInputError, match=r"at least 32 x 32 px .* Lower its downsampling"):
        FCNSegmenter(base_filters=1, stem_stride=2, max_steps=1).fit(X, y)


def test_every_parameter_has_a_constraint_and_a_bad_value(quick):
    names = set(quick().get_params())
    assert set(quick()._parameter_constraints) == names == set(BAD)


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_bad_parameters_are_refused_in_fit_and_not_before(slices, quick, name, value):
    segmenter = quick(**{name: value})
    assert getattr(segmenter, name) == value
    with pytest.raises(ValueError, match=re.escape(f"The '{name}' parameter of UNetSegmenter")):
        segmenter.fit(*slices)


def swap(array, index, value, dtype=None):
    changed = array.astype(dtype or array.dtype)
    changed[index] = value
    return changed


CASES = {
    "y of another size": (lambda X, y: (X, y[:, :60]), "X and y must agree in height and width; "
                          "X[0] is (64, 64) and y[0] is (60, 64)."),
    "y of another length": (lambda X, y: (X, y[:3]), "X and y must hold the same number of "
                            "images; got 4 in X and 3 in y."),
    "three values": (lambda X, y: (X, swap(y, (0, 0, 0), 2)), "y must hold two values, cell and "
                     "membrane; got 3: [0, 1, 2]. If one of them marks unlabelled pixels"),
    "instance ids": (lambda X, y: (X, np.arange(X.size).reshape(X.shape) // 500),
                     "This looks like cell ids"),
    "one class": (lambda X, y: (X, y * 0), "y must hold two classes, cell and membrane; every "
                  "labelled pixel is 0."),
    "soft masks": (lambda X, y: (X, X / 255), "This looks like a soft or interpolated mask"),
    "NaN": (lambda X, y: (swap(X, (1, 2, 3), np.nan, float), y), "X[1] must be finite; 1 of its "
            "4096 values are NaN or infinite."),
    "infinite": (lambda X, y: (swap(X, (1, 2, 3), np.inf, float), y), "X[1] must be finite"),
    "empty": (lambda X, y: (X[:0], y[:0]), "X must hold at least one image with pixels"),
    "2-D": (lambda X, y: (X[0], y[0]), "For a single image write X[np.newaxis]."),
    "colour": (lambda X, y: (np.stack([X[0]] * 3, -1), y), "looks like a single image with 3"),
    "channels first": (lambda X, y: (np.stack([X, X], 1), y), "Write np.moveaxis(X, 1, -1)."),
    "no y": (lambda X, y: (X, None), "requires y to be passed, but the target y is None"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_data_is_refused(slices, quick, case):
    make, message = CASES[case]
    segmenter = quick()
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        segmenter.fit(*make(*slices))
    with pytest.raises(NotFittedError):
        segmenter.predict(slices[0])


@pytest.mark.parametrize("dtype", [complex, object])
def test_bad_dtypes_are_refused(slices, quick, dtype):
    X, y = slices
    with pytest.raises(InvalidTypeError, match="X must hold real numbers"):
        quick().fit(X.astype(dtype), y)


FIT_ARGUMENTS = {
    "membrane_label that is not in y": (
        {"membrane_label": 7}, {}, "membrane_label must be one of the values in y, [0, 1]; got 7."),
    "patch larger than the images": (
        {"patch_size": 80}, {}, "patch_size must not exceed the smallest image side, 64 px; got "
        "80. Use patch_size='auto'"),
    "weights of wrong length": ({}, {"sample_weight": [1, 2]}, "sample_weight"),
    "negative weights": ({}, {"sample_weight": [1, 1, 1, -1]}, "sample_weight"),
    "zero weights": ({}, {"sample_weight": np.zeros((4, 64, 64))}, "sample_weight"),
    "groups of wrong length": ({}, {"groups": [1, 2]}, "groups must name one group for each of "
                               "the 4 images of X; got shape (2,)."),
    "one group": ({}, {"groups": [1] * 4}, "groups must hold at least two groups"),
    "validation_data that is no pair": ({}, {"validation_data": 5}, "validation_data must be a "
                                        "pair (X, y) of images and masks; got int."),
    "unknown augmentation": ({"augmentation": "shear"}, {}, "augmentation must be 'none' or steps"),
    "unknown loss": ({"loss": "bce+dise"}, {}, "got 'bce+dise', with the unknown name 'dise'. The "
                     "nearest name is 'dice'."),
    "no synthetic weights": ({"initial_weights": "synthetic"}, {}, "initial_weights='synthetic' "
                             "exists for the network of the default parameters"),
    "everything held out": ({"validation_fraction": 0.99}, {}, "leave no labelled pixel"),
}  # fmt: skip


@pytest.mark.parametrize("case", FIT_ARGUMENTS)
def test_bad_arguments_of_fit(slices, quick, case):
    params, arguments, message = FIT_ARGUMENTS[case]
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        quick(**params).fit(*slices, **arguments)


def test_bad_parameters_can_be_turned_into_the_worst(slices, quick):
    with pytest.warns(TrainingWarning, match=r"The failure was: The 'depth' parameter"):
        segmenter = quick(depth=0, on_failure="worst").fit(*slices)
    assert segmenter.n_steps_ == 0


def test_weight_on_ignored_pixels_only(slices, quick):
    X, y = slices
    sparse = y.astype(int)
    sparse[0] = -1
    message = "sample_weight must be positive at some labelled pixel; got zero at all of them."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        quick().fit(X, sparse, sample_weight=[1, 0, 0, 0])


def test_a_bad_label_can_be_turned_into_the_worst(slices, quick):
    with pytest.warns(TrainingWarning, match=r"The failure was: The 'membrane_label' parameter"):
        quick(membrane_label="dark", on_failure="worst").fit(*slices)


def test_what_needs_a_validation_part_says_so(slices, quick):
    with pytest.warns(TrainingWarning, match=r"early_stopping and threshold had no effect: the"):
        quick(validation_fraction=0, early_stopping=True, threshold="dice").fit(*slices)


def test_memory_for_not_even_the_network(slices, quick, monkeypatch):
    def fail(config):
        raise MemoryError("RESOURCE_EXHAUSTED")

    monkeypatch.setattr("membseg.networks.build_unet", lambda **config: fail(config))
    message = "There is too little memory for a network of depth=1 and base_filters=4. Lower"
    with pytest.raises(OutOfMemoryError, match=re.escape(message)):
        quick().fit(*slices)


def test_everything_ignored(slices, quick):
    X, y = slices
    with pytest.raises(InvalidInputError, match=r"every pixel has the ignore_label \(1\)"):
        quick(ignore_label=1).fit(X, y * 0 + 1)


def test_validation_masks_of_other_values(slices, quick):
    X, y = slices
    message = "validation_data[1] must hold only the values seen in fit, [0, 1]"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        quick().fit(X[:3], y[:3], validation_data=(X[3:], 255 * y[3:]))


def test_wrong_channels_at_predict(fitted, slices):
    X, _ = slices
    message = "X must have 1 channel(s), as in fit; got 3"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        fitted.predict(np.stack([X] * 3, axis=-1))


def test_tile_too_small_for_the_network(slices, quick):
    X, y = slices
    with pytest.raises(InvalidInputError, match=r"tile_size must be at least \d+ px for this"):
        quick(tile_size=16).fit(X, y)
    segmenter = quick().fit(X, y).set_params(tile_size=16)
    with pytest.raises(InvalidInputError, match="tile_size must be at least"):
        segmenter.predict(X)


def test_constant_image_is_named(slices, quick):
    X, y = slices
    with pytest.warns(DataWarning, match=r"hold one constant value \(number 2\)"):
        segmenter = quick().fit(swap(X, 2, 7), y)
    with pytest.warns(DataWarning, match=r"hold one constant value \(number 0\)"):
        assert np.isfinite(segmenter.decision_function(np.full((1, 32, 32), 3))).all()


def test_inverted_polarity_is_suspected(slices, quick):
    X, y = slices
    with pytest.warns(DataWarning, match="cell and membrane are likely swapped"):
        quick().fit(X, 1 - y)


def test_a_loss_that_blows_up(slices, quick):
    X, y = slices
    with pytest.raises(TrainingError, match=r"The training loss became (nan|inf) at step"):
        quick(learning_rate=1e25, epochs=5, steps_per_epoch=50).fit(X, y)


def test_warm_start_with_another_network(slices, quick):
    segmenter = quick(warm_start=True).fit(*slices)
    with pytest.raises(InvalidInputError, match="warm_start=True needs the network of the last"):
        segmenter.set_params(base_filters=6).fit(*slices)
