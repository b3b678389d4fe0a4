"""Derivatives of a network's logits, whichever backend Keras runs on."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError


def differentiate(
    network: Any, inputs: list[np.ndarray], weights: np.ndarray, *, at: int = 0
) -> tuple[float, np.ndarray]:
    """Give a weighted sum of logits, and its derivative by every value of one input.

    Parameters
    ----------
    network : keras.Model
        Gives logits of shape (1, height, width, 1).
    inputs : list of ndarray
        What the network takes, one array an input, float32.
    weights : ndarray of shape (height, width), float32
        How much each logit counts.
    at : int
        The input that is differentiated by.

    Returns
    -------
    value : float
        The sum.
    gradient : ndarray, float32
        Of the shape of that input; zero where it does not matter.

    Raises
    ------
    InvalidInputError
        If Keras runs on a backend that does not differentiate.
    """
    import keras

    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise InvalidInputError(
            f"Gradients need one of Keras's backends {', '.join(sorted(_BACKENDS))}; this process "
            f"runs {backend!r}. Save the segmenter, start Python with KERAS_BACKEND=tensorflow "
            "and load it there."
        )
    return _BACKENDS[backend](network, inputs, weights, at)


def _call(network: Any, tensors: list[Any]) -> Any:
    logits = network(tensors if len(tensors) > 1 else tensors[0], training=False)
    return logits[0, ..., 0]


def _tensorflow(
    network: Any, inputs: list[np.ndarray], weights: np.ndarray, at: int
) -> tuple[float, np.ndarray]:
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(array) for array in inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors[at])
        value = tf.reduce_sum(_call(network, tensors) * weights)
    nothing = tf.UnconnectedGradients.ZERO
    gradient = tape.gradient(value, tensors[at], unconnected_gradients=nothing)
    return float(value), gradient.numpy()


def _jax(
    network: Any, inputs: list[np.ndarray], weights: np.ndarray, at: int
) -> tuple[float, np.ndarray]:
    import jax

    tensors = [jax.numpy.asarray(array) for array in inputs]

    def value_of(one: Any) -> Any:
        logits = _call(network, [*tensors[:at], one, *tensors[at + 1 :]])
        return (logits * weights).sum()

    value, gradient = jax.value_and_grad(value_of)(tensors[at])
    return float(value), np.array(gradient)


def _torch(
    network: Any, inputs: list[np.ndarray], weights: np.ndarray, at: int
) -> tuple[float, np.ndarray]:
    import keras
    import torch

    tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
    tensors[at] = tensors[at].detach().requires_grad_(True)
    # Keras may have switched the recording of gradients off in this thread.
    with torch.enable_grad():
        value = (_call(network, tensors) * keras.ops.convert_to_tensor(weights)).sum()
        (gradient,) = torch.autograd.grad(value, tensors[at], allow_unused=True)
    if gradient is None:
        return float(value.detach()), np.zeros_like(inputs[at])
    return float(value.detach()), keras.ops.convert_to_numpy(gradient)


_BACKENDS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
