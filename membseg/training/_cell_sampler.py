"""Batches for a Mask R-CNN: patches, their cells, and what anchors should say of them."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.networks import make_anchors
from membseg.training._cell_targets import anchor_targets, find_cells
from membseg.training._mix import MIXING_STEPS
from membseg.training._sampler import PatchSampler

#: Pixels of a patch for each cell that there is room for, and the least room.
_PIXELS_PER_CELL, _LEAST_CELLS = 512, 8


class CellSampler:
    """Draws batches of patches with their cells.

    Parameters
    ----------
    patches : PatchSampler
        Source of patches; without mixup and cutmix.
    anchor_size : float
        As :func:`membseg.networks.make_anchors` takes it.
    n_proposals : int
        Proposals that the network makes of a patch.
    """

    def __init__(self, patches: PatchSampler, *, anchor_size: float, n_proposals: int) -> None:
        for step in MIXING_STEPS:
            if step in patches.steps:
                raise InvalidInputError(
                    f"augmentation must not hold {step!r} where cells are to be found: two patches "
                    "that are mixed have no cells. Leave it out."
                )
        self.patches = patches
        size = patches.patch_size
        self.anchors = make_anchors(size, size, anchor_size)
        self.most_cells = count_cells(size)
        self.n_drawn = n_proposals + self.most_cells

    def draw(self) -> dict[str, np.ndarray]:
        """Draw one batch.

        Returns
        -------
        dict of str to ndarray
            What :func:`build_training_model` names its inputs.
        """
        x, y = self.patches.draw()
        rows = [self._describe(target) for target in y]
        batch = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        return {"image": x} | batch

    def state(self) -> dict[str, Any]:
        """Give the state of the random stream, plain values, for :meth:`restore`."""
        return self.patches.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Draw from here on what was drawn after a state.

        Parameters
        ----------
        state : dict
            As :meth:`state` gave it.
        """
        self.patches.restore(state)

    def _describe(self, target: np.ndarray) -> dict[str, np.ndarray]:
        """Describe one patch by its target and weight, (size, size, 2)."""
        weight = target[..., 1]
        cells = find_cells(target[..., 0] < 0.5, weight <= 0, self.most_cells)
        positive, sampled, codes = anchor_targets(self.anchors, cells, self.patches.rng)
        known = weight[weight > 0]
        share = np.float32(known.mean() if known.size else 0.0)
        return {
            "labels": cells.labels,
            "boxes": cells.boxes,
            "unknown": cells.unknown,
            "anchor_positive": positive,
            "anchor_weight": sampled * share,
            "anchor_codes": codes,
            "chances": self.patches.rng.random(self.n_drawn, dtype=np.float32),
            "patch_weight": share.reshape(1),
        }


def count_cells(size: int) -> int:
    """Give the number of cells that there is room for in a square patch."""
    return max(size * size // _PIXELS_PER_CELL, _LEAST_CELLS)
