"""The label doctor: looks for what goes wrong with masks, and says what to do about it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from membseg.datasets._alignment import check_alignment
from membseg.datasets._duplicates import check_duplicates
from membseg.datasets._findings import Finding
from membseg.datasets._mask_values import check_values
from membseg.datasets._polarity import looks_inverted
from membseg.utils import IGNORED, ImageStack, MaskStack, check_images, encode_masks

#: Less membrane than this share of the pixels is called an imbalance.
_RARE = 0.02
#: More indices than this are not listed in a text.
_MAX_LISTED = 8


@dataclass(frozen=True)
class LabelReport:
    """What :func:`check_labels` found.

    Parameters
    ----------
    findings : list of Finding
        Errors first, then warnings, then infos.
    n_images : int
        Number of images looked at.
    """

    findings: list[Finding] = field(default_factory=list)
    n_images: int = 0

    @property
    def ok(self) -> bool:
        """Whether there are neither errors nor warnings."""
        return all(finding.severity == "info" for finding in self.findings)

    def __str__(self) -> str:
        head = f"Labels of {self.n_images} images: "
        if not self.findings:
            return head + "nothing found."
        counts = [
            f"{n} {severity}{'s' if n > 1 else ''}"
            for severity in ("error", "warning", "info")
            if (n := sum(f.severity == severity for f in self.findings))
        ]
        return "\n".join([head + ", ".join(counts) + ".", *map(str, self.findings)])


def check_labels(
    X: Any,
    y: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    cheap: bool = False,
) -> LabelReport:
    """Look for mistakes in masks and say how to mend them.

    Content that looks wrong is reported, never raised; only what is no stack of images at all
    raises.

    Parameters
    ----------
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks, whatever they hold.
    membrane_label : scalar or None, default=None
        The value of membrane; None takes the larger of two.
    ignore_label : scalar or None, default=None
        The value of pixels without a label.
    cheap : bool, default=False
        Whether only the masks' values and class balance are looked at, which costs next to
        nothing. The images' pixels are then not read.

    Returns
    -------
    LabelReport
        The findings; it prints as text, and ``ok`` tells whether all is well.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` or `y` has axes or a dtype that no images and masks can have.

    Notes
    -----
    The codes of the findings:

    - errors: ``count-mismatch``, ``size-mismatch``, ``not-finite``, ``instance-ids``,
      ``soft-mask``, ``too-many-values``, ``membrane-label``, ``one-class``;
    - errors or warnings: ``unlabelled`` (an error where no mask has a labelled pixel);
    - warnings: ``inverted-polarity``, ``empty-mask``, ``full-mask``, ``class-imbalance``,
      ``misaligned``, ``shuffled``, ``duplicate-images``, ``duplicate-masks``;
    - infos: ``scale-255``, ``ignored-pixels``.

    Examples
    --------
    >>> from membseg.datasets import check_labels, make_membranes
    >>> X, y = make_membranes(4, 96, 96, random_state=0)
    >>> check_labels(X, y).ok
    True
    >>> print(check_labels(X, 1 - y, cheap=True).findings[0].code)
    inverted-polarity
    """
    images = check_images(X, finite=False)
    raw = check_images(y, name="y", finite=False)
    findings = _check_fit(images, raw)
    findings += check_values(raw, membrane_label=membrane_label, ignore_label=ignore_label)
    if not any(finding.severity == "error" for finding in findings):
        arrays = [mask[..., 0] for mask in raw.images]
        masks = encode_masks(arrays, membrane_label=membrane_label, ignore_label=ignore_label)
        findings += _check_balance(masks, thorough=not cheap)
        if not cheap:
            findings += check_alignment(images, masks)
            findings += check_duplicates(images, masks)
    order = ("error", "warning", "info")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return LabelReport(findings=findings, n_images=len(images))


def label_warnings(masks: MaskStack) -> list[str]:
    """What fit warns about, from encoded masks alone; costs next to nothing.

    Parameters
    ----------
    masks : MaskStack
        Masks as :func:`membseg.utils.encode_masks` gives them.

    Returns
    -------
    list of str
        One text a finding, with the way out; empty where there is none.
    """
    warned = [f for f in _check_balance(masks, thorough=False) if f.severity == "warning"]
    return [f"{finding.message} {finding.advice}" for finding in warned]


def _check_fit(images: ImageStack, raw: ImageStack) -> list[Finding]:
    if len(images) != len(raw):
        return [
            Finding(
                "count-mismatch",
                "error",
                f"X holds {len(images)} images and y holds {len(raw)} masks.",
                "Give one mask an image, in the same order.",
            )
        ]
    pairs = zip(images.sizes, raw.sizes, strict=True)
    wrong = [i for i, (a, b) in enumerate(pairs) if tuple(a) != tuple(b)]
    if not wrong:
        return []
    first = wrong[0]
    return [
        Finding(
            "size-mismatch",
            "error",
            f"{len(wrong)} mask(s) differ in size from their images; X[{first}] is "
            f"{tuple(images.sizes[first])} and y[{first}] is {tuple(raw.sizes[first])}.",
            "Check the order of the files, and whether masks were resized, cropped or transposed.",
            wrong,
        )
    ]


def _check_balance(masks: MaskStack, *, thorough: bool) -> list[Finding]:
    fractions = [None if _is_sparse(mask) else _fraction(mask) for mask in masks.masks]
    empty = [i for i, f in enumerate(fractions) if f == 0]
    full = [i for i, f in enumerate(fractions) if f == 1]
    findings = []
    total = masks.membrane_fraction
    if total > 0.5 or (thorough and looks_inverted(masks.masks)):
        why = "" if total > 0.5 else ", and what is labelled cell is a thin connected network"
        findings.append(
            Finding(
                "inverted-polarity",
                "warning",
                f"Membrane is {100 * total:.1f} % of the labelled pixels{why}: cell and membrane "
                "are likely swapped.",
                _swap_advice(masks),
            )
        )
    if empty:
        findings.append(
            Finding(
                "empty-mask",
                "warning",
                f"{len(empty)} mask(s) hold no membrane: y at {_list(empty)}.",
                "Leave these slices out if they were not labelled, or mark them with ignore_label.",
                empty,
            )
        )
    if full:
        findings.append(
            Finding(
                "full-mask",
                "warning",
                f"{len(full)} mask(s) hold nothing but membrane: y at {_list(full)}.",
                "Leave these slices out if they were not labelled, or mark them with ignore_label.",
                full,
            )
        )
    if 0 < total < _RARE:
        findings.append(
            Finding(
                "class-imbalance",
                "warning",
                f"Membrane is only {100 * total:.2f} % of the labelled pixels.",
                "Check that the lines are complete; thin lines can be widened, e.g. with "
                "skimage.morphology.dilation, and a loss that weighs classes helps.",
            )
        )
    return findings


def _is_sparse(mask: np.ndarray) -> bool:
    """Whether most pixels are ignored, as in strokes and reviews: then one class may be all."""
    return bool(np.count_nonzero(mask == IGNORED) > mask.size / 2)


def _fraction(mask: np.ndarray) -> float | None:
    labelled = np.count_nonzero(mask != IGNORED)
    return np.count_nonzero(mask == 1) / labelled if labelled else None


def _swap_advice(masks: MaskStack) -> str:
    if masks.classes is None:
        return "Say which value is membrane with membrane_label."
    return f"If so, pass membrane_label={masks.classes[0].item()!r}."


def _list(indices: list[int]) -> str:
    shown = ", ".join(map(str, indices[:_MAX_LISTED]))
    return shown + (f" and {len(indices) - _MAX_LISTED} more" if len(indices) > _MAX_LISTED else "")
