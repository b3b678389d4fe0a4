"""What a segmenter and its rival play in adversarial training: masks to judge, and losses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

from membseg.networks import build_critic, build_discriminator

#: What a discriminator should answer to a true mask: with 1 it becomes too sure to teach anything
#: (one-sided label smoothing, Salimans et al. 2016, arXiv 1606.03498, section 3.4).
_ANSWER_TO_TRUE = 0.9

#: Least probability that a mask shown as true has for the right class of a pixel.
_LEAST_TRUE = 0.9


@dataclass(frozen=True)
class Game:
    """A kind of adversarial training.

    Attributes
    ----------
    build : callable
        From ``n_channels``, ``dtype`` and ``seed`` to the rival, a Keras model of image and mask.
    pair : callable
        From labels (target and weight) and predicted probabilities to the true and the predicted
        mask that the rival is shown.
    rival_loss, segmenter_loss : callable
        From the rival, the image, the true and the predicted mask to losses, whose mean the rival
        and the segmenter minimise.
    """

    build: Callable[..., Any]
    pair: Callable[[Any, Any], tuple[Any, Any]]
    rival_loss: Callable[[Any, Any, Any, Any], Any]
    segmenter_loss: Callable[[Any, Any, Any, Any], Any]


def softened_pair(labels: Any, probability: Any) -> tuple[Any, Any]:
    """Show a true mask that does not give itself away by zeros and ones.

    Luc et al. 2016, section 3.2, "scaling": the right class of a pixel has the probability that
    was predicted for it, but at least 0.9.

    Parameters
    ----------
    labels : tensor of shape (n, height, width, 2)
        Target in [0, 1] and weight >= 0 of each pixel.
    probability : tensor of shape (n, height, width, 1)
        Predicted probability of membrane.

    Returns
    -------
    true, predicted : tensor of shape (n, height, width, 1)
        Both are zero where a pixel has no label, so that these pixels tell nothing.
    """
    target = labels[..., :1]
    membrane = ops.maximum(probability, _LEAST_TRUE)
    cell = ops.minimum(probability, 1.0 - _LEAST_TRUE)
    return _where_labelled(labels, target * membrane + (1.0 - target) * cell, probability)


def plain_pair(labels: Any, probability: Any) -> tuple[Any, Any]:
    """Show a true mask as it is; otherwise as :func:`softened_pair`."""
    return _where_labelled(labels, labels[..., :1], probability)


def _where_labelled(labels: Any, true: Any, predicted: Any) -> tuple[Any, Any]:
    labelled = ops.cast(labels[..., 1:] > 0, "float32")
    return labelled * true, labelled * predicted


def tell_apart(true_logits: Any, predicted_logits: Any) -> Any:
    """Give what a discriminator minimises: the cross-entropy of its answers to both masks.

    Luc et al. 2016, equation 2, here as a mean over the two masks, with an answer of 0.9 to true
    ones. In nats: log 2 where every answer is one half.

    Parameters
    ----------
    true_logits, predicted_logits : tensor of one shape
        Logits of the answer "true".

    Returns
    -------
    tensor of that shape
        One loss for each pair of answers.
    """
    of_true = ops.softplus(true_logits) - _ANSWER_TO_TRUE * true_logits
    return (of_true + ops.softplus(predicted_logits)) / 2.0


def pass_for_true(predicted_logits: Any) -> Any:
    """Give what a segmenter minimises: the cross-entropy if its predictions were true masks.

    Luc et al. 2016, equation 3, in the form recommended there, whose gradient does not vanish
    where the discriminator is right.

    Parameters
    ----------
    predicted_logits : tensor
        Logits of the answer "true".

    Returns
    -------
    tensor of the same shape
        One loss for each answer.
    """
    return ops.softplus(-predicted_logits)


def feature_distances(true_features: list[Any], predicted_features: list[Any]) -> Any:
    """Give the mean absolute difference of the features of each level.

    Xue et al. 2018, equation 2, whose mean over the levels the caller takes.

    Parameters
    ----------
    true_features, predicted_features : list of tensor of shape (n, height, width, channels)
        One a level.

    Returns
    -------
    tensor of shape (n, n_levels), float32
        One distance for each image and level.
    """
    differences = [
        ops.abs(ops.cast(true, "float32") - ops.cast(predicted, "float32"))
        for true, predicted in zip(true_features, predicted_features, strict=True)
    ]
    return ops.stack([ops.mean(d, axis=(1, 2, 3)) for d in differences], axis=-1)


def _patch_rival_loss(discriminator: Any, image: Any, true: Any, predicted: Any) -> Any:
    return tell_apart(discriminator([image, true]), discriminator([image, predicted]))


def _patch_segmenter_loss(discriminator: Any, image: Any, true: Any, predicted: Any) -> Any:
    return pass_for_true(discriminator([image, predicted]))


def _segan_segmenter_loss(critic: Any, image: Any, true: Any, predicted: Any) -> Any:
    return feature_distances(critic([image, true]), critic([image, predicted]))


def _segan_rival_loss(critic: Any, image: Any, true: Any, predicted: Any) -> Any:
    return -_segan_segmenter_loss(critic, image, true, predicted)


#: The games by name.
GAMES = {
    "patch": Game(build_discriminator, softened_pair, _patch_rival_loss, _patch_segmenter_loss),
    "segan": Game(build_critic, plain_pair, _segan_rival_loss, _segan_segmenter_loss),
}
