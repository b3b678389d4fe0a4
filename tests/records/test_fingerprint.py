"""Data are told apart image by image."""

import hashlib
import re

import numpy as np
import pytest

from membseg.exceptions import RecordError
from membseg.records._fingerprint import check_same_data, digest, fingerprint, short_digest

NAMES = ("X", "y")


def describe(X, y, classes=(0, 1), ignore_label=None):
    return fingerprint(X, y, classes=np.array(classes), ignore_label=ignore_label, names=NAMES)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(3, 8, 9), dtype=np.uint8), rng.integers(2, size=(3, 8, 9))


def test_numbers(data):
    X, y = data
    found = describe(X, y)
    assert found["n_images"] == 3
    assert found["sizes"] == [[8, 9]] * 3
    assert (found["dtype"], found["n_channels"]) == ("uint8", 1)
    assert found["membrane_fraction"] == y.mean()


def test_a_digest_is_that_of_shape_type_and_bytes(data):
    X, _ = data
    expected = hashlib.sha256(b"(8, 9, 1) |u1" + X[0].tobytes()).hexdigest()
    assert digest(X[0][..., np.newaxis]) == expected
    assert describe(*data)["images"][0] == expected


def test_lists_channels_and_order_in_memory_do_not_matter(data):
    X, y = data
    plain = describe(X, y)
    assert describe(list(X), list(y)) == plain
    assert describe(X[..., np.newaxis], y) == plain
    assert describe(np.asfortranarray(X), y) == plain


def test_masks_count_by_their_meaning(data):
    X, y = data
    plain = describe(X, y)
    assert describe(X, y.astype(bool)) == plain
    assert describe(X, 255 * y, classes=(0, 255)) == plain
    assert describe(X, 1 - y, classes=(1, 0)) == plain
    assert describe(X, 1 - y) != plain


def test_ignored_pixels_count(data):
    X, y = data
    partly = y.copy()
    partly[0, 0, 0] = 7
    found = describe(X, partly, ignore_label=7)
    assert found["masks"][0] != describe(X, y)["masks"][0]
    assert found["masks"][1:] == describe(X, y)["masks"][1:]


def test_the_image_that_differs_is_named(data):
    X, y = data
    recorded = describe(X, y)
    other = X.copy()
    other[1, 0, 0] += 1
    with pytest.raises(
        RecordError, match=r"X must be the images of the record; number 1 \(from 0\)"
    ):
        check_same_data(recorded, describe(other, y), NAMES)
    with pytest.raises(RecordError, match=r"y must be the masks of the record; number 0, 1, 2 \("):
        check_same_data(recorded, describe(X, 1 - y), NAMES)
    check_same_data(recorded, describe(X, y), NAMES)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda X: X[:2], "X must hold 3 images, as the record says; got 2."),
        (lambda X: X.astype(float), "X must hold uint8 pixels, as the record says; got float64."),
        (
            lambda X: np.stack([X, X], axis=-1),
            "X must hold 1 channel(s), as the record says; got 2.",
        ),
    ],
)
def test_what_differs_altogether_is_said(data, change, text):
    X, y = data
    changed = change(X)
    with pytest.raises(RecordError, match=re.escape(text)):
        check_same_data(describe(X, y), describe(changed, y[: len(changed)]), NAMES)


def test_many_differences_are_cut_short():
    X, y = np.zeros((8, 4, 4), np.uint8), np.zeros((8, 4, 4), int)
    with pytest.raises(RecordError, match=r"number 0, 1, 2, 3, 4, \.\.\. \(from 0\) of 8"):
        check_same_data(describe(X, y), describe(X + 1, y), NAMES)


def test_the_short_digest_is_of_images_and_masks(data):
    X, y = data
    first = short_digest(describe(X, y))
    assert len(first) == 12
    assert first != short_digest(describe(X, 1 - y))
    assert first == short_digest(describe(X, y))
