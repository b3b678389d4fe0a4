"""What a fit will cost, from two measured steps."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Copies of every activation that a training step holds: forward, gradient, and the library's
#: own work space.
_COPIES = 3


@dataclass(frozen=True)
class CostEstimate:
    """What to expect of a fit.

    Attributes
    ----------
    n_parameters : int
        Weights of the network.
    memory_bytes : int
        Memory of training, in bytes: weights, their gradients and moments, activations of one
        batch. The interpreter and the libraries come on top.
    n_steps : int or None
        Training steps; None where the clock decides.
    seconds : float
        Time of the fit, in seconds, on this machine.
    predict_seconds_per_image : float
        Time to predict one image of the given size, in seconds.

    Examples
    --------
    >>> from membseg import UNetSegmenter, make_membranes
    >>> X, y = make_membranes(2, 64, 64, random_state=0)
    >>> UNetSegmenter(depth=1, base_filters=2, max_steps=10).estimate_cost(X, y).n_steps
    10
    """

    n_parameters: int
    memory_bytes: int
    n_steps: int | None
    seconds: float
    predict_seconds_per_image: float


def measure_cost(
    network: Any,
    *,
    layer_shapes: list[tuple[int, ...]],
    batch_shape: tuple[int, ...],
    n_steps: int | None,
    time_limit: float | None,
    pixels_per_image: float,
    n_views: int,
) -> CostEstimate:
    """Time one training and one prediction step of a compiled network and scale them up.

    Parameters
    ----------
    network : keras.Model
        Compiled; its weights are changed.
    layer_shapes : list of tuple of int
        Shape of every layer's output for one batch.
    batch_shape : tuple of int
        (batch_size, patch_size, patch_size, channels).
    n_steps : int or None
        Steps of the fit; None where `time_limit` decides.
    time_limit : float or None
        Limit of the fit, in seconds.
    pixels_per_image : float
        Mean number of pixels of an image.
    n_views : int
        Test-time views.

    Returns
    -------
    CostEstimate
        The estimate.
    """
    x = np.zeros(batch_shape, dtype=np.float32)
    y = np.ones((*batch_shape[:3], 2), dtype=np.float32)
    step_seconds = _seconds(lambda: network.train_on_batch(x, y))
    pass_seconds = _seconds(lambda: network.predict_on_batch(x))
    n_parameters = network.count_params()
    activations = sum(int(np.prod(shape)) for shape in layer_shapes)
    seconds = float(time_limit) if n_steps is None and time_limit else step_seconds * (n_steps or 0)
    pixels = batch_shape[0] * batch_shape[1] * batch_shape[2]
    return CostEstimate(
        n_parameters=n_parameters,
        memory_bytes=4 * (4 * n_parameters + _COPIES * activations),
        n_steps=n_steps,
        seconds=seconds,
        predict_seconds_per_image=pass_seconds * n_views * pixels_per_image / pixels,
    )


def _seconds(call: Any) -> float:
    """Time a call, the fastest of two, after one that compiles."""
    call()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
