"""Which images a segmenter has seen."""

import hashlib

import numpy as np

from membseg.utils._images import ImageStack

#: Rows that are looked at: enough to tell slices apart, few enough for images in files.
_N_ROWS = 4


def image_keys(stack: ImageStack) -> list[str]:
    """Give a short key for each image, the same for the same pixels of any dtype.

    Parameters
    ----------
    stack : ImageStack
        Images; only four rows of each are read.

    Returns
    -------
    list of str
        A key an image; of images with other pixels it differs, unless these four rows agree.
    """
    return [_key(image) for image in stack.images]


def _key(image: np.ndarray) -> str:
    found = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    height = image.shape[0]
    for row in sorted({(2 * k + 1) * height // (2 * _N_ROWS) for k in range(_N_ROWS)}):
        pixels = np.asarray(image[row : row + 1, :], dtype=np.float64)
        found.update(np.ascontiguousarray(pixels).tobytes())
    return found.hexdigest()
