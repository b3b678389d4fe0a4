"""Adversarial training: a rival learns to tell predictions from masks, the network to fool it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from membseg.exceptions import InvalidInputError
from membseg.training._rivals import GAMES, Game
from membseg.training._sampler import PatchSampler
from membseg.training._steps import HostSteps
from membseg.training._variables import assign_values, values_of

#: The rival's learning rate, in units of the network's. On synthetic slices a quarter left a
#: discriminator at chance for 200 steps.
_RIVAL_RATE = 0.5


class AdversarialSteps(HostSteps):
    """Takes steps of a network and of its rival by turns.

    In each step the network learns from its own loss and from the rival's answer; then the rival
    learns to tell these predictions from the true masks.

    Parameters
    ----------
    network : keras.Model
        Compiled, its optimizer built; changed in place.
    sampler : PatchSampler
        Source of batches.
    weight : float
        Weight of the adversarial term beside the network's loss.
    mode : {"patch", "segan"}
        ``"patch"``: the rival is a discriminator that says of every field whether the mask there
        is true. ``"segan"``: the rival is a critic whose features differ as much as possible
        between true and predicted masks.
    seed : int
        Seed of the rival's first weights.

    Raises
    ------
    InvalidInputError
        If `mode` is unknown.

    Notes
    -----
    Of each step it tells "loss", the network's loss without the adversarial term;
    "adversarial_loss", that term before it is weighted; and "discriminator_loss", what the rival
    minimises.

    ``"patch"`` is equations 1 to 3 of [1]_, ``"segan"`` equation 2 of [2]_; the latter comes here
    beside the network's own loss, not in its place. Ours differs in this: the rival is small and
    learns by Adam with a momentum of 0.5 and half the network's learning rate; masks are zero
    where a pixel has no label; and both networks see one and the same prediction, the rival the
    one that the network learnt from.

    References
    ----------
    .. [1] P. Luc, C. Couprie, S. Chintala and J. Verbeek, "Semantic segmentation using
       adversarial networks", 2016, arXiv 1611.08408.
    .. [2] Y. Xue, T. Xu, H. Zhang, L. R. Long and X. Huang, "SegAN: Adversarial network with
       multi-scale L1 loss for medical image segmentation", Neuroinformatics 16, 2018,
       doi 10.1007/s12021-018-9377-x.
    """

    def __init__(
        self, network: Any, sampler: PatchSampler, *, weight: float, mode: str, seed: int
    ) -> None:
        if mode not in GAMES:
            raise InvalidInputError(
                f"adversarial_mode must be one of {', '.join(GAMES)}; got {mode!r}."
            )
        super().__init__(network, sampler)
        self.weight = weight
        game = GAMES[mode]
        options = {
            "n_channels": network.inputs[0].shape[-1],
            "dtype": _policy_of(network),
            "seed": seed,
        }
        self._rival, self._frozen = game.build(**options), game.build(**options)
        # A copy, since Keras asks for this flag whenever it traces a step.
        self._frozen.trainable = False
        shape = (sampler.batch_size, sampler.patch_size, sampler.patch_size, 1)
        self._prediction = _Keep(shape, name="prediction")
        self._network_step = self._make_network_step(game)
        self._rival_step = self._make_rival_step(game)

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs: the rival and its optimizer too."""
        return super().state() | {
            "rival": values_of(self._rival.variables),
            "rival_optimizer": values_of(self._rival_step.optimizer.variables),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; see :class:`Steps`."""
        super().restore(state)
        assign_values(self._rival.variables, state["rival"])
        assign_values(self._rival_step.optimizer.variables, state["rival_optimizer"])
        self._frozen.set_weights(self._rival.get_weights())

    def _step(self, learning_rate: float) -> dict[str, float]:
        x, y = self._batches.draw()
        # Outputs that are losses need no target, but Keras wants one.
        nothing = np.zeros((len(x), 1), dtype=np.float32)
        targets = {"segmentation": y, "adversarial": nothing}
        logs = _train(self._network_step, learning_rate, [x, y], targets)
        probability = ops.convert_to_numpy(self._prediction.kept)
        rival_rate = _RIVAL_RATE * learning_rate
        rival_logs = _train(self._rival_step, rival_rate, [x, y, probability], nothing)
        self._frozen.set_weights(self._rival.get_weights())
        return {
            # Not what Keras names after the output: that lacks penalties on weights.
            "loss": logs["loss"] - self.weight * logs["adversarial_loss"],
            "adversarial_loss": logs["adversarial_loss"],
            "discriminator_loss": rival_logs["loss"],
        }

    def _make_network_step(self, game: Game) -> Any:
        """Make a model whose training step is the network's own, with the adversarial term."""
        image, labels = self._symbolic_batch()
        logits = self.network(image)
        # Heads at several depths give a channel each.
        logit = ops.mean(ops.cast(logits, "float32"), axis=-1, keepdims=True)
        pair = game.pair(labels, self._prediction(ops.sigmoid(logit)))
        losses = game.segmenter_loss(self._frozen, image, *pair)
        model = keras.Model([image, labels], {"segmentation": logits, "adversarial": losses})
        model.compile(
            # The network's own: it has been built, and holds the state of the steps so far.
            optimizer=self.network.optimizer,
            loss={"segmentation": self.network.loss, "adversarial": _mean_output},
            loss_weights={"segmentation": 1.0, "adversarial": self.weight},
        )
        return model

    def _make_rival_step(self, game: Game) -> Any:
        """Make a model whose training step is the rival's."""
        image, labels = self._symbolic_batch()
        probability = keras.Input((None, None, 1), dtype="float32", name="probability")
        losses = game.rival_loss(self._rival, image, *game.pair(labels, probability))
        model = keras.Model([image, labels, probability], losses)
        optimizer = keras.optimizers.Adam(beta_1=0.5)
        # Built here for the reason that compile_network gives.
        optimizer.build(model.trainable_variables)
        model.compile(optimizer=optimizer, loss=_mean_output)
        return model

    def _symbolic_batch(self) -> tuple[Any, Any]:
        n_channels = self.network.inputs[0].shape[-1]
        return (
            keras.Input((None, None, n_channels), dtype="float32", name="image"),
            keras.Input((None, None, 2), dtype="float32", name="labels"),
        )


class _Keep(keras.layers.Layer):
    """Keeps what passes through it, so that a prediction need not be computed twice."""

    def __init__(self, shape: tuple[int, ...], name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.kept = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="kept")

    def call(self, inputs: Any) -> Any:
        """Keep."""
        self.kept.assign(inputs)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give the shape of the input; said here, since a symbolic one cannot be kept."""
        return input_shape


def _mean_output(_: Any, losses: Any) -> Any:
    """Loss of a model whose outputs are losses."""
    return ops.mean(losses)


def _train(model: Any, rate: float, x: Any, y: Any) -> dict[str, float]:
    model.optimizer.learning_rate = rate
    # Some versions of Keras give the mean over the steps since then, others do it themselves.
    model.reset_metrics()
    return model.train_on_batch(x, y, return_dict=True)


def _policy_of(network: Any) -> str:
    """Give the policy in which a network's layers compute."""
    dtypes = {layer.compute_dtype for layer in network.layers}
    return "mixed_bfloat16" if "bfloat16" in dtypes else "float32"
