"""Weights of another fitted segmenter, to start from."""

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.segmenters._keras_prediction import KerasPrediction


def find_source(init_from: Any) -> KerasPrediction | None:
    """Check the parameter `init_from`.

    Parameters
    ----------
    init_from : segmenter around a Keras network, fitted, or None
        May be frozen.

    Returns
    -------
    KerasPrediction or None
        The segmenter that has the weights.

    Raises
    ------
    InvalidTypeError
        If it is something else.
    InvalidInputError
        If it is not fitted, or its fit failed.
    """
    if init_from is None:
        return None
    source = init_from.estimator if isinstance(init_from, FrozenEstimator) else init_from
    if not isinstance(source, KerasPrediction):
        raise InvalidTypeError(
            "init_from must be a fitted segmenter around a Keras network, such as UNetSegmenter, "
            f"or None; got {type(source).__name__}."
        )
    try:
        check_is_fitted(source, "history_")
    except NotFittedError as error:
        raise InvalidInputError(
            f"init_from must be fitted; this {type(source).__name__} is not. Call its fit first."
        ) from error
    if source._weights is None:
        raise InvalidInputError(
            "init_from must hold a trained network; its fit failed and gave the prior, as "
            "on_failure='worst' asks. Fit it again with on_failure='raise' to see why."
        )
    return source


def check_same_network(network: Any, weights: list[np.ndarray]) -> None:
    """Refuse weights of another architecture.

    Parameters
    ----------
    network : keras.Model
        The network that is to start from them.
    weights : list of ndarray
        Weights of the source.

    Raises
    ------
    InvalidInputError
        If number or shapes differ; the first layer that differs is named.
    """
    wanted = [tuple(variable.shape) for variable in network.weights]
    got = [weight.shape for weight in weights]
    if wanted == got:
        return
    start = "init_from must have the network that these parameters and images ask for;"
    way_out = "Give both segmenters the same sizes, and images of as many channels."
    for variable, mine, other in zip(network.weights, wanted, got, strict=False):
        if mine != other:
            raise InvalidInputError(
                f"{start} weights of {variable.path} have shape {mine} here and {other} in "
                f"init_from. {way_out}"
            )
    raise InvalidInputError(
        f"{start} it has {len(wanted)} arrays of weights and init_from {len(got)}. {way_out}"
    )
