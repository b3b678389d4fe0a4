"""What a search for leaks found."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LeakTest:
    """Whether one thing seen of an image tells one number about its mask.

    Attributes
    ----------
    view : str
        What a model saw: a corner, the border, or the mean brightness.
    statistic : str
        What it predicted: membrane fraction, polarity, thickness or number of cells, of the
        middle of the mask.
    skill : float
        Share of the squared error that it saved, out of fold: 1 is perfect, 0 no better than the
        mean.
    control : float
        The best skill of the same model at places of the same size inside of the image; 0 where
        there are no such places.
    p_value : float
        Probability of so much skill by chance in any of the tests of this search.
    leaks : bool
        Whether it is a finding.
    """

    view: str
    statistic: str
    skill: float
    control: float
    p_value: float
    leaks: bool

    def __str__(self) -> str:
        return (
            f"{self.statistic} from the {self.view}: skill {self.skill:.2f} (inside of the image "
            f"{self.control:.2f}), p = {self.p_value:.3f}"
        )


@dataclass(frozen=True, eq=False)
class LeakReport:
    """What a search for leaks found; from :func:`leak_check`.

    Attributes
    ----------
    tests : tuple of LeakTest
        All that was tried, the strongest first.
    copies : tuple of (int, int)
        Pairs of images that are nearly the same, perhaps turned, mirrored, or brighter; with
        folds, the training image first and only pairs on both sides of a fold.
    neighbours : tuple of (int, int)
        With folds, pairs of neighbouring slices that are alike, on both sides of a fold.
    """

    tests: tuple[LeakTest, ...]
    copies: tuple[tuple[int, int], ...]
    neighbours: tuple[tuple[int, int], ...]

    @property
    def leaks(self) -> tuple[LeakTest, ...]:
        """The tests that found something."""
        return tuple(test for test in self.tests if test.leaks)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not (self.leaks or self.copies or self.neighbours)

    def table(self) -> list[dict[str, Any]]:
        """Give all tests as rows of plain values.

        Returns
        -------
        list of dict
            Keys "view", "statistic", "skill", "control", "p_value" and "leaks".
        """
        names = ("view", "statistic", "skill", "control", "p_value", "leaks")
        return [{name: getattr(test, name) for name in names} for test in self.tests]

    def __str__(self) -> str:
        if self.ok:
            return f"No leak found in {len(self.tests)} tests."
        lines = []
        if self.leaks:
            lines.append(
                "A part of the images tells what the masks are like. Look there for marks, cover "
                "them, and score with images that have none:"
            )
            lines += [f"  {test}" for test in self.leaks]
        if self.copies:
            lines.append(
                f"{len(self.copies)} pair(s) of images are nearly the same, perhaps turned, "
                f"mirrored or brighter: {_show(self.copies)}. Keep both on one side of every split."
            )
        if self.neighbours:
            lines.append(
                f"{len(self.neighbours)} pair(s) of neighbouring slices that are alike lie on both "
                f"sides of the split: {_show(self.neighbours)}. Use SliceBlockKFold with gap=1."
            )
        return "\n".join(lines)


def _show(pairs: tuple[tuple[int, int], ...]) -> str:
    shown = ", ".join(f"{a} and {b}" for a, b in pairs[:5])
    return shown + (f" and {len(pairs) - 5} more" if len(pairs) > 5 else "")
