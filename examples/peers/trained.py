"""What every peer hands back, and what several of them do in the same way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Names of the test-time views in tables.
VIEW_NAMES = {"none": "one view", "d4": "eight views"}


@dataclass(frozen=True)
class Trained:
    """A trained peer.

    Attributes
    ----------
    predict : callable
        From (images of shape (n, height, width), views) to maps of membrane probability,
        (n, height, width) float32.
    views : tuple of str
        What may be asked for: "none", "d4".
    threshold : float
        The peer's own fixed threshold.
    seconds : float
        Wall clock of the training, compiling counted, imports not.
    n_steps : int
        Training steps; trees, for the forest.
    details : dict
        What else is worth keeping, plain values.
    """

    predict: Callable[[np.ndarray, str], np.ndarray]
    views: tuple[str, ...]
    threshold: float
    seconds: float
    n_steps: int
    details: dict[str, Any] = field(default_factory=dict)


class Clock:
    """Says whether there is time for one more step.

    Parameters
    ----------
    limit : float
        Seconds from now on.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.start = self._last = time.perf_counter()
        self._steps: list[float] = []

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def has_time(self) -> bool:
        """Tell whether another step ends in time; call it once before each step."""
        now = time.perf_counter()
        self._steps.append(now - self._last)
        self._last = now
        # The first step compiles and would forbid others; the first entry is no step at all.
        usual = float(np.median(self._steps[2:])) if len(self._steps) > 2 else 0.0
        return self.seconds + usual < self.limit or len(self._steps) == 1


def standardise(images: np.ndarray) -> np.ndarray:
    """Bring each image to mean 0 and variance 1, float32."""
    pixels = images.astype(np.float32)
    mean = pixels.mean(axis=(1, 2), keepdims=True)
    return (pixels - mean) / np.maximum(pixels.std(axis=(1, 2), keepdims=True), 1e-6)


def draw_patch(
    image: np.ndarray, mask: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a random square of an image and its mask, in one of the eight views of a square."""
    row, column = (int(rng.integers(length - size + 1)) for length in image.shape)
    turns, flipped = int(rng.integers(4)), bool(rng.integers(2))
    window = np.s_[row : row + size, column : column + size]
    views = (np.rot90(stack[window], turns) for stack in (image, mask))
    x, y = (view[:, ::-1] if flipped else view for view in views)
    return x, y


def mean_over_views(
    predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray, views: str
) -> np.ndarray:
    """Average a prediction over one view ("none") or the eight of a square ("d4")."""
    if views == "none":
        return predict(image)
    total = np.zeros(image.shape, np.float32)
    for turns in range(4):
        for flipped in (False, True):
            view = np.rot90(image, turns)
            view = view[:, ::-1] if flipped else view
            answer = predict(np.ascontiguousarray(view))
            answer = answer[:, ::-1] if flipped else answer
            total += np.rot90(answer, -turns)
    return total / 8
