"""Agreement of masks with other masks of the same slices, and with those of their neighbours."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from membseg.metrics import v_rand_parts
from membseg.quality._inputs import as_membranes
from membseg.quality._trace import near_membrane, trace_membranes
from membseg.utils import check_same_sizes


@dataclass(frozen=True)
class MaskAgreement:
    """How far a mask agrees with another one of the same slice; from :func:`mask_agreement`.

    Attributes
    ----------
    iou : float
        Intersection over union of membrane; 1 where neither has any.
    missed : float
        Share of the other mask's middle lines with no membrane of this one within 3 px (in rows
        and in columns).
    invented : float
        Share of this mask's middle lines with no membrane of the other one within 3 px.
    merge : float
        Low where cells that are apart in the other mask run together in this one, as V_Rand
        counts it.
    split : float
        Low where cells of the other mask fall apart in this one.
    """

    iou: float
    missed: float
    invented: float
    merge: float
    split: float


def mask_agreement(masks: Any, others: Any, *, membrane_label: Any = None) -> list[MaskAgreement]:
    """Compare masks with other masks of the same slices, those of a baseline for example.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values.
    others : array-like or list, as `masks`
        The masks to compare with; nobody says that they are right.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    list of MaskAgreement
        One a slice. Without middle lines there is nothing missed or invented, 0.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If these are no masks of two values, or do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import mask_agreement
    >>> mask = np.zeros((1, 9, 9), int)
    >>> mask[:, 4] = 1
    >>> (same,) = mask_agreement(mask, mask)
    >>> same.iou, same.missed, same.invented, same.merge
    (1.0, 0.0, 0.0, 1.0)
    """
    here = as_membranes(masks, membrane_label=membrane_label)
    there = as_membranes(others, membrane_label=membrane_label, name="others")
    check_same_sizes([m.shape for m in here], [m.shape for m in there], names=("masks", "others"))
    return [
        agreement_of(a, trace_membranes(a).skeleton, b, trace_membranes(b).skeleton)
        for a, b in zip(here, there, strict=True)
    ]


def agreement_of(
    membrane: np.ndarray, skeleton: np.ndarray, other: np.ndarray, other_skeleton: np.ndarray
) -> MaskAgreement:
    """Agreement of one mask with another, whose middle lines are known."""
    parts = v_rand_parts(
        other[np.newaxis].astype(np.uint8),
        membrane[np.newaxis].astype(np.uint8),
        threshold=0.5,
        membrane_label=1,
    )
    return MaskAgreement(
        iou=mask_iou(membrane, other),
        missed=_share_apart(other_skeleton, membrane),
        invented=_share_apart(skeleton, other),
        merge=parts.merge,
        split=parts.split,
    )


def mask_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def _share_apart(skeleton: np.ndarray, membrane: np.ndarray) -> float:
    """Share of a skeleton that is further than the reach from a membrane."""
    return float((~near_membrane(membrane))[skeleton].mean()) if skeleton.any() else 0.0


def neighbour_agreement(masks: Any, *, membrane_label: Any = None) -> np.ndarray:
    """Compare each mask of a stack with those of the slices before and after it.

    Parameters
    ----------
    masks : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values, in z order.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger.

    Returns
    -------
    ndarray of shape (n_images,), float64
        Mean intersection over union of membrane with the neighbours of the same size; NaN for a
        slice that has none.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If these are no masks of two values.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import neighbour_agreement
    >>> masks = np.zeros((3, 4, 4), int)
    >>> masks[:, 0] = 1
    >>> masks[2] = masks[2].T
    >>> neighbour_agreement(masks).round(2).tolist()
    [1.0, 0.57, 0.14]
    """
    membranes = as_membranes(masks, membrane_label=membrane_label)
    found: list[list[float]] = [[] for _ in membranes]
    for i, (a, b) in enumerate(pairwise(membranes)):
        if a.shape == b.shape:
            iou = mask_iou(a, b)
            found[i].append(iou)
            found[i + 1].append(iou)
    return np.array([np.mean(values) if values else np.nan for values in found])
