"""How far the networks of a builder look, found by walking through a small one."""

from functools import lru_cache
from typing import Any

from membseg.segmenters._network_pool import Builder

#: What changes neither the receptive field nor the downsampling, in its cheapest form.
_CHEAPEST = {
    "n_channels": 1,
    "base_filters": 1,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "dtype": "float32",
    "seed": 0,
}


def walked_reach(build: Builder, config: dict[str, Any]) -> Any:
    """Give the :class:`membseg.networks.Reach` of a configuration's network.

    Parameters
    ----------
    build : callable
        From a configuration to a Keras network.
    config : dict
        Keyword arguments of the builder.

    Returns
    -------
    Reach
        Radius, total downsampling, and whether nothing beyond the radius counts.
    """
    small = {name: _CHEAPEST.get(name, value) for name, value in config.items()}
    return _walk(build, tuple(sorted(small.items())))


@lru_cache(maxsize=64)
def _walk(build: Builder, config: tuple[tuple[str, Any], ...]) -> Any:
    from membseg.networks import network_reach

    return network_reach(build(dict(config)))
