"""How a Mask R-CNN learns."""

import time
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, TrainingWarning
from membseg.metrics._label_components import find_components
from membseg.segmenters import _auto
from membseg.segmenters._fit_events import report_row
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._network_pool import POOL, PooledNetwork
from membseg.segmenters._workers import load_keras, warn_shared_accelerator
from membseg.utils import IGNORED, fit_intensity, make_rng, warn_user

#: Sides of patches are multiples of this.
_STEP = 32

#: Share of `time_limit`, and seconds at least, that are kept for choosing the threshold, where the
#: network is compiled for another size.
_RESERVE, _LEAST_RESERVE = 0.05, 8.0


def check_training(segmenter: Any) -> None:
    """Refuse parameters that do not fit each other, before anything expensive."""
    size = segmenter.patch_size
    if not isinstance(size, str) and size % _STEP:
        raise InvalidInputError(
            f"patch_size must be a multiple of {_STEP}; got {size}. Use {size // _STEP * _STEP}."
        )


def train_mask_rcnn(segmenter: Any, inputs: FitInputs) -> dict[str, Any]:
    """Train the network of a :class:`MaskRCNNSegmenter`.

    Parameters
    ----------
    segmenter : MaskRCNNSegmenter
        Its parameters are read.
    inputs : FitInputs
        Checked arguments of fit.

    Returns
    -------
    dict
        The fitted attributes, but for the threshold.

    Raises
    ------
    InvalidInputError
        If no cell is whole, or parameters do not fit the images.
    TrainingError
        If the loss stops being finite.
    """
    start = time.perf_counter()
    _check_cells(inputs)
    patch_size = _choose_patch_size(segmenter.patch_size, inputs.images.sizes)
    load_keras()
    warn_shared_accelerator()
    from membseg.training import PARTS, CellSteps, Schedule, TrainingLoop, Validator

    seeds = make_rng(segmenter.random_state).integers(2**31, size=2)
    config = _network_config(segmenter, inputs.images.n_channels, int(seeds[0]))
    intensities = fit_intensity(inputs.images.images, segmenter.intensity_norm)
    sampler = _make_sampler(segmenter, inputs, intensities, patch_size, int(seeds[1]))
    entry = _untrained(segmenter, config, patch_size)
    batch_size = int(segmenter.batch_size)
    steps_per_epoch = _auto.choose_steps_per_epoch(
        "auto", sampler.patches.n_labelled, batch_size, patch_size
    )
    if segmenter.max_steps is not None:
        steps_per_epoch = min(steps_per_epoch, int(segmenter.max_steps))
    loop = TrainingLoop(
        entry.network,
        CellSteps(entry.network, sampler),
        # Of nothing: the last weights are kept.
        Validator(sampler.patches.data, [], _STEP),
        Schedule(
            peak=float(segmenter.learning_rate),
            n_steps=_count_steps(segmenter, steps_per_epoch),
            start=time.perf_counter(),
            deadline=_deadline(segmenter, start),
        ),
        steps_per_epoch=steps_per_epoch,
        monitor="loss",
        patience=None,
        on_epoch_end=lambda row, schedule: _report(segmenter.verbose, row, schedule),
    )
    result = loop.run()
    if result.cut_short:
        warn_user(
            f"time_limit={segmenter.time_limit} ended training after {result.n_steps} steps, "
            "before the learning rate had fallen as planned, since steps took longer than the "
            f"first ones did; max_steps={result.n_steps} would not give the same weights. Raise "
            "time_limit if this comes again.",
            TrainingWarning,
        )
    weights = [w for name in PARTS for w in entry.network.get_layer(name).get_weights()]
    POOL.put_back(entry)
    return {
        "_weights": weights,
        "_config": config,
        "_intensity_norm": segmenter.intensity_norm,
        "intensity_": intensities[0] if segmenter.intensity_norm == "stack" else None,
        "history_": result.history,
        "best_epoch_": result.best_epoch,
        "n_steps_": result.n_steps,
        "n_parameters_": int(sum(weight.size for weight in weights)),
        "batch_size_": batch_size,
        "patch_size_": patch_size,
        "fit_time_": time.perf_counter() - start,
    }


def _check_cells(inputs: FitInputs) -> None:
    for mask in inputs.masks.masks:
        if find_components(mask == 0).any():
            return
    raise InvalidInputError(
        "y must show cells for a network that learns them one by one: 4-connected parts of at "
        "least 20 px of the cell class; got none. Check membrane_label, or take a segmenter of "
        "membranes, such as UNetSegmenter."
    )


def _choose_patch_size(patch_size: int | str, sizes: list[tuple[int, int]]) -> int:
    smallest = min(min(size) for size in sizes)
    if not isinstance(patch_size, str) and patch_size > max(smallest, _STEP):
        raise InvalidInputError(
            f"patch_size must not exceed the smallest image side, {smallest} px; got "
            f"{patch_size}. Use patch_size='auto'."
        )
    return _auto.choose_patch_size(patch_size, _auto.typical_side(sizes), _STEP)


def _network_config(segmenter: Any, n_channels: int, seed: int) -> dict[str, Any]:
    """Give keyword arguments of the builder, but for the size of the images."""
    from membseg.training import choose_policy

    whole = ("base_filters", "pyramid_filters", "head_units", "mask_filters")
    real = ("anchor_size", "min_score", "nms_threshold")
    return {
        **{name: int(getattr(segmenter, name)) for name in whole},
        **{name: float(getattr(segmenter, name)) for name in real},
        "norm_layer": segmenter.norm_layer,
        "n_channels": n_channels,
        "l1": 0.0,
        "l2": 0.0,
        "dtype": choose_policy(segmenter.precision),
        "seed": seed,
    }


def _make_sampler(
    segmenter: Any, inputs: FitInputs, intensities: list[Any], patch_size: int, seed: int
) -> Any:
    from membseg.networks import make_anchors
    from membseg.networks._mask_rcnn import list_sizes
    from membseg.training import CellSampler, PatchSampler, TrainingData, plan_validation

    rng = np.random.default_rng(seed)
    masks = inputs.masks.masks
    labelled = [bool((mask != IGNORED).any()) for mask in masks]
    patches = PatchSampler(
        TrainingData(inputs.images.images, masks, inputs.weights, intensities),
        plan_validation(inputs.images.sizes, 0.0, rng, None, labelled),
        patch_size=patch_size,
        batch_size=int(segmenter.batch_size),
        augmentation=segmenter.augmentation,
        augmentation_strength=float(segmenter.augmentation_strength),
        rng=rng,
    )
    anchors = make_anchors(patch_size, patch_size, float(segmenter.anchor_size))
    _, n_proposals, _ = list_sizes(patch_size, patch_size, len(anchors))
    return CellSampler(patches, anchor_size=float(segmenter.anchor_size), n_proposals=n_proposals)


def _build_training(config: dict[str, Any]) -> Any:
    """Build network and losses for patches of a size."""
    from membseg.networks import build_mask_rcnn
    from membseg.training import build_training_model

    own = ("n_boxes", "positive_share", "weight_decay")
    network = build_mask_rcnn(**{k: v for k, v in config.items() if k not in own})
    return build_training_model(
        network,
        anchor_size=config["anchor_size"],
        dtype=config["dtype"],
        **{name: config[name] for name in own},
    )


def _untrained(segmenter: Any, config: dict[str, Any], patch_size: int) -> PooledNetwork:
    """Give a model that has learnt nothing: a new one, or one that is as good as new."""
    full = config | {
        "height": patch_size,
        "width": patch_size,
        "n_boxes": int(segmenter.n_rois),
        "positive_share": float(segmenter.positive_share),
        "weight_decay": float(segmenter.weight_decay),
    }
    new = _build_training(full)
    entry = POOL.take(full, _build_training)
    if entry is None:
        key = (_build_training, {k: v for k, v in full.items() if k != "seed"})
        return PooledNetwork(new, key, compiled=("mask_rcnn", full["weight_decay"], 0))
    for old, start in zip(entry.network.variables, new.variables, strict=True):
        old.assign(start)
    # An optimizer starts from zeros. The learning rate is set before each step.
    for variable in entry.network.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    return entry


def _count_steps(segmenter: Any, steps_per_epoch: int) -> int | None:
    if segmenter.max_steps is not None:
        return int(segmenter.max_steps)
    return None if segmenter.time_limit is not None else int(segmenter.epochs) * steps_per_epoch


def _deadline(segmenter: Any, start: float) -> float | None:
    """When the steps must end, so that the rest of fit ends in time too."""
    if segmenter.time_limit is None:
        return None
    limit = float(segmenter.time_limit)
    return start + limit - max(_RESERVE * limit, min(_LEAST_RESERVE, limit / 4))


def _report(verbose: int, row: dict[str, float], schedule: Any) -> bool:
    if verbose:
        report_row(row, schedule)
    return False
