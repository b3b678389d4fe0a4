"""What images look like under the masks' membrane and beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.metrics._checks import check_number
from membseg.quality._alignment import on_and_off
from membseg.quality._inputs import check_pair, standard_grey

#: Grey values beyond so many standard deviations are cut off before they are sorted into levels.
_REACH = 2.5


@dataclass(frozen=True)
class MembraneTexture:
    """Texture of one image at membrane ("on") and at cell ("off"); from :func:`membrane_texture`.

    All are NaN where there is no membrane, or no cell.

    Attributes
    ----------
    contrast : float
        Mean grey value on minus off, in standard deviations of the image: negative where
        membranes are dark.
    entropy_on, entropy_off : float
        Mean local entropy of the grey levels, in bits.
    glcm_contrast_on, glcm_contrast_off : float
        Mean squared difference between the levels of neighbours.
    homogeneity_on, homogeneity_off : float
        Mean closeness of the levels of neighbours, from 0 to 1 (all equal).
    """

    contrast: float
    entropy_on: float
    entropy_off: float
    glcm_contrast_on: float
    glcm_contrast_off: float
    homogeneity_on: float
    homogeneity_off: float


def membrane_texture(
    X: Any,
    masks: Any,
    *,
    radius: int = 4,
    n_levels: int = 16,
    membrane_label: Any = None,
) -> list[MembraneTexture]:
    """Compare the texture of images at membrane and at cell.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, one an image.
    radius : int, default=4
        Radius of the disk, in pixels, in which the local entropy is taken.
    n_levels : int, default=16
        Number of grey levels, 2 to 254, between 2.5 standard deviations on either side.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of MembraneTexture
        One an image.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images and masks do not fit each other, or a number cannot be used.

    Notes
    -----
    The matrix of co-occurring levels [1]_ counts pairs of pixels that touch, in all directions,
    of which both lie at membrane, or both at cell.

    References
    ----------
    .. [1] Haralick, Shanmugam and Dinstein (1973), "Textural Features for Image Classification",
       IEEE Transactions on Systems, Man, and Cybernetics SMC-3(6), doi 10.1109/TSMC.1973.4309314.

    Examples
    --------
    >>> from membseg import make_membranes
    >>> from membseg.quality import membrane_texture
    >>> X, y = make_membranes(1, 64, 64, random_state=0)
    >>> (texture,) = membrane_texture(X, y)
    >>> texture.contrast < 0
    True
    """
    check_number(radius, "radius", low=1)
    check_number(n_levels, "n_levels", low=2, high=254)
    for name, value in (("radius", radius), ("n_levels", n_levels)):
        if int(value) != value:
            raise InvalidInputError(f"{name} must be a whole number; got {value!r}.")
    images, membranes = check_pair(X, masks, membrane_label=membrane_label)
    results = []
    for image, membrane in zip(images.images, membranes, strict=True):
        grey = standard_grey(image)
        levels = grey_levels(grey, int(n_levels))
        entropy = local_entropy(levels, int(radius))
        results.append(texture_of(grey, levels, entropy, membrane))
    return results


def grey_levels(grey: np.ndarray, n_levels: int = 16) -> np.ndarray:
    """Sort standardised grey values into levels 0 to n_levels - 1, uint8."""
    share = (np.clip(grey, -_REACH, _REACH) + _REACH) / (2 * _REACH)
    return np.minimum(share * n_levels, n_levels - 1).astype(np.uint8)


def local_entropy(levels: np.ndarray, radius: int = 4) -> np.ndarray:
    """Entropy of the levels in a disk around each pixel, in bits."""
    from skimage.filters.rank import entropy
    from skimage.morphology import disk

    return entropy(levels, disk(radius))


def texture_of(
    grey: np.ndarray, levels: np.ndarray, entropy: np.ndarray, membrane: np.ndarray
) -> MembraneTexture:
    """Texture of one image whose levels and local entropy are known."""
    if membrane.all() or not membrane.any():
        return MembraneTexture(*[float("nan")] * 7)
    entropy_on, entropy_off, _ = on_and_off(entropy, membrane)
    contrast_on, same_on = _co_occurrence(levels, membrane)
    contrast_off, same_off = _co_occurrence(levels, ~membrane)
    return MembraneTexture(
        contrast=float(grey[membrane].mean() - grey[~membrane].mean()),
        entropy_on=entropy_on,
        entropy_off=entropy_off,
        glcm_contrast_on=contrast_on,
        glcm_contrast_off=contrast_off,
        homogeneity_on=same_on,
        homogeneity_off=same_off,
    )


def _co_occurrence(levels: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """Contrast and homogeneity of pairs of pixels that are both chosen; NaN without pairs."""
    from skimage.feature import graycomatrix, graycoprops

    # Level 0 marks what is not chosen; its row and column are dropped.
    marked = np.where(chosen, levels + 1, 0).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    counts = graycomatrix(marked, [1], angles, levels=int(marked.max()) + 1, symmetric=True)
    pairs = counts[1:, 1:].sum(axis=3, keepdims=True).astype(np.float64)
    if not pairs.sum():
        return float("nan"), float("nan")
    pairs /= pairs.sum()
    contrast, homogeneity = (graycoprops(pairs, p)[0, 0] for p in ("contrast", "homogeneity"))
    return float(contrast), float(homogeneity)
