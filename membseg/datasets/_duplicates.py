"""Slices that occur twice in a stack, perhaps turned or mirrored, and masks that do."""

import hashlib

import numpy as np
from skimage.transform import resize

from membseg.datasets._findings import Finding
from membseg.utils import ImageStack, MaskStack

#: Side of the fingerprints, and the correlation from which two are the same.
_SIDE, _SAME = 32, 0.99


def check_duplicates(images: ImageStack, masks: MaskStack) -> list[Finding]:
    """Findings about images and masks that occur more than once.

    Parameters
    ----------
    images : ImageStack
        The images.
    masks : MaskStack
        Their masks.

    Returns
    -------
    list of Finding
        Warnings, since a slice on both sides of a split makes scores too good.
    """
    findings = []
    pairs = same_images(images)
    if pairs:
        findings.append(
            Finding(
                "duplicate-images",
                "warning",
                f"{len(pairs)} pair(s) of images are nearly the same, perhaps turned or mirrored: "
                f"{_show(pairs)}.",
                "Leave one of each out, or keep both on one side of every split (groups).",
                sorted({i for pair in pairs for i in pair}),
            )
        )
    pairs = _same_masks(masks)
    if pairs:
        findings.append(
            Finding(
                "duplicate-masks",
                "warning",
                f"{len(pairs)} pair(s) of masks are identical: {_show(pairs)}.",
                "Check whether a mask was copied to fill a gap; if so, leave that slice out.",
                sorted({i for pair in pairs for i in pair}),
            )
        )
    return findings


def same_images(images: ImageStack) -> list[tuple[int, int]]:
    """Find pairs of nearly the same image, perhaps turned or mirrored."""
    prints = np.stack([fingerprint(image.mean(axis=2)) for image in images.images])
    flat = prints.reshape(len(prints), -1)
    best = np.full((len(prints), len(prints)), -1.0)
    for turns in range(4):
        for mirrored in (prints, prints[:, :, ::-1]):
            view = np.rot90(mirrored, turns, axes=(1, 2)).reshape(flat.shape)
            best = np.maximum(best, flat @ view.T)
    first, second = np.nonzero(np.triu(best > _SAME, k=1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def fingerprint(image: np.ndarray) -> np.ndarray:
    """The image at low resolution, with mean 0 and norm 1; zero for an image of one value."""
    small = resize(np.nan_to_num(image).astype(np.float64), (_SIDE, _SIDE), anti_aliasing=True)
    small -= small.mean()
    norm = np.sqrt((small * small).sum())
    return small / norm if norm > 0 else small


def _same_masks(masks: MaskStack) -> list[tuple[int, int]]:
    seen: dict[tuple[tuple[int, ...], bytes], int] = {}
    pairs = []
    for i, mask in enumerate(masks.masks):
        # Empty and full masks are alike without being copies.
        if mask.min() == mask.max():
            continue
        key = (mask.shape, hashlib.sha256(mask.tobytes()).digest())
        if key in seen:
            pairs.append((seen[key], i))
        else:
            seen[key] = i
    return pairs


def _show(pairs: list[tuple[int, int]]) -> str:
    shown = ", ".join(f"{a} and {b}" for a, b in pairs[:5])
    return shown + (f" and {len(pairs) - 5} more" if len(pairs) > 5 else "")
