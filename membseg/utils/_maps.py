"""Small things that are done to maps: stacks of them, or lists where images differ in size."""

from collections.abc import Callable
from typing import Any

import numpy as np

#: Probabilities stay between these, whose logits are -20 and 16.6: float32 has no number closer
#: to 1.
LEAST, MOST = 2e-9, 1 - 6e-8


def each(function: Callable[..., Any], *maps: Any, **options: Any) -> Any:
    """Apply a function to stacks of maps, or image by image to lists of them."""
    if isinstance(maps[0], list):
        return [function(*images, **options) for images in zip(*maps, strict=True)]
    return function(*maps, **options)


def logit(probability: Any) -> Any:
    """Logit that stays finite, in the dtype of the probabilities."""
    kind = np.asarray(probability).dtype.type
    inside = np.clip(probability, kind(LEAST), kind(MOST))
    return np.log(inside) - np.log1p(-inside)
