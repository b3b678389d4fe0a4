"""What a segmenter around a network has learnt, checked against the network it asks for."""

import functools
from typing import Any

import numpy as np

from membseg.persistence._allowed import BUILDERS, builder_name, class_named
from membseg.persistence._kinds import COUNT, SHARE, Kind
from membseg.utils import INTENSITY_NORMS

#: What every network is built with, besides its sizes.
_COMMON = ("dtype", "l1", "l2", "n_channels", "seed")

#: What stands in the configuration of a network of the caller's own.
_WALKED = ("factor", "is_exact", "radius")

_DTYPES = ("float32", "mixed_bfloat16")

#: Beyond these, numbers would only serve to fill the memory.
_MOST_CHANNELS, _LARGEST_SEED = 2**16, 2**31


def _is_continuation(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"share", "n_taken", "optimizer"}:
        return False
    arrays = value["optimizer"]
    fine = arrays is None or (
        isinstance(arrays, list) and all(isinstance(array, np.ndarray) for array in arrays)
    )
    return fine and SHARE.holds(value["share"]) and COUNT.holds(value["n_taken"])


CONTINUATION = Kind("what partial_fit goes on with", _is_continuation)


def check_network_state(segmenter: Any) -> None:
    """Check weights and configuration of a segmenter whose attributes are of the right kinds.

    Nothing of the size that a configuration asks for is made: the network is built without its
    weights, and must have those that the file holds.

    Parameters
    ----------
    segmenter : BaseKerasSegmenter
        With its attributes.

    Raises
    ------
    ValueError
        If they do not fit each other.
    """
    state, weights, config = vars(segmenter), segmenter._weights, segmenter._config
    if weights is None:
        if config is not None or "_prior_logit" not in state:
            raise ValueError("a segmenter without weights has no prior, or has a network")
        return
    norm, intensity = state.get("_intensity_norm"), segmenter.intensity_
    if config is None or norm not in INTENSITY_NORMS:
        raise ValueError("a segmenter with weights lacks its network or its normalisation")
    sizes = () if intensity is None else (intensity.offset.size, intensity.scale.size)
    if (norm == "stack") != bool(sizes) or any(n != segmenter.n_channels_in_ for n in sizes):
        raise ValueError("intensity_ must have one number a channel where it is that of the stack")
    if not all({"step", "epoch"} <= set(row) for row in segmenter.history_):
        raise ValueError("history_ must have an epoch and a step in each row")
    if any(weight.dtype != np.float32 for weight in weights):
        raise ValueError("its weights must be float32")
    moments = (state.get("_going_on") or {}).get("optimizer") or []
    if not {moment.shape for moment in moments} <= {(), *(weight.shape for weight in weights)}:
        raise ValueError("what its optimizer goes on with is not of the shapes of its weights")
    _check_config(type(segmenter), config)
    if config["n_channels"] != segmenter.n_channels_in_:
        raise ValueError("its network has other channels than its segmenter")
    _check_shapes(segmenter, config, weights)


def _check_config(cls: Any, config: dict[str, Any]) -> None:
    sizes = {name: value for name, value in config.items() if name not in _COMMON}
    lacking = [name for name in _COMMON if name not in config]
    if lacking:
        raise ValueError(f"its network has no {lacking[0]}")
    sound = (
        config["dtype"] in _DTYPES
        and _is_whole(config["n_channels"], _MOST_CHANNELS)
        and config["n_channels"] > 0
        and _is_whole(config["seed"], _LARGEST_SEED)
        and all(isinstance(config[name], int | float) for name in ("l1", "l2"))
    )
    if not sound:
        raise ValueError("its network has a dtype, a number of channels or a seed that cannot be")
    if "build_fn" not in cls._parameter_constraints:
        _check_sizes(cls, sizes)
        return
    build_fn = sizes.pop("build_fn", None)
    if set(sizes) != set(_WALKED):
        raise ValueError("its network has other sizes than it must have")
    function = getattr(build_fn, "func", build_fn)
    name = builder_name(function)
    if name is None:
        raise ValueError("its network has no builder")
    keywords = build_fn.keywords if isinstance(build_fn, functools.partial) else {}
    known = class_named(BUILDERS[name])
    given = {key: value for key, value in keywords.items() if key not in _COMMON}
    _check_sizes(known, given)
    if not all(_is_whole(keywords.get(key, 0), _LARGEST_SEED) for key in ("n_channels", "seed")):
        raise ValueError("its network has a number that cannot be")


def _check_sizes(cls: Any, sizes: dict[str, Any]) -> None:
    """Check sizes of a network by what the parameters of their names may be."""
    from membseg.utils._sklearn_compat import make_constraint

    for name, value in sizes.items():
        allowed = cls._parameter_constraints.get(name, [])
        fits = any(make_constraint(one).is_satisfied_by(value) for one in allowed)
        if not fits or (value == "auto" and isinstance(value, str)):
            raise ValueError(f"its network has a size that cannot be, {name[:40]!r}")


def _is_whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most


def _check_shapes(segmenter: Any, config: dict[str, Any], weights: list[np.ndarray]) -> None:
    from membseg.networks._weight_shapes import dry_network
    from membseg.segmenters._workers import load_keras

    load_keras()
    with dry_network(lambda: segmenter._build(config)) as network:
        wanted = [(variable.path, tuple(variable.shape)) for variable in network.weights]
        if "build_fn" in config:
            _check_reach(network, config)
    if len(wanted) != len(weights):
        raise ValueError(f"its network has {len(wanted)} weights, and it holds {len(weights)}")
    for (path, shape), weight in zip(wanted, weights, strict=True):
        if weight.shape != shape:
            raise ValueError(
                f"its network has weights of shape {shape} in {path}, and it holds some of shape "
                f"{weight.shape}"
            )
    if segmenter.n_parameters_ != sum(weight.size for weight in weights):
        raise ValueError("n_parameters_ is not the number of its weights")


def _check_reach(network: Any, config: dict[str, Any]) -> None:
    from membseg.networks import network_reach

    reach = network_reach(network)
    if any(config[name] != getattr(reach, name) for name in _WALKED):
        raise ValueError("its network looks further, or less far, than it says")
