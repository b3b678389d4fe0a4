"""What every segmenter around a Keras network shares: fit, predict, state."""

import time
from typing import Any, ClassVar

import numpy as np

from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import (
    DataWarning,
    MembsegError,
    TrainingWarning,
)
from membseg.inference import TTA_MODES, list_views
from membseg.metrics import SCORERS
from membseg.metrics._threshold_curve import MASK_SCORES
from membseg.segmenters import _auto
from membseg.segmenters._callbacks import FitCallbacks
from membseg.segmenters._cost import CostEstimate, measure_cost
from membseg.segmenters._fit_events import prior_attributes
from membseg.segmenters._fit_inputs import check_fit_inputs
from membseg.segmenters._keras_training import KerasTraining
from membseg.segmenters._workers import load_keras, warn_shared_accelerator
from membseg.utils import (
    INTENSITY_NORMS,
    check_images,
    warn_user,
)
from membseg.utils._image_keys import image_keys
from membseg.utils._sklearn_compat import (
    CallbackSupportMixin,
    Integral,
    Interval,
    Real,
    StrOptions,
    with_callbacks,
)


class KerasSegmenter(CallbackSupportMixin, KerasTraining):
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
            StrOptions({"auto"} | set(MASK_SCORES)),
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

    # ------------------------------------------------------------------------------ fit

    @with_callbacks
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
        load_keras()
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
        common = {
            "classes_": inputs.masks.classes,
            "n_channels_in_": inputs.images.n_channels,
            "n_images_seen_": len(inputs.images),
            "_images_seen": image_keys(inputs.images),
        }
        fitted = prior_attributes(inputs)
        callbacks = FitCallbacks(self, X, y, self._n_epochs() if failure is None else 0)
        try:
            if failure is None:
                warn_shared_accelerator()
                fitted = self._train(inputs, start, callbacks, common)
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
        for name, value in (fitted | common).items():
            setattr(self, name, value)
        self.fit_time_ = time.perf_counter() - start
        callbacks.end()
        return self

    def _n_epochs(self) -> int | None:
        """Give the number of epochs where it is known before training."""
        limited = self.time_limit is not None or self.max_steps is not None
        return None if limited or self.early_stopping else int(self.epochs)

    def _parameter_failure(self) -> Exception | None:
        """Check the parameters; raise, or return what is wrong where on_failure says so."""
        try:
            self._validate_params()
        except ValueError as error:
            if self.on_failure != "worst":
                raise
            return error
        return None

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
        load_keras()
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
