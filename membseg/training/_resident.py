"""Training on an accelerator: data stay on the device, and many steps run in one call."""

import time
from typing import Any

import keras
import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.training._precision import has_accelerator
from membseg.training._resident_data import (
    MAX_PIXELS,
    count_bytes,
    count_pixels,
    gather_data,
    memory_limit,
)
from membseg.training._resident_patches import DEVICE_STEPS, draw_batch
from membseg.training._sampler import PatchSampler
from membseg.training._steps import HostSteps, Steps

#: Steps that one call can take, and the seconds that it should take at most.
_MOST_STEPS, _CALL_SECONDS = 256, 0.2

#: Of the generators that JAX has this one is the fastest to compile.
_GENERATOR = "rbg"

#: Share of the time left that a call should take at most, so that no deadline is missed.
_CALL_SHARE = 1 / 20


class ResidentSteps:
    """Takes training steps in which nothing passes between host and device.

    One compiled function draws the patches, makes the views, and updates the weights, as often
    as it is told. What it draws depends on the number of the step only, not on how many steps
    are taken in one call. Needs Keras's JAX backend. For accelerators: on a processor XLA runs
    convolutions inside a loop several times slower than outside.

    Parameters
    ----------
    network : keras.Model
        Compiled, its optimizer built; changed in place.
    sampler : PatchSampler
        The data and the recipe; its generator gives the seed.
    """

    def __init__(self, network: Any, sampler: PatchSampler) -> None:
        import jax

        self.network = network
        self.sampler = sampler
        self.data = jax.device_put(gather_data(sampler))
        seed = int(sampler.rng.integers(2**31))
        self.key = jax.random.key(seed, impl=_GENERATOR)
        self.n_taken = 0
        self._seconds_per_step: float | None = None
        self._n_last = 0
        self._call = jax.jit(
            self._many_steps, donate_argnums=0, static_argnames=("batch_size", "patch_size")
        )

    def n_at_once(self, most: int, seconds_left: float | None) -> int:
        """Say how many steps the next call should take.

        Parameters
        ----------
        most : int
            Steps that may be taken.
        seconds_left : float or None
            Time to the deadline; None without one.

        Returns
        -------
        int
            At least 1. Twice as many as the last time, until a call takes about 0.2 s or a
            twentieth of the time left.
        """
        if self._seconds_per_step is None:
            # Nothing is known yet: the first call compiles.
            return 1
        seconds = _CALL_SECONDS
        if seconds_left is not None:
            seconds = min(seconds, _CALL_SHARE * max(seconds_left, 0.0))
        fitting = int(seconds / self._seconds_per_step)
        return max(1, min(fitting, 2 * self._n_last, most, _MOST_STEPS))

    def take(self, learning_rates: list[float]) -> dict[str, np.ndarray]:
        """Take one step for each learning rate, in one call.

        Parameters
        ----------
        learning_rates : list of float
            At most 256.

        Returns
        -------
        dict of str to ndarray of shape (n_steps,), float32
            The "loss" of each step. The network holds the new weights.
        """
        start = time.perf_counter()
        n_steps = len(learning_rates)
        rates = np.zeros(_MOST_STEPS, dtype=np.float32)
        rates[:n_steps] = learning_rates
        state, losses = self._call(
            self._state(),
            self.data,
            self.key,
            np.int32(self.n_taken),
            np.int32(n_steps),
            rates,
            batch_size=self.sampler.batch_size,
            patch_size=self.sampler.patch_size,
        )
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        # Waits for the device.
        losses = np.asarray(losses)[:n_steps]
        if self.n_taken:
            self._seconds_per_step = (time.perf_counter() - start) / n_steps
        self.n_taken += n_steps
        self._n_last = n_steps
        return {"loss": losses}

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs; see :class:`Steps`."""
        import jax

        return {"key": np.asarray(jax.random.key_data(self.key)), "n_taken": self.n_taken}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; see :class:`Steps`."""
        import jax

        self.key = jax.random.wrap_key_data(state["key"], impl=_GENERATOR)
        self.n_taken = int(state["n_taken"])

    def __enter__(self) -> "ResidentSteps":
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to close."""

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        network = self.network
        return (
            network.trainable_variables,
            network.non_trainable_variables,
            network.optimizer.variables,
        )

    def _state(self) -> tuple[list[Any], ...]:
        return tuple([variable.value for variable in group] for group in self._variables())

    def _many_steps(
        self,
        state: Any,
        data: Any,
        key: Any,
        n_taken: Any,
        n_steps: Any,
        rates: Any,
        *,
        batch_size: int,
        patch_size: int,
    ) -> tuple[Any, Any]:
        """Take steps; to be compiled. Their number is an argument, so that it is compiled once."""
        import jax
        from jax import numpy as jnp

        def one_step(i: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            state, losses = carry
            batch = draw_batch(
                data,
                jax.random.fold_in(key, n_taken + i),
                batch_size=batch_size,
                patch_size=patch_size,
                steps=tuple(self.sampler.steps),
                strength=self.sampler.strength,
                label_smoothing=self.sampler.label_smoothing,
            )
            loss, state = self._one_step(state, batch, rates[i])
            return state, losses.at[i].set(loss)

        losses = jnp.zeros(_MOST_STEPS, dtype="float32")
        return jax.lax.fori_loop(0, n_steps, one_step, (state, losses))

    def _one_step(self, state: Any, batch: tuple[Any, Any], rate: Any) -> tuple[Any, Any]:
        """Take one step as Keras itself does, at a learning rate."""
        from jax import numpy as jnp

        trainable, others, optimizer = state
        rate_variable = self.network.optimizer.learning_rate
        optimizer = [
            rate if variable is rate_variable else value
            for variable, value in zip(self.network.optimizer.variables, optimizer, strict=True)
        ]
        # Metrics that are fresh give the loss of this very step.
        fresh = [jnp.zeros(v.shape, v.dtype) for v in self.network.metrics_variables]
        logs, state = self.network.train_step((trainable, others, optimizer, fresh), batch)
        return logs["loss"], state[:3]


def choose_steps(device_data: bool | str, network: Any, sampler: PatchSampler) -> Steps:
    """Decide whether data live on the device.

    Parameters
    ----------
    device_data : {"auto", True, False}
        "auto": where Keras runs on JAX and there is an accelerator, and it can hold the data.
    network : keras.Model
        Compiled, its optimizer built.
    sampler : PatchSampler
        The data and the recipe.

    Returns
    -------
    Steps
        ResidentSteps, or HostSteps, which prepare batches on the host.

    Raises
    ------
    InvalidInputError
        If `device_data` is True and it cannot be.
    """
    wanted = _is_worth_it() if device_data == "auto" else bool(device_data)
    if not wanted:
        return HostSteps(network, sampler)
    obstacle = _obstacle(sampler)
    if obstacle is None:
        return ResidentSteps(network, sampler)
    if device_data == "auto":
        return HostSteps(network, sampler)
    raise InvalidInputError(
        f"device_data=True {obstacle} Or use device_data='auto', which prepares batches on the "
        "host where it must."
    )


def _is_worth_it() -> bool:
    return keras.backend.backend() == "jax" and has_accelerator()


def _obstacle(sampler: PatchSampler) -> str | None:
    """Say what is in the way, as the rest of a sentence, and how to remove it."""
    backend = keras.backend.backend()
    if backend != "jax":
        return (
            f"needs Keras's JAX backend; got {backend!r}. Set the environment variable "
            "KERAS_BACKEND=jax before Keras is imported."
        )
    unknown = [step for step in sampler.steps if step not in DEVICE_STEPS]
    if unknown:
        return (
            f"cannot be had with {' and '.join(unknown)} in augmentation; steps on the device are "
            f"{', '.join(DEVICE_STEPS)}."
        )
    n_pixels, n_bytes, limit = count_pixels(sampler), count_bytes(sampler), memory_limit()
    if n_pixels > MAX_PIXELS:
        return f"can hold {MAX_PIXELS} pixels of labelled images; got {n_pixels}. Use fewer images."
    if n_bytes > limit:
        return (
            f"would need {n_bytes / 1e9:.1f} GB of the device for the images; "
            f"{limit / 1e9:.1f} GB are for data there. Use fewer images, or 8-bit ones."
        )
    return None
