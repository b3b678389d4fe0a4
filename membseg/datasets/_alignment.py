"""Whether masks lie on the membranes of their images."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate

from membseg.datasets._findings import Finding
from membseg.utils import ImageStack, MaskStack

#: Widths (px) of the band-pass that brings out lines.
_FINE, _COARSE = 1.5, 8.0
#: Shifts are looked for up to this many pixels and this share of the image.
_MAX_SHIFT, _MAX_SHARE = 32, 0.25
#: A shift is believed from this many pixels, where it correlates this much, and this much better
#: (as a factor and as a difference) than no shift.
_LEAST_SHIFT, _LEAST, _FACTOR, _DIFFERENCE = 3.0, 0.12, 1.3, 0.05


def check_alignment(images: ImageStack, masks: MaskStack) -> list[Finding]:
    """Findings about masks that are shifted against their images, or belong to other images.

    Parameters
    ----------
    images : ImageStack
        The images.
    masks : MaskStack
        Their masks, of the same sizes.

    Returns
    -------
    list of Finding
        Warnings.
    """
    ridges = [_ridges(image.mean(axis=2, dtype=np.float64)) for image in images.images]
    lines = [_centred(mask) for mask in masks.masks]
    shifts, swaps = _find_shifts(ridges, lines), _find_swaps(ridges, lines)
    # A shifted mask may also fit a neighbouring slice by chance, and a swapped one may fit its
    # image better when moved: the better explanation counts.
    swapped = {i: j for i, (j, peak) in swaps.items() if peak > shifts.get(i, (0, 0, 0.0))[2]}
    shifted = {i: by for i, by in shifts.items() if i not in swapped}
    findings = []
    if shifted:
        i, (down, right, _) = next(iter(shifted.items()))
        findings.append(
            Finding(
                "misaligned",
                "warning",
                f"{len(shifted)} mask(s) fit their images far better when moved; y[{i}] by {down} "
                f"px down and {right} px right.",
                "Check crops, paddings and the registration of images and masks.",
                list(shifted),
            )
        )
    if swapped:
        i, j = next(iter(swapped.items()))
        findings.append(
            Finding(
                "shuffled",
                "warning",
                f"{len(swapped)} mask(s) fit another image far better than their own; y[{i}] "
                f"fits X[{j}].",
                "Check the order of the files: sorted as text, slice10 precedes slice2.",
                list(swapped),
            )
        )
    return findings


def _ridges(image: np.ndarray) -> np.ndarray:
    """Lines of the image, bright or dark, with mean 0 and norm 1."""
    image = np.nan_to_num(image)
    return _unit(gaussian_filter(image, _FINE) - gaussian_filter(image, _COARSE))


def _centred(mask: np.ndarray) -> np.ndarray:
    lines = (mask == 1).astype(np.float64)
    return _unit(gaussian_filter(lines, _FINE) - gaussian_filter(lines, _COARSE))


def _unit(array: np.ndarray) -> np.ndarray:
    array = array - array.mean()
    norm = np.sqrt((array * array).sum())
    return array / norm if norm > 1e-9 else np.zeros_like(array)


def _find_shifts(
    ridges: list[np.ndarray], lines: list[np.ndarray]
) -> dict[int, tuple[int, int, float]]:
    """Pixels down and right by which each misplaced mask must move, and how well it fits then."""
    found = {}
    for i, (ridge, line) in enumerate(zip(ridges, lines, strict=True)):
        reach = [min(_MAX_SHIFT, int(_MAX_SHARE * side)) for side in ridge.shape]
        # Membranes may be dark or bright, so that only the size of the correlation counts.
        scores = np.abs(correlate(ridge, line, mode="same", method="fft"))
        middle = [side // 2 for side in ridge.shape]
        window = tuple(slice(m - r, m + r + 1) for m, r in zip(middle, reach, strict=True))
        scores = scores[window]
        here = scores[reach[0], reach[1]]
        best = np.unravel_index(scores.argmax(), scores.shape)
        down, right = int(best[0]) - reach[0], int(best[1]) - reach[1]
        peak = scores[best]
        far = np.hypot(down, right) >= _LEAST_SHIFT
        if far and peak > max(_LEAST, _FACTOR * here, here + _DIFFERENCE):
            found[i] = (down, right, float(peak))
    return found


def _find_swaps(ridges: list[np.ndarray], lines: list[np.ndarray]) -> dict[int, tuple[int, float]]:
    """The image that each mask fits much better than its own, and how well."""
    found = {}
    for i, line in enumerate(lines):
        scores = {
            j: abs(float((ridge * line).sum()))
            for j, ridge in enumerate(ridges)
            if ridge.shape == line.shape
        }
        here, best = scores[i], max(scores, key=lambda j: scores[j])
        if scores[best] > max(_LEAST, _FACTOR * here, here + _DIFFERENCE):
            found[i] = (best, scores[best])
    return found
