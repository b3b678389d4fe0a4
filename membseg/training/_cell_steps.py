"""The training of a Mask R-CNN: five losses at once."""

from typing import Any

import keras
import numpy as np
from keras import ops

from membseg.losses import class_loss, objectness_loss, smooth_l1_loss
from membseg.networks import make_anchors
from membseg.networks._mask_rcnn import join_levels, list_sizes, read_boxes
from membseg.networks._proposals import Proposals
from membseg.training._cell_sampler import CellSampler, count_cells
from membseg.training._roi_targets import RoITargets
from membseg.training._steps import HostSteps

#: Parts of a Mask R-CNN that learn, in the order of its weights.
PARTS = ("pyramid", "rpn", "box_head", "mask_head")

#: The terms of the loss, in the order in which they are added.
TERMS = ("objectness", "anchor_box", "class", "box", "mask")

#: From this error on, the loss of the anchors' codes is a straight line (as in Faster R-CNN's
#: implementation: their codes are not scaled up as those of the box head are).
_ANCHOR_BETA = 1.0 / 9.0


def build_training_model(
    network: keras.Model,
    *,
    anchor_size: float,
    n_boxes: int,
    positive_share: float,
    weight_decay: float,
    dtype: str,
) -> keras.Model:
    """Build the model whose outputs are the losses of a Mask R-CNN.

    Parameters
    ----------
    network : keras.Model
        As :func:`membseg.networks.build_mask_rcnn` gives it, for square patches; its parts are
        shared.
    anchor_size : float
        As the network has it.
    n_boxes : int
        Boxes of an image that the heads learn from.
    positive_share : float
        The largest share of them that shows a cell.
    weight_decay : float
        Decoupled weight decay of AdamW.
    dtype : str
        Keras dtype policy.

    Returns
    -------
    keras.Model
        Compiled. Its inputs are named as :class:`CellSampler` names what it draws, its outputs as
        ``TERMS`` has them.
    """
    size = network.input_shape[1]
    anchors = make_anchors(size, size, anchor_size)
    n_candidates, n_proposals, _ = list_sizes(size, size, len(anchors))
    n_drawn = n_proposals + count_cells(size)
    n_boxes = min(n_boxes, n_drawn)
    n_positive = max(round(positive_share * n_boxes), 1)
    inputs = _inputs(size, network.input_shape[-1], len(anchors), n_drawn)
    pyramid, rpn, box_head, mask_head = (network.get_layer(name) for name in PARTS)

    levels = pyramid(inputs["image"])
    anchor_logits, anchor_codes = join_levels(rpn, levels)
    proposals, valid = Proposals(anchors, size, size, n_candidates, n_proposals, name="proposals")(
        anchor_logits, anchor_codes
    )
    chosen = RoITargets(n_boxes, n_positive, name="targets")(
        proposals, valid, *(inputs[name] for name in ("boxes", "labels", "unknown", "chances"))
    )
    logits, codes = read_boxes(box_head, "box", chosen["boxes"], levels, dtype)
    first = chosen["boxes"][:, :n_positive]
    (masks,) = read_boxes(mask_head, "mask", first, levels, dtype)

    patch_weight = inputs["patch_weight"]
    positive = chosen["positive"] * patch_weight
    anchor_positive = inputs["anchor_positive"]
    losses = (
        objectness_loss(anchor_positive, anchor_logits, inputs["anchor_weight"]),
        smooth_l1_loss(
            inputs["anchor_codes"],
            anchor_codes,
            anchor_positive * inputs["anchor_weight"],
            _ANCHOR_BETA,
        ),
        class_loss(ops.cast(chosen["positive"], "int32"), logits, chosen["weight"] * patch_weight),
        smooth_l1_loss(chosen["codes"], codes[:, :n_positive], positive[:, :n_positive]),
        objectness_loss(
            chosen["masks"], masks, chosen["mask_weight"] * patch_weight[..., None, None]
        ),
    )
    outputs = {name: ops.reshape(loss, (1,)) for name, loss in zip(TERMS, losses, strict=True)}
    model = keras.Model(inputs, outputs, name="mask_rcnn_training")
    optimizer = keras.optimizers.AdamW(weight_decay=weight_decay, global_clipnorm=_LARGEST_NORM)
    # Built here for the reason that compile_network gives.
    optimizer.build(model.trainable_variables)
    model.compile(optimizer=optimizer, loss=dict.fromkeys(TERMS, _mean_output))
    return model


#: Longer gradients are shortened to this.
_LARGEST_NORM = 5.0


class CellSteps(HostSteps):
    """Takes steps of a Mask R-CNN, on batches drawn one ahead.

    Parameters
    ----------
    network : keras.Model
        As :func:`build_training_model` gives it; changed in place.
    sampler : CellSampler
        Source of batches.
    """

    sampler: Any

    def __init__(self, network: Any, sampler: CellSampler) -> None:
        super().__init__(network, sampler)  # type: ignore[arg-type]  # draws dicts, not pairs

    def _step(self, learning_rate: float) -> dict[str, float]:
        batch = self._batches.draw()
        # Outputs that are losses need no target, but Keras wants one.
        nothing = {name: np.zeros((1, 1), dtype=np.float32) for name in TERMS}
        self.network.optimizer.learning_rate = learning_rate
        # Some versions of Keras give the mean over the steps since then, others do it themselves.
        self.network.reset_metrics()
        logs = self.network.train_on_batch(batch, nothing, return_dict=True)
        return {"loss": float(logs["loss"])} | {
            f"{name}_loss": float(logs[f"{name}_loss"]) for name in TERMS
        }


def _inputs(size: int, n_channels: int, n_anchors: int, n_drawn: int) -> dict[str, Any]:
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        "image": ((size, size, n_channels), "float32"),
        "labels": ((size, size), "int32"),
        "boxes": ((count_cells(size), 4), "float32"),
        "unknown": ((size + 1, size + 1), "float32"),
        "anchor_positive": ((n_anchors,), "float32"),
        "anchor_weight": ((n_anchors,), "float32"),
        "anchor_codes": ((n_anchors, 4), "float32"),
        "chances": ((n_drawn,), "float32"),
        "patch_weight": ((1,), "float32"),
    }
    return {
        name: keras.Input(shape, dtype=dtype, name=name) for name, (shape, dtype) in shapes.items()
    }


def _mean_output(_: Any, losses: Any) -> Any:
    """Loss of a model whose outputs are losses."""
    return ops.mean(losses)
