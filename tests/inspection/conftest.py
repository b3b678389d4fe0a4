"""Small slices, and networks of which everything is known."""

import pytest

from membseg import KerasSegmenter, UNetSegmenter, make_membranes


@pytest.fixture(scope="session")
def stack():
    """Three synthetic slices, 48 x 40 px, and their masks."""
    return make_membranes(3, 48, 40, random_state=0)


@pytest.fixture(scope="session")
def net(stack):
    """A small U-Net of half resolution that has hardly learnt; not to be changed."""
    options = {"depth": 1, "base_filters": 4, "stem_stride": 2, "initial_weights": "random"}
    return UNetSegmenter(
        **options, max_steps=2, threshold=0.5, tta="none", precision="float32", random_state=0
    ).fit(*stack)


def build_linear(n_channels, seed=0):
    """A 3 x 3 convolution, whose derivatives are its kernel."""
    import keras

    image = keras.Input((None, None, n_channels))
    start = keras.initializers.HeNormal(seed=seed)
    layer = keras.layers.Conv2D(
        1, 3, padding="same", name="logits", kernel_initializer=start, dtype="float32"
    )
    return keras.Model(image, layer(image))


def build_ring(n_channels, seed=0):
    """Three 3 x 3 convolutions with ReLU in between."""
    import keras

    image = x = keras.Input((None, None, n_channels))
    for k, filters in enumerate((4, 4, 1)):
        x = keras.layers.Conv2D(
            filters, 3, padding="same", name=f"conv{k}", dtype="float32",
            activation="relu" if k < 2 else None,
            kernel_initializer=keras.initializers.HeNormal(seed=seed + k),
        )(x)  # fmt: skip
    return keras.Model(image, x)


def fit_own(build, X, y, **options):
    """Fit a network of one's own for two steps."""
    shared = {"max_steps": 2, "batch_size": 2, "threshold": 0.5, "tta": "none", "random_state": 0}
    return KerasSegmenter(build, **(shared | {"precision": "float32"} | options)).fit(X, y)


@pytest.fixture(scope="session")
def linear(stack):
    """A fitted network of one convolution; not to be changed."""
    return fit_own(build_linear, *stack)


@pytest.fixture(scope="session")
def ring(stack):
    """A fitted network of three convolutions; not to be changed."""
    return fit_own(build_ring, *stack)


@pytest.fixture(scope="session")
def linear_of_two(stack):
    """A convolution that sees two channels, and does not normalise them."""
    import numpy as np

    X, y = stack
    return fit_own(build_linear, np.stack([X, X[::-1]], axis=-1), y, intensity_norm="none")


@pytest.fixture(scope="session")
def kernel_of():
    """Give the kernel of a network of one convolution, (3, 3, channels)."""
    return lambda segmenter: segmenter.network_.get_weights()[0][..., 0]
