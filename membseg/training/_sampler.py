"""Random training patches, cut and augmented on the fly."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.training._augment import augment_patch, parse_augmentation
from membseg.training._kinds import kind_weights
from membseg.training._mix import mix_batch
from membseg.training._smoothing import smooth_labels
from membseg.training._split import ValidationPlan
from membseg.utils import IGNORED, Intensity

#: Below this share of labelled pixels, patches are placed around a labelled pixel.
_SPARSE = 0.5


@dataclass(frozen=True)
class TrainingData:
    """What patches are cut from.

    Attributes
    ----------
    images : list of ndarray of shape (height, width, channels)
        Images of any real dtype, as the caller gave them.
    masks : list of ndarray of shape (height, width), uint8
        0 = cell, 1 = membrane, 255 = ignored.
    weights : list of (float or ndarray of shape (height, width)) or None
        Weight of each image or of its pixels.
    intensities : list of Intensity
        Each image's normalisation.
    """

    images: list[np.ndarray]
    masks: list[np.ndarray]
    weights: list[float | np.ndarray] | None
    intensities: list[Intensity]


class PatchSampler:
    """Draws batches of patches from the training part.

    Parameters
    ----------
    data : TrainingData
        Images and masks.
    plan : ValidationPlan
        What must not be trained on: its pixels get zero weight.
    patch_size, batch_size : int
        Side of a patch in pixels, and patches a batch.
    augmentation : str
        Recipe, see :func:`parse_augmentation`.
    augmentation_strength : float
        Multiplies the recipe's amounts.
    rng : numpy.random.Generator
        Source of randomness.
    label_smoothing : float, default=0.0
        What :func:`smooth_labels` takes off the targets, in [0, 1).
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
        label_smoothing: float = 0.0,
    ) -> None:
        self.data = data
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.steps = parse_augmentation(augmentation)
        self.strength = augmentation_strength
        self.rng = rng
        self.label_smoothing = label_smoothing
        self.masks = _mark_held_out(data.masks, plan)
        n_labelled = np.array([np.count_nonzero(mask != IGNORED) for mask in self.masks])
        self.n_labelled = int(n_labelled.sum())
        chances = n_labelled * kind_weights(data.images, n_labelled)
        self.chances = chances / max(chances.sum(), 1)
        self.anchors = [
            np.flatnonzero(mask != IGNORED) if 0 < n < _SPARSE * mask.size else None
            for mask, n in zip(self.masks, n_labelled, strict=True)
        ]

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw one batch.

        Returns
        -------
        x : ndarray of shape (batch_size, patch_size, patch_size, channels), float32
            Normalised pixels.
        y : ndarray of shape (batch_size, patch_size, patch_size, 2), float32
            Target and weight.
        """
        pairs = [self._draw_one() for _ in range(self.batch_size)]
        x, y = np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])
        x, y = mix_batch(x, y, self.steps, self.strength, self.rng)
        return x, smooth_labels(y, self.label_smoothing)

    def state(self) -> dict[str, Any]:
        """Give the state of the random stream, plain values, for :meth:`restore`."""
        return dict(self.rng.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        """Draw from here on what was drawn after a state.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it.
        """
        self.rng.bit_generator.state = state

    def _draw_one(self) -> tuple[np.ndarray, np.ndarray]:
        number = int(self.rng.choice(len(self.masks), p=self.chances))
        rows, columns = self._place(number)
        pixels = self.data.images[number][rows, columns]
        image = self.data.intensities[number].apply(pixels)
        target = self._target(number, rows, columns)
        image, target = _fill_up(image, target, self.patch_size)
        return augment_patch(image, target, self.steps, self.strength, self.rng)

    def _place(self, number: int) -> tuple[slice, slice]:
        """Choose a patch; where labels are sparse, one that holds a labelled pixel."""
        shape = self.masks[number].shape
        anchors = self.anchors[number]
        anchor = None
        if anchors is not None:
            anchor = np.unravel_index(int(self.rng.choice(anchors)), shape)
        spans = []
        for axis, length in enumerate(shape):
            last = max(length - self.patch_size, 0)
            low, high = 0, last
            if anchor is not None:
                low = max(0, int(anchor[axis]) - self.patch_size + 1)
                low, high = min(low, last), min(int(anchor[axis]), last)
            start = int(self.rng.integers(low, high + 1))
            spans.append(slice(start, min(start + self.patch_size, length)))
        return spans[0], spans[1]

    def _target(self, number: int, rows: slice, columns: slice) -> np.ndarray:
        codes = self.masks[number][rows, columns]
        target = np.stack([codes == 1, codes != IGNORED], axis=-1).astype(np.float32)
        if self.data.weights is not None:
            weight = self.data.weights[number]
            target[..., 1] *= weight[rows, columns] if isinstance(weight, np.ndarray) else weight
        return target


def _mark_held_out(masks: list[np.ndarray], plan: ValidationPlan) -> list[np.ndarray]:
    marked = list(masks)
    for block in plan.held_out:
        mask = marked[block.image].copy()
        mask[block.rows, block.columns] = IGNORED
        marked[block.image] = mask
    return marked


def _fill_up(image: np.ndarray, target: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Reflect an image smaller than a patch; what is added has no weight."""
    pads = [(0, size - length) for length in image.shape[:2]]
    if not any(pad for _, pad in pads):
        return image, target
    pads.append((0, 0))
    return np.pad(image, pads, mode="symmetric"), np.pad(target, pads)
