"""Random patches and views, drawn inside a compiled step.

The same recipe as on the host (``_sampler``, ``_augment``), but the geometry only moves the
coordinates at which image and labels are read: both are read once, at the same places.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage, special

from membseg.training._mix import (
    MIXING_STEPS,
    blend_pairs,
    count_pairs,
    cutmix_chance,
    draw_boxes,
    exchange_pairs,
    mixup_alpha,
)
from membseg.training._resident_data import ResidentData
from membseg.training._smoothing import smooth_labels
from membseg.utils import IGNORED

#: Steps of a recipe that can be drawn on the device.
DEVICE_STEPS = (
    *("flips", "d4", "scale", "elastic", "intensity", "sharpness", "blur", "noise"),
    *MIXING_STEPS,
)

#: As on the host: spacing of the random displacements in pixels, and the chance of a dear step.
_ELASTIC_SPACING, _CHANCE = 48, 1 / 3

#: The numbers in [0, 1) that one patch needs.
_DRAWS = (
    *("image", "anchor", "row", "column"),
    *("is_elastic", "is_scale", "scale", "turn", "flip_rows", "flip_columns"),
    *("gain", "sharpness", "is_blur", "blur", "is_noise", "sigma"),
)

#: Weights of the mild blur of sharpness.
_BINOMIAL = (0.25, 0.5, 0.25)

#: Of the beta distribution of mixup's shares; between them it is taken as linear.
_N_QUANTILES = 1025

#: Where the Gaussian of the blur is cut off, in standard deviations.
_TRUNCATE = 4.0


def draw_batch(
    data: ResidentData,
    key: Any,
    *,
    batch_size: int,
    patch_size: int,
    steps: tuple[str, ...],
    strength: float,
    label_smoothing: float = 0.0,
) -> tuple[Any, Any]:
    """Draw one batch; to be traced.

    Parameters
    ----------
    data : ResidentData
        Of JAX arrays.
    key : jax.Array
        Key of randomness.
    batch_size, patch_size : int
        Patches, and their side in pixels.
    steps : tuple of str
        As from :func:`parse_augmentation`.
    strength : float
        Multiplies displacements, gains, blur, noise and mixing.
    label_smoothing : float, default=0.0
        What :func:`smooth_labels` takes off the targets, in [0, 1).

    Returns
    -------
    x : jax.Array of shape (batch_size, patch_size, patch_size, channels), float32
        Normalised pixels.
    y : jax.Array of shape (batch_size, patch_size, patch_size, 2), float32
        Target and weight.
    """
    import jax
    from jax import numpy as jnp

    # Two calls for all randomness of a batch, since each is long to compile.
    flat_key, bell_key = jax.random.split(key)
    flat = jax.random.uniform(flat_key, (len(_DRAWS), batch_size))
    n_channels = data.pixels.shape[-1]
    shapes = {
        "offset": (),
        "elastic": (2, *[_n_coarse(patch_size)] * 2),
        "noise": (patch_size, patch_size, n_channels),
    }
    needed = {k: s for k, s in shapes.items() if k in steps or k == "offset"}
    stops = np.cumsum([math.prod(shape) for shape in needed.values()])
    bell = jax.random.normal(bell_key, (batch_size, int(stops[-1])))
    parts = jnp.split(bell, stops[:-1].tolist(), axis=1)
    draws = dict(zip(_DRAWS, flat, strict=True)) | {
        name: part.reshape(batch_size, *shape)
        for (name, shape), part in zip(needed.items(), parts, strict=True)
    }

    def draw_one(draws: dict[str, Any]) -> tuple[Any, Any]:
        number, corner = _place(data, draws, patch_size)
        at = _coordinates(draws, patch_size, steps, strength)
        image, target = _read(data, number, corner, at, patch_size)
        return _change_values(image, draws, steps, strength), target

    x, y = jax.vmap(draw_one)(draws)
    x, y = _mix(x, y, jax.random.fold_in(key, 0), steps, strength)
    return x, smooth_labels(y, label_smoothing)


def _mix(x: Any, y: Any, key: Any, steps: tuple[str, ...], strength: float) -> tuple[Any, Any]:
    """Mix patches in pairs, as :func:`mix_batch` does on the host."""
    import jax
    from jax import numpy as jnp

    draws = jax.random.uniform(key, (count_pairs(len(x)), 5))
    alpha = mixup_alpha(strength)
    if "mixup" in steps and alpha > 0:
        # By a table, since JAX's own beta distribution takes seconds to compile.
        levels = np.linspace(0, 1, _N_QUANTILES)
        shares = jnp.interp(draws[:, 0], levels, special.betaincinv(alpha, alpha, levels))
        x, y = blend_pairs(x, y, shares.astype("float32"))
    if "cutmix" in steps:
        inside = draw_boxes(draws[:, 1:], len(x), x.shape[1], cutmix_chance(strength))
        x, y = exchange_pairs(x, inside), exchange_pairs(y, inside)
    return x, y


def _integer(draw: Any, low: Any, high: Any) -> Any:
    """Turn a number in [0, 1) into a whole one from `low` to `high`, both included."""
    from jax import numpy as jnp

    return jnp.minimum(low + (draw * (high - low + 1)).astype("int32"), high)


def _place(data: ResidentData, draws: dict[str, Any], size: int) -> tuple[Any, tuple[Any, Any]]:
    """Choose an image by its labels, and a corner; near a label where labels are sparse."""
    from jax import numpy as jnp

    number = jnp.searchsorted(data.cumulative, draws["image"], side="right")
    number = jnp.minimum(number, len(data.cumulative) - 1)
    count, width = data.anchor_count[number], data.width[number]
    nth = _integer(draws["anchor"], 0, jnp.maximum(count, 1) - 1)
    anchor = data.anchors[data.anchor_first[number] + nth]
    corner = []
    for draw, length, near in (
        (draws["row"], data.height[number], anchor // width),
        (draws["column"], width, anchor % width),
    ):
        last = jnp.maximum(length - size, 0)
        low = jnp.where(count > 0, jnp.clip(near - size + 1, 0, last), 0)
        high = jnp.where(count > 0, jnp.minimum(near, last), last)
        corner.append(_integer(draw, low, high))
    return number, (corner[0], corner[1])


def _coordinates(
    draws: dict[str, Any], size: int, steps: tuple[str, ...], strength: float
) -> tuple[Any, Any]:
    """Give the place in the patch that each pixel of the view is read from."""
    from jax import numpy as jnp

    rows, columns = jnp.meshgrid(jnp.arange(size), jnp.arange(size), indexing="ij")
    # Backwards: the last step of the recipe is the first to say where to look.
    if "elastic" in steps:
        amount = jnp.where(draws["is_elastic"] < _CHANCE, 4.0 * strength, 0.0)
        spread = _spline(size)
        moves = spread @ (amount * draws["elastic"]) @ spread.T
        rows, columns = rows + moves[0], columns + moves[1]
    if "scale" in steps:
        amount = jnp.where(draws["is_scale"] < _CHANCE, 0.2 * strength, 0.0)
        factor = jnp.exp(amount * (2 * draws["scale"] - 1))
        middle = (size - 1) / 2
        rows, columns = ((axis - middle) * factor + middle for axis in (rows, columns))
    if "d4" in steps:
        turn = draws["turn"] < 0.5
        rows, columns = jnp.where(turn, columns, rows), jnp.where(turn, rows, columns)
    if "d4" in steps or "flips" in steps:
        rows = jnp.where(draws["flip_rows"] < 0.5, size - 1 - rows, rows)
        columns = jnp.where(draws["flip_columns"] < 0.5, size - 1 - columns, columns)
    return rows, columns


def _n_coarse(size: int) -> int:
    return max(4, size // _ELASTIC_SPACING + 2)


def _spline(size: int) -> np.ndarray:
    """Give the matrix that spreads coarse displacements over a patch, with cubic splines."""
    n_coarse = _n_coarse(size)
    return ndimage.zoom(np.eye(n_coarse), (size / n_coarse, 1.0), order=3).astype(np.float32)


def _read(
    data: ResidentData, number: Any, corner: tuple[Any, Any], at: tuple[Any, Any], size: int
) -> tuple[Any, Any]:
    """Read image and target at places of the patch, whole or between pixels."""
    from jax import numpy as jnp

    if jnp.issubdtype(at[0].dtype, jnp.integer):
        index, inside = _index(data, number, corner, at)
        return _normalised(data, number, index), _target(data, number, index, inside)
    rows, columns = (_mirror(axis, size) for axis in at)
    nearest = (jnp.rint(rows).astype(int), jnp.rint(columns).astype(int))
    index, inside = _index(data, number, corner, nearest)
    return _between(data, number, corner, (rows, columns)), _target(data, number, index, inside)


def _mirror(axis: Any, size: int) -> Any:
    """Fold places outside the patch back into it, about the middle of its edge pixels."""
    from jax import numpy as jnp

    last = size - 1
    return last - jnp.abs(jnp.mod(axis, 2 * last) - last)


def _between(data: ResidentData, number: Any, corner: tuple[Any, Any], at: tuple[Any, Any]) -> Any:
    """Interpolate linearly between the four pixels around each place."""
    from jax import numpy as jnp

    low = [jnp.floor(axis) for axis in at]
    shares = [axis - base for axis, base in zip(at, low, strict=True)]
    total: Any = 0.0
    for i in (0, 1):
        for j in (0, 1):
            # One beyond the patch's last pixel has no share, and is folded back by _index.
            index, _ = _index(
                data, number, corner, (low[0].astype(int) + i, low[1].astype(int) + j)
            )
            share = (shares[0] if i else 1 - shares[0]) * (shares[1] if j else 1 - shares[1])
            total = total + share[..., None] * _normalised(data, number, index)
    return total


def _index(
    data: ResidentData, number: Any, corner: tuple[Any, Any], at: tuple[Any, Any]
) -> tuple[Any, Any]:
    """Give the flat index of whole places, and whether they lie in the image.

    An image smaller than a patch is reflected, edge pixels repeated.
    """
    from jax import numpy as jnp

    inside, folded = True, []
    for start, axis, length in zip(
        corner, at, (data.height[number], data.width[number]), strict=True
    ):
        place = start + axis
        inside = inside & (place < length)
        place = jnp.mod(place, 2 * length)
        folded.append(jnp.minimum(place, 2 * length - 1 - place))
    return data.first[number] + folded[0] * data.width[number] + folded[1], inside


def _normalised(data: ResidentData, number: Any, index: Any) -> Any:
    pixels = data.pixels[index].astype("float32")
    return (pixels - data.offset[number]) * data.scale[number]


def _target(data: ResidentData, number: Any, index: Any, inside: Any) -> Any:
    from jax import numpy as jnp

    codes = data.codes[index]
    weight = jnp.where(inside & (codes != IGNORED), data.weight[number], 0.0)
    if data.pixel_weights is not None:
        weight = weight * data.pixel_weights[index]
    return jnp.stack([(codes == 1).astype("float32"), weight], axis=-1)


def _change_values(
    image: Any, draws: dict[str, Any], steps: tuple[str, ...], strength: float
) -> Any:
    """Gain, offset, sharpness, blur and noise; they leave targets alone."""
    from jax import numpy as jnp

    if "intensity" in steps:
        gain = jnp.exp(strength * (0.5 * draws["gain"] - 0.25))
        image = image * gain + 0.1 * strength * draws["offset"]
    if "sharpness" in steps:
        amount = strength * (3.0 * draws["sharpness"] - 1.0)
        image = image + amount * (image - _smoothed(image, _BINOMIAL))
    if "blur" in steps:
        sigma = jnp.where(draws["is_blur"] < _CHANCE, 1.2 * strength * draws["blur"], 0.0)
        image = _blurred(image, sigma, 1.2 * strength)
    if "noise" in steps:
        sigma = jnp.where(draws["is_noise"] < _CHANCE, 0.3 * strength * draws["sigma"], 0.0)
        image = image + sigma * draws["noise"]
    return image


def _blurred(image: Any, sigma: Any, most: float) -> Any:
    """Blur by a Gaussian of at most so many pixels, as scipy.ndimage.gaussian_filter does."""
    from jax import numpy as jnp

    radius = int(_TRUNCATE * most + 0.5)
    places = np.arange(-radius, radius + 1)
    bell = jnp.exp(-0.5 * jnp.square(places / jnp.maximum(sigma, 1e-3)))
    bell = jnp.where(np.abs(places) <= jnp.floor(_TRUNCATE * sigma + 0.5), bell, 0.0)
    return _smoothed(image, list(bell / bell.sum()))


def _smoothed(image: Any, weights: Sequence[Any]) -> Any:
    """Take the weighted mean of neighbours along rows and columns, reflected at the edges."""
    from jax import numpy as jnp

    radius = len(weights) // 2
    for axis in (0, 1):
        pad = [(radius, radius) if axis == k else (0, 0) for k in range(3)]
        padded = jnp.pad(image, pad, mode="symmetric")
        window = [slice(None)] * 3
        total: Any = 0.0
        for k, weight in enumerate(weights):
            window[axis] = slice(k, k + image.shape[axis])
            total = total + weight * padded[tuple(window)]
        image = total
    return image
