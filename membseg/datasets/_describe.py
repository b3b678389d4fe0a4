"""Numbers that describe a stack of slices and its masks."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.ndimage import convolve, distance_transform_edt, gaussian_filter, laplace
from skimage.morphology import skeletonize

from membseg.exceptions import InvalidInputError
from membseg.utils import MaskStack, check_images, check_same_sizes, encode_masks

#: Images are smoothed by this much (px) before neighbours are compared, so that noise is out.
_SMOOTHING = 3.0
#: A jump: a correlation below this share of the stack's median, a mean that moves by more than
#: this share of the median standard deviation, a sharpness that changes by more than this factor.
_JUMP_CORRELATION, _JUMP_MEAN, _JUMP_SHARPNESS = 0.5, 0.75, 1.6
#: Immerkaer's mask: the difference of two Laplacians, blind to everything up to second order.
_NOISE_MASK = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
#: Median of the absolute value of a standard normal variable.
_MEDIAN_ABS = 0.6745


@dataclass(frozen=True)
class DatasetDescription:
    """What :func:`describe_dataset` found.

    Parameters
    ----------
    n_images, n_channels : int
        Numbers of images and of channels.
    sizes : list of (height, width)
        Size of each image, in pixels.
    dtype : str
        Type of the pixels.
    intensity_range : tuple of float
        Smallest and largest value.
    means, stds : list of float
        Mean and standard deviation of each image.
    noise : float
        Standard deviation of the pixel noise, the median over images, in grey levels.
    sharpness : list of float
        Median of the absolute Laplacian of each image, in grey levels: small where it is blurred.
    neighbour_correlations : list of float or None
        Correlation of each image, smoothed over 3 px, with the next one; None where sizes differ.
    jumps : list of dict
        Neighbours that differ more than usual: ``between`` (two indices) and ``what``
        ("structure", "brightness" or "sharpness").
    membrane_fraction : float or None
        Share of membrane among all labelled pixels. This and what follows is None without masks.
    membrane_fractions : list of float or None
        The same for each image.
    contrast : float or None
        Mean of membrane minus mean of cell, divided by the pooled standard deviation within the
        two; negative where membranes are dark.
    membrane_width : float or None
        Median width of the membranes, in pixels.
    membrane_width_units : float or None
        The same in `unit`; None without a pixel size.
    pixel_size : float or None
        Size of a pixel.
    unit : str
        Unit of `pixel_size`.
    """

    n_images: int
    n_channels: int
    sizes: list[tuple[int, int]]
    dtype: str
    intensity_range: tuple[float, float]
    means: list[float]
    stds: list[float]
    noise: float
    sharpness: list[float]
    neighbour_correlations: list[float | None]
    jumps: list[dict[str, Any]]
    membrane_fraction: float | None = None
    membrane_fractions: list[float] | None = None
    contrast: float | None = None
    membrane_width: float | None = None
    membrane_width_units: float | None = None
    pixel_size: float | None = None
    unit: str = "nm"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and strings, ready for JSON.

        Returns
        -------
        dict
            The attributes by name.
        """
        plain = asdict(self)
        plain["sizes"] = [list(size) for size in self.sizes]
        plain["intensity_range"] = list(self.intensity_range)
        return plain

    def __str__(self) -> str:
        low, high = self.intensity_range
        sizes = sorted(set(self.sizes))
        shown = ", ".join(f"{h}x{w}" for h, w in sizes[:4]) + (", ..." if len(sizes) > 4 else "")
        lines = [
            f"{self.n_images} images of {shown} px, {self.n_channels} channel(s), {self.dtype}",
            f"intensity {low:g} to {high:g}, mean {np.mean(self.means):.4g}, "
            f"standard deviation {np.mean(self.stds):.4g}, noise {self.noise:.3g}",
            f"sharpness {min(self.sharpness):.3g} to {max(self.sharpness):.3g}",
        ]
        known = [c for c in self.neighbour_correlations if c is not None]
        if known:
            lines.append(f"correlation of neighbours {np.median(known):.2f} (median)")
        lines += [
            f"jump in {jump['what']} between images {jump['between'][0]} and {jump['between'][1]}"
            for jump in self.jumps
        ]
        return "\n".join(lines + self._mask_lines())

    def _mask_lines(self) -> list[str]:
        if self.membrane_fraction is None:
            return []
        lines = [f"membrane {100 * self.membrane_fraction:.1f} % of the labelled pixels"]
        if self.contrast is not None:
            side = "darker" if self.contrast < 0 else "brighter"
            lines.append(f"membranes {side} than cells, contrast {self.contrast:+.2f}")
        if self.membrane_width is not None:
            units = ""
            if self.membrane_width_units is not None:
                units = f" ({self.membrane_width_units:.3g} {self.unit})"
            lines.append(f"membrane width {self.membrane_width:.3g} px{units}")
        return lines


def describe_dataset(
    X: Any,
    y: Any = None,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    pixel_size: float | None = None,
    unit: str = "nm",
) -> DatasetDescription:
    """Describe images and masks in numbers.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images in z order. With several channels, their mean is described.
    y : array-like of shape (n_images, height, width), list of arrays, or None, default=None
        Masks of two values.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.
    ignore_label : scalar or None, default=None
        The value of pixels without a label.
    pixel_size : float or None, default=None
        Size of a pixel, above 0, in `unit`.
    unit : str, default="nm"
        Unit of `pixel_size`.

    Returns
    -------
    DatasetDescription
        The numbers; it prints as text and has ``to_dict()``.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of images, `y` no masks that fit them, or `pixel_size` not positive.

    References
    ----------
    Immerkaer (1996), Fast noise variance estimation, Computer Vision and Image Understanding
    64(2); here with the median of absolute values, so that edges count less.

    Examples
    --------
    >>> from membseg.datasets import describe_dataset, make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> found = describe_dataset(X, y, pixel_size=4.0)
    >>> found.n_images, found.contrast < 0
    (3, True)
    """
    if pixel_size is not None and not pixel_size > 0:
        raise InvalidInputError(
            f"pixel_size must be above 0 (in {unit}) or None; got {pixel_size}. Leave it out if "
            "it is unknown."
        )
    stack = check_images(X)
    grey = [image.mean(axis=2, dtype=np.float64) for image in stack.images]
    means, stds = [float(g.mean()) for g in grey], [float(g.std()) for g in grey]
    sharpness = [float(np.median(np.abs(laplace(g)))) for g in grey]
    correlations = _neighbour_correlations(grey)
    numbers: dict[str, Any] = {}
    if y is not None:
        masks = encode_masks(y, membrane_label=membrane_label, ignore_label=ignore_label)
        check_same_sizes(stack.sizes, [m.shape for m in masks.masks])
        numbers = _describe_masks(grey, masks)
        if pixel_size is not None and numbers["membrane_width"] is not None:
            numbers["membrane_width_units"] = numbers["membrane_width"] * pixel_size
    return DatasetDescription(
        n_images=len(stack),
        n_channels=stack.n_channels,
        sizes=[(int(h), int(w)) for h, w in stack.sizes],
        dtype=str(np.result_type(*{image.dtype for image in stack.images})),
        intensity_range=(
            float(min(image.min() for image in stack.images)),
            float(max(image.max() for image in stack.images)),
        ),
        means=means,
        stds=stds,
        noise=float(np.median([_noise(g) for g in grey])),
        sharpness=sharpness,
        neighbour_correlations=correlations,
        jumps=_jumps(correlations, means, stds, sharpness),
        pixel_size=None if pixel_size is None else float(pixel_size),
        unit=unit,
        **numbers,
    )


def _noise(image: np.ndarray) -> float:
    """Immerkaer's estimate; the mask has the norm 6."""
    if min(image.shape) < 3:
        return 0.0
    response = convolve(image, _NOISE_MASK)[1:-1, 1:-1]
    return float(np.median(np.abs(response)) / (6.0 * _MEDIAN_ABS))


def _neighbour_correlations(images: list[np.ndarray]) -> list[float | None]:
    smooth = [gaussian_filter(image, _SMOOTHING) for image in images]
    return [_correlation(a, b) if a.shape == b.shape else None for a, b in pairwise(smooth)]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0


def _jumps(
    correlations: list[float | None], means: list[float], stds: list[float], sharpness: list[float]
) -> list[dict[str, Any]]:
    known = [c for c in correlations if c is not None]
    usual = float(np.median(known)) if known else 0.0
    step = _JUMP_MEAN * float(np.median(stds))
    jumps = []
    for i, correlation in enumerate(correlations):
        low, high = sorted(sharpness[i : i + 2])
        found = {
            "structure": correlation is not None and correlation < _JUMP_CORRELATION * usual,
            "brightness": abs(means[i + 1] - means[i]) > step,
            "sharpness": high > _JUMP_SHARPNESS * low,
        }
        jumps += [{"between": [i, i + 1], "what": what} for what, is_so in found.items() if is_so]
    return jumps


def _describe_masks(images: list[np.ndarray], masks: MaskStack) -> dict[str, Any]:
    membrane = np.concatenate([g[m == 1] for g, m in zip(images, masks.masks, strict=True)])
    cell = np.concatenate([g[m == 0] for g, m in zip(images, masks.masks, strict=True)])
    fractions = [
        float((m == 1).sum() / labelled) if (labelled := (m <= 1).sum()) else 0.0
        for m in masks.masks
    ]
    return {
        "membrane_fraction": masks.membrane_fraction,
        "membrane_fractions": fractions,
        "contrast": _contrast(membrane, cell),
        "membrane_width": _membrane_width(masks.masks),
    }


def _contrast(membrane: np.ndarray, cell: np.ndarray) -> float | None:
    if not len(membrane) or not len(cell):
        return None
    within = len(membrane) * membrane.var() + len(cell) * cell.var()
    spread = np.sqrt(within / (len(membrane) + len(cell)))
    difference = membrane.mean() - cell.mean()
    return float(difference / spread) if spread > 0 else None


def _membrane_width(masks: list[np.ndarray]) -> float | None:
    """Median over the skeleton's pixels of the width there."""
    widths = [_widths(mask == 1) for mask in masks if (mask == 1).any() and (mask == 0).any()]
    return float(np.median(np.concatenate(widths))) if widths else None


def _widths(membrane: np.ndarray) -> np.ndarray:
    # On twice the grid every line has an even width, and the distance in half pixels along its
    # middle is just its width in pixels, for odd and even widths alike.
    fine = distance_transform_edt(membrane.repeat(2, axis=0).repeat(2, axis=1))
    height, width = membrane.shape
    middle = fine.reshape(height, 2, width, 2).max(axis=(1, 3))
    return middle[skeletonize(membrane)]
