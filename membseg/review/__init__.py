"""Predictions shown to experts, and what they say taken back: verdicts, agreement, labels."""

from membseg.review._doubtful_places import DoubtfulPlace, doubtful_places
from membseg.review._expert_agreement import ExpertAgreement, expert_agreement
from membseg.review._fleiss import fleiss_kappa
from membseg.review._labels_from_reviews import labels_from_reviews
from membseg.review._load_reviews import load_reviews
from membseg.review._review import Review, ReviewedImage, ReviewedPlace
from membseg.review._review_sheet import review_sheet

__all__ = [
    "DoubtfulPlace",
    "ExpertAgreement",
    "Review",
    "ReviewedImage",
    "ReviewedPlace",
    "doubtful_places",
    "expert_agreement",
    "fleiss_kappa",
    "labels_from_reviews",
    "load_reviews",
    "review_sheet",
]
