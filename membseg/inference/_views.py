"""Test-time views: flips and quarter turns of a square grid, and the way back."""

from dataclasses import dataclass

import numpy as np

#: What the parameter `tta` may be, and how many views each name means.
TTA_MODES = ("none", "flips", "d4")


@dataclass(frozen=True)
class View:
    """One symmetry of the square: quarter turns, then perhaps a left-right flip.

    Attributes
    ----------
    quarter_turns : int
        Counter-clockwise turns by 90 degrees, 0 to 3.
    flip : bool
        Whether the turned image is mirrored left to right.
    """

    quarter_turns: int
    flip: bool

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn and flip the first two axes of an image."""
        turned = np.rot90(image, self.quarter_turns)
        return turned[:, ::-1] if self.flip else turned

    def undo(self, image: np.ndarray) -> np.ndarray:
        """Take an image back from this view."""
        unflipped = image[:, ::-1] if self.flip else image
        return np.rot90(unflipped, -self.quarter_turns)


def list_views(tta: str) -> list[View]:
    """Give the views that a name of `tta` means, the identity first.

    Parameters
    ----------
    tta : {"none", "flips", "d4"}
        One view; the four made by flips; all eight symmetries of the square.

    Returns
    -------
    list of View
        1, 4 or 8 views.
    """
    if tta == "none":
        return [View(0, False)]
    if tta == "flips":
        # Mirroring up-down is half a turn and a left-right flip.
        return [View(turns, flip) for turns in (0, 2) for flip in (False, True)]
    return [View(turns, flip) for turns in range(4) for flip in (False, True)]
