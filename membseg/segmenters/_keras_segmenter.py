"""What every segmenter around a Keras network shares: fit, predict, state."""

import copy
import os
import time
from typing import Any, ClassVar

import numpy as np
from sklearn.frozen import FrozenEstimator

from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import (
    DataWarning,
    MembsegError,
    TrainingWarning,
)
from membseg.inference import TTA_MODES
from membseg.metrics import SCORERS
from membseg.metrics._threshold_curve import MASK_SCORES
from membseg.segmenters._callbacks import FitCallbacks
from membseg.segmenters._fit_events import prior_attributes
from membseg.segmenters._fit_inputs import FitInputs, check_fit_inputs
from membseg.segmenters._keras_cost import KerasCost
from membseg.segmenters._workers import load_keras, warn_shared_accelerator
from membseg.utils import (
    IGNORED,
    INTENSITY_NORMS,
    warn_user,
)
from membseg.utils._image_keys import image_keys
from membseg.utils._sklearn_compat import (
    CallbackSupportMixin,
    HasMethods,
    Integral,
    Interval,
    Real,
    StrOptions,
    with_callbacks,
)


class BaseKerasSegmenter(CallbackSupportMixin, KerasCost):
    """Base of the segmenters around one Keras network; not for use by itself.

    A subclass has the network's sizes as parameters of its own, hands the others on as
    ``**shared`` (see ``with_shared_parameters``), lists its own in ``_parameter_constraints``, and
    defines ``_build``. Where sizes may be "auto" it defines ``_network_config`` as well.

    Parameters
    ----------
    loss : str, default="bce"
        *Training.* A name, or names joined by "+", each alone or as number*name, such as
        "bce+0.5*cldice": bce (cross-entropy), balanced_bce (both classes weigh the same), focal,
        dice, jaccard, tversky, focal_tversky, lovasz, boundary, cldice; see
        :mod:`membseg.losses`.
    l1 : float, default=0.0
        *Training.* Penalty on the absolute values of the kernels.
    l2 : float, default=0.0
        *Training.* Penalty on the squares of the kernels.
    weight_decay : float, default=1e-4
        *Training.* Decoupled weight decay of AdamW.
    label_smoothing : float, default=0.0
        *Training.* Share, in [0, 1), by which targets move towards 1/2 (cell to half of it); see
        :mod:`membseg.losses` for the losses that can take it.
    learning_rate : float, default=2e-3
        *Training.* Highest learning rate: reached after 40 steps, constant for 3/5 of all steps,
        then falling linearly to zero.
    batch_size : int, default=8
        *Training.* Patches a step. Halved, with a warning, where memory runs out.
    patch_size : "auto" or int, default="auto"
        *Training.* Side of a training patch, in pixels. "auto": 192, or the median shorter side
        of the images where that is smaller; smaller images are reflected to this size.
    epochs : int, default=20
        *Training.* Looks at the validation part, unless `time_limit` or `max_steps` is given.
    steps_per_epoch : "auto" or int, default="auto"
        *Training.* Steps between two looks. "auto": one pass over the labelled pixels, at least
        40 and at most 200 steps.
    max_steps : int or None, default=None
        *Training.* Number of steps, whatever `epochs` says. Give ``n_steps_`` of a fit that was
        limited by the clock to get the same weights again; fit warns where the clock cut the
        plan short, so that they would differ.
    time_limit : float or None, default=None
        *Training.* Seconds of wall clock that fit may take, everything counted; decides the
        number of steps.
    validation_fraction : float, default=0.1
        *Training.* Share of the labelled data to watch, in [0, 1). With fewer than 40 images it
        is large blocks of a few of them, otherwise contiguous runs of slices; training never
        sees them.
    monitor : str, default="loss"
        *Training.* What chooses the best weights on the validation part: "loss" or a name in
        :data:`membseg.metrics.SCORERS`. Those of the last epochs compete, where the learning
        rate is at most half its peak; with `early_stopping` those of all.
    early_stopping : bool, default=False
        *Training.* Whether to stop when `monitor` has not improved for `patience` epochs.
    patience : int, default=5
        *Training.* Epochs without improvement that `early_stopping` allows.
    weight_averaging : float, default=0.0
        *Training.* Momentum, in [0, 1), of a moving average of the weights, which then is what the
        validation part judges and predictions use; 0.99 looks back about 100 steps. 0 takes the
        weights as they are.
    adversarial_weight : float, default=0.0
        *Training.* Weight of an adversarial term beside `loss`: a second network learns to tell
        masks from predictions, and this one to make them alike. 0 trains without.
    adversarial_mode : {"patch", "segan"}, default="patch"
        *Training.* "patch": a discriminator of small fields (Luc et al. 2016). "segan": a critic
        whose features of both should be the same at several scales (Xue et al. 2018).
    unlabelled : {"ignore", "mean_teacher", "pseudo_labels"}, default="ignore"
        *Training.* What images whose `y` is `ignore_label` everywhere are for. "ignore": nothing.
        "mean_teacher": half of each batch is of them, and there the network should say of a changed
        view what an average of its past weights says of the plain one (Tarvainen and Valpola
        2017). "pseudo_labels": the same with that average's mask, where it is sure.
    init_from : segmenter or None, default=None
        *Training.* A fitted segmenter with the same network, whose weights fit starts from; sizes
        that are "auto" become its sizes. It is left as it is, and clones keep it fitted.
    freeze_depth : int, default=0
        *Training.* Number of first levels, from the image on, that keep the weights that they start
        with; a level is what works at one resolution on the way down.
    augmentation : str, default="d4+intensity+sharpness"
        *Data.* "none", or steps joined by "+": flips, d4 (flips and quarter turns), scale,
        elastic, intensity (gain and offset), sharpness (from a mild blur to thrice the fine
        detail), blur, noise, mixup (two patches and their masks, mixed), cutmix (a rectangle of one
        patch in another, in both).
    augmentation_strength : float, default=1.0
        *Data.* Multiplies the amounts of all steps but flips and d4.
    intensity_norm : {"image", "percentile", "stack", "none"}, default="image"
        *Data.* Zero mean and unit variance of each image; 1st and 99th percentile of each image
        to -1 and 1; mean and variance of the whole training stack; or unchanged.
    membrane_label : scalar or None, default=None
        *Data.* The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        *Data.* The value of unlabelled pixels in `y`. None takes -1 as such in signed integers
        that hold two other values.
    threshold : float, "auto" or str, default="auto"
        *Prediction.* Membrane probability, in [0, 1], from which `predict` says membrane. "auto"
        takes the lowest one whose IoU on the validation part is within half a per cent of the
        best, the name of a score of masks ("iou" or "v_rand", for example) the best for that
        score; 0.5 without a validation part.
    tta : {"none", "flips", "d4"}, default="d4"
        *Prediction.* Mean probability over 1, 4 or 8 views of each image.
    tile_size : "auto" or int, default="auto"
        *Prediction.* Largest side in pixels that the network sees at once; larger images are
        predicted in tiles, with the same result where the tag `tile_exact` is true. "auto": so
        that a tile takes about a gigabyte.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        *Run.* Number format of the network. "auto": bfloat16 on a GPU and on processors with
        matrix units for it (AMX), float32 elsewhere.
    device_data : {"auto", True, False}, default="auto"
        *Run.* Whether the training images live on the accelerator, where patches are then drawn
        and changed inside the compiled step; needs Keras's JAX backend. "auto": where there is
        an accelerator under that backend and the images take at most a quarter of its memory.
        On a processor True is several times slower than False.
    on_failure : {"raise", "worst"}, default="raise"
        *Run.* "worst" turns a configuration that cannot be trained into a warning and a segmenter
        that predicts the share of membrane everywhere, for searches that cannot survive an error.
    random_state : int, Generator, RandomState or None, default=None
        *Run.* An integer gives the same weights and predictions again, bit by bit, on the same
        processor with the same number of steps.
    warm_start : bool, default=False
        *Run.* Whether fit goes on from the weights of the last fit, with a schedule of its own that
        rises from zero, where the last one ended. See `partial_fit` for a little more of the same.
    checkpoint_dir : None, str or path-like, default=None
        *Run.* Folder in which fit keeps its state after each epoch, until it is done. Killed at any
        moment and called again with the same parameters and data, fit goes on after the last epoch
        that it completed; with a fixed number of steps it then ends with the weights, bit by bit,
        that it would have had on the same processor. None keeps nothing.
    verbose : int, default=0
        *Run.* 1 writes one line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`, in this order.
    network_ : keras.Model
        The trained network, images to logits. Built when asked for; predictions then use it.
    threshold_ : float
        The threshold that `predict` uses.
    history_ : list of dict
        A row an epoch: epoch, step, learning_rate, loss, val_loss, val_iou, seconds; with
        adversarial training or unlabelled images their losses too.
    best_epoch_ : int
        The epoch whose weights were kept, from 1.
    n_parameters_ : int
        Weights of the network.
    n_steps_ : int
        Training steps taken.
    batch_size_, patch_size_ : int
        Sizes that were used.
    n_channels_in_ : int
        Channels of the images.
    n_images_seen_ : int
        Number of images in fit.
    fit_time_ : float
        Seconds that fit took.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [str],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
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
        "weight_averaging": [Interval(Real, 0, 1, closed="left")],
        "adversarial_weight": [Interval(Real, 0, None, closed="left")],
        "adversarial_mode": [StrOptions({"patch", "segan"})],
        "unlabelled": [StrOptions({"ignore", "mean_teacher", "pseudo_labels"})],
        "init_from": [None, HasMethods(["fit", "predict"])],
        "freeze_depth": [Interval(Integral, 0, None, closed="left")],
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
        "checkpoint_dir": [None, str, os.PathLike],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    }

    def __init__(
        self,
        *,
        loss: str = "bce",
        l1: float = 0.0,
        l2: float = 0.0,
        weight_decay: float = 1e-4,
        label_smoothing: float = 0.0,
        learning_rate: float = 2e-3,
        batch_size: int = 8,
        patch_size: int | str = "auto",
        epochs: int = 20,
        steps_per_epoch: int | str = "auto",
        max_steps: int | None = None,
        time_limit: float | None = None,
        validation_fraction: float = 0.1,
        monitor: str = "loss",
        early_stopping: bool = False,
        patience: int = 5,
        weight_averaging: float = 0.0,
        adversarial_weight: float = 0.0,
        adversarial_mode: str = "patch",
        unlabelled: str = "ignore",
        init_from: Any = None,
        freeze_depth: int = 0,
        augmentation: str = "d4+intensity+sharpness",
        augmentation_strength: float = 1.0,
        intensity_norm: str = "image",
        membrane_label: Any = None,
        ignore_label: Any = None,
        threshold: float | str = "auto",
        tta: str = "d4",
        tile_size: int | str = "auto",
        precision: str = "auto",
        device_data: bool | str = "auto",
        on_failure: str = "raise",
        random_state: Any = None,
        warm_start: bool = False,
        checkpoint_dir: Any = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.patch_size = patch_size
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.max_steps = max_steps
        self.time_limit = time_limit
        self.validation_fraction = validation_fraction
        self.monitor = monitor
        self.early_stopping = early_stopping
        self.patience = patience
        self.weight_averaging = weight_averaging
        self.adversarial_weight = adversarial_weight
        self.adversarial_mode = adversarial_mode
        self.unlabelled = unlabelled
        self.init_from = init_from
        self.freeze_depth = freeze_depth
        self.augmentation = augmentation
        self.augmentation_strength = augmentation_strength
        self.intensity_norm = intensity_norm
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.threshold = threshold
        self.tta = tta
        self.tile_size = tile_size
        self.precision = precision
        self.device_data = device_data
        self.on_failure = on_failure
        self.random_state = random_state
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.verbose = verbose

    def __sklearn_clone__(self) -> "BaseKerasSegmenter":
        """Clone, with the same `init_from`: a clone of that would be unfitted, and of no use."""
        shell = copy.copy(self)
        if self.init_from is not None:
            shell.init_from = FrozenEstimator(self.init_from)
        clone = super(BaseKerasSegmenter, shell).__sklearn_clone__()
        clone.init_from = self.init_from
        return clone

    # ------------------------------------------------------------------------------ fit

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> "BaseKerasSegmenter":
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
        CheckpointError
            If what `checkpoint_dir` holds of this fit cannot be used.
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
            "_images_seen": self._keys_of(inputs),
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
        before = fitted.pop("_seconds_before", 0.0)
        # Only a finished training is adopted: an interrupted one leaves what was there before.
        for name, value in (fitted | common).items():
            setattr(self, name, value)
        # What partial_fit would have gone on with.
        self.__dict__.pop("_going_on", None)
        self.fit_time_ = before + time.perf_counter() - start
        callbacks.end()
        return self

    def _keys_of(self, inputs: FitInputs) -> list[str]:
        """Give the keys of the images that were learnt from, by the source's fit too."""
        keys = image_keys(inputs.images)
        learnt = [
            key
            for key, mask in zip(keys, inputs.masks.masks, strict=True)
            if self.unlabelled != "ignore" or (mask != IGNORED).any()
        ]
        # Of a source that is no segmenter fit has said so, or on_failure forgives it.
        source = getattr(self.init_from, "estimator", self.init_from)
        return learnt + list(getattr(source, "_images_seen", []))

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

    def _network_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        """Give the network's own parameters as they are, besides those that all networks have."""
        from membseg.training import choose_policy

        own = set(self._parameter_constraints) - set(BaseKerasSegmenter._parameter_constraints)
        return {name: _as_plain(getattr(self, name)) for name in sorted(own)} | {
            "n_channels": inputs.images.n_channels,
            "l1": float(self.l1),
            "l2": float(self.l2),
            "dtype": choose_policy(self.precision),
            "seed": seed,
        }


def _as_plain(value: Any) -> Any:
    """Turn numpy's numbers, which searches give, into Python's."""
    return value.item() if isinstance(value, np.generic) else value
