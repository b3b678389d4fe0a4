"""Grey, colour and palette images, each by its name and never by a guess."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError

MODES = ("keep", "gray", "rgb", "values")


def check_mode(mode: Any, name: str = "mode") -> None:
    """Refuse a mode that does not exist."""
    if mode not in MODES:
        raise InvalidInputError(f"{name} must be one of {list(MODES)}; got {mode!r}.")


def convert_mode(
    images: np.ndarray,
    mode: str,
    *,
    colours: np.ndarray | None,
    grey_alpha: bool,
    source: str,
    argument: str,
) -> np.ndarray:
    """Apply one of the modes of :func:`membseg.io.load_stack`.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width[, channels])
        The stored numbers.
    mode : {"keep", "gray", "rgb", "values"}
        What is wanted.
    colours : ndarray of shape (n_images, height, width, 3 or 4) or None
        What the palette makes of `images`, for palette files.
    grey_alpha : bool
        Whether two channels mean grey and opacity.
    source, argument : str
        File and parameter, for messages.

    Returns
    -------
    ndarray of shape (n_images, height, width[, channels])
        Converted images, in the dtype of the file.
    """
    if colours is not None and mode != "values":
        if (colours[..., :3] == images[..., np.newaxis]).all():
            colours = None  # a palette that says "index i is grey i" changes nothing
        elif mode == "keep":
            raise InvalidInputError(
                f"{source} is a palette (indexed) image. Say what its numbers are: "
                f"{argument}='rgb' or 'gray' takes the colours of the palette, "
                f"{argument}='values' the stored indices (class numbers of a mask, intensities "
                "of an image with a display table)."
            )
        else:
            images = colours
    if mode == "gray":
        return _to_gray(images, grey_alpha, source, argument)
    if mode == "rgb":
        return _to_rgb(images, grey_alpha, source, argument)
    if mode == "values":
        return _to_values(images, source, argument)
    return images


def _to_gray(images: np.ndarray, grey_alpha: bool, source: str, argument: str) -> np.ndarray:
    if images.ndim == 3:
        return images
    if grey_alpha:
        return np.ascontiguousarray(images[..., 0])
    _require_colour(images, source, argument, "gray")
    red, green, blue = (
        images[..., i].astype(np.promote_types(images.dtype, np.float32)) for i in range(3)
    )
    # ITU-R BT.601 luma, written so that equal channels come back unchanged.
    gray = green + 0.299 * (red - green) + 0.114 * (blue - green)
    if images.dtype.kind != "f":
        gray = np.rint(gray)
    return gray.astype(images.dtype)


def _to_rgb(images: np.ndarray, grey_alpha: bool, source: str, argument: str) -> np.ndarray:
    if images.ndim == 3:
        return np.repeat(images[..., np.newaxis], 3, axis=-1)
    if grey_alpha:
        return np.repeat(images[..., :1], 3, axis=-1)
    _require_colour(images, source, argument, "rgb")
    return np.ascontiguousarray(images[..., :3])


def _to_values(images: np.ndarray, source: str, argument: str) -> np.ndarray:
    if images.ndim == 3:
        return images
    n_channels = images.shape[-1]
    colour = images[..., :3] if n_channels >= 3 else images[..., :1]
    if n_channels > 4 or not (colour == colour[..., :1]).all():
        raise InvalidInputError(
            f"{source} holds {n_channels} channels that differ, and {argument}='values' wants one "
            f"stored number a pixel. Write {argument}='gray' to convert colours, or "
            f"{argument}='keep' and choose a channel yourself."
        )
    if n_channels in (2, 4) and not (images[..., -1] == images[..., -1].flat[0]).all():
        raise InvalidInputError(
            f"{source} has an opacity channel that is not the same everywhere, and "
            f"{argument}='values' wants one stored number a pixel. Write {argument}='gray' to "
            "drop it."
        )
    return np.ascontiguousarray(images[..., 0])


def _require_colour(images: np.ndarray, source: str, argument: str, mode: str) -> None:
    if images.shape[-1] not in (3, 4):
        raise InvalidInputError(
            f"{argument}={mode!r} needs grey, RGB or RGBA images; {source} has "
            f"{images.shape[-1]} channels. Load it with {argument}='keep' and choose channels "
            "yourself."
        )
