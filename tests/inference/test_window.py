"""Windows beyond an image are what np.pad makes of it, and read no more than they need."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.inference import read_window


class Recorder:
    """An array that remembers which windows were read."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape = pixels.shape
        self.seen = []

    def __getitem__(self, key):
        self.seen.append(key)
        return self.pixels[key]


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_windows_are_cuts_of_the_reflected_image(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 99, (height, width, 2))
    padded = np.pad(image, [(20, 20), (20, 20), (0, 0)], mode="symmetric")
    (top, bottom), (left, right) = np.sort(rng.choice(30, (2, 2), replace=False))
    window = read_window(image, slice(top - 20, bottom - 20), slice(left - 20, right - 20))
    np.testing.assert_array_equal(window, padded[top:bottom, left:right])


def test_only_the_window_is_read():
    image = Recorder(np.arange(10000).reshape(100, 100, 1))
    read_window(image, slice(-4, 12), slice(90, 104))
    assert image.seen == [(slice(0, 12), slice(90, 100))]
    read_window(image, slice(30, 40), slice(50, 60))
    assert image.seen[1] == (slice(30, 40), slice(50, 60))
