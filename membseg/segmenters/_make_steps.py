"""How the steps of a training are taken, as the parameters say."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError


def check_steps(segmenter: Any) -> None:
    """Refuse, before anything is built, parameters of training that do not go together.

    Parameters
    ----------
    segmenter : BaseKerasSegmenter
        Its parameters are read.

    Raises
    ------
    InvalidInputError
        If the loss is unknown or cannot take the targets that it will get, or two ways to take
        steps are asked for at once.
    """
    from membseg.training import check_soft_targets

    check_soft_targets(
        segmenter.loss,
        augmentation=segmenter.augmentation,
        label_smoothing=float(segmenter.label_smoothing),
        unlabelled=segmenter.unlabelled,
    )
    asked = {
        f"adversarial_weight={segmenter.adversarial_weight}": segmenter.adversarial_weight > 0,
        f"unlabelled={segmenter.unlabelled!r}": segmenter.unlabelled != "ignore",
        "device_data=True": segmenter.device_data is True,
    }
    several = [name for name, is_asked in asked.items() if is_asked]
    if len(several) > 1:
        raise InvalidInputError(
            f"{several[0]} cannot be had with {' and '.join(several[1:])}: each takes the steps of "
            "training in a way of its own. Use one of them."
        )


def count_labelled(unlabelled: str, batch_size: int) -> int:
    """Give the number of labelled patches in a batch: half of it where others are in it too."""
    return batch_size if unlabelled == "ignore" else max(batch_size // 2, 1)


def make_steps(segmenter: Any, training: Any) -> Any:
    """Choose how steps are taken.

    Parameters
    ----------
    segmenter : BaseKerasSegmenter
        Its parameters are read.
    training : Training
        Network, data and seeds.

    Returns
    -------
    Steps
        For the training loop.
    """
    from membseg.training import AdversarialSteps, MeanTeacherSteps, choose_steps

    network, sampler = training.network, training.sampler
    if segmenter.adversarial_weight:
        return AdversarialSteps(
            network,
            sampler,
            weight=float(segmenter.adversarial_weight),
            mode=segmenter.adversarial_mode,
            seed=training.seeds[2],
        )
    if segmenter.unlabelled != "ignore":
        return MeanTeacherSteps(
            network,
            sampler,
            _unlabelled_sampler(segmenter, training),
            segmenter._build(training.config),
            mode=segmenter.unlabelled,
        )
    return choose_steps(segmenter.device_data, network, sampler)


def _unlabelled_sampler(segmenter: Any, training: Any) -> Any:
    from membseg.training import UnlabelledSampler

    sampler = training.sampler
    return UnlabelledSampler(
        sampler.data,
        training.plan,
        patch_size=sampler.patch_size,
        batch_size=max(training.batch_size - sampler.batch_size, 1),
        augmentation=segmenter.augmentation,
        augmentation_strength=float(segmenter.augmentation_strength),
        rng=np.random.default_rng(training.seeds[2]),
    )
