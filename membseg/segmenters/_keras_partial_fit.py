"""How every segmenter around a Keras network learns a little more."""

import copy
import time
from typing import Any, Self

import numpy as np

from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import DataWarning, InvalidInputError
from membseg.segmenters._callbacks import FitCallbacks
from membseg.segmenters._continuation import Continuation
from membseg.segmenters._fit_inputs import FitInputs, check_fit_inputs
from membseg.segmenters._keras_training import KerasTraining
from membseg.segmenters._workers import load_keras
from membseg.utils import warn_user

#: One epoch, whatever a fit would do.
_ONE_EPOCH = {
    "epochs": 1,
    "max_steps": None,
    "time_limit": None,
    "early_stopping": False,
    "warm_start": True,
    "checkpoint_dir": None,
}


class KerasPartialFit(KerasTraining):
    """The part of a Keras segmenter that goes on learning, a call at a time."""

    # What the subclass has.
    membrane_label: Any
    ignore_label: Any
    classes_: np.ndarray
    _keys_of: Any
    _images_seen: list[str]

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        """Learn a little more: one epoch, on these or on other images.

        The network, its sizes, its optimizer's state and the history go on. The learning rate rises
        over the first 40 steps and stays there: at `learning_rate` where there was no fit before,
        and at a tenth of it after a fit, whose weights have settled while the rate fell to zero. It
        never jumps, and does not fall: for weights that have settled again, call fit with
        ``warm_start=True``.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen before.
        y : array-like of shape (n_images, height, width) or list of (height, width) arrays
            Masks; of the values seen before, not necessarily both.
        classes : array-like of shape (2,) or None, default=None
            Both values, where the first call's `y` may not show both.
        sample_weight : array-like or None, default=None
            Weight of each image, shape (n_images,), or of each pixel, the shape of `y`.
        groups : array-like of shape (n_images,) or None, default=None
            Specimen of each image; whole specimens are then held out for validation.
        validation_data : tuple (X, y) or None, default=None
            Images and masks to validate on, instead of a part of `X`.

        Returns
        -------
        self
            The segmenter.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If an argument cannot be used; the message says how to mend it.
        TrainingError
            If the loss stops being finite.
        OutOfMemoryError
            If a single patch is too much for the machine's memory.

        Notes
        -----
        An epoch has `steps_per_epoch` steps. `epochs`, `max_steps`, `time_limit`, `early_stopping`,
        `checkpoint_dir` and `on_failure` are for fit. With a number as `random_state` each call
        draws other patches, and the same blocks of the same images are held out in every call.
        The threshold is chosen again where the images held out show both classes.

        Examples
        --------
        >>> from membseg import UNetSegmenter, make_membranes
        >>> X, y = make_membranes(3, 64, 64, random_state=0)
        >>> segmenter = UNetSegmenter(
        ...     depth=1, base_filters=4, steps_per_epoch=2, batch_size=2, random_state=0
        ... )
        >>> for _ in range(3):
        ...     _ = segmenter.partial_fit(X, y)
        >>> segmenter.n_steps_
        6
        """
        start = time.perf_counter()
        load_keras()
        self._validate_params()
        known = self._known_classes(classes, y)
        inputs = check_fit_inputs(
            X,
            y,
            sample_weight=sample_weight,
            groups=groups,
            validation_data=validation_data,
            membrane_label=self.membrane_label,
            ignore_label=self.ignore_label,
            classes=known,
            n_channels=getattr(self, "n_channels_in_", None),
        )
        if known is None:
            # A few more slices need not look like a whole data set.
            for message in label_warnings(inputs.masks):
                warn_user(message, DataWarning)
        goes_on = Continuation.of(self)
        # Not this one: an interrupted call leaves what was there before.
        worker = copy.copy(self)
        for name, value in _ONE_EPOCH.items():
            setattr(worker, name, value)
        worker.learning_rate = goes_on.share * float(self.learning_rate)
        callbacks = FitCallbacks(None, X, y, None)
        fitted = worker._train(inputs, start, callbacks, {}, goes_on)
        fitted.pop("_seconds_before")
        fitted["history_"] = goes_on.history + fitted["history_"]
        fitted["best_epoch_"] = len(fitted["history_"])
        before = getattr(self, "fit_time_", 0.0)
        for name, value in (fitted | self._common_attributes(inputs)).items():
            setattr(self, name, value)
        self.fit_time_ = before + time.perf_counter() - start
        return self

    def _known_classes(self, classes: Any, y: Any) -> np.ndarray | None:
        """Give ``[cell, membrane]`` as known before this call's masks are read, if they are."""
        before = getattr(self, "classes_", None)
        if classes is None or y is None:
            return before
        values = np.unique(np.asarray(classes))
        if values.shape != (2,) or values.dtype.kind not in "biuf":
            raise InvalidInputError(
                f"classes must hold two values, those of cell and of membrane; got {classes!r}."
            )
        if before is not None:
            if sorted(before.tolist()) != values.tolist():
                raise InvalidInputError(
                    f"classes must be those of the first call, {before.tolist()} (cell, membrane); "
                    f"got {classes!r}. Leave classes out, or start with a new segmenter."
                )
            return before
        if self.membrane_label is not None and self.membrane_label not in values.tolist():
            raise InvalidInputError(
                f"classes must hold membrane_label, {self.membrane_label!r}; got {classes!r}."
            )
        is_swapped = self.membrane_label is not None and self.membrane_label == values[0]
        ordered = values[::-1] if is_swapped else values
        return ordered.astype(np.result_type(*(np.asarray(mask).dtype for mask in y)))

    def _common_attributes(self, inputs: FitInputs) -> dict[str, Any]:
        """Give the attributes that tell of the images; keys of those seen before stay known."""
        seen = dict.fromkeys([*getattr(self, "_images_seen", []), *self._keys_of(inputs)])
        return {
            "classes_": inputs.masks.classes,
            "n_channels_in_": inputs.images.n_channels,
            "n_images_seen_": len(inputs.images),
            "_images_seen": list(seen),
        }
