"""What every segmenter around a Keras network shares: fit, predict, state."""

import time
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import (
    DataWarning,
    InvalidInputError,
    MembsegError,
    OutOfMemoryError,
    TrainingWarning,
)
from membseg.inference import TTA_MODES, list_views
from membseg.metrics import SCORERS
from membseg.segmenters import _auto
from membseg.segmenters._cost import CostEstimate, measure_cost
from membseg.segmenters._fit_events import halve_batch, prior_attributes, report_row
from membseg.segmenters._fit_inputs import FitInputs, check_fit_inputs
from membseg.segmenters._keras_prediction import KerasPrediction
from membseg.utils import (
    IGNORED,
    INTENSITY_NORMS,
    check_images,
    fit_intensity,
    make_rng,
    warn_user,
)
from membseg.utils._sklearn_compat import Integral, Interval, Real, StrOptions

#: Share of `time_limit` that is kept for choosing the threshold besides the time that the looks at
#: the validation part take, and the seconds that it takes at least, since the network is compiled
#: for another shape there.
_RESERVE, _LEAST_RESERVE = 0.01, 1.5

#: Scores that `threshold` may be chosen for: those that judge masks. V_Rand and V_Info by name mean
#: those of the mask; their scorers look for the best cut themselves.
_THRESHOLD_SCORERS = {
    name: name for name, scorer in SCORERS.items() if scorer.response == "predict"
} | {"v_rand": "v_rand_mask", "v_info": "v_info_mask"}


class KerasSegmenter(KerasPrediction):
    """Base of the segmenters around one Keras network; not for use by itself.

    A subclass stores its parameters in ``__init__``, lists those of the network in
    ``_parameter_constraints``, and defines :meth:`_network_config`, :meth:`_build` and
    :meth:`_reach`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "initial_weights": [StrOptions({"auto", "random", "synthetic"})],
        "loss": [StrOptions({"bce", "dice", "bce+dice"})],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [StrOptions({"auto"}), Interval(Integral, 8, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "steps_per_epoch": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_steps": [None, Interval(Integral, 1, None, closed="left")],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "monitor": [StrOptions({"loss"} | set(SCORERS))],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "augmentation": [str],
        "augmentation_strength": [Interval(Real, 0, None, closed="left")],
        "intensity_norm": [StrOptions(set(INTENSITY_NORMS))],
        "membrane_label": [None, Real, "boolean"],
        "ignore_label": [None, Real],
        "threshold": [
            StrOptions({"auto"} | set(_THRESHOLD_SCORERS)),
            Interval(Real, 0, 1, closed="both"),
        ],
        "tta": [StrOptions(set(TTA_MODES))],
        "tile_size": [StrOptions({"auto"}), Interval(Integral, 16, None, closed="left")],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "device_data": [StrOptions({"auto"}), "boolean"],
        "on_failure": [StrOptions({"raise", "worst"})],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    }

    @abstractmethod
    def _network_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        """Resolve the network's sizes: keyword arguments of the builder, plain values only."""

    @staticmethod
    @abstractmethod
    def _build(config: dict[str, Any]) -> Any:
        """Build the Keras network of a configuration."""

    @staticmethod
    @abstractmethod
    def _reach(config: dict[str, Any]) -> tuple[int, int]:
        """Give the receptive field's radius and the total downsampling, in pixels."""

    @staticmethod
    def _synthetic_weights(config: dict[str, Any]) -> list[np.ndarray] | None:
        """Give weights learnt from synthetic slices, where there are any for this network."""
        return None

    # ------------------------------------------------------------------------------ fit

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> "KerasSegmenter":
        """Learn membranes from labelled images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images of any real dtype. A list holds (height, width) or (height, width, channels)
            arrays of any sizes.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays, \
default=None
            Masks of two values; required. Pixels with `ignore_label` do not count.
        sample_weight : array-like or None, default=None
            Weight of each image, shape (n_images,), or of each pixel, the shape of `y`.
        groups : array-like of shape (n_images,) or None, default=None
            Specimen of each image; whole specimens are then held out for validation.
        validation_data : tuple (X, y) or None, default=None
            Images and masks to validate on, instead of a part of `X`.

        Returns
        -------
        self
            The fitted segmenter.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If an argument cannot be used; the message says how to mend it.
        TrainingError
            If the loss stops being finite.
        OutOfMemoryError
            If a single patch is too much for the machine's memory.
        """
        start = time.perf_counter()
        failure = self._parameter_failure()
        inputs = check_fit_inputs(
            X,
            y,
            sample_weight=sample_weight,
            groups=groups,
            validation_data=validation_data,
            # A label of a wrong kind is a failure that is known by now.
            membrane_label=None if failure is not None else self.membrane_label,
            ignore_label=None if failure is not None else self.ignore_label,
        )
        for message in label_warnings(inputs.masks):
            warn_user(message, DataWarning)
        fitted = prior_attributes(inputs)
        try:
            if failure is None:
                fitted = self._train(inputs, start)
        except MembsegError as error:
            if self.on_failure != "worst":
                raise
            failure = error
        if failure is not None:
            warn_user(
                f"fit failed and on_failure='worst': every pixel gets the membrane fraction of y "
                f"as its probability. The failure was: {failure}",
                TrainingWarning,
            )
        # Only a finished training is adopted: an interrupted one leaves what was there before.
        for name, value in fitted.items():
            setattr(self, name, value)
        self.classes_ = inputs.masks.classes
        self.n_channels_in_ = inputs.images.n_channels
        self.n_images_seen_ = len(inputs.images)
        self.fit_time_ = time.perf_counter() - start
        return self

    def _parameter_failure(self) -> Exception | None:
        """Check the parameters; raise, or return what is wrong where on_failure says so."""
        try:
            self._validate_params()
        except ValueError as error:
            if self.on_failure != "worst":
                raise
            return error
        return None

    def _train(self, inputs: FitInputs, start: float) -> dict[str, Any]:
        """Train and return the fitted attributes."""
        from membseg.training import PatchSampler, TrainingData, Validator, plan_validation

        rng = make_rng(self.random_state)
        seeds = [int(seed) for seed in rng.integers(2**31, size=2)]
        config = self._resolve_config(inputs, seeds[0])
        halo, factor = self._reach(config)
        self._check_tile_size(halo, factor)
        patch_size = self._resolve_patch_size(inputs, config)
        intensities = fit_intensity(inputs.images.images, self.intensity_norm)
        masks = inputs.masks.masks
        data = TrainingData(inputs.images.images, masks, inputs.weights, intensities)
        fraction = 0.0 if inputs.validation else self.validation_fraction
        labelled = [bool((mask != IGNORED).any()) for mask in masks]
        plan = plan_validation(inputs.images.sizes, fraction, rng, inputs.groups, labelled)
        validator = self._validator(inputs, data, plan.blocks, config, Validator)
        self._warn_unwatched(validator)
        batch_size = int(self.batch_size)
        while True:
            sampler = PatchSampler(
                data,
                plan,
                patch_size=patch_size,
                batch_size=batch_size,
                augmentation=self.augmentation,
                augmentation_strength=float(self.augmentation_strength),
                rng=np.random.default_rng(seeds[1]),
            )
            if not sampler.n_labelled:
                raise InvalidInputError(
                    "X and y leave no labelled pixel for training besides the validation part. "
                    "Lower validation_fraction, or give validation_data."
                )
            network = self._make_network(config)
            try:
                return self._run_training(config, network, sampler, validator, start)
            except OutOfMemoryError as error:
                batch_size = halve_batch(batch_size, patch_size, error)

    def _run_training(
        self, config: dict[str, Any], network: Any, sampler: Any, validator: Any, start: float
    ) -> dict[str, Any]:
        from membseg.training import Schedule, TrainingLoop, choose_steps, network_function

        steps_per_epoch = _auto.choose_steps_per_epoch(
            self.steps_per_epoch, sampler.n_labelled, sampler.batch_size, sampler.patch_size
        )
        loop = TrainingLoop(
            network,
            sampler,
            validator,
            Schedule(
                peak=float(self.learning_rate),
                n_steps=self._n_steps(steps_per_epoch),
                start=time.perf_counter(),
                deadline=self._deadline(start),
            ),
            steps_per_epoch=steps_per_epoch,
            monitor=self.monitor,
            patience=int(self.patience) if self.early_stopping else None,
            report=report_row if self.verbose else None,
            # Choosing the threshold looks at the validation part once a view.
            n_last_looks=len(list_views(self.tta)) if isinstance(self.threshold, str) else 0,
            resident=choose_steps(self.device_data, network, sampler),
        )
        result = loop.run()
        if result.cut_short:
            warn_user(
                f"time_limit={self.time_limit} ended training after {result.n_steps} steps, before "
                "the learning rate had fallen as planned, since steps took longer than the first "
                f"ones did; max_steps={result.n_steps} would not give the same weights. Raise "
                "time_limit if this comes again.",
                TrainingWarning,
            )
        return {
            "_network": network,
            "_weights": network.get_weights(),
            "_config": config,
            "history_": result.history,
            "best_epoch_": result.best_epoch,
            "n_steps_": result.n_steps,
            "batch_size_": sampler.batch_size,
            "patch_size_": sampler.patch_size,
            "_intensity_norm": self.intensity_norm,
            "intensity_": sampler.data.intensities[0] if self.intensity_norm == "stack" else None,
            "threshold_": self._choose_threshold(validator, network_function(network)),
        }

    def _make_network(self, config: dict[str, Any]) -> Any:
        """Build and compile the network and give it its first weights."""
        from membseg.training import compile_network, is_out_of_memory

        weights = self._first_weights(config)
        try:
            network = self._build(config)
            if weights is not None:
                network.set_weights(weights)
            compile_network(network, loss=self.loss, weight_decay=float(self.weight_decay))
        except Exception as error:
            # Each backend has a class of its own for this; only the text is common to them.
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                f"There is too little memory for a network of depth={config['depth']} and "
                f"base_filters={config['base_filters']}. Lower base_filters or depth."
            ) from error
        return network

    def _resolve_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        """Choose the network's sizes, or keep those of the network that goes on learning."""
        old = getattr(self, "_config", None)
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
        """Weights to start from: the last fit's, those learnt from synthetic slices, or none."""
        if self.warm_start and getattr(self, "_weights", None) is not None:
            return self._weights
        if self.initial_weights == "random":
            return None
        weights = self._synthetic_weights(config)
        if weights is None and self.initial_weights == "synthetic":
            raise InvalidInputError(
                "initial_weights='synthetic' exists for the network of the default parameters "
                f"at stem_stride=2 and one channel; this fit asks for {config}. Use "
                "initial_weights='auto' or 'random'."
            )
        return weights

    def _resolve_patch_size(self, inputs: FitInputs, config: dict[str, Any]) -> int:
        smallest = min(min(size) for size in inputs.images.sizes)
        if self.patch_size != "auto" and self.patch_size > smallest:
            raise InvalidInputError(
                f"patch_size must not exceed the smallest image side, {smallest} px; got "
                f"{self.patch_size}. Use patch_size='auto' (small images are then reflected to "
                "the size of a patch)."
            )
        side = _auto.typical_side(inputs.images.sizes)
        factor = self._reach(config)[1]
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

    def _choose_threshold(self, validator: Any, function: Any) -> float:
        if not isinstance(self.threshold, str):
            return float(self.threshold)
        if not validator:
            return 0.5
        logits = validator.predict(function, list_views(self.tta))
        name = _THRESHOLD_SCORERS.get(self.threshold, "auto")
        return validator.best_threshold(logits, name)

    # ----------------------------------------------------------------------------- cost

    def estimate_cost(self, X: Any, y: Any = None) -> CostEstimate:
        """Estimate what a fit on these images will cost, before it.

        Builds the network and times two training steps and two predictions: a few seconds.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            The images that fit would get.
        y : array-like of shape (n_images, height, width) or list, default=None
            Their masks. Without them membranes are taken as thin (``zoom="auto"`` is 2), which
            is dearer.

        Returns
        -------
        CostEstimate
            Parameters, memory in bytes, seconds.
        """
        from membseg.training import compile_network, layer_shapes

        self._validate_params()
        labels = {"membrane_label": self.membrane_label, "ignore_label": self.ignore_label}
        if y is None:
            stack = check_images(X)
            X, labels = stack.images, {}
            # Stripes of one pixel: the thinnest membranes there are.
            y = [np.arange(h * w).reshape(h, w) % 2 for h, w in stack.sizes]
        inputs = check_fit_inputs(X, y, **labels)
        config = self._network_config(inputs, 0)
        network = self._build(config)
        compile_network(network, loss=self.loss, weight_decay=float(self.weight_decay))
        patch_size = self._resolve_patch_size(inputs, config)
        n_pixels = sum(height * width for height, width in inputs.images.sizes)
        batch_shape = (int(self.batch_size), patch_size, patch_size, inputs.images.n_channels)
        steps_per_epoch = _auto.choose_steps_per_epoch(
            self.steps_per_epoch, n_pixels, int(self.batch_size), patch_size
        )
        return measure_cost(
            network,
            layer_shapes=layer_shapes(network, batch_shape),
            batch_shape=batch_shape,
            n_steps=self._n_steps(steps_per_epoch),
            time_limit=self.time_limit,
            pixels_per_image=n_pixels / len(inputs.images),
            n_views=len(list_views(self.tta)),
        )
