"""Where a segmenter is in doubt, and of which kind the doubt is."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import entr

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.inference import list_views
from membseg.model_selection._out_of_fold import call_method
from membseg.utils import check_images, innermost
from membseg.utils._maps import each
from membseg.utils._one_view import set_one_view

_METHODS = ("single", "views", "members", "dropout")


@dataclass(frozen=True)
class Uncertainty:
    """Doubt at every pixel, in bits; from :func:`predict_uncertainty`.

    Each is an array of shape (n_images, height, width), float32, or a list of (height, width)
    arrays where images came as a list.

    Attributes
    ----------
    probability : ndarray or list of ndarray
        Membrane probability: the mean over the answers.
    total : ndarray or list of ndarray
        Entropy of that probability, from 0 (sure) to 1 (0.5): `data` and `model` together.
    data : ndarray or list of ndarray
        Mean entropy of the answers: the doubt that each of them has by itself.
    model : ndarray or list of ndarray
        Mutual information: the doubt that is there because the answers differ, and that more
        training slices can remove. Zero where there is one answer.
    """

    probability: Any
    total: Any
    data: Any
    model: Any

    @property
    def confidence(self) -> Any:
        """Probability of the likelier class, from 0.5 to 1."""
        return each(lambda p: np.maximum(p, 1 - p), self.probability)

    @property
    def margin(self) -> Any:
        """Distance between the probabilities of the two classes, from 0 to 1."""
        return each(lambda p: np.abs(2 * p - 1), self.probability)

    @property
    def image_scores(self) -> np.ndarray:
        """Mean of `total` over each image, ndarray of shape (n_images,): which to label next."""
        return np.array([float(image.mean()) for image in self.total])


def predict_uncertainty(
    estimator: Any,
    X: Any,
    *,
    method: str = "single",
    n_samples: int = 8,
    random_state: Any = None,
) -> Uncertainty:
    """Predict maps, and how doubtful they are.

    Parameters
    ----------
    estimator : segmenter
        Fitted.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    method : {"single", "views", "members", "dropout"}, default="single"
        Whose answers are compared. "single": there is one, that of ``predict_proba``. "views":
        those to the eight views of each image (flips and quarter turns), each taken back.
        "members": those of an :class:`membseg.EnsembleSegmenter`'s members. "dropout": those of
        a network with channels left out at random, fitted with ``dropout`` above 0 (spatial).
    n_samples : int, default=8
        Answers with dropout; not used otherwise.
    random_state : int, Generator, RandomState or None, default=None
        Which channels are left out; not used otherwise.

    Returns
    -------
    Uncertainty
        Probability, and total doubt in its two kinds.

    Raises
    ------
    InvalidInputError
        If `method` is unknown, or the network has no spatial dropout to draw.
    InvalidTypeError
        If ``method="members"`` and the estimator has none, or ``method="dropout"`` and it is no
        network.

    Notes
    -----
    With p_i the answers' membrane probabilities and H the entropy of two classes, total is
    H(mean p_i), data is mean H(p_i), and model their difference [1]_.

    References
    ----------
    .. [1] Depeweg, Hernández-Lobato, Doshi-Velez and Udluft (2018), "Decomposition of Uncertainty
       in Bayesian Deep Learning for Efficient and Risk-sensitive Learning", ICML, PMLR 80.
       Gal and Ghahramani (2016), "Dropout as a Bayesian Approximation", ICML, PMLR 48.

    Examples
    --------
    >>> from membseg import RidgeSegmenter, make_membranes
    >>> from membseg.calibration import predict_uncertainty
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> doubt = predict_uncertainty(RidgeSegmenter().fit(X, y), X, method="views")
    >>> doubt.total.shape, doubt.image_scores.shape
    ((3, 48, 48), (3,))
    """
    if method not in _METHODS:
        listed = ", ".join(repr(name) for name in _METHODS)
        raise InvalidInputError(f"method must be one of {listed}; got {method!r}.")
    if method == "members" and not hasattr(innermost(estimator), "estimators_"):
        raise InvalidTypeError(
            f"estimator must be an ensemble of several members for method='members'; got "
            f"{type(estimator).__name__}. Use EnsembleSegmenter, or method='views'."
        )
    if method == "dropout" and not hasattr(innermost(estimator), "predict_dropout_samples"):
        raise InvalidTypeError(
            f"estimator must be a network with dropout for method='dropout'; got "
            f"{type(estimator).__name__}. Use UNetSegmenter(dropout=0.1), say, or method='views'."
        )
    drawn = {"n_samples": n_samples, "random_state": random_state}
    total = entropy = None
    n_answers = 0
    for maps in _answers(estimator, X, method, drawn):
        own = each(binary_entropy, maps)
        total = maps if total is None else each(np.add, total, maps)
        entropy = own if entropy is None else each(np.add, entropy, own)
        n_answers += 1
    probability = each(lambda p: p / np.float32(n_answers), total)
    data = each(lambda h: h / np.float32(n_answers), entropy)
    whole = each(binary_entropy, probability)
    # Rounding can leave a difference of nothing below zero.
    model = each(lambda h, d: np.maximum(h - d, 0), whole, data)
    return Uncertainty(probability, whole, data, model)


def binary_entropy(probability: np.ndarray) -> np.ndarray:
    """Entropy of two classes in bits."""
    other = 1 - probability
    return ((entr(probability) + entr(other)) / np.float32(np.log(2))).astype(np.float32)


def _answers(estimator: Any, X: Any, method: str, drawn: dict[str, Any]) -> Iterator[Any]:
    """Give the membrane maps of each answer."""
    if method == "single":
        yield call_method(estimator, "predict_membrane", X)
    elif method == "members":
        ensemble, images = _open(estimator, X)
        for member in ensemble.estimators_:
            yield call_method(member, "predict_membrane", images)
    elif method == "dropout":
        segmenter, images = _open(estimator, X)
        yield from segmenter.predict_dropout_samples(images, **drawn)
    else:
        yield from _views(estimator, X)


def _open(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Give the segmenter inside searches and pipelines, and the images as it gets them."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            # What stands in front is done once.
            X, estimator = estimator[:-1].transform(X), estimator.steps[-1][1]
        else:
            return estimator, X


def _views(estimator: Any, X: Any) -> Iterator[Any]:
    as_list = check_images(X).as_list
    # One view at a time: a segmenter's own mean over views would hide what differs.
    plain = copy.deepcopy(estimator)
    set_one_view(plain)
    for view in list_views("d4"):
        turned = [view.apply(np.asarray(image)) for image in X]
        maps = [
            view.undo(np.asarray(one)) for one in call_method(plain, "predict_membrane", turned)
        ]
        yield maps if as_list else np.stack(maps)
