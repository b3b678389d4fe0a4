"""One finding of the label doctor."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """Something about the labels that a user should know.

    Parameters
    ----------
    code : str
        Short name that stays the same, such as ``"empty-mask"``.
    severity : {"error", "warning", "info"}
        Whether it stops a fit, likely spoils it, or is merely good to know.
    message : str
        What was found.
    advice : str
        What to do about it.
    images : list of int
        Indices of the images concerned; empty where it is about all of them.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    advice: str
    images: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.severity} ({self.code}): {self.message} {self.advice}"
