"""Everything that a report tells, in numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.analysis import Analysis
from membseg.quality import MembraneThickness, QualityTable
from membseg.utils import ImageStack


@dataclass(frozen=True, eq=False)
class Content:
    """What was predicted, measured and analysed.

    Attributes
    ----------
    title : str
        Title of the page.
    notes : str
        What its maker wrote; may be empty.
    segmenter : segmenter
        The one at the core of what was given.
    model : dict of str to str
        What is known of it, by name.
    parameters : dict of str to str
        What it was told.
    images : ImageStack
        The images.
    names : list of str
        What they are called.
    masks : list of ndarray of shape (height, width), uint8
        Predicted masks: 0 cell, 1 membrane.
    truth : list of ndarray of shape (height, width), uint8, or None
        True masks: 0 cell, 1 membrane, 255 without a label.
    maps : list of ndarray of shape (height, width), float
        Membrane probabilities.
    quality : QualityTable
        What can be told without the truth.
    thickness : list of MembraneThickness
        Of the predicted membranes.
    true_thickness : list of MembraneThickness or None
        Of the true ones.
    expected : tuple of float or None
        The thickness that is expected, in nanometres, or in pixels where no size is known.
    analysis : Analysis or None
        What can be told with the truth.
    pixel_size : float or None
        Side of a pixel in nanometres.
    max_images, max_events : int
        How many are drawn.
    created : str
        When, in coordinated universal time.
    """

    title: str
    notes: str
    segmenter: Any
    model: dict[str, str]
    parameters: dict[str, str]
    images: ImageStack
    names: list[str]
    masks: list[np.ndarray]
    truth: list[np.ndarray] | None
    maps: list[np.ndarray]
    quality: QualityTable
    thickness: list[MembraneThickness]
    true_thickness: list[MembraneThickness] | None
    expected: tuple[float, float] | None
    analysis: Analysis | None
    pixel_size: float | None
    max_images: int
    max_events: int
    created: str

    @property
    def unit(self) -> str:
        """Unit of lengths: "nm" where the size of a pixel is known, else "px"."""
        return "px" if self.pixel_size is None else "nm"

    @property
    def pixel(self) -> float:
        """Side of a pixel in that unit."""
        return 1.0 if self.pixel_size is None else self.pixel_size

    @property
    def order(self) -> list[int]:
        """Numbers of the images, those to look at first."""
        flagged = self.quality.outliers
        if self.analysis is None:
            return flagged + [i for i in range(len(self.images)) if i not in set(flagged)]
        judged = self.analysis.worst
        return judged + [i for i in range(len(self.images)) if i not in set(judged)]

    def thickness_rows(self) -> list[dict[str, Any]]:
        """Give the local thickness of each image: its median and its outer tenths."""
        rows = []
        for i, one in enumerate(self.thickness):
            row: dict[str, Any] = {"image": i, "name": self.names[i], "places": len(one.widths)}
            for name, q in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
                width = one.quantile(q)
                row[f"{name}_px"] = width
                if self.pixel_size is not None:
                    row[f"{name}_nm"] = width * self.pixel_size
            rows.append(row)
        return rows
