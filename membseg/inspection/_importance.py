"""How much scores fall while something is destroyed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidTypeError
from membseg.metrics import get_scorer
from membseg.model_selection._stacks import check_count
from membseg.utils import check_images, make_rng

#: From a name, images, masks and a random stream to spoilt images and the masks that fit them.
Spoiler = Callable[[str, list[np.ndarray], list[np.ndarray], np.random.Generator], Any]


@dataclass(frozen=True, eq=False)
class ImportanceResult:
    """How far a score falls while each of several things is destroyed.

    Attributes
    ----------
    names : tuple of str
        What was destroyed.
    repeats : ndarray of shape (n_names, n_repeats), float64
        The fall of the score in every repeat: positive where it got worse.
    baseline_score : float
        The score of the images as they are.
    scoring : str
        Name of the score; higher is better.
    """

    names: tuple[str, ...]
    repeats: np.ndarray
    baseline_score: float
    scoring: str

    @property
    def mean(self) -> np.ndarray:
        """Mean fall of the score, by name."""
        return self.repeats.mean(axis=1)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation of the fall over the repeats, by name."""
        return self.repeats.std(axis=1)

    @property
    def n_repeats(self) -> int:
        """How often each was destroyed."""
        return self.repeats.shape[1]

    def table(self) -> list[dict[str, Any]]:
        """Give rows of plain values, the most important first.

        Returns
        -------
        list of dict
            Keys "name", "mean", "std" and "n_repeats".
        """
        return [
            {
                "name": self.names[k], "mean": float(self.mean[k]), "std": float(self.std[k]),
                "n_repeats": self.n_repeats,
            }
            for k in np.argsort(-self.mean, kind="stable")
        ]  # fmt: skip

    def __str__(self) -> str:
        width = max(map(len, self.names))
        lines = [
            f"  {row['name']:{width}}  {row['mean']:7.3f} +- {row['std']:.3f}"
            for row in self.table()
        ]
        return "\n".join([f"{self.scoring} {self.baseline_score:.3f}; it falls without", *lines])


def measure_importance(
    segmenter: Any,
    X: Any,
    y: Any,
    names: Sequence[str],
    spoil: Spoiler,
    *,
    scoring: Any,
    n_repeats: int,
    random_state: Any,
) -> ImportanceResult:
    """Score spoilt images again and again.

    Parameters
    ----------
    segmenter : segmenter
        Fitted.
    X, y : array-like or list of arrays
        Images and masks.
    names : sequence of str
        What is destroyed, one after the other.
    spoil : callable
        Destroys it.
    scoring : str or callable
        A score's name, or ``scorer(estimator, X, y)``.
    n_repeats : int
        How often.
    random_state : int, Generator, RandomState or None
        Where chance comes from.

    Returns
    -------
    ImportanceResult
        The falls.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or a parameter cannot be used.
    """
    check_count(n_repeats, "n_repeats", least=1, advice="Five show how far chance goes.")
    if not (isinstance(scoring, str) or callable(scoring)):
        raise InvalidTypeError(
            "scoring must be a score's name, such as 'iou', or a function of estimator, X and y; "
            f"got {scoring!r}."
        )
    scorer: Any = get_scorer(scoring) if isinstance(scoring, str) else scoring
    check_images(X)
    # The score also checks that masks fit the images.
    baseline = float(scorer(segmenter, X, y))
    images, masks = [np.asarray(image) for image in X], [np.asarray(mask) for mask in y]
    streams = make_rng(random_state).spawn(len(names))
    falls = np.empty((len(names), n_repeats))
    for k, (name, rng) in enumerate(zip(names, streams, strict=True)):
        for repeat in range(n_repeats):
            spoilt = spoil(name, images, masks, rng)
            falls[k, repeat] = baseline - float(scorer(segmenter, *spoilt))
    title = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    return ImportanceResult(tuple(names), falls, baseline, title)
