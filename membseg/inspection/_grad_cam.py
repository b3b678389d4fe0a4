"""Where a layer's channels speak for a region."""

from typing import Any

import numpy as np
from skimage.transform import resize

from membseg.exceptions import InvalidInputError
from membseg.inspection._gradients import differentiate
from membseg.inspection._subject import Frame, open_subject
from membseg.segmenters._prediction import KERAS_LOCK


def grad_cam(segmenter: Any, X: Any, layer: str | None = None, *, region: Any = None) -> Any:
    """Weigh the channels of a layer by how much they speak for a region, and add them up.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network, as for :func:`input_gradients`.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    layer : str or None, default=None
        Name of a layer of the network. None: the last one of the coarsest, where a channel stands
        for most. A name that does not exist is refused with the list of those that do.
    region : None, (row, column) or array-like of bool, default=None
        Whose logits, as for :func:`input_gradients`.

    Returns
    -------
    ndarray of shape (n_images, height, width), float32, or list of (height, width) arrays
        Zero or more, in logits, enlarged to the size of the image: where the layer says what speaks
        for membrane in the region. A map's scale means little between layers.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, there is no such layer, or `X` or `region` cannot be used.
    NotFittedError
        Before fit.

    Notes
    -----
    A channel's weight is the mean over the layer's pixels of the derivative of the region's mean
    logit, times the number of pixels; so it says what raising the whole channel would do, wherever
    the region is.

    References
    ----------
    Selvaraju et al. (2017), "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", ICCV, arXiv 1610.02391. Vinogradova, Dibrov and Myers (2020), "Towards
    Interpretable Semantic Segmentation via Gradient-Weighted Class Activation Mapping", AAAI,
    arXiv 2002.11434.

    Examples
    --------
    >>> from membseg import UNetSegmenter, grad_cam, make_membranes
    >>> X, y = make_membranes(1, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> grad_cam(net, X, region=(16, 16)).shape
    (1, 32, 32)
    """
    subject = open_subject(segmenter, X, region)
    name = _choose_layer(subject.network, layer)
    with KERAS_LOCK:
        activations, tapped = _tap(subject.network, name)

    def explain(i: int, frame: Frame) -> np.ndarray:
        seen, weights = frame.extend(frame.pixels), frame.place(subject.weights[i])
        with KERAS_LOCK:
            active = _as_array(activations(seen, training=False))
            nothing = np.zeros_like(active)
            _, gradient = differentiate(tapped, [seen, nothing], weights, at=1)
        importance = gradient[0].sum(axis=(0, 1), dtype=np.float64)
        coarse = np.maximum((active[0] * importance).sum(axis=-1), 0)
        return resize(coarse, weights.shape, order=1, mode="edge")[frame.inside].astype(np.float32)

    return subject.each(explain)


def list_layers(network: Any) -> dict[str, int]:
    """Give the layers whose channels lie on a grid, in order, and how many pixels these have."""
    import keras

    # A size that any network of the package can take, so that all grids can be compared.
    size = (1, 256, 256, network.input_shape[-1])
    layers = [
        layer
        for layer in network.layers
        if not isinstance(layer, keras.layers.InputLayer)
        and not isinstance(layer.output, list | tuple)
        and len(layer.output.shape) == 4
    ]
    shapes = keras.Model(network.inputs, [x.output for x in layers]).compute_output_shape(size)
    if len(layers) == 1:
        shapes = [shapes]
    return {x.name: int(s[1] * s[2]) for x, s in zip(layers, shapes, strict=True)}


def _choose_layer(network: Any, layer: str | None) -> str:
    pixels = list_layers(network)
    if layer is None:
        # Not of one pixel: such layers look at the whole image and know no place.
        coarsest = min(n for n in pixels.values() if n > 1)
        return [name for name, n in pixels.items() if n == coarsest][-1]
    if layer not in pixels:
        raise InvalidInputError(
            f"layer must be a layer of the network with channels on a grid; got {layer!r}. It has "
            f"{', '.join(pixels)}."
        )
    return layer


def _tap(network: Any, name: str) -> tuple[Any, Any]:
    """Give the network up to a layer; and the whole, with an input that is added behind it."""
    import keras

    image = keras.Input(network.input_shape[1:], dtype="float32")
    shape = network.get_layer(name).output.shape[1:]
    change = keras.Input(shape, dtype="float32")
    found: list[Any] = []

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        output = layer(*arguments, **options)
        if getattr(layer, "name", None) != name:
            return output
        found.append(output)
        return keras.layers.Add(dtype="float32")([output, change])

    # The very layers, called once more; what is added must be an input of what is cloned as well.
    both = keras.Input(shape, dtype="float32")
    unchanged = keras.layers.Identity(dtype="float32")(both)
    wide = keras.Model([network.inputs[0], both], [network.outputs[0], unchanged])
    whole = keras.models.clone_model(
        wide, input_tensors=[image, change], clone_function=lambda layer: layer, call_function=call
    )
    return keras.Model(image, found[0]), keras.Model([image, change], whole.outputs[0])


def _as_array(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))
