"""The graph that is exported: from pixels of any size to membrane probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from membseg.exceptions import InvalidInputError
from membseg.export._normalise import normalise_images
from membseg.export._source import Source, open_segmenter
from membseg.segmenters._prediction import MARGIN_FACTORS

#: What the graph may give.
OUTPUTS = ("probability", "logits")

#: The name of its input.
INPUT = "image"


@dataclass(frozen=True)
class ExportedGraph:
    """A function on tensors, and what its user must know.

    Attributes
    ----------
    function : callable
        From images, float32, to maps of the same height and width, float32, with one channel.
    shape : tuple of int or None
        Shape of the images; None where it is open.
    output : {"probability", "logits"}
        What it gives, and the name of that.
    network : keras.Model
        Holds the weights.
    metadata : dict
        Plain values for JSON: classes, threshold, normalisation, halo, ...
    """

    function: Callable[[Any], Any]
    shape: tuple[int | None, ...]
    output: str
    network: Any
    metadata: dict[str, Any]

    def traced(self) -> Any:
        """Give it as a function of TensorFlow's, from the image to {name of the output: map}."""
        import tensorflow as tf

        signature = [tf.TensorSpec(self.shape, tf.float32, name=INPUT)]
        return tf.function(
            lambda image: {self.output: self.function(image)},
            input_signature=signature,
            autograph=False,
        )


def build_graph(
    segmenter: Any,
    *,
    normalise: bool = True,
    output: str = "probability",
    channels_first: bool = False,
    size: tuple[int, int] | None = None,
) -> ExportedGraph:
    """Build the graph of a fitted segmenter.

    It does in float32 what `predict_proba` does with ``tta="none"``: the image is normalised as a
    whole, continued by reflection to a size that the network takes, and the map is cut to the
    image's size.

    Parameters
    ----------
    segmenter : segmenter
        As for :func:`open_segmenter`.
    normalise : bool, default=True
        Whether the graph takes pixels as they are; else they must be normalised.
    output : {"probability", "logits"}, default="probability"
        What the graph gives.
    channels_first : bool, default=False
        Whether images and maps are (n, channels, height, width).
    size : tuple (height, width) or None, default=None
        The one size of images, one at a time; None: any size and number of images.

    Returns
    -------
    ExportedGraph
        The graph.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter or an option cannot be used.
    """
    if output not in OUTPUTS:
        raise InvalidInputError(
            f"output must be one of {', '.join(map(repr, OUTPUTS))}; got {output!r}."
        )
    source = open_segmenter(segmenter)
    lengths: tuple[int | None, ...] = (None, None, None) if size is None else (1, *size)
    n, height, width = lengths
    channels = source.n_channels
    last, first = (n, height, width, channels), (n, channels, height, width)
    axes = "n, channels, height, width" if channels_first else "n, height, width, channels"
    return ExportedGraph(
        function=_function(source, normalise, output, channels_first),
        shape=first if channels_first else last,
        output=output,
        network=source.network,
        metadata=source.describe()
        | {"normalised_inside": bool(normalise), "output": output, "axes": axes},
    )


def _function(
    source: Source, normalise: bool, output: str, channels_first: bool
) -> Callable[[Any], Any]:
    from keras import ops

    def function(images: Any) -> Any:
        if channels_first:
            images = ops.transpose(images, (0, 2, 3, 1))
        if normalise:
            images = normalise_images(images, source.intensity_norm, source.intensity)
        maps = _padded(source.network, images, source.factor)
        for curve in source.curves:
            maps = curve(maps)
        if output == "probability":
            maps = ops.sigmoid(maps)
        # One channel: nothing has to be moved.
        return ops.transpose(maps, (0, 3, 1, 2)) if channels_first else maps

    return function


def _padded(network: Any, images: Any, factor: int) -> Any:
    """Apply a network to images of any size, continued by reflection as `predict` does it."""
    from keras import ops

    margin = MARGIN_FACTORS * factor
    _, height, width, _ = ops.shape(images)
    extended = _extend(_extend(images, 1, height, factor, margin), 2, width, factor, margin)
    logits = network(extended, training=False)
    return logits[:, margin : margin + height, margin : margin + width]


def _extend(images: Any, axis: int, length: Any, factor: int, margin: int) -> Any:
    """Continue one axis by reflection: a margin before and behind, up to a multiple of the factor.

    The same pixels as those of :func:`membseg.inference.clip_window`.
    """
    from keras import ops

    extended = (length + 2 * margin + factor - 1) // factor * factor
    # From -margin on, but for whole periods: some converters take remainders of negative numbers
    # differently.
    start = margin * (2 * length - 1)
    places = (start + ops.arange(extended, dtype="int32")) % (2 * length)
    return ops.take(images, ops.minimum(places, 2 * length - 1 - places), axis=axis)
