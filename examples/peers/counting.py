"""How many operations a convolutional network needs."""

from typing import Any


def layer_operations(network: Any, batch_shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """Count the floating-point operations of each convolution in a forward pass.

    Parameters
    ----------
    network : keras.Model
        Functional, channels last, with open height and width.
    batch_shape : tuple of int
        (n, height, width, channels).

    Returns
    -------
    list of dict
        "name"; "input_shape" of the batch at that layer; "flop": two for each multiplication
        and addition, biases and all layers without kernels not counted.

    Raises
    ------
    ValueError
        If a layer has a kernel and is neither a convolution nor a transposed one.
    """
    import keras

    layers = [layer for layer in network.layers if getattr(layer, "kernel", None) is not None]
    for layer in layers:
        if not isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
            raise ValueError(f"{layer.name} is a {type(layer).__name__}, which is not counted.")
    tensors = [tensor for layer in layers for tensor in (layer.input, layer.output)]
    shapes = iter(keras.Model(network.inputs, tensors).compute_output_shape(batch_shape))
    rows = []
    for layer in layers:
        before, after = next(shapes), next(shapes)
        # A kernel is applied at each pixel of a convolution's output, of a transposed one's input.
        transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        n, height, width = (before if transposed else after)[:3]
        size = 1
        for length in layer.kernel.shape:
            size *= int(length)
        rows.append(
            {
                "name": layer.name,
                "input_shape": [int(length) for length in before],
                "flop": 2 * n * height * width * size,
            }
        )
    return rows


def forward_flop(network: Any, batch_shape: tuple[int, ...]) -> int:
    """Count the floating-point operations of one forward pass of a batch."""
    return sum(row["flop"] for row in layer_operations(network, batch_shape))


def training_flop(network: Any, batch_shape: tuple[int, ...]) -> int:
    """Count those of one training step: forward, and the gradients of inputs and of kernels.

    The first layer needs no gradient of its input.
    """
    rows = layer_operations(network, batch_shape)
    return 3 * sum(row["flop"] for row in rows) - rows[0]["flop"]
