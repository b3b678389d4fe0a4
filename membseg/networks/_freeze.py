"""The first levels of a network, kept as they are while the others learn."""

from typing import Any

import keras

from membseg.exceptions import InvalidInputError
from membseg.networks._reach import inputs_of, output_of

#: Side of the image, in pixels, whose way through the network tells the resolution of each layer.
#: A multiple of the downsampling of any network that people train.
_SIDE = 2**10 * 3


def freeze_levels(network: Any, n_levels: int) -> None:
    """Freeze the first levels of a network.

    A level is what works at one resolution on the way down: layers belong to the coarsest
    resolution that is on their way from the image, so that the way up belongs to the last level.

    Parameters
    ----------
    network : keras.Model
        Functional, with open height and width. ``trainable`` of these layers becomes False; others
        stay as they are.
    n_levels : int
        Levels to freeze, from 0 to one less than there are.

    Raises
    ------
    InvalidInputError
        If `n_levels` is as many as the network has, or more.

    Examples
    --------
    >>> from membseg.networks import build_unet, freeze_levels
    >>> unet = build_unet(depth=2, base_filters=4)
    >>> freeze_levels(unet, 1)
    >>> [layer.name for layer in unet.layers if layer.weights and not layer.trainable]
    ['down0_conv0', 'down0_conv1']
    """
    if n_levels == 0:
        return
    levels = _levels(network)
    found = sorted(set(levels.values()))
    if n_levels >= len(found):
        raise InvalidInputError(
            f"freeze_depth must be from 0 to {len(found) - 1} for this network of {len(found)} "
            f"levels, so that something is left to learn; got {n_levels}."
        )
    frozen = set(found[:n_levels])
    for layer in network.layers:
        if levels.get(layer.name) in frozen:
            layer.trainable = False


def _levels(network: Any) -> dict[str, float]:
    """Tell, for each layer with weights, the coarsest resolution between it and the image.

    In pixels of the image from one place of the layer's output to the next.
    """
    operations = network.operations
    outputs = [output_of(op) for op in operations]
    every_output = keras.Model(network.inputs, outputs)
    shapes = every_output.compute_output_shape((1, _SIDE, _SIDE, network.inputs[0].shape[-1]))
    # Identity of each tensor -> coarsest resolution so far.
    coarsest: dict[int, float] = {}
    levels = {}
    for op, output, shape in zip(operations, outputs, shapes, strict=True):
        before = [coarsest[id(t)] for t in inputs_of(op) if id(t) in coarsest]
        coarsest[id(output)] = max([*before, _resolution(shape)])
        if getattr(op, "weights", []):
            levels[op.name] = coarsest[id(output)]
    return levels


def _resolution(shape: tuple[int, ...]) -> float:
    # One number for the whole image has no resolution.
    return _SIDE / shape[1] if len(shape) == 4 and shape[1] > 1 else 0.0
