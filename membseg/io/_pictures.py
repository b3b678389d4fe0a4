"""PNG, JPEG and BMP: one image a file."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io._stored import StoredStack

#: Pillow's names of the pixel kinds that arrive here without loss.
_KNOWN_KINDS = ("1", "L", "I", "I;16", "I;16B", "F", "LA", "RGB", "RGBA", "P")
_PNG_COLOUR_TYPES = (2, 4, 6)
_PNG_DTYPES = {1: ("uint8", "uint16"), 2: ("uint8",), 3: ("uint8",), 4: ("uint8",)}


def read_picture(path: Path, dataset: str | int | None) -> StoredStack:
    """Read a picture; a palette stays a palette."""
    _refuse_deep_colour(path)
    kind = iio.immeta(path, plugin="pillow", index=0)["mode"]
    if kind not in _KNOWN_KINDS:
        raise ImageFileError(
            f"{path} has the colour mode {kind}, which is not read. Convert it to grey or RGB "
            "first."
        )
    is_palette = kind == "P"
    colours = iio.imread(path, plugin="pillow", index=0) if is_palette else None
    array = iio.imread(path, plugin="pillow", index=0, mode="P" if is_palette else None)
    axes = "YX" if array.ndim == 2 else "YXS"
    return StoredStack(array=array, axes=axes, colours=colours, grey_alpha=kind == "LA")


def write_png(path: Path, image: np.ndarray) -> None:
    """Write one image of shape (height, width[, channels])."""
    iio.imwrite(path, image, plugin="pillow", extension=".png")


def check_png(image: np.ndarray) -> None:
    """Refuse what PNG, or the writer of PNG, cannot keep without loss."""
    n_channels = 1 if image.ndim == 2 else image.shape[2]
    if n_channels not in _PNG_DTYPES:
        raise InvalidInputError(
            f"PNG holds 1 to 4 channels; stack has {n_channels}. Save it as .tif, .h5 or .npy."
        )
    wanted = _PNG_DTYPES[n_channels]
    if image.dtype.name not in wanted:
        raise InvalidInputError(
            f"PNG holds {' or '.join(wanted)} with {n_channels} channel(s); stack is "
            f"{image.dtype.name} and would lose values. Save it as .tif, .h5 or .npy, or convert "
            "it yourself, e.g. probabilities with np.rint(255 * stack).astype(np.uint8)."
        )


def _refuse_deep_colour(path: Path) -> None:
    """Pillow reads 16-bit colour as 8 bits without a word; that loss is refused here."""
    with path.open("rb") as file:
        start = file.read(26)
    is_png = start[:8] == b"\x89PNG\r\n\x1a\n" and len(start) == 26
    if is_png and start[24] == 16 and start[25] in _PNG_COLOUR_TYPES:
        raise ImageFileError(
            f"{path} is a PNG of several channels with 16 bits each, which can only be read here "
            "with the loss of 8 of them. Convert it to TIFF."
        )
