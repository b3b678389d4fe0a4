"""What a fit is made of, so that a checkpoint can tell whether it belongs to it."""

import hashlib
import json
from functools import partial
from typing import Any

import numpy as np

from membseg import __version__
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._transfer import find_source
from membseg.utils import MaskStack
from membseg.utils._image_keys import image_keys

#: Parameters that may change while a training is interrupted: where and what is written, and what
#: concerns predictions.
FREE_PARAMETERS = frozenset(
    {"checkpoint_dir", "verbose", "on_failure", "threshold", "tta", "tile_size"}
)

#: What a fit is, in groups of names and short texts.
Identity = dict[str, dict[str, str]]


def fit_identity(segmenter: Any, inputs: FitInputs) -> Identity:
    """Describe a fit by all that its weights depend on.

    Parameters
    ----------
    segmenter : BaseKerasSegmenter
        Its parameters are read, all but :data:`FREE_PARAMETERS`.
    inputs : FitInputs
        What fit was given.

    Returns
    -------
    dict
        "versions", "parameters" and "data", each of str to str.
    """
    params = segmenter.get_params(deep=False)
    parameters = {name: _describe(params[name]) for name in params.keys() - FREE_PARAMETERS}
    # Its length may change, but with the clock or without it are two kinds of training.
    parameters["time_limit"] = "None" if segmenter.time_limit is None else "seconds"
    source = find_source(segmenter.init_from)
    parameters["init_from"] = _of_weights(None if source is None else source._weights)
    own = getattr(segmenter, "_weights", None) if segmenter.warm_start else None
    parameters["warm_start"] = _of_weights(own)
    return {
        "versions": _versions(segmenter),
        "parameters": parameters,
        "data": _of_data(inputs),
    }


def identity_key(identity: Identity) -> str:
    """Give a short name of a fit: 16 hexadecimal digits.

    Parameters
    ----------
    identity : dict
        As from :func:`fit_identity`.

    Returns
    -------
    str
        The same for the same fit on every run and machine.
    """
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def differences(here: Identity, there: Identity) -> list[str]:
    """Say in which points two fits differ.

    Parameters
    ----------
    here, there : dict
        As from :func:`fit_identity`.

    Returns
    -------
    list of str
        A point each: the name, and both values where they can be read.
    """
    found = []
    for group, mine in here.items():
        other = there.get(group, {})
        for name in sorted(mine.keys() | other.keys()):
            a, b = mine.get(name, "none"), other.get(name, "none")
            if a != b:
                found.append(name if group == "data" else f"{name} ({b} there, {a} here)")
    return found


def _versions(segmenter: Any) -> dict[str, str]:
    import keras

    from membseg.training import choose_policy

    kind = type(segmenter)
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "membseg": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        # What "auto" is depends on the machine.
        "dtype": choose_policy(segmenter.precision),
    }


def _describe(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, partial):
        return f"{_describe(value.func)} {value.args!r} {sorted(value.keywords.items())!r}"
    # A function is known by its name; of a generator the state is kept in the checkpoint.
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _of_weights(weights: list[np.ndarray] | None) -> str:
    return "None" if weights is None else f"weights {_digest(weights)}"


def _of_data(inputs: FitInputs) -> dict[str, str]:
    data = {
        "X": _digest(image_keys(inputs.images)),
        "y": _of_masks(inputs.masks),
        "sample_weight": "None" if inputs.weights is None else _digest(inputs.weights),
        "groups": "None",
        "validation_data": "None",
    }
    if inputs.groups is not None:
        data["groups"] = _digest(np.asarray(inputs.groups).tolist())
    if inputs.validation is not None:
        images, masks = inputs.validation
        data["validation_data"] = _digest(image_keys(images)) + _of_masks(masks)
    return data


def _of_masks(masks: MaskStack) -> str:
    return _digest(masks.masks)


def _digest(parts: list[Any]) -> str:
    """Give a short name of a list of arrays or of plain values."""
    found = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str} {part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(f"{part!r};".encode())
    return found.hexdigest()
