"""What the values of masks say: two classes, or something else."""

from typing import Any

import numpy as np

from membseg.datasets._findings import Finding
from membseg.exceptions import InvalidInputError
from membseg.utils import IGNORED, ImageStack, MaskStack, encode_masks

#: Soft masks keep at least this share of their pixels at the two ends of the scale.
_AT_THE_ENDS = 0.5


def check_values(raw: ImageStack, *, membrane_label: Any, ignore_label: Any) -> list[Finding]:
    """Findings about the values alone.

    Parameters
    ----------
    raw : ImageStack
        The masks as the caller gave them.
    membrane_label, ignore_label : scalar or None
        As in :func:`membseg.datasets.check_labels`.

    Returns
    -------
    list of Finding
        Errors where the masks cannot be used.
    """
    if raw.n_channels != 1:
        message = f"The masks have {raw.n_channels} channels, as colour images do."
        advice = "Take one channel, or compare with the colour of the membrane."
        return [Finding("too-many-values", "error", message, advice)]
    arrays = [mask[..., 0] for mask in raw.images]
    not_finite = [i for i, array in enumerate(arrays) if not np.isfinite(array).all()]
    if not_finite:
        message = f"{len(not_finite)} mask(s) hold NaN or infinite values."
        advice = "Mark unlabelled pixels with a number and pass it as ignore_label."
        return [Finding("not-finite", "error", message, advice, not_finite)]
    try:
        masks = encode_masks(arrays, membrane_label=membrane_label, ignore_label=ignore_label)
    except InvalidInputError as error:
        return [_explain(arrays, str(error), ignore_label)]
    return _check_encoded(masks, arrays)


def _check_encoded(masks: MaskStack, arrays: list[np.ndarray]) -> list[Finding]:
    findings = []
    if masks.classes is None:
        value = next(
            a[m != IGNORED][0]
            for a, m in zip(arrays, masks.masks, strict=True)
            if (m != IGNORED).any()
        )
        findings.append(
            Finding(
                "one-class",
                "error",
                f"Every labelled pixel has the value {value.item()!r}.",
                "Check the mask files: cell and membrane must both occur.",
            )
        )
    elif masks.classes.tolist() in ([0, 255], [255, 0]):
        findings.append(
            Finding(
                "scale-255",
                "info",
                "The masks hold 0 and 255 rather than 0 and 1.",
                "Nothing needs to be done: predictions will have the same values.",
            )
        )
    findings += _check_ignored(masks)
    return findings


def _check_ignored(masks: MaskStack) -> list[Finding]:
    shares = [float(np.mean(mask == IGNORED)) for mask in masks.masks]
    without = [i for i, share in enumerate(shares) if share == 1]
    findings = []
    if any(shares):
        share = 100 * float(np.mean(shares))
        message = f"{share:.1f} % of the pixels have no label (value {masks.ignore_label!r})."
        advice = "They count neither in training nor in scores."
        touched = [i for i, share in enumerate(shares) if share]
        findings.append(Finding("ignored-pixels", "info", message, advice, touched))
    if without:
        message = f"{len(without)} mask(s) have no labelled pixel at all."
        advice = "Leave these slices out, or learn from them with unlabelled='mean_teacher'."
        findings.append(Finding("unlabelled", "warning", message, advice, without))
    return findings


def _explain(arrays: list[np.ndarray], message: str, ignore_label: Any) -> Finding:
    """Why masks could not be encoded, under the fitting code."""
    values, counts = _count_values(arrays)
    kept = values != ignore_label if ignore_label is not None else np.ones(len(values), bool)
    values, counts = values[kept], counts[kept]
    if len(values) == 0:
        return Finding("unlabelled", "error", message, "Label some pixels, or leave it out.")
    if len(values) == 2:
        advice = f"Pass one of {values.tolist()} as membrane_label."
        return Finding("membrane-label", "error", message, advice)
    ends = (counts[0] + counts[-1]) / counts.sum()
    whole = np.all(values == np.round(values))
    span = float(values[-1] - values[0])
    if not whole or (len(values) > 3 and ends > _AT_THE_ENDS and span in (100.0, 255.0)):
        advice = (
            f"Masks were likely resized, rotated or saved as JPEG: threshold them, e.g. "
            f"y > {(values[0] + values[-1]) / 2:g}, and use nearest-neighbour interpolation."
        )
        return Finding("soft-mask", "error", _first_sentence(message), advice)
    if len(values) > 3:
        advice = (
            "These look like ids of cells: make a membrane mask of them, e.g. y == 0 where 0 is "
            "the membrane, or skimage.segmentation.find_boundaries(y[i])."
        )
        return Finding("instance-ids", "error", _first_sentence(message), advice)
    advice = "Pass the value of unlabelled pixels as ignore_label, or merge two of the values."
    return Finding("too-many-values", "error", _first_sentence(message), advice)


def _count_values(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    everything = np.concatenate([array.ravel() for array in arrays])
    return np.unique(everything, return_counts=True)


def _first_sentence(message: str) -> str:
    return message.split(". ")[0].rstrip(".") + "."
