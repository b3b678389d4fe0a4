"""How every segmenter around a Keras network learns."""

import time
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import (
    InvalidInputError,
    OutOfMemoryError,
    TrainingError,
    TrainingWarning,
)
from membseg.inference import list_views
from membseg.segmenters import _auto
from membseg.segmenters._callbacks import FitCallbacks
from membseg.segmenters._checkpoint import FitCheckpoint
from membseg.segmenters._continuation import Continuation
from membseg.segmenters._fit_events import halve_batch, report_row
from membseg.segmenters._fit_identity import fit_identity
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._keras_prediction import KerasPrediction
from membseg.segmenters._make_steps import check_steps, count_labelled, make_steps
from membseg.segmenters._network_pool import POOL, PooledNetwork, untrained
from membseg.segmenters._transfer import check_same_network, find_source
from membseg.segmenters._walked_reach import walked_reach
from membseg.utils import IGNORED, fit_intensity, warn_user

#: Share of `time_limit` that is kept for choosing the threshold besides the time that the looks at
#: the validation part take, and the seconds that it takes at least, since the network is compiled
#: for another shape there.
_RESERVE, _LEAST_RESERVE = 0.01, 1.5


@dataclass(frozen=True)
class Training:
    """What a training is made of."""

    config: dict[str, Any]
    network: Any
    sampler: Any
    validator: Any
    plan: Any
    batch_size: int
    seeds: list[int]
    checkpoint: FitCheckpoint
    #: What it goes on with; None in a fit.
    goes_on: Continuation | None


class KerasTraining(KerasPrediction):
    """The part of a Keras segmenter that learns; ``BaseKerasSegmenter`` has the parameters."""

    # Parameters of the subclasses.
    random_state: Any
    loss: str
    weight_decay: float
    label_smoothing: float
    learning_rate: float
    patch_size: int | str
    batch_size: int
    epochs: int
    steps_per_epoch: int | str
    max_steps: int | None
    time_limit: float | None
    validation_fraction: float
    monitor: str
    early_stopping: bool
    patience: int
    weight_averaging: float
    adversarial_weight: float
    adversarial_mode: str
    unlabelled: str
    init_from: Any
    freeze_depth: int
    augmentation: str
    augmentation_strength: float
    intensity_norm: str
    threshold: float | str
    warm_start: bool
    device_data: bool | str
    checkpoint_dir: Any

    @abstractmethod
    def _network_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        """Resolve the network's sizes: keyword arguments of the builder, plain values only."""

    @staticmethod
    @abstractmethod
    def _build(config: dict[str, Any]) -> Any:
        """Build the Keras network of a configuration."""

    @classmethod
    def _reach(cls, config: dict[str, Any]) -> tuple[int, int]:
        """Give the receptive field's radius and the total downsampling, in pixels."""
        reach = walked_reach(cls._build, config)
        return reach.radius, reach.factor

    def _pretrained_weights(self, config: dict[str, Any]) -> list[np.ndarray] | None:
        """Give weights that come with the package, where there are any for this network."""
        return None

    def _train(
        self,
        inputs: FitInputs,
        start: float,
        callbacks: FitCallbacks,
        common: dict[str, Any],
        goes_on: Continuation | None = None,
    ) -> dict[str, Any]:
        """Train and return the fitted attributes besides the `common` ones."""
        from membseg.training import PatchSampler, TrainingData, Validator, plan_validation

        # What is wrong is told before anything is built.
        check_steps(self)
        find_source(self.init_from)
        checkpoint = self._open_checkpoint(inputs)
        # As if the time before an interruption had just passed.
        before = checkpoint.seconds
        start -= before
        rng = checkpoint.start_rng(self.random_state)
        reseed = int if goes_on is None else goes_on.reseed
        seeds = [reseed(seed) for seed in rng.integers(2**31, size=2)]
        config = self._resolve_config(inputs, seeds[0], goes_on)
        halo, factor = self._reach(config)
        self._check_tile_size(halo, factor)
        patch_size = self._resolve_patch_size(inputs, config)
        intensities = self._intensities(inputs, goes_on)
        masks = inputs.masks.masks
        data = TrainingData(inputs.images.images, masks, inputs.weights, intensities)
        fraction = 0.0 if inputs.validation else self.validation_fraction
        labelled = [bool((mask != IGNORED).any()) for mask in masks]
        plan = plan_validation(inputs.images.sizes, fraction, rng, inputs.groups, labelled)
        seeds.append(reseed(rng.integers(2**31)))
        validator = self._validator(inputs, data, plan.blocks, config, Validator)
        self._warn_unwatched(validator)
        batch_size = checkpoint.batch_size or int(self.batch_size)
        while True:
            sampler = PatchSampler(
                data,
                plan,
                patch_size=patch_size,
                batch_size=count_labelled(self.unlabelled, batch_size),
                augmentation=self.augmentation,
                augmentation_strength=float(self.augmentation_strength),
                rng=np.random.default_rng(seeds[1]),
                label_smoothing=float(self.label_smoothing),
            )
            if not sampler.n_labelled:
                raise InvalidInputError(
                    "X and y leave no labelled pixel for training besides the validation part. "
                    "Lower validation_fraction, or give validation_data."
                )
            entry = self._first_network(config)
            try:
                training = Training(
                    config,
                    entry.network,
                    sampler,
                    validator,
                    plan,
                    batch_size,
                    seeds,
                    checkpoint,
                    goes_on,
                )
                fitted = self._run_training(training, start, callbacks, common)
            except OutOfMemoryError as error:
                batch_size = halve_batch(batch_size, patch_size, error)
                checkpoint.forget()
            except TrainingError:
                # What was kept would lead to the same end again.
                checkpoint.remove()
                raise
            else:
                checkpoint.remove()
                # Only after success: nobody knows the state that an interrupted step leaves.
                entry.loaded = fitted["_weights"]
                POOL.put_back(entry)
                return fitted | {"_seconds_before": before}

    def _open_checkpoint(self, inputs: FitInputs) -> FitCheckpoint:
        """Find the state to go on from, if fit is to keep it."""
        # Segmenters of earlier versions, unpickled, know of none.
        folder = getattr(self, "checkpoint_dir", None)
        if folder is None:
            return FitCheckpoint()
        return FitCheckpoint(folder, fit_identity(self, inputs))

    def _intensities(self, inputs: FitInputs, goes_on: Continuation | None) -> list[Any]:
        """Give the normalisation of each image; that of a stack stays what the network knows."""
        known = None if goes_on is None else getattr(self, "intensity_", None)
        if known is not None and self.intensity_norm == "stack":
            return [known] * len(inputs.images)
        return fit_intensity(inputs.images.images, self.intensity_norm)

    def _run_training(
        self, training: Training, start: float, callbacks: FitCallbacks, common: dict[str, Any]
    ) -> dict[str, Any]:
        from membseg.training import Schedule, TrainingLoop, WeightAverage, network_function

        network, sampler, validator = training.network, training.sampler, training.validator
        checkpoint, goes_on = training.checkpoint, training.goes_on
        steps_per_epoch = _auto.choose_steps_per_epoch(
            self.steps_per_epoch, sampler.n_labelled, training.batch_size, sampler.patch_size
        )
        rows = checkpoint.history

        def end_epoch(row: dict[str, float], schedule: Any) -> bool:
            if goes_on is not None:
                goes_on.shift(row)
            rows.append(row)
            if self.verbose:
                report_row(row, schedule)
            return callbacks.end_epoch(lambda: self._fitted(training, rows) | common)

        def keep(state: dict[str, Any]) -> None:
            seconds = time.perf_counter() - start
            checkpoint.keep(state, batch_size=training.batch_size, seconds=seconds)

        momentum = float(self.weight_averaging)
        loop = TrainingLoop(
            network,
            make_steps(self, training),
            validator,
            Schedule(
                peak=float(self.learning_rate),
                n_steps=self._n_steps(steps_per_epoch),
                start=time.perf_counter(),
                deadline=self._deadline(start),
                n_before=0 if goes_on is None else goes_on.n_taken,
                decays=goes_on is None,
            ),
            steps_per_epoch=steps_per_epoch,
            monitor=self.monitor,
            patience=int(self.patience) if self.early_stopping else None,
            on_epoch_begin=callbacks.begin_epoch,
            on_epoch_end=end_epoch,
            # Choosing the threshold looks at the validation part once a view.
            n_last_looks=len(list_views(self.tta)) if isinstance(self.threshold, str) else 0,
            average=WeightAverage(network, momentum) if momentum else None,
            on_state=keep if checkpoint.is_kept else None,
        )
        checkpoint.restore(loop)
        if goes_on is not None:
            goes_on.load(network)
        result = loop.run()
        if result.cut_short:
            warn_user(
                f"time_limit={self.time_limit} ended training after {result.n_steps} steps, before "
                "the learning rate had fallen as planned, since steps took longer than the first "
                f"ones did; max_steps={result.n_steps} would not give the same weights. Raise "
                "time_limit if this comes again.",
                TrainingWarning,
            )
        after = {} if goes_on is None else {"_going_on": goes_on.after(network, result.n_steps)}
        return self._fitted(training, result.history) | {
            **after,
            "best_epoch_": result.best_epoch,
            "threshold_": self._choose_threshold(validator, network_function(network), goes_on),
        }

    def _fitted(self, training: Training, history: list[dict[str, float]]) -> dict[str, Any]:
        """Give the fitted attributes, as they are with the network's weights of now."""
        intensities = training.sampler.data.intensities
        weights = training.network.get_weights()
        return {
            "_network": None,
            "_weights": weights,
            "n_parameters_": sum(weight.size for weight in weights),
            "_config": training.config,
            "history_": list(history),
            "best_epoch_": len(history),
            "n_steps_": int(history[-1]["step"]),
            "batch_size_": training.batch_size,
            "patch_size_": training.sampler.patch_size,
            "_intensity_norm": self.intensity_norm,
            "intensity_": intensities[0] if self.intensity_norm == "stack" else None,
            "threshold_": 0.5 if isinstance(self.threshold, str) else float(self.threshold),
        }

    def _first_network(self, config: dict[str, Any]) -> PooledNetwork:
        """Give a compiled network with its first weights."""
        from membseg.training import is_out_of_memory

        weights = self._first_weights(config)
        depth = int(self.freeze_depth)
        if depth and weights is None:
            raise InvalidInputError(
                f"freeze_depth must be 0 where training starts from random weights; got {depth}. "
                "Give init_from, a fitted segmenter."
            )
        options: Any = {"weight_decay": float(self.weight_decay), "freeze_depth": depth}
        try:
            entry = untrained(config, self._build, loss=self.loss, **options)
            if self.init_from is not None and weights is not None:
                check_same_network(entry.network, weights)
            if weights is not None:
                entry.network.set_weights(weights)
        except Exception as error:
            # Each backend has a class of its own for this; only the text is common to them.
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(_too_large(config)) from error
        return entry

    def _resolve_config(
        self, inputs: FitInputs, seed: int, goes_on: Continuation | None
    ) -> dict[str, Any]:
        """Choose the network's sizes, or keep those of the network that goes on learning."""
        old = getattr(self, "_config", None)
        if goes_on is not None and old is not None:
            # New images need not look as if they needed the same sizes.
            return {**old, "seed": seed}
        config = self._network_config(inputs, seed)
        if not self.warm_start or old is None:
            return config
        if {**config, "seed": 0} != {**old, "seed": 0}:
            raise InvalidInputError(
                f"warm_start=True needs the network of the last fit, {old}; these parameters and "
                f"images ask for {config}. Fit with warm_start=False to start anew."
            )
        return config

    def _first_weights(self, config: dict[str, Any]) -> list[np.ndarray] | None:
        """Weights to start from: the last fit's, `init_from`'s, the package's, or none."""
        if self.warm_start and getattr(self, "_weights", None) is not None:
            return self._weights
        source = find_source(self.init_from)
        if source is not None:
            return source._weights
        return self._pretrained_weights(config)

    def _resolve_patch_size(self, inputs: FitInputs, config: dict[str, Any]) -> int:
        smallest = min(min(size) for size in inputs.images.sizes)
        if not isinstance(self.patch_size, str) and self.patch_size > smallest:
            raise InvalidInputError(
                f"patch_size must not exceed the smallest image side, {smallest} px; got "
                f"{self.patch_size}. Use patch_size='auto' (small images are then reflected to "
                "the size of a patch)."
            )
        side = _auto.typical_side(inputs.images.sizes)
        factor = self._reach(config)[1]
        # Smaller images are reflected to the size of a patch; but there must be something to see.
        if factor > 2 * side:
            least = factor // 2
            depth = f"depth, now {config['depth']}" if "depth" in config else "its downsampling"
            raise InvalidInputError(
                f"X must hold images of at least {least} x {least} px for this network, which "
                f"shrinks them {factor} times on its way; their shorter sides are {side} px "
                f"(the median). Lower {depth}, or give larger images."
            )
        return _auto.choose_patch_size(self.patch_size, side, factor, config.get("zoom", 1))

    def _validator(
        self,
        inputs: FitInputs,
        data: Any,
        blocks: list[Any],
        config: dict[str, Any],
        validator_class: Any,
    ) -> Any:
        from membseg.training import Block, TrainingData

        halo, factor = self._reach(config)
        options = {
            "factor": factor,
            "halo": halo,
            "tile_size": _auto.choose_tile_size(self.tile_size, halo, factor),
        }
        if inputs.validation is None:
            return validator_class(data, blocks, **options)
        images, masks = inputs.validation
        if self.intensity_norm == "stack":
            intensities = [data.intensities[0]] * len(images)
        else:
            intensities = fit_intensity(images.images, self.intensity_norm)
        whole = [Block(i, slice(None), slice(None)) for i in range(len(images))]
        return validator_class(
            TrainingData(images.images, masks.masks, None, intensities), whole, **options
        )

    def _deadline(self, start: float) -> float | None:
        """When the steps must end, so that the rest of fit ends in time too."""
        if self.time_limit is None:
            return None
        limit = float(self.time_limit)
        return start + limit - max(_RESERVE * limit, min(_LEAST_RESERVE, limit / 4))

    def _check_tile_size(self, halo: int, factor: int) -> None:
        least = 2 * halo + factor
        if _auto.choose_tile_size(self.tile_size, halo, factor) < least:
            raise InvalidInputError(
                f"tile_size must be at least {least} px for this network (two halos of {halo} px "
                f"and one step of {factor} px); got {self.tile_size}. Use tile_size='auto'."
            )

    def _warn_unwatched(self, validator: Any) -> None:
        """Warn where something was asked for that only a labelled validation part can give."""
        wanted = [
            name
            for name, asked in (
                ("early_stopping", self.early_stopping),
                ("monitor", self.monitor != "loss"),
                ("threshold", isinstance(self.threshold, str) and self.threshold != "auto"),
            )
            if asked
        ]
        if wanted and not validator:
            warn_user(
                f"{' and '.join(wanted)} had no effect: the validation part holds no labelled "
                "pixel. Give validation_data, or a larger validation_fraction.",
                TrainingWarning,
            )

    def _n_steps(self, steps_per_epoch: int) -> int | None:
        if self.max_steps is not None:
            return int(self.max_steps)
        return None if self.time_limit is not None else int(self.epochs) * steps_per_epoch

    def _choose_threshold(
        self, validator: Any, function: Any, goes_on: Continuation | None
    ) -> float:
        if not isinstance(self.threshold, str):
            return float(self.threshold)
        if not validator.shows_both_classes:
            return 0.5 if goes_on is None else goes_on.threshold
        logits = validator.predict(function, list_views(self.tta))
        return validator.best_threshold(logits, self.threshold)


def _too_large(config: dict[str, Any]) -> str:
    """Say that a network does not fit into memory, with the sizes that it has a name for."""
    sizes = [name for name in ("depth", "base_filters") if name in config]
    if not sizes:
        return "There is too little memory for this network. Build one with fewer filters."
    given = " and ".join(f"{name}={config[name]}" for name in sizes)
    return (
        f"There is too little memory for a network of {given}. Lower "
        f"{' or '.join(reversed(sizes))}."
    )
