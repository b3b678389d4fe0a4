"""Pixels and their neighbours."""

from collections.abc import Iterator

import numpy as np

#: Membranes are connected over corners, since cells are over edges only.
EIGHT = np.ones((3, 3), dtype=bool)


def neighbours(*images: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Give, for rows and then for columns, each image's pixels and those that follow them.

    Views of (first image's pixels, their followers, second image's pixels, ...).
    """
    yield tuple(part for image in images for part in (image[:-1], image[1:]))
    yield tuple(part for image in images for part in (image[:, :-1], image[:, 1:]))
