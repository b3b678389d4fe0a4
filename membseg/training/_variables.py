"""Values of Keras variables, as arrays."""

from typing import Any

import numpy as np
from keras import ops


def values_of(variables: list[Any]) -> list[np.ndarray]:
    """Read variables.

    Parameters
    ----------
    variables : list of keras.Variable
        Of a network, with the states of its random generators, or of an optimizer.

    Returns
    -------
    list of ndarray
        Copies, which later steps leave as they are.
    """
    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]


def assign_values(variables: list[Any], values: list[np.ndarray]) -> None:
    """Give variables the values that :func:`values_of` read.

    Parameters
    ----------
    variables : list of keras.Variable
        Changed in place.
    values : list of ndarray
        One for each, of its shape.

    Raises
    ------
    ValueError
        If number or shapes differ.
    """
    _check_shapes(variables, values)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def assign_arrays(arrays: list[np.ndarray], values: list[np.ndarray]) -> None:
    """Give arrays other values, in place.

    Parameters
    ----------
    arrays, values : list of ndarray
        Of the same shapes.

    Raises
    ------
    ValueError
        If number or shapes differ.
    """
    _check_shapes(arrays, values)
    for array, value in zip(arrays, values, strict=True):
        array[...] = value


def _check_shapes(old: list[Any], new: list[np.ndarray]) -> None:
    wanted = [tuple(variable.shape) for variable in old]
    got = [value.shape for value in new]
    if wanted != got:
        raise ValueError(f"arrays of the shapes {wanted} are needed; got {got}")
