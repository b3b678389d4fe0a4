"""Training steps that learn from images without labels too, by a mean teacher."""

import math
from typing import Any

import numpy as np

from membseg.training._averaging import WeightAverage
from membseg.training._mix import exchange_pairs
from membseg.training._network import network_function
from membseg.training._sampler import PatchSampler
from membseg.training._steps import HostSteps
from membseg.training._unlabelled import UnlabelledBatch, UnlabelledSampler

#: Share of the teacher that a step leaves: it remembers about a hundred steps, of the thousand or
#: so that a short training has. It follows every few steps only, since copying weights costs time.
_MOMENTUM, _FOLLOWS_EVERY = 0.99, 5

#: Steps over which the weight of images without labels rises, with the papers' exponent.
_RAMP_STEPS, _RAMP_EXPONENT = 200, -5.0

#: Pseudo-labels: what the teacher's probability of the likelier class must reach.
_CONFIDENCE = 0.9


class MeanTeacherSteps(HostSteps):
    """Takes steps on labelled patches, and on others whose targets a teacher gives.

    A step learns from both kinds in one batch. The teacher is the moving average of the network
    that learns; it sees a patch as it is, the network sees it with other grey values and with a
    rectangle of another patch in it, and must say the same.

    Parameters
    ----------
    network : keras.Model
        Compiled; changed in place.
    sampler : PatchSampler
        Source of labelled batches.
    unlabelled : UnlabelledSampler
        Source of the others; its patches have the same size.
    teacher : keras.Model
        Of the same build as `network`; need not be compiled, and is given its weights here.
    mode : {"mean_teacher", "pseudo_labels"}
        Targets are the teacher's probabilities, so that `network`'s loss must be defined for
        these; or 0 and 1 where the teacher gives either at least 0.9, and none elsewhere.
    weight : float, default=1.0
        Weight of the unlabelled patches' loss against that of the labelled ones, once it has
        risen for 200 steps.

    Notes
    -----
    Of each step it tells "loss", of both kinds of patches, and "unlabelled_weight", the mean weight
    of a pixel without a label: what it has risen to, times the share with a pseudo-label.

    Equations 1 and 2 of the mean teacher's paper [1]_, but that the teacher follows every fifth
    step, and that predictions are compared by `network`'s own loss in place of the squared
    error. A loss that is a mean over pixels becomes the mean over labelled pixels plus `weight`
    times the mean over all others; the weight rises as ``exp(-5 (1 - t)**2)``, as there. CutMix
    is what lets consistency work for masks [2]_. Pseudo-labels [3]_ are chosen as in FixMatch
    [4]_, there by the network itself, from 0.95 on.

    Patches without labels pass through layers of batch normalisation with the others.

    References
    ----------
    .. [1] A. Tarvainen and H. Valpola, "Mean teachers are better role models: weight-averaged
       consistency targets improve semi-supervised deep learning results", NeurIPS 2017,
       arXiv 1703.01780.
    .. [2] G. French, S. Laine, T. Aila, M. Mackiewicz and G. Finlayson, "Semi-supervised semantic
       segmentation needs strong, varied perturbations", BMVC 2020, arXiv 1906.01916.
    .. [3] D.-H. Lee, "Pseudo-label: the simple and efficient semi-supervised learning method for
       deep neural networks", ICML workshop 2013.
    .. [4] K. Sohn et al., "FixMatch: simplifying semi-supervised learning with consistency and
       confidence", NeurIPS 2020, arXiv 2001.07685.
    """

    def __init__(
        self,
        network: Any,
        sampler: PatchSampler,
        unlabelled: UnlabelledSampler,
        teacher: Any,
        *,
        mode: str,
        weight: float = 1.0,
    ) -> None:
        super().__init__(network, sampler)
        self.unlabelled = unlabelled
        self.teacher = teacher
        self.is_sharp = mode == "pseudo_labels"
        self.weight = weight
        self.average = WeightAverage(network, _MOMENTUM)
        self.n_taken = 0
        teacher.set_weights(self.average.weights)
        self._predict = network_function(teacher)

    def draw(self) -> tuple[tuple[np.ndarray, np.ndarray], UnlabelledBatch]:
        """Draw both batches of a step."""
        return self.sampler.draw(), self.unlabelled.draw()

    def streams(self) -> dict[str, Any]:
        """Give the states of both random streams, by name."""
        return super().streams() | {"unlabelled": self.unlabelled.state()}

    def state(self) -> dict[str, Any]:
        """Give what :meth:`restore` needs; the teacher's weights are the average."""
        return super().state() | {"average": self.average.state(), "n_taken": self.n_taken}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; see :class:`Steps`."""
        super().restore(state)
        self.unlabelled.restore(state["streams"]["unlabelled"])
        self.average.restore(state["average"])
        self.n_taken = int(state["n_taken"])
        self.teacher.set_weights(self.average.weights)

    def _step(self, learning_rate: float) -> dict[str, float]:
        (x, y), batch = self._batches.draw()
        taught = self._teach(batch)
        targets = join_targets(y, taught, batch.weight)
        loss = self._learn(learning_rate, np.concatenate([x, batch.strong]), targets)
        self.n_taken += 1
        if self.n_taken % _FOLLOWS_EVERY == 0:
            self.average.follow(_FOLLOWS_EVERY)
            self.teacher.set_weights(self.average.weights)
        weight = float(taught[..., 1].sum() / max(batch.weight.sum(), 1))
        return {"loss": loss, "unlabelled_weight": weight}

    def _teach(self, batch: UnlabelledBatch) -> np.ndarray:
        """Give target and weight of each pixel of the strong views."""
        target, weight = _sigmoid(self._predict(batch.weak)), batch.weight
        if self.is_sharp:
            weight = weight * (np.maximum(target, 1 - target) >= _CONFIDENCE)
            target = np.round(target)
        weight = weight * np.float32(self.weight * ramp_up(self.n_taken))
        return exchange_pairs(np.stack([target, weight], axis=-1), batch.pasted)


def ramp_up(step: int) -> float:
    """Give the share of its weight that the loss of unlabelled patches has at a step (from 0)."""
    return math.exp(_RAMP_EXPONENT * (1 - min(step / _RAMP_STEPS, 1.0)) ** 2)


def join_targets(labelled: np.ndarray, taught: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Join both kinds of patches, with weights that make one mean the sum of two.

    Losses divide by the number of pixels with a weight, of either kind: without a correction the
    labelled ones would weigh less the more others there are.

    Parameters
    ----------
    labelled, taught : ndarray of shape (n, size, size, 2), float32
        Target and weight of labelled patches, and of the others.
    counted : ndarray of shape (n, size, size), float32
        1 for each pixel over which the mean of the others goes, with a target or without.

    Returns
    -------
    ndarray of shape (n + n, size, size, 2), float32
        The labelled ones first; as they are where the others have no weight.
    """
    n_labelled = int(np.count_nonzero(labelled[..., 1]))
    n_weighted = n_labelled + int(np.count_nonzero(taught[..., 1]))
    joined = np.concatenate([labelled, taught])
    joined[: len(labelled), ..., 1] *= n_weighted / max(n_labelled, 1)
    joined[len(labelled) :, ..., 1] *= n_weighted / max(int(np.count_nonzero(counted)), 1)
    return joined


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    # Logits beyond these are sure enough, and exp overflows in float32 beyond 88.
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
