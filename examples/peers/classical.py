"""The classical Keras recipe for this data, as it is repeated in countless tutorials.

A U-Net of 64 filters and four poolings, up-sampling followed by a 2 x 2 convolution, dropout of 0.5
at the two lowest levels, two ReLU channels before the sigmoid, float32; whole slices resized to
256 x 256 and divided by 255; batches of two with small rotations, shifts, shears, zooms and
mirror images; Adam with learning rate 1e-4 on binary cross-entropy with the cells as the class 1;
the maps resized back. Written from that description; the widely known code is zhixuhao/unet.
"""

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.transform import resize

from peers.trained import Clock, Trained

#: Side to which slices are resized.
SIDE = 256

#: Ranges of the augmentation: degrees of rotation and shear (the recipe has 0.2 and 0.05 there,
#: which is next to nothing), shares of the side, zoom.
_ROTATION, _SHEAR, _SHIFT, _ZOOM = 0.2, 0.05, 0.05, 0.05


def build_classical_unet(base_filters: int = 64, seed: int = 0) -> Any:
    """Build and compile the network: (n, height, width, 1) to probabilities of the same shape."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    policy = "float32"

    def conv(x: Any, filters: int, size: int = 3) -> Any:
        return layers.Conv2D(
            filters, size, padding="same", activation="relu", kernel_initializer="he_normal",
            dtype=policy,
        )(x)  # fmt: skip

    inputs = keras.Input((None, None, 1))
    x, bridges = inputs, []
    for level in range(4):
        x = conv(conv(x, base_filters * 2**level), base_filters * 2**level)
        if level == 3:
            x = layers.Dropout(0.5)(x)
        bridges.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.5)(conv(conv(x, base_filters * 16), base_filters * 16))
    for level in reversed(range(4)):
        filters = base_filters * 2**level
        x = conv(layers.UpSampling2D()(x), filters, 2)
        x = layers.Concatenate()([bridges[level], x])
        x = conv(conv(x, filters), filters)
    x = conv(x, 2)
    network = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", dtype=policy)(x))
    network.compile(keras.optimizers.Adam(1e-4), loss="binary_crossentropy")
    return network


def draw_batch(
    images: np.ndarray, cells: np.ndarray, batch: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole slices, moved a little.

    Parameters
    ----------
    images, cells : ndarray of shape (n, side, side), float32
        Slices, and 1 at cells.
    batch : int
        How many.
    rng : Generator
        Where the chance comes from.

    Returns
    -------
    (ndarray of shape (batch, side, side, 1), ndarray of the same shape), float32
        Moved slices, and their masks of 0 and 1.
    """
    side = images.shape[-1]
    pairs = []
    for number in rng.integers(len(images), size=batch):
        angle, shear = np.deg2rad(rng.uniform(-1, 1, 2) * (_ROTATION, _SHEAR))
        zoom = 1 + rng.uniform(-_ZOOM, _ZOOM, 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.array([[1, -np.sin(shear)], [0, np.cos(shear)]]) @ np.diag(zoom)
        centre = (side - 1) / 2
        offset = centre - matrix @ np.full(2, centre) + rng.uniform(-_SHIFT, _SHIFT, 2) * side
        mirrored = rng.random() < 0.5
        pair = [
            ndimage.affine_transform(plane[number], matrix, offset, order=1, mode="nearest")
            for plane in (images, cells)
        ]
        pairs.append([plane[:, ::-1] if mirrored else plane for plane in pair])
    x, y = (np.stack(planes)[..., np.newaxis] for planes in zip(*pairs, strict=True))
    return x, (y > 0.5).astype(np.float32)


def train(
    X: np.ndarray,
    y: np.ndarray,
    *,
    time_limit: float,
    seed: int,
    base_filters: int = 64,
    batch: int = 2,
) -> Trained:
    """Train as the recipe says until the clock ends it; see :func:`peers.own.train`."""
    import keras

    rng = np.random.default_rng(seed)
    clock = Clock(time_limit)
    images = _shrink(X)
    cells = np.stack(
        [resize((~mask).astype(np.float32), (SIDE, SIDE), anti_aliasing=True) for mask in y]
    )
    network = build_classical_unet(base_filters, seed)
    n_steps = 0
    while clock.has_time():
        network.train_on_batch(*draw_batch(images, cells, batch, rng))
        n_steps += 1
    seconds = clock.seconds

    def predict(stack: np.ndarray, views: str) -> np.ndarray:
        maps = [
            1
            - keras.ops.convert_to_numpy(network.predict_on_batch(small[None, ..., None]))[
                0, ..., 0
            ]
            for small in _shrink(stack)
        ]
        large = [resize(small, stack.shape[1:], order=1) for small in maps]
        return np.clip(np.stack(large), 0, 1).astype(np.float32)

    details = {
        "backend": keras.backend.backend(),
        "n_parameters": int(network.count_params()),
        "dtype": "float32",
        "batch": batch,
    }
    return Trained(predict, ("none",), 0.5, seconds, n_steps, details)


def _shrink(stack: np.ndarray) -> np.ndarray:
    """Resize slices to 256 x 256 and divide by 255, float32."""
    scaled = stack.astype(np.float32) / 255
    return np.stack([resize(image, (SIDE, SIDE), anti_aliasing=True) for image in scaled])
