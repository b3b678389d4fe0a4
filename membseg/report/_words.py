"""Numbers as text, and what they mean to people who look at cells."""

import re
from typing import Any

#: Column of the quality table -> its head, and what it means.
QUALITY = {
    "membrane_fraction": ("membrane", "share of the image that is called membrane"),
    "thickness": ("thickness (px)", "median thickness of the membranes, in pixels"),
    "thickness_nm": ("thickness (nm)", "median thickness of the membranes, in nanometres"),
    "n_cells": ("cells per Mpx", "separate cells per million pixels; few of them hint at leaks"),
    "cell_area": ("cell area (px)", "median area of the cells, in pixels"),
    "open_ends": ("open ends", "ends of walls inside the image, per 1000 px of wall; real "
                  "membranes have hardly any"),
    "gaps": ("gaps", "open ends that face each other, per 1000 px of wall: the wall goes on "
             "there, most likely"),
    "specks": ("specks", "tiny parts of membrane that touch nothing, per million pixels"),
    "ridge_contrast": ("on ridges", "how much better the walls fit the lines that are seen in the "
                       "image than other places do; low where the mask is beside the membranes"),
    "neighbours": ("like neighbours", "overlap of the membranes with those of the slices before "
                   "and after; 1 is all"),
    "confidence": ("sure", "mean confidence of the segmenter, from 0.5 (tossing a coin) to 1"),
    "consistency": ("same when turned", "agreement of the segmenter with itself over turned and "
                    "mirrored images; 1 is all"),
    "v_rand_predicted": ("V_Rand, predicted", "how well the cells would fit a person's, as a "
                         "model predicts it from the mask's looks; 1 is best"),
    "iou_predicted": ("IoU, predicted", "how well the membrane would fit a person's, as a model "
                      "predicts it; 1 is best"),
}  # fmt: skip

#: Score -> what it means. The order is that of the table.
SCORES = {
    "iou": "membrane shared by the masks and the truth, over the membrane of either",
    "dice": "the same as a Dice coefficient",
    "accuracy": "share of pixels that are right; all cell would already reach the share of cell",
    "precision": "share of the called membrane that is membrane",
    "recall": "share of the true membrane that is found",
    "boundary_f1": "borders that lie within 2 px of true ones",
    "cldice": "middle lines of membranes that lie in each other's membrane",
    "v_rand": "cells that fit, at the best threshold for these images (quote the next one)",
    "v_rand_mask": "cells that fit, at the segmenter's own threshold: falls with merges and splits",
    "v_info": "information shared by the cells, at the best threshold for these images",
    "v_info_mask": "information shared by the cells, at the segmenter's own threshold",
    "instance_f1": "cells that are found and fit by half or more",
    "panoptic_quality": "cells found, times how well the found ones fit",
    "roc_auc": "order of the pixels by probability; 0.5 is chance",
    "average_precision": "precision, averaged over all amounts of membrane found",
    "ece": "how far probabilities are from frequencies",
    "log_loss": "cost of being sure and wrong",
}

#: Names that people know scores by.
NAMES = {
    "iou": "IoU", "dice": "Dice", "cldice": "clDice", "v_rand": "V_Rand, best threshold",
    "v_rand_mask": "V_Rand", "v_info": "V_Info, best threshold", "v_info_mask": "V_Info",
    "roc_auc": "ROC area", "ece": "calibration error", "boundary_f1": "boundary F1",
    "instance_f1": "F1 of cells", "f1": "F1",
}  # fmt: skip


def name_of(score: str) -> str:
    """Give a score's name as people know it."""
    return NAMES.get(score, score.replace("_", " "))


def number(value: Any, digits: int = 3) -> str:
    """Say a number with so many digits; a dash where it is not known."""
    if value is None or value != value:
        return "\N{EN DASH}"
    if isinstance(value, int):
        return f"{value}"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def percent(value: Any) -> str:
    """Say a share in per cent."""
    return "\N{EN DASH}" if value is None or value != value else f"{100 * value:.1f} %"


def between(low: Any, high: Any) -> str:
    """Say an interval; a dash where there is none."""
    if low != low:
        return "\N{EN DASH}"
    return f"{number(low)} to {number(high)}"


def count(n: int, one: str, many: str | None = None) -> str:
    """Say how many."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """Make a flag a sentence, with numbers as people write them."""
    text = re.sub(r"\d\.?\d*e[+]\d+", lambda found: f"{float(found[0]):.0f}", text)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
