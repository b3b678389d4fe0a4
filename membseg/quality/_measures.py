"""Everything that is measured of one image and its mask, as one row of numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.quality._agreement import agreement_of
from membseg.quality._alignment import (
    alignment_of,
    far_from_ridges,
    on_and_off,
    ridge_response,
    strong_ridges,
)
from membseg.quality._cells import areas_of
from membseg.quality._defects import defects_of
from membseg.quality._inputs import standard_grey
from membseg.quality._texture import grey_levels, local_entropy, texture_of
from membseg.quality._thickness import thickness_of
from membseg.quality._trace import near_membrane, trace_membranes

#: Numbers of holes, specks and cells are given for so many pixels.
_MEGAPIXEL = 1e6

#: Logarithms are taken of no less than this.
_LEAST = 1e-3


@dataclass(frozen=True)
class Measure:
    """One column of the table.

    Attributes
    ----------
    words : str
        What it is, as the subject of a sentence.
    unit : str
        Its unit, with a space in front; empty where it has none.
    log : bool
        Whether differences count by ratio: half as much is as far off as twice as much.
    floor : float
        Least standard deviation that it is compared with, in its own unit, or in that of its
        logarithm: with few slices the true one is easily missed.
    bad : {"both", "high", "low"}
        On which side of the usual a value is a bad sign.
    """

    words: str
    unit: str = ""
    log: bool = False
    floor: float = 0.05
    bad: str = "both"

    def scaled(self, value: float) -> float:
        """Give a value on the scale on which differences count."""
        return float(np.log(max(value, _LEAST))) if self.log else float(value)


#: Column -> what it is. The order is that of tables.
MEASURES = {
    "membrane_fraction": Measure("the share of membrane", log=True),
    "thickness": Measure("the membrane's thickness", " px", log=True),
    "thickness_spread": Measure("the spread of the thickness over its median"),
    "n_cells": Measure("the number of cells per megapixel", log=True, floor=0.1),
    "cell_area": Measure("the cells' median area", " px", log=True, floor=0.1),
    "cell_area_spread": Measure("the spread of the cells' areas"),
    "concentration": Measure("the chance of two pixels to share a cell", log=True, floor=0.1),
    "open_ends": Measure("the number of open ends per 1000 px of membrane", floor=0.5, bad="high"),
    "gaps": Measure("the number of gaps per 1000 px of membrane", floor=0.2, bad="high"),
    "holes": Measure("the number of small holes per megapixel", floor=20.0, bad="high"),
    "specks": Measure("the number of specks per megapixel", floor=20.0, bad="high"),
    "largest_part": Measure("the share of membrane that hangs together", bad="low"),
    "ridge_contrast": Measure("the ridges' contrast between membrane and cell", bad="low"),
    "ridge_on_walls": Measure("the ridges' strength along the walls' middle lines", bad="low"),
    "ridge_missed": Measure("the share of strong ridges without membrane", floor=0.02, bad="high"),
    "ridge_invented": Measure("the share of walls on no ridge", floor=0.02, bad="high"),
    "shift": Measure("the best shift of the mask onto the ridges", " px", floor=0.5, bad="high"),
    "contrast": Measure("the contrast in brightness between membrane and cell"),
    "entropy_difference": Measure("the difference of entropy between membrane and cell"),
    "glcm_ratio": Measure("the ratio of texture between membrane and cell", log=True),
    "homogeneity_difference": Measure(
        "the difference of homogeneity between membrane and cell", floor=0.01
    ),
    "agreement_iou": Measure("the overlap with the second opinion", bad="low"),
    "agreement_missed": Measure(
        "the share of the second opinion's walls missed", floor=0.02, bad="high"
    ),
    "agreement_invented": Measure(
        "the share of walls that the second opinion lacks", floor=0.02, bad="high"
    ),
    "agreement_merge": Measure("the agreement with the second opinion on apart cells", bad="low"),
    "agreement_split": Measure("the agreement with the second opinion on whole cells", bad="low"),
    "neighbours": Measure("the overlap with the neighbouring slices", bad="low"),
    "consistency": Measure("the agreement between the views of the image", bad="low"),
    "confidence": Measure("the mean confidence", floor=0.02, bad="low"),
}

#: Measures of the image and the mask alone.
OWN = tuple(name for name in MEASURES if not name.startswith("agreement_"))[:-3]
#: Measures of the mask and another one of the same slice.
AGREEMENT = tuple(name for name in MEASURES if name.startswith("agreement_"))


@dataclass(frozen=True, eq=False)
class ImageView:
    """What is seen of an image once, for all masks of it.

    Attributes
    ----------
    grey : ndarray of shape (height, width), float64
        Grey values of zero mean and unit variance.
    ridge : ndarray of shape (height, width), float64
        How much pixels look as if they lay on a line.
    strong, no_ridge : ndarray of shape (height, width), bool
        Where there surely is a line, and where there is none near.
    levels : ndarray of shape (height, width), uint8
        Grey levels.
    entropy : ndarray of shape (height, width), float64
        Local entropy of the levels.
    """

    grey: np.ndarray
    ridge: np.ndarray
    strong: np.ndarray
    no_ridge: np.ndarray
    levels: np.ndarray
    entropy: np.ndarray

    @classmethod
    def of(cls, image: Any, *, scale: float, dark: bool) -> "ImageView":
        """Look at a (height, width, channels) image."""
        grey = standard_grey(image)
        levels = grey_levels(grey)
        ridge = ridge_response(grey, scale, dark)
        return cls(
            grey, ridge, strong_ridges(ridge), far_from_ridges(ridge), levels, local_entropy(levels)
        )


@dataclass(frozen=True, eq=False)
class Opinion:
    """Another mask of a slice, with its middle lines."""

    membrane: np.ndarray
    skeleton: np.ndarray

    @classmethod
    def of(cls, membrane: np.ndarray) -> "Opinion":
        """Find the middle lines of a mask."""
        return cls(membrane, trace_membranes(membrane).skeleton)


def measure_mask(
    view: ImageView, membrane: np.ndarray, opinion: Opinion | None = None
) -> dict[str, float]:
    """Measure one mask of one image.

    Parameters
    ----------
    view : ImageView
        What was seen of the image.
    membrane : ndarray of shape (height, width), bool
        True at membrane.
    opinion : Opinion or None
        Another mask of the same slice.

    Returns
    -------
    dict of str to float
        Values by the names of `MEASURES`; NaN where there is nothing to measure, such as the
        thickness of no membrane.
    """
    trace = trace_membranes(membrane)
    widths = thickness_of(trace)
    cells = areas_of(membrane)
    defects = defects_of(membrane, trace)
    aligned = alignment_of(view.ridge, membrane)
    texture = texture_of(view.grey, view.levels, view.entropy, membrane)
    per_pixel = _MEGAPIXEL / membrane.size
    row = {
        "membrane_fraction": cells.membrane_fraction,
        "thickness": widths.median,
        "thickness_spread": (widths.quantile(0.9) - widths.quantile(0.1)) / widths.median,
        "n_cells": len(cells.areas) * per_pixel,
        "cell_area": cells.median,
        "cell_area_spread": cells.spread,
        "concentration": cells.concentration,
        "open_ends": defects.ends_per_length,
        "gaps": defects.gaps_per_length,
        "holes": len(defects.holes) * per_pixel,
        "specks": len(defects.specks) * per_pixel,
        "largest_part": defects.largest_part,
        "ridge_contrast": aligned.contrast,
        "ridge_on_walls": on_and_off(view.ridge, trace.skeleton)[2],
        "ridge_missed": _share(~near_membrane(membrane), view.strong),
        "ridge_invented": _share(view.no_ridge, trace.skeleton),
        "shift": aligned.shift,
        "contrast": texture.contrast,
        "entropy_difference": texture.entropy_on - texture.entropy_off,
        "glcm_ratio": _ratio(texture.glcm_contrast_on, texture.glcm_contrast_off),
        "homogeneity_difference": texture.homogeneity_on - texture.homogeneity_off,
    }
    if opinion is not None:
        found = agreement_of(membrane, trace.skeleton, opinion.membrane, opinion.skeleton)
        row |= {name: getattr(found, name.removeprefix("agreement_")) for name in AGREEMENT}
    return row


def _share(chosen: np.ndarray, among: np.ndarray) -> float:
    return float(chosen[among].mean()) if among.any() else float("nan")


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else float("nan")
