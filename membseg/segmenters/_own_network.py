"""A segmenter around a network that the user builds."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from membseg.exceptions import InvalidInputError
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._shared_parameters import with_shared_parameters
from membseg.utils._random import python_seed

#: What a builder is given besides the number of channels, if it has a parameter of that name.
_OPTIONS = ("seed", "dtype", "l1", "l2")

#: What is in a configuration and is none of the builder's business.
_WALKED = ("radius", "factor", "is_exact")


@with_shared_parameters
class KerasSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a network of your own.

    Give a function that builds a Keras network; training, prediction in tiles, saving and
    everything else are those of the other segmenters. How far the network looks, and so how much
    tiles must overlap, is found by walking through its layers.

    Parameters
    ----------
    build_fn : callable
        *Network.* Takes the number of channels and returns an uncompiled functional
        ``keras.Model`` from images, (n, height, width, channels) with open height and width, to
        logits, (n, height, width, 1). If it has parameters of these names it is also given
        ``seed`` (int; without it, its layers are seeded through Python's random state, which is
        put back), ``dtype`` (the Keras dtype policy that `precision` means; without it `precision`
        changes nothing), ``l1`` and ``l2``. Segmenters can be pickled where it can: a function of
        a module, or a :func:`functools.partial` of one.

    Attributes
    ----------
    network_ : keras.Model
        The trained network, images to logits. Built when asked for; predictions then use it.

    Notes
    -----
    Layers that :func:`membseg.networks.network_reach` does not know count as looking at the whole
    image. Tiles then differ slightly from the whole image, and the tag `tile_exact` of the fitted
    segmenter is false; before fit it is always false.

    Examples
    --------
    >>> import keras
    >>> from membseg import KerasSegmenter, make_membranes
    >>> def build(n_channels):
    ...     image = keras.Input((None, None, n_channels))
    ...     x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    ...     return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(x))
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = KerasSegmenter(build, max_steps=2, batch_size=2, random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "build_fn": [callable],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(self, build_fn: Callable[..., Any], **shared: Any) -> None:
        self.build_fn = build_fn
        super().__init__(**shared)

    def _network_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        from membseg.networks import network_reach

        config = super()._network_config(inputs, seed)
        for name in ("l1", "l2"):
            if config[name] and name not in _options_of(self.build_fn):
                raise InvalidInputError(
                    f"{name} must be 0 for a build_fn that has no parameter {name}; got "
                    f"{config[name]}. Give build_fn the parameter, or use weight_decay."
                )
        network = self._build(config)
        _check_network(network, config["n_channels"])
        try:
            reach = network_reach(network)
        except InvalidInputError as error:
            raise InvalidInputError(f"build_fn returned what cannot be used: {error}") from error
        return config | {name: getattr(reach, name) for name in _WALKED}

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        build_fn = config["build_fn"]
        options = {name: config[name] for name in _options_of(build_fn)}
        with python_seed(config["seed"]):
            return build_fn(config["n_channels"], **options)

    @classmethod
    def _reach(cls, config: dict[str, Any]) -> tuple[int, int]:
        return config["radius"], config["factor"]

    def _is_tile_exact(self) -> bool:
        return bool(getattr(self, "_config", {}).get("is_exact", False))


def _options_of(build_fn: Callable[..., Any]) -> list[str]:
    """List what a builder takes besides the number of channels."""
    try:
        parameters = inspect.signature(build_fn).parameters
    except ValueError:
        # Some callables that are written in C have no signature.
        return []
    return [name for name in _OPTIONS if name in parameters]


def _check_network(network: Any, n_channels: int) -> None:
    """Refuse what is no network from images to logits."""
    import keras

    if not isinstance(network, keras.Model) or not hasattr(network, "operations"):
        raise InvalidInputError(
            "build_fn must return a functional Keras model, keras.Model(inputs, outputs); got a "
            f"{type(network).__name__}."
        )
    for what, tensors, wanted in (
        ("take images of shape", network.inputs, (None, None, None, n_channels)),
        ("give logits of shape", network.outputs, (None, None, None, 1)),
    ):
        got = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        if got != str(wanted):
            raise InvalidInputError(
                f"build_fn must return a network that {what.replace(' ', 's ', 1)} {wanted}, with "
                f"open height and width; got {got}."
            )
    activation = getattr(getattr(network.layers[-1], "activation", None), "__name__", None)
    if activation in ("sigmoid", "softmax"):
        raise InvalidInputError(
            f"build_fn must return a network that gives logits; the last layer ends in {activation}"
            ", which gives probabilities. Leave its activation out."
        )
