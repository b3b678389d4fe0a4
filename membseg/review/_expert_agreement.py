"""Whether experts say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import cohen_kappa_score

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.review._fleiss import fleiss_kappa
from membseg.review._review import VERDICTS, Review

_KINDS = ("places", "images")


@dataclass(frozen=True, eq=False)
class ExpertAgreement:
    """How far experts agree in their verdicts; from :func:`expert_agreement`.

    Attributes
    ----------
    experts : tuple of str
        Their names.
    items : tuple of tuple
        What all of them judged: (image,), or (image, top, left, height, width).
    verdicts : ndarray of shape (n_items, n_experts), int64
        What they said: 0 good, 1 doubtful, 2 wrong.
    n_left_out : int
        Items that some judged and others did not.
    observed : float
        Share of pairs of experts and items with the same verdict.
    kappa : float
        Cohen's kappa for two experts, Fleiss' for more: agreement beyond chance, 1 at best; NaN
        where all gave one and the same verdict everywhere.
    pairs : ndarray of shape (n_experts, n_experts), float64
        Cohen's kappa of every two of them.
    """

    experts: tuple[str, ...]
    items: tuple[tuple[int, ...], ...]
    verdicts: np.ndarray
    n_left_out: int
    observed: float
    kappa: float
    pairs: np.ndarray

    @property
    def method(self) -> str:
        """Whose kappa it is: "cohen" for two experts, "fleiss" for more."""
        return "cohen" if len(self.experts) == 2 else "fleiss"

    @property
    def disputed(self) -> list[tuple[int, ...]]:
        """Items on which they differ, those furthest apart first."""
        apart = np.ptp(self.verdicts, axis=1)
        order = np.argsort(-apart, kind="stable")
        return [self.items[i] for i in order if apart[i]]

    def __str__(self) -> str:
        return (
            f"{', '.join(self.experts)}: {100 * self.observed:.0f} % of verdicts agree on "
            f"{len(self.items)} items that all judged ({self.n_left_out} left out), "
            f"{self.method.capitalize()}'s kappa {self.kappa:.2f}"
        )


def expert_agreement(reviews: Sequence[Review], *, of: str = "places") -> ExpertAgreement:
    """Compare the verdicts of two or more experts.

    Parameters
    ----------
    reviews : sequence of Review
        From :func:`load_reviews`, with one stack of images; one review an expert.
    of : {"places", "images"}, default="places"
        Which verdicts are compared. Places are the same where their rectangles are.

    Returns
    -------
    ExpertAgreement
        Over the items that every expert judged.

    Raises
    ------
    InvalidInputError
        If there are fewer than two reviews, two of the same expert, nothing that all judged, or
        `of` is unknown.
    InvalidTypeError
        If `reviews` are no reviews.

    References
    ----------
    .. [1] Cohen (1960), "A coefficient of agreement for nominal scales", Educational and
       Psychological Measurement 20(1), doi 10.1177/001316446002000104.
       Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychological
       Bulletin 76(5), doi 10.1037/h0031619.

    Examples
    --------
    >>> from membseg.review import Review, ReviewedImage, expert_agreement
    >>> def review(expert, *verdicts):
    ...     images = [ReviewedImage(i, "", v, "", None) for i, v in enumerate(verdicts)]
    ...     return Review(expert, "0" * 16, "", "", tuple(images), (), {})
    >>> found = expert_agreement(
    ...     [review("Ada", "good", "wrong", "wrong"), review("Ben", "good", "wrong", "good")],
    ...     of="images",
    ... )
    >>> print(found)
    Ada, Ben: 67 % of verdicts agree on 3 items that all judged (0 left out), Cohen's kappa 0.40
    >>> found.disputed
    [(2,)]
    """
    listed = check_reviews(reviews)
    if of not in _KINDS:
        raise InvalidInputError(f"of must be 'places' or 'images'; got {of!r}.")
    experts = tuple(review.expert for review in listed)
    if len(experts) < 2:
        raise InvalidInputError(
            f"reviews must be those of two experts or more; got {len(experts)}."
        )
    twice = next((name for name in experts if experts.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(
            f"reviews must be of different experts; got {twice!r} twice. Leave one out, or give it "
            "another name: dataclasses.replace(review, expert=...)."
        )
    said = [_verdicts_of(review, of) for review in listed]
    in_order = dict.fromkeys(item for verdicts in said for item in verdicts)
    items = tuple(item for item in in_order if all(item in verdicts for verdicts in said))
    if not items:
        raise InvalidInputError(
            f"reviews must share {of} that all experts judged; got none. Give reviews of one "
            "sheet, or let the experts judge the same."
        )
    codes = np.array([[verdicts[item] for verdicts in said] for item in items], dtype=np.int64)
    counts = np.stack([(codes == k).sum(axis=1) for k in range(len(VERDICTS))], axis=1)
    n = len(experts)
    pairs = np.array([[_cohen(codes[:, i], codes[:, j]) for j in range(n)] for i in range(n)])
    return ExpertAgreement(
        experts=experts,
        items=items,
        verdicts=codes,
        n_left_out=len(in_order) - len(items),
        observed=float((counts * (counts - 1)).sum() / (len(items) * n * (n - 1))),
        kappa=float(pairs[0, 1]) if n == 2 else fleiss_kappa(counts),
        pairs=pairs,
    )


def check_reviews(reviews: Any) -> list[Review]:
    """Refuse what is no sequence of reviews."""
    if not isinstance(reviews, list | tuple) or not all(isinstance(r, Review) for r in reviews):
        found = [type(r).__name__ for r in reviews] if isinstance(reviews, list | tuple) else None
        raise InvalidTypeError(
            "reviews must be a list of Review, as load_reviews gives it; got "
            f"{type(reviews).__name__ if found is None else sorted(set(found))}."
        )
    return list(reviews)


def _verdicts_of(review: Review, of: str) -> dict[tuple[int, ...], int]:
    if of == "images":
        return {
            (image.image,): VERDICTS.index(image.verdict)
            for image in review.images
            if image.verdict is not None
        }
    return {
        place.box: VERDICTS.index(place.verdict)
        for place in review.places
        if place.verdict is not None
    }


def _cohen(first: np.ndarray, second: np.ndarray) -> float:
    # Where both say one thing only, chance agrees as well: 0 / 0, of which scikit-learn warns.
    if len(np.union1d(first, second)) == 1:
        return float("nan")
    return float(cohen_kappa_score(first, second))
