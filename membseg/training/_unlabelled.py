"""Random patches of images that have no label, each as a weak and as a strong view."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.training._augment import GEOMETRIC_STEPS, augment_patch, parse_augmentation
from membseg.training._mix import MIXING_STEPS, count_pairs, draw_boxes, exchange_pairs
from membseg.training._sampler import PatchSampler, TrainingData
from membseg.training._split import ValidationPlan
from membseg.utils import IGNORED


class UnlabelledBatch(NamedTuple):
    """Patches without labels, seen twice.

    Attributes
    ----------
    weak : ndarray of shape (n, size, size, channels), float32
        Flipped, turned or warped, with the grey values that they have.
    strong : ndarray of shape (n, size, size, channels), float32
        The same with other grey values, and with a rectangle of the partner's in each.
    weight : ndarray of shape (n, size, size), float32
        1, and 0 where an image smaller than a patch was filled up; of the weak views.
    pasted : ndarray of shape (n, size, size), float32
        1 in the rectangles, 0 elsewhere; :func:`exchange_pairs` pastes other things likewise.
    """

    weak: np.ndarray
    strong: np.ndarray
    weight: np.ndarray
    pasted: np.ndarray


class UnlabelledSampler:
    """Draws batches of patches from the images that have no label at all.

    Images are drawn by their area, and those of a rare sharpness as often as those of a common
    one, as in :class:`PatchSampler`.

    Parameters
    ----------
    data : TrainingData
        Images and masks; those are used whose mask holds ignored pixels only.
    plan : ValidationPlan
        What must not be seen: images that are held out whole, since their specimen is.
    patch_size, batch_size : int
        Side of a patch in pixels, and patches a batch.
    augmentation : str
        Recipe, see :func:`parse_augmentation`. Both views share the steps that move pixels;
        those that change grey values are for the strong views. CutMix is always part of these.
    augmentation_strength : float
        Multiplies the recipe's amounts.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    InvalidInputError
        If no image is without a label.
    """

    def __init__(
        self,
        data: TrainingData,
        plan: ValidationPlan,
        *,
        patch_size: int,
        batch_size: int,
        augmentation: str,
        augmentation_strength: float,
        rng: np.random.Generator,
    ) -> None:
        steps = parse_augmentation(augmentation)
        moves = [step for step in steps if step in GEOMETRIC_STEPS]
        self.changes = [step for step in steps if step not in (*GEOMETRIC_STEPS, *MIXING_STEPS)]
        # Seen from the other side, what has no label is what patches are cut from.
        self.sampler = PatchSampler(
            replace(data, masks=[_swap(mask) for mask in data.masks], weights=None),
            plan,
            patch_size=patch_size,
            batch_size=batch_size,
            augmentation="+".join(moves) or "none",
            augmentation_strength=augmentation_strength,
            rng=rng,
        )
        if not self.sampler.n_labelled:
            raise InvalidInputError(
                "unlabelled must be 'ignore' where no image besides the validation part is without "
                f"labels; got {len(data.masks)} images, all of them labelled or held out. Add "
                "images to X whose masks in y hold ignore_label only, or use unlabelled='ignore'."
            )

    def draw(self) -> UnlabelledBatch:
        """Draw one batch.

        Returns
        -------
        UnlabelledBatch
            Both views.
        """
        sampler = self.sampler
        weak, targets = sampler.draw()
        views = [
            augment_patch(image, target, self.changes, sampler.strength, sampler.rng)
            for image, target in zip(weak, targets, strict=True)
        ]
        draws = sampler.rng.random((count_pairs(len(weak)), 4))
        pasted = draw_boxes(draws, len(weak), sampler.patch_size, chance=1.0)
        strong = exchange_pairs(np.stack([image for image, _ in views]), pasted)
        return UnlabelledBatch(weak, strong, targets[..., 1], pasted)

    def state(self) -> dict[str, Any]:
        """Give the state of the random stream, plain values, for :meth:`restore`."""
        return self.sampler.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Draw from here on what was drawn after a state.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it.
        """
        self.sampler.restore(state)


def _swap(mask: np.ndarray) -> np.ndarray:
    """Give a mask without labels some, and take all away from any other."""
    code = np.uint8(0 if (mask == IGNORED).all() else IGNORED)
    return np.broadcast_to(code, mask.shape)
