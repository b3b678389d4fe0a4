"""What tells images, and predictions, from others."""

import hashlib
from typing import Any

import numpy as np

from membseg.utils._lazy import iterate_blocks


def image_fingerprint(image: Any) -> str:
    """Hash all pixels of an image; the same for the same values of any dtype.

    Parameters
    ----------
    image : ndarray or LazyImage of shape (height, width, channels)
        The image; one in a file is read in pieces.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    found = hashlib.sha256(repr(tuple(int(n) for n in image.shape)).encode())
    for block in iterate_blocks(image):
        # Adding nothing makes one of the two zeros.
        found.update((np.ascontiguousarray(block, dtype="<f8") + 0.0).tobytes())
    return found.hexdigest()


def mask_fingerprint(membrane: np.ndarray) -> str:
    """Hash a mask, whatever its values: it is True at membrane.

    Parameters
    ----------
    membrane : ndarray of shape (height, width), bool
        The mask.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    return image_fingerprint(membrane[..., np.newaxis])
