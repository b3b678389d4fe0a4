"""A Keras network as the plain function that prediction wants."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from membseg.losses import PixelLoss


def compile_network(network: Any, *, loss: str, weight_decay: float) -> None:
    """Give a network its optimizer and loss.

    Parameters
    ----------
    network : keras.Model
        Changed in place.
    loss : str
        A name or a sum, as :func:`membseg.losses.parse_loss` reads it.
    weight_decay : float
        Decoupled weight decay of AdamW.
    """
    optimizer = keras.optimizers.AdamW(weight_decay=weight_decay)
    # Built here, since variables that are made inside the traced step are traced twice: half the
    # time to the first step, and half the memory that TensorFlow never gives back.
    optimizer.build(network.trainable_variables)
    network.compile(optimizer=optimizer, loss=PixelLoss(loss))


def network_function(network: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Wrap a network as a function from pixels to logits.

    Parameters
    ----------
    network : keras.Model
        Returns logits of shape (n, height, width, 1).

    Returns
    -------
    callable
        From (n, height, width, channels) float32 to (n, height, width) float32.
    """

    def function(batch: np.ndarray) -> np.ndarray:
        logits = network.predict_on_batch(batch)
        return keras.ops.convert_to_numpy(logits).astype(np.float32)[..., 0]

    return function


def layer_shapes(network: Any, batch_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Give the shape of every layer's output for one batch.

    Parameters
    ----------
    network : keras.Model
        Functional, with open height and width.
    batch_shape : tuple of int
        (n, height, width, channels).

    Returns
    -------
    list of tuple of int
        One shape a layer.
    """
    every_layer = keras.Model(network.inputs, [layer.output for layer in network.layers])
    return [tuple(shape) for shape in every_layer.compute_output_shape(batch_shape)]
