"""Why an image is flagged, in words for people who look at cells."""

from membseg.quality._measures import MEASURES
from membseg.report._words import sentence

#: Measure -> what it hints at where it is high, and where it is low. Empty: no bad sign.
_PLAIN = {
    "membrane_fraction": (
        "more membrane than usual: walls are drawn too thick, or cell is taken for membrane",
        "less membrane than usual: walls are drawn too thin, or are missing",
    ),
    "thickness": ("membranes are thicker than usual", "membranes are thinner than usual"),
    "thickness_spread": (
        "membranes are very thick in some places and thin in others",
        "membranes are all of one thickness",
    ),
    "n_cells": (
        "more cells than usual: false walls may divide them",
        "fewer cells than usual: they may run together",
    ),
    "cell_area": (
        "cells are larger than usual: they may run together",
        "cells are smaller than usual: false walls may divide them",
    ),
    "cell_area_spread": (
        "very large cells beside many small ones: some may run together, some may be crumbs",
        "cells are more alike in size than usual",
    ),
    "concentration": (
        "one cell, or a few, take much of the image: a wall is probably open somewhere",
        "no cell is as large as usual: false walls may divide the large ones",
    ),
    "open_ends": ("walls end in the middle of nowhere", ""),
    "gaps": ("walls have gaps", ""),
    "holes": ("membranes have small holes", ""),
    "specks": ("there are specks of membrane inside cells", ""),
    "largest_part": ("", "the membranes fall into separate pieces"),
    "ridge_contrast": ("", "membranes hardly follow the lines that are seen in the image"),
    "ridge_on_walls": ("", "the drawn walls lie where the image shows no clear line"),
    "ridge_missed": ("clear lines of the image have no membrane", ""),
    "ridge_invented": ("walls are drawn where the image shows no line", ""),
    "shift": ("the mask lies beside the membranes, as if it had been moved", ""),
    "contrast": (
        "membranes and cells differ less in brightness, or the other way round",
        "membranes and cells differ more in brightness than usual",
    ),
    "entropy_difference": (
        "membranes are busier against the cells than usual",
        "cells are busier against the membranes than usual",
    ),
    "glcm_ratio": (
        "membranes are rougher against the cells than usual",
        "membranes are smoother against the cells than usual",
    ),
    "homogeneity_difference": (
        "membranes are smoother against the cells than usual",
        "membranes are rougher against the cells than usual",
    ),
    "agreement_iou": ("", "a second opinion puts the membranes elsewhere"),
    "agreement_missed": ("a second opinion has walls that are missing here", ""),
    "agreement_invented": ("a second opinion lacks walls that are drawn here", ""),
    "agreement_merge": ("", "a second opinion keeps cells apart that run together here"),
    "agreement_split": ("", "a second opinion keeps cells whole that are divided here"),
    "neighbours": ("", "membranes do not go on in the neighbouring slices"),
    "consistency": ("", "the segmenter says something else when the image is turned"),
    "confidence": ("", "the segmenter is less sure than usual"),
}


def explain(flag: str) -> tuple[str, str]:
    """Turn a flag of a quality report into plain words.

    Parameters
    ----------
    flag : str
        A flag, as :func:`membseg.quality_report` gives it.

    Returns
    -------
    tuple of str
        What it hints at, and the numbers as a sentence; the second is empty where the flag is
        plain already.
    """
    for name, measure in MEASURES.items():
        if flag.startswith(f"{measure.words} is ") and "standard deviations" in flag:
            high, low = _PLAIN[name]
            return (low if " below the usual" in flag else high) or measure.words, sentence(flag)
    return flag, ""
