"""Everything that patches are cut from, as flat arrays on the device."""

from typing import Any, NamedTuple

import numpy as np

from membseg.training._sampler import PatchSampler

#: Pixels, and labelled pixels, that the 32-bit indices of compiled steps can count.
MAX_PIXELS = 2**31 - 1

#: Share of the device's memory that data may take; the network's activations need the rest.
_MEMORY_SHARE = 0.25

#: What data may take where the device does not tell its memory, in bytes.
_UNTOLD_LIMIT = 2 * 1024**3


class ResidentData(NamedTuple):
    """Images, labels and weights laid end to end, so that sizes may differ without padding.

    Attributes
    ----------
    pixels : array of shape (n_pixels, channels)
        Raw pixels of at most 16 bits, or float32 ones that are normalised already.
    codes : array of shape (n_pixels,), uint8
        0 = cell, 1 = membrane, 255 = not to be trained on.
    pixel_weights : array of shape (n_pixels,), float32, or None
        Weight of each pixel, where the caller gave one.
    first, height, width : array of shape (n_images,), int32
        Index of an image's first pixel, and its sides.
    offset, scale : array of shape (n_images, channels), float32
        A pixel becomes ``(pixel - offset) * scale``.
    weight : array of shape (n_images,), float32
        Weight of each image.
    cumulative : array of shape (n_images,), float32
        Cumulative chances of the images.
    anchors : array of shape (n_anchors,), int32
        Labelled pixels of the images that have few, as index within their image.
    anchor_first, anchor_count : array of shape (n_images,), int32
        Where an image's anchors lie; a count of 0 where its patches may lie anywhere.
    """

    pixels: Any
    codes: Any
    pixel_weights: Any
    first: Any
    height: Any
    width: Any
    offset: Any
    scale: Any
    weight: Any
    cumulative: Any
    anchors: Any
    anchor_first: Any
    anchor_count: Any


def gather_data(sampler: PatchSampler) -> ResidentData:
    """Lay the sampler's images end to end, in the host's memory.

    Images without a labelled pixel are left out. Pixels of at most 16 bits stay as they are,
    since float32 holds them exactly; all others are normalised and stored as float32.

    Parameters
    ----------
    sampler : PatchSampler
        Images, labels with the held-out part marked, weights, chances.

    Returns
    -------
    ResidentData
        Of NumPy arrays.
    """
    numbers = _labelled(sampler)
    masks = [sampler.masks[i] for i in numbers]
    sizes = np.array([mask.size for mask in masks])
    chances = np.cumsum(sampler.chances[numbers])
    offset, scale = _affine(sampler, numbers)
    weight, pixel_weights = _weights(sampler, numbers)
    anchors = [sampler.anchors[i] for i in numbers]
    counts = np.array([0 if found is None else len(found) for found in anchors])
    return ResidentData(
        pixels=_pixels(sampler, numbers),
        codes=np.concatenate([mask.ravel() for mask in masks]),
        pixel_weights=pixel_weights,
        first=_starts(sizes),
        height=np.array([mask.shape[0] for mask in masks], dtype=np.int32),
        width=np.array([mask.shape[1] for mask in masks], dtype=np.int32),
        offset=offset,
        scale=scale,
        weight=weight,
        cumulative=(chances / chances[-1]).astype(np.float32),
        # One that nobody points to, since nothing can be taken out of an empty array.
        anchors=np.concatenate([np.zeros(1), *(a for a in anchors if a is not None)]).astype(
            np.int32
        ),
        anchor_first=1 + _starts(counts),
        anchor_count=counts.astype(np.int32),
    )


def count_bytes(sampler: PatchSampler) -> int:
    """Give the bytes that :func:`gather_data` would need.

    Parameters
    ----------
    sampler : PatchSampler
        Images and labels.

    Returns
    -------
    int
        Bytes.
    """
    numbers = _labelled(sampler)
    raw = _raw_dtype(sampler, numbers)
    n_channels = len(sampler.data.intensities[0].offset)
    per_pixel = n_channels * (4 if raw is None else raw.itemsize) + 1
    if _has_pixel_weights(sampler):
        per_pixel += 4
    anchors = [sampler.anchors[i] for i in numbers]
    n_anchors = sum(len(found) for found in anchors if found is not None)
    return per_pixel * count_pixels(sampler) + 4 * n_anchors


def count_pixels(sampler: PatchSampler) -> int:
    """Give the number of pixels of the images that hold labels.

    Parameters
    ----------
    sampler : PatchSampler
        Images and labels.

    Returns
    -------
    int
        Pixels.
    """
    return sum(int(sampler.masks[i].size) for i in _labelled(sampler))


def memory_limit() -> int:
    """Give what data may take of the device's memory.

    Returns
    -------
    int
        Bytes: a quarter of the memory, or 2 GB where the device does not tell.
    """
    import jax

    told = jax.local_devices()[0].memory_stats() or {}
    return int(_MEMORY_SHARE * told["bytes_limit"]) if "bytes_limit" in told else _UNTOLD_LIMIT


def _labelled(sampler: PatchSampler) -> list[int]:
    return np.flatnonzero(sampler.chances > 0).tolist()


def _starts(sizes: np.ndarray) -> np.ndarray:
    return (np.cumsum(sizes) - sizes).astype(np.int32)


def _raw_dtype(sampler: PatchSampler, numbers: list[int]) -> np.dtype | None:
    """Give the dtype that all images share if float32 holds it exactly in half the bytes."""
    dtypes = {np.dtype(sampler.data.images[i].dtype).newbyteorder("=") for i in numbers}
    dtype = dtypes.pop()
    return dtype if not dtypes and dtype.kind in "uif" and dtype.itemsize <= 2 else None


def _pixels(sampler: PatchSampler, numbers: list[int]) -> np.ndarray:
    raw = _raw_dtype(sampler, numbers)
    data = sampler.data
    n_channels = len(data.intensities[0].offset)
    # Filled image by image: never two copies of all in the host's memory.
    pixels = np.empty((count_pixels(sampler), n_channels), dtype=raw or np.float32)
    start = 0
    for i in numbers:
        # Asked for as a window, since lazily read images give nothing else.
        image = np.asarray(data.images[i][:, :])
        values = image if raw is not None else data.intensities[i].apply(image)
        stop = start + image.shape[0] * image.shape[1]
        pixels[start:stop] = values.reshape(-1, n_channels)
        start = stop
    return pixels


def _affine(sampler: PatchSampler, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    intensities = [sampler.data.intensities[i] for i in numbers]
    offset = np.array([i.offset for i in intensities], dtype=np.float32)
    scale = np.array([i.scale for i in intensities], dtype=np.float32)
    if _raw_dtype(sampler, numbers) is None:
        return np.zeros_like(offset), np.ones_like(scale)
    return offset, scale


def _has_pixel_weights(sampler: PatchSampler) -> bool:
    weights = sampler.data.weights
    return weights is not None and any(isinstance(w, np.ndarray) for w in weights)


def _weights(sampler: PatchSampler, numbers: list[int]) -> tuple[np.ndarray, np.ndarray | None]:
    """Give each image's weight, and each pixel's if the caller weighs pixels."""
    ones = np.ones(len(numbers), dtype=np.float32)
    if sampler.data.weights is None:
        return ones, None
    weights = [sampler.data.weights[i] for i in numbers]
    if not _has_pixel_weights(sampler):
        return np.array(weights, dtype=np.float32), None
    shapes = [sampler.masks[i].shape for i in numbers]
    maps = [np.broadcast_to(w, shape).ravel() for w, shape in zip(weights, shapes, strict=True)]
    return ones, np.concatenate(maps).astype(np.float32)
