"""What an expert said of predictions."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: What can be said of a place or an image, from best to worst.
VERDICTS = ("good", "doubtful", "wrong")


@dataclass(frozen=True)
class ReviewedImage:
    """What an expert said of a whole image; part of a :class:`Review`.

    Attributes
    ----------
    image : int
        Number of the image in the stack that the review was loaded with.
    name : str
        What the sheet called it.
    verdict : {"good", "doubtful", "wrong"} or None
        The judgement of the prediction; None where there is none.
    note : str
        What the expert wrote.
    time : str or None
        When it was last changed, in ISO 8601 and universal time; None where it was left alone.
    """

    image: int
    name: str
    verdict: str | None
    note: str
    time: str | None


@dataclass(frozen=True, eq=False)
class ReviewedPlace:
    """What an expert said of a place, and painted there; part of a :class:`Review`.

    Attributes
    ----------
    image : int
        Number of the image in the stack that the review was loaded with.
    top, left : int
        Row and column of the place's first pixel.
    height, width : int
        Its size in pixels.
    doubt : float or None
        How doubtful the sheet found it, in [0, 1]; None where the expert added the place.
    reason : str
        Why, in words; empty where the expert added it.
    verdict : {"good", "doubtful", "wrong"} or None
        The judgement of the prediction there; None where there is none.
    mended : bool
        Whether the rest of the place is right, once the painted pixels are put right.
    note : str
        What the expert wrote.
    time : str or None
        When it was last changed, in ISO 8601 and universal time; None where it was left alone.
    membrane, cell : ndarray of shape (n_pixels, 2), int64
        Row and column, in the image, of the pixels that the expert painted as membrane and cell.
    """

    image: int
    top: int
    left: int
    height: int
    width: int
    doubt: float | None
    reason: str
    verdict: str | None
    mended: bool
    note: str
    time: str | None
    membrane: np.ndarray = field(repr=False)
    cell: np.ndarray = field(repr=False)

    @property
    def box(self) -> tuple[int, int, int, int, int]:
        """Image, top, left, height and width: what makes it the same place to several experts."""
        return self.image, self.top, self.left, self.height, self.width

    @property
    def is_settled(self) -> bool:
        """Whether every pixel of the place is known: it is good, or mended."""
        return self.verdict == "good" or self.mended


@dataclass(frozen=True, eq=False)
class Review:
    """One expert's review, with images numbered as in one's own stack; from :func:`load_reviews`.

    Attributes
    ----------
    expert : str
        The name that the expert gave.
    sheet : str
        What tells the sheet from others, 16 hexadecimal digits.
    started, saved : str
        When the sheet was opened first, and when the file was saved, in ISO 8601 and universal
        time.
    images : tuple of ReviewedImage
        One an image of the sheet.
    places : tuple of ReviewedPlace
        The sheet's places, the most doubtful first, then those that the expert added.
    predictions : dict of int to str
        For each image the SHA-256 of the mask that was shown.
    """

    expert: str
    sheet: str
    started: str
    saved: str
    images: tuple[ReviewedImage, ...]
    places: tuple[ReviewedPlace, ...]
    predictions: dict[int, str] = field(repr=False)

    def table(self) -> list[dict[str, Any]]:
        """Give images and places as plain rows, with the number of painted pixels.

        Returns
        -------
        list of dict
            One row an image, then one a place, all with the same columns.
        """
        rows = [
            {"kind": "image", "expert": self.expert, **dict.fromkeys(_PLACE_ONLY), **vars(image)}
            for image in self.images
        ]
        names = {image.image: image.name for image in self.images}
        for place in self.places:
            row = {"kind": "place", "expert": self.expert, "name": names[place.image]}
            found = row | {key: value for key, value in vars(place).items() if key not in _PIXELS}
            found |= {f"n_{key}": len(getattr(place, key)) for key in _PIXELS}
            rows.append({key: found[key] for key in rows[0]})
        return rows

    def __str__(self) -> str:
        judged = sum(place.verdict is not None for place in self.places)
        counts = ", ".join(
            f"{sum(place.verdict == verdict for place in self.places)} {verdict}"
            for verdict in VERDICTS
        )
        painted = sum(len(place.membrane) + len(place.cell) for place in self.places)
        return (
            f"{self.expert}: {judged} of {len(self.places)} places judged ({counts}), "
            f"{painted} pixels painted; saved {self.saved}"
        )


#: Fields of pixels, of which a table holds the number.
_PIXELS = ("membrane", "cell")

#: Columns that rows of images leave empty.
_PLACE_ONLY = (
    *("top", "left", "height", "width", "doubt", "reason", "mended"),
    *("n_membrane", "n_cell"),
)
