"""The test image of a BioImage.IO package, and what the network says of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.export._bioimageio_steps import preprocessing_steps
from membseg.export._graph import ExportedGraph
from membseg.inference._window import read_window
from membseg.utils import Intensity, fit_intensity

#: Test images are cut to at most so many pixels a side, so that packages stay small.
_LARGEST_TEST = 512

#: Cover images are cut to at most so many pixels a side.
_LARGEST_COVER = 256


@dataclass(frozen=True)
class SamplePair:
    """A test image and its map.

    Attributes
    ----------
    pixels : ndarray of shape (1, channels, height, width), float32
        Pixels as they are.
    probability : ndarray of shape (1, 1, height, width), float32
        Membrane probability.
    steps : list of dict
        What is done to pixels before the network, as `preprocessing` says it.
    """

    pixels: np.ndarray
    probability: np.ndarray
    steps: list[dict[str, Any]]

    def cover(self) -> np.ndarray:
        """Give image and map side by side, of equal height and width, in 8 bits."""
        side = min(*self.pixels.shape[2:], _LARGEST_COVER)
        grey = self.pixels[0].mean(axis=0)[:side, :side]
        low, high = grey.min(), grey.max()
        grey = (grey - low) / (high - low if high > low else 1)
        shown = np.concatenate([grey, self.probability[0, 0, :side, :side]], axis=1)
        return np.rint(255 * shown).astype(np.uint8)


def smallest_tile(metadata: dict[str, Any]) -> int:
    """Give the side of the smallest tile: one step of the downsampling between two halos."""
    return int(2 * metadata["halo"] + metadata["factor"])


def make_sample_pair(graph: ExportedGraph, image: Any, *, fixed: bool) -> SamplePair:
    """Cut a test image out of the middle of an image, and predict it.

    Parameters
    ----------
    graph : ExportedGraph
        Takes normalised images, channels first, and gives probabilities.
    image : ndarray or LazyImage of shape (height, width, channels)
        Continued by reflection where it is smaller than the smallest tile.
    fixed : bool
        Whether the intensities of this image become those of the package.

    Returns
    -------
    SamplePair
        Both, and the steps between them.
    """
    from keras import ops

    rows, columns = (_middle(length, graph.metadata) for length in image.shape[:2])
    pixels = read_window(image, rows, columns).astype(np.float32)
    mode = graph.metadata["intensity_norm"]
    intensity = _intensity(graph.metadata, image if fixed else pixels)
    normalised = np.moveaxis(intensity.apply(pixels), -1, 0)[np.newaxis]
    return SamplePair(
        pixels=np.ascontiguousarray(np.moveaxis(pixels, -1, 0)[np.newaxis]),
        probability=np.asarray(ops.convert_to_numpy(graph.function(normalised)), np.float32),
        steps=preprocessing_steps(mode, intensity, fixed=fixed),
    )


def _middle(length: int, metadata: dict[str, Any]) -> slice:
    """Choose a window of a valid size around the middle of an axis."""
    smallest, step = smallest_tile(metadata), metadata["factor"]
    size = smallest + max(min(length, _LARGEST_TEST) - smallest, 0) // step * step
    start = (length - size) // 2
    return slice(start, start + size)


def _intensity(metadata: dict[str, Any], image: Any) -> Intensity:
    if metadata["intensity_norm"] == "stack":
        offset, scale = metadata["intensity_offset"], metadata["intensity_scale"]
        return Intensity(np.array(offset), np.array(scale))
    return fit_intensity([image], metadata["intensity_norm"])[0]
