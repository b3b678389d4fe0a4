"""What scorers read from a fitted segmenter: its masks, its maps, its classes."""

from collections.abc import Collection
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.metrics._evaluation import Evaluation
from membseg.metrics._label_images import list_label_images
from membseg.metrics._maps import check_maps
from membseg.metrics._pairs import Pairs, make_pairs, weigh_truth
from membseg.utils import encode_masks, innermost


def evaluate_segmenter(
    estimator: Any, X: Any, y: Any, sample_weight: Any, responses: Collection[str]
) -> Evaluation:
    """Predict once per method in `responses`, and set the results beside `y`.

    A segmenter without "predict_instances" is asked for "predict" instead.
    """
    segmenter = innermost(estimator)
    classes = _classes(segmenter)
    ignore_label = getattr(segmenter, "ignore_label", None)
    truth = encode_masks(y, classes=classes, ignore_label=ignore_label).masks

    wanted = set(responses)
    if "predict_instances" in wanted and not hasattr(segmenter, "predict_instances"):
        wanted = (wanted - {"predict_instances"}) | {"predict"}
    pairs: dict[str, Pairs] = {}
    for response in sorted(wanted):
        name = f"{response}(X)"
        if response == "predict_instances":
            labels = list_label_images(_predict_instances(estimator, X), name=name)
            kept, weights = weigh_truth(truth, labels, sample_weight, name=name, truth_name="y")
            pairs[response] = Pairs(kept, labels, weights)
            continue
        found = getattr(estimator, response)(X)
        if response == "predict":
            guess = encode_masks(found, classes=classes, name=name).masks
        else:
            guess = _membrane_maps(found)
        pairs[response] = make_pairs(truth, guess, sample_weight, name=name, truth_name="y")
    return Evaluation(pairs)


def _predict_instances(estimator: Any, X: Any) -> Any:
    """Ask the segmenter inside; pipelines and searches pass on no method of this name."""
    while not hasattr(estimator, "predict_instances"):
        if hasattr(estimator, "steps"):
            X = estimator[:-1].transform(X)
            estimator = estimator.steps[-1][1]
        else:
            estimator = estimator.best_estimator_
    return estimator.predict_instances(X)


def _classes(segmenter: Any) -> np.ndarray:
    classes = np.asarray(getattr(segmenter, "classes_", None))
    if classes.shape != (2,):
        raise InvalidTypeError(
            "estimator must be a fitted segmenter, with classes_ = [cell value, membrane value]; "
            f"got {type(segmenter).__name__} with classes_ of shape {classes.shape}."
        )
    return classes


def _membrane_maps(proba: Any) -> list[np.ndarray]:
    """Membrane's part of (n_images, 2, height, width), or of a list of (2, height, width)."""
    images = proba if isinstance(proba, list | tuple) else np.asarray(proba)
    shapes = {np.shape(image)[:1] if np.ndim(image) == 3 else None for image in images}
    if shapes != {(2,)}:
        shape = getattr(proba, "shape", [np.shape(image) for image in images])
        raise InvalidInputError(
            "predict_proba(X) must have shape (n_images, 2, height, width), or be a list of "
            f"(2, height, width) arrays; got {shape}."
        )
    return check_maps([image[1] for image in images], name="predict_proba(X)")
