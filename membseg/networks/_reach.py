"""How far a network looks: its receptive field, found by walking through its layers."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatch
from typing import Any

import keras
import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.networks._atrous import AtrousConv2D
from membseg.networks._bilinear import BilinearUpsampling
from membseg.networks._heads import MeanOfHeads
from membseg.networks._recurrent import RecurrentConv2D
from membseg.networks._residual_gain import ResidualGain
from membseg.networks._spread import Spread
from membseg.networks._unpooling import MaxPlaces, MaxUnpooling

#: The first length, in steps of the downsampling, of the line that is followed through a network.
_FIRST_STEPS = 4

#: A line longer than this, in pixels, means a network that looks at everything.
_LONGEST = 2**16

#: Layers and operations that look at one pixel at a time (or, like batch normalisation, at
#: numbers that are fixed at prediction).
_POINTWISE = {
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization", "Rescaling"),
    *("Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Identity"),
    *("Divide", "TrueDivide", "Negative", "Absolute", "Clip", "Cast", "ActivityRegularization"),
    *("Relu", "Relu6", "Elu", "Gelu", "Silu", "Sigmoid", "HardSwish", "HardSigmoid", "Softplus"),
    *("Tanh", "Exp", "Log", "Sqrt", "Square"),
}


@dataclass(frozen=True)
class Reach:
    """How far a network looks.

    Attributes
    ----------
    radius : int
        Pixels beyond which the input cannot change a logit, rounded up to a multiple of `factor`.
        Layers that look at the whole field, such as global pooling, are left out.
    factor : int
        Total downsampling: height and width must be multiples of it.
    is_exact : bool
        Whether no layer looks at the whole field, so that tiles with a halo of `radius` give what
        the whole image gives.

    Examples
    --------
    >>> from membseg.networks import build_unet, network_reach
    >>> network_reach(build_unet(depth=1, base_filters=2))
    Reach(radius=10, factor=2, is_exact=True)
    """

    radius: int
    factor: int
    is_exact: bool


@dataclass(frozen=True)
class _Line:
    """One axis of a tensor: what each of its places sees of the input.

    Attributes
    ----------
    first, last : ndarray of shape (length,), float
        First and last pixel of the input; infinite where a place sees nothing of it.
    scale : Fraction
        Pixels of the input from one place to the next.
    factor : int
        Pixels that the input must be a multiple of, so far.
    exact : bool
        False once a layer has looked at the whole field.
    """

    first: np.ndarray
    last: np.ndarray
    scale: Fraction = Fraction(1)
    factor: int = 1
    exact: bool = True


def network_reach(network: Any) -> Reach:
    """Find out how far a network looks, from the windows, strides and rates of its layers.

    A line of pixels is followed through the graph, once along either axis: each place of each
    tensor knows the first and the last pixel that it depends on. Nothing is computed by the
    network.

    Parameters
    ----------
    network : keras.Model
        Functional, (n, height, width, channels) to (n, height, width, 1), channels last.

    Returns
    -------
    Reach
        Radius of the receptive field and total downsampling, in pixels, over both axes. Layers
        that are not known count as looking at the whole field.

    Raises
    ------
    InvalidInputError
        If the network is not functional, its output has another size than its input, or a layer
        is called twice.

    Examples
    --------
    >>> import keras
    >>> from membseg.networks import network_reach
    >>> image = keras.Input((None, None, 1))
    >>> x = keras.layers.Conv2D(4, 3, dilation_rate=6, padding="same")(image)
    >>> logits = keras.layers.Conv2D(1, 3, padding="same")(x)
    >>> network_reach(keras.Model(image, logits)).radius
    7
    """
    if not isinstance(network, keras.Model) or not hasattr(network, "operations"):
        raise InvalidInputError(
            "network must be a functional Keras model, keras.Model(inputs, outputs), whose layers "
            f"can be walked through; got a {type(network).__name__}."
        )
    axes = [_axis_reach(network, axis) for axis in (0, 1)]
    factor = math.lcm(*(found.factor for found in axes))
    radius = max(found.radius for found in axes)
    exact = all(found.is_exact for found in axes)
    return Reach(-(-radius // factor) * factor, factor, exact)


def _axis_reach(network: Any, axis: int) -> Reach:
    """Find radius (not rounded) and downsampling along one axis."""
    # A first line says the downsampling, and lines grow until their middle does not see their ends.
    factor = _follow(network, axis, 2**10).factor
    length = _FIRST_STEPS * factor
    while length <= _LONGEST:
        output = _follow(network, axis, length)
        if output.scale != 1 or len(output.first) != length:
            raise InvalidInputError(
                "network must return logits of the height and width of its input; got "
                f"{len(output.first)} for {length}. Pad convolutions with padding='same', and "
                "enlarge as often as you pool."
            )
        middle = np.arange(length // 2, length // 2 + factor)
        first, last = output.first[middle], output.last[middle]
        if first.min() > 0 and last.max() < length - 1:
            radius = max((middle - first).max(), (last - middle).max(), 0)
            return Reach(int(radius), factor, output.exact)
        length *= 2
    return Reach(_LONGEST // 2, factor, False)


def _follow(network: Any, axis: int, length: int) -> _Line:
    """Follow a line of pixels through a network."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise InvalidInputError(
            f"network must have one input and one output; got {len(network.inputs)} and "
            f"{len(network.outputs)}."
        )
    pixels = np.arange(length, dtype=float)
    return _follow_from(network, axis, _Line(pixels, pixels))


def _follow_from(network: Any, axis: int, line: _Line) -> _Line:
    """Give the line of the output from that of the input."""
    end = id(network.outputs[0])
    # Identity of each tensor -> its line.
    lines = {id(network.inputs[0]): line}
    waiting = [op for op in network.operations if id(output_of(op)) not in lines]
    while end not in lines:
        ready = [op for op in waiting if all(id(t) in lines for t in inputs_of(op))]
        if not ready:
            raise InvalidInputError(
                "network must call each layer once, so that its graph can be walked through; got "
                "one that is called again. Make one layer for each call."
            )
        for op in ready:
            lines[id(output_of(op))] = _seen(op, axis, [lines[id(t)] for t in inputs_of(op)])
        waiting = [op for op in waiting if id(output_of(op)) not in lines]
    return lines[end]


def inputs_of(op: Any) -> list[Any]:
    # The properties of the base: a model's own give the tensors inside of it.
    tensors = keras.Operation.input.fget(op)
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def output_of(op: Any) -> Any:
    return keras.Operation.output.fget(op)


# ------------------------------------------------------------------- what one layer looks at


@singledispatch
def _seen(op: Any, axis: int, lines: list[_Line]) -> _Line:
    """Give the line of a layer's output, from those of its inputs."""
    if type(op).__name__ in _POINTWISE:
        return _union(lines)
    return _whole_field(op, axis, lines)


def _union(lines: list[_Line]) -> _Line:
    """Give what pixels see that see several tensors at the same place."""
    # One place is there for all of another's. (Of lengths that do not fit, as in the line that
    # only finds the downsampling, the shorter holds.)
    wide = [line for line in lines if len(line.first) > 1] or lines
    length = min(len(line.first) for line in wide)
    first = [np.broadcast_to(line.first[:length], length) for line in lines]
    last = [np.broadcast_to(line.last[:length], length) for line in lines]
    return _Line(
        np.minimum.reduce(first),
        np.maximum.reduce(last),
        wide[0].scale,
        math.lcm(*(line.factor for line in lines)),
        all(line.exact for line in lines),
    )


def _whole_field(op: Any, axis: int, lines: list[_Line]) -> _Line:
    """Take a layer for one that looks everywhere, and leave that out."""
    line = _union(lines)
    length = len(line.first)
    n_outputs = length if len(lines) > 1 else _length_after(op, axis, length)
    if n_outputs == 1 < length:
        nothing = np.full(1, np.inf)
        return replace(line, first=nothing, last=-nothing, scale=Fraction(1), exact=False)
    places = np.arange(n_outputs)[:, np.newaxis] * length // n_outputs
    line = _gather(line, places, line.scale * Fraction(length, n_outputs))
    return replace(line, exact=False)


def _length_after(op: Any, axis: int, length: int) -> int:
    """Ask a layer for the length of its output."""
    tensor = inputs_of(op)[0]
    shape = (1, length, length, tensor.shape[-1])
    shape = op.compute_output_spec(keras.KerasTensor(shape, dtype=tensor.dtype)).shape
    return int(shape[1 + axis]) if len(shape) == 4 else 1


def _gather(line: _Line, places: np.ndarray, scale: Fraction) -> _Line:
    """Let each output see several places of a line, (n_outputs, n_places)."""
    at = np.clip(places, 0, len(line.first) - 1)
    # Whoever looks beyond an end of the line needs a longer line.
    first = np.where(places < 0, -np.inf, line.first[at]).min(axis=1)
    last = np.where(places >= len(line.first), np.inf, line.last[at]).max(axis=1)
    return _Line(first, last, scale, math.lcm(line.factor, scale.numerator), line.exact)


def _windows(line: _Line, size: int, stride: int, dilation: int, padding: str) -> _Line:
    """Slide a window over a line, as convolutions and poolings do."""
    length = len(line.first)
    span = (size - 1) * dilation + 1
    if padding == "same":
        n_outputs = -(-length // stride)
        start = -(max((n_outputs - 1) * stride + span - length, 0) // 2)
    else:
        n_outputs, start = (length - span) // stride + 1, 0
    starts = start + stride * np.arange(max(n_outputs, 1))
    places = starts[:, np.newaxis] + dilation * np.arange(size)
    return _gather(line, places, line.scale * stride)


def _transposed(line: _Line, size: int, stride: int, padding: str) -> _Line:
    """Spread each place over a window of outputs, as transposed convolutions do."""
    length = len(line.first)
    cut = max(size - stride, 0) if padding == "same" else 0
    n_outputs = length * stride + (0 if padding == "same" else max(size - stride, 0))
    outputs = np.arange(n_outputs)[:, np.newaxis] + cut // 2
    places = outputs // stride - np.arange(-(-size // stride))
    # Where the window is no multiple of the stride, not every output has a last tap, and where it
    # is smaller not even a first one.
    places = np.where(outputs - places * stride < size, places, outputs // stride)
    return _gather(line, places, line.scale / stride)


def _between(line: _Line, factor: int) -> _Line:
    """Interpolate linearly between the centres of pixels."""
    centres = (np.arange(len(line.first) * factor) + 0.5) / factor - 0.5
    below = np.floor(centres).astype(int)
    places = np.stack([below, np.where(centres > below, below + 1, below)], axis=1)
    return _gather(line, np.clip(places, 0, len(line.first) - 1), line.scale / factor)


@_seen.register(keras.layers.Conv2D)
@_seen.register(keras.layers.DepthwiseConv2D)
@_seen.register(keras.layers.SeparableConv2D)
def _(op: Any, axis: int, lines: list[_Line]) -> _Line:
    sizes = (op.kernel_size[axis], op.strides[axis], op.dilation_rate[axis])
    return _windows(lines[0], *sizes, op.padding)


@_seen.register
def _(op: keras.layers.Conv2DTranspose, axis: int, lines: list[_Line]) -> _Line:
    if op.output_padding is not None or op.dilation_rate[axis] != 1:
        return _whole_field(op, axis, lines)
    return _transposed(lines[0], op.kernel_size[axis], op.strides[axis], op.padding)


@_seen.register(keras.layers.MaxPooling2D)
@_seen.register(keras.layers.AveragePooling2D)
def _(op: Any, axis: int, lines: list[_Line]) -> _Line:
    return _windows(lines[0], op.pool_size[axis], op.strides[axis], 1, op.padding)


@_seen.register
def _(op: keras.layers.UpSampling2D, axis: int, lines: list[_Line]) -> _Line:
    if op.interpolation == "bilinear":
        return _between(lines[0], op.size[axis])
    if op.interpolation != "nearest":
        return _whole_field(op, axis, lines)
    places = np.arange(len(lines[0].first) * op.size[axis])[:, np.newaxis] // op.size[axis]
    return _gather(lines[0], places, lines[0].scale / op.size[axis])


@_seen.register
def _(op: keras.layers.ZeroPadding2D, axis: int, lines: list[_Line]) -> _Line:
    before, after = op.padding[axis]
    places = np.arange(-before, len(lines[0].first) + after)[:, np.newaxis]
    return _gather(lines[0], places, lines[0].scale)


@_seen.register
def _(op: keras.layers.Cropping2D, axis: int, lines: list[_Line]) -> _Line:
    before, after = op.cropping[axis]
    places = np.arange(before, len(lines[0].first) - after)[:, np.newaxis]
    return _gather(lines[0], places, lines[0].scale)


@_seen.register
def _(op: keras.layers.Concatenate, axis: int, lines: list[_Line]) -> _Line:
    channels = op.axis in (-1, len(output_of(op).shape) - 1)
    return _union(lines) if channels else _whole_field(op, axis, lines)


@_seen.register
def _(op: keras.layers.LayerNormalization, axis: int, lines: list[_Line]) -> _Line:
    axes = {a % len(output_of(op).shape) for a in np.atleast_1d(op.axis)}
    channels = axes == {len(output_of(op).shape) - 1}
    return _union(lines) if channels else _whole_field(op, axis, lines)


@_seen.register
def _(op: AtrousConv2D, axis: int, lines: list[_Line]) -> _Line:
    return _windows(lines[0], op.kernel_size[axis], 1, op.rate, "same")


@_seen.register
def _(op: RecurrentConv2D, axis: int, lines: list[_Line]) -> _Line:
    # Each step looks one kernel's radius further.
    size = (op.kernel_size[axis] - 1) * (op.steps + 1) + 1
    return _windows(lines[0], size, 1, 1, "same")


@_seen.register(MeanOfHeads)
@_seen.register(ResidualGain)
def _(op: Any, axis: int, lines: list[_Line]) -> _Line:
    return _union(lines)


@_seen.register
def _(op: MaxPlaces, axis: int, lines: list[_Line]) -> _Line:
    return _windows(lines[0], 2, 2, 1, "valid")


@_seen.register
def _(op: MaxUnpooling, axis: int, lines: list[_Line]) -> _Line:
    both = _union(lines)
    return _gather(both, np.arange(2 * len(both.first))[:, np.newaxis] // 2, both.scale / 2)


@_seen.register
def _(op: BilinearUpsampling, axis: int, lines: list[_Line]) -> _Line:
    return _between(lines[0], op.factor)


@_seen.register
def _(op: Spread, axis: int, lines: list[_Line]) -> _Line:
    # Its values come from the whole field, which is left out; its places are those of the other.
    nothing = np.full(len(lines[1].first), np.inf)
    return replace(_union(lines), first=nothing, last=-nothing, exact=False)


@_seen.register
def _(op: keras.Model, axis: int, lines: list[_Line]) -> _Line:
    if not hasattr(op, "operations") or len(op.inputs) != 1 or len(op.outputs) != 1:
        return _whole_field(op, axis, lines)
    return _follow_from(op, axis, lines[0])
