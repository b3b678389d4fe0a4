"""The U-Net as a scikit-learn estimator."""

from typing import Any, ClassVar

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.segmenters import _auto
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._keras_segmenter import BaseKerasSegmenter
from membseg.segmenters._search_space import Choice, Number, to_library
from membseg.segmenters._transfer import find_source
from membseg.utils._sklearn_compat import Integral, Interval, Options, Real, StrOptions

_SMALL: dict[str, Number | Choice] = {
    "learning_rate": Number(5e-4, 8e-3, log=True),
    "augmentation_strength": Number(0.25, 2.0),
    "batch_size": Choice((4, 8, 16)),
    "threshold": Choice(("auto", "iou", "v_rand")),
}
_SPACES = {
    "small": _SMALL,
    "full": _SMALL
    | {
        "depth": Number(2, 4),
        "base_filters": Number(8, 32, log=True),
        "norm_layer": Choice(("none", "batch")),
        "dropout": Number(0.0, 0.4),
        "block": Choice(("plain", "residual")),
        "skips": Choice(("plain", "attention", "nested")),
        "loss": Choice(("bce", "bce+dice")),
        "weight_decay": Number(1e-6, 1e-2, log=True),
        "intensity_norm": Choice(("image", "percentile")),
    },
}


class UNetSegmenter(BaseKerasSegmenter):
    """Find membranes in microscopy slices with a U-Net.

    An ordinary scikit-learn estimator whose X is a stack of images and whose y is a stack of
    masks. Every parameter is a single number, string or flag, so that it can be searched.

    Parameters
    ----------
    depth : "auto" or int, default="auto"
        *Network.* Number of poolings. "auto": 4 after a stem of stride 1 and 3 after one of
        stride 2, fewer where the coarsest level would see less than 6 px along a side.
    base_filters : int, default=16
        *Network.* Channels of the first level; each pooling doubles them. The paper has 64.
    stem_stride : "auto", 1 or 2, default="auto"
        *Network.* 2 puts a strided convolution first and works at half resolution: three times
        as fast. "auto": 2, unless ``zoom=1`` and the membranes of `y` are less than 4 px wide.
    zoom : "auto", 1 or 2, default="auto"
        *Network.* 2 enlarges images before the network, for thin membranes. "auto": 2 where the
        membranes of `y` are less than 4 px wide, unless `stem_stride` is given; else 1.
    norm_layer : {"none", "batch", "group"}, default="none"
        *Network.* Normalisation after each convolution. With "group", tiles differ slightly
        from the whole image.
    dropout : float, default=0.0
        *Network.* Rate of dropout around the bottleneck, in [0, 1).
    dropout_kind : {"spatial", "elementwise"}, default="spatial"
        *Network.* Whether whole channels are dropped or single values.
    block : {"plain", "residual", "recurrent"}, default="plain"
        *Network.* What stands at each level, down and up: two convolutions; the same with a
        shortcut around them (residual U-Net); or two convolutions that see their own output twice
        more, with a shortcut (R2U-Net).
    skips : {"plain", "attention", "nested"}, default="plain"
        *Network.* How the way down is bridged to the way up: as it is; weighted by what the coarser
        level asks for (Attention U-Net); or by a net of blocks between the two (U-Net++).
    deep_supervision : bool, default=False
        *Network.* With ``skips="nested"``: every node at full resolution has logits that the loss
        judges, and their mean predicts.
    squeeze_excitation : bool, default=False
        *Network.* Whether channels are weighted, block by block, by what the whole image shows.
        Tiles then differ slightly from the whole image.
    bottleneck : {"conv", "transformer"}, default="conv"
        *Network.* "transformer" adds self-attention, in windows of 12 x 12 of its pixels, to the
        coarsest level (TransUNet). Tiles then differ slightly from the whole image.
    stochastic_depth : float, default=0.0
        *Network.* Rate, in [0, 1), at which the last residual or recurrent block is skipped in
        training; those before it are skipped less.
    initial_weights : {"auto", "random", "synthetic"}, default="auto"
        *Training.* "synthetic" starts from weights learnt from the slices of
        :func:`membseg.make_membranes` only, which come with the package; they exist for the
        network of the default parameters at ``stem_stride=2`` and one channel. "auto": those
        where they fit, else random ones.
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
        predicted in tiles, with the same result. "auto": so that a tile takes about a gigabyte,
        2048 for the default network.
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

    References
    ----------
    Ronneberger, Fischer and Brox (2015), "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", doi 10.1007/978-3-319-24574-4_28. The sources of the variants, and how ours
    differ, stand in :func:`membseg.networks.build_unet`.

    Examples
    --------
    >>> from membseg import UNetSegmenter
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(3, 64, 64, random_state=0)
    >>> segmenter = UNetSegmenter(depth=2, base_filters=4, epochs=1, steps_per_epoch=2,
    ...                           batch_size=2, random_state=0)
    >>> segmenter.fit(X[:2], y[:2]).predict(X[2:]).shape
    (1, 64, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "depth": [StrOptions({"auto"}), Interval(Integral, 1, 8, closed="both")],
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "stem_stride": [StrOptions({"auto"}), Options(Integral, {1, 2})],
        "zoom": [StrOptions({"auto"}), Options(Integral, {1, 2})],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "dropout_kind": [StrOptions({"spatial", "elementwise"})],
        "block": [StrOptions({"plain", "residual", "recurrent"})],
        "skips": [StrOptions({"plain", "attention", "nested"})],
        "deep_supervision": ["boolean"],
        "squeeze_excitation": ["boolean"],
        "bottleneck": [StrOptions({"conv", "transformer"})],
        "stochastic_depth": [Interval(Real, 0, 1, closed="left")],
        "initial_weights": [StrOptions({"auto", "random", "synthetic"})],
        **BaseKerasSegmenter._parameter_constraints,
    }

    def __init__(
        self,
        *,
        depth: int | str = "auto",
        base_filters: int = 16,
        stem_stride: int | str = "auto",
        zoom: int | str = "auto",
        norm_layer: str = "none",
        dropout: float = 0.0,
        dropout_kind: str = "spatial",
        block: str = "plain",
        skips: str = "plain",
        deep_supervision: bool = False,
        squeeze_excitation: bool = False,
        bottleneck: str = "conv",
        stochastic_depth: float = 0.0,
        initial_weights: str = "auto",
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
        self.depth = depth
        self.base_filters = base_filters
        self.stem_stride = stem_stride
        self.zoom = zoom
        self.norm_layer = norm_layer
        self.dropout = dropout
        self.dropout_kind = dropout_kind
        self.block = block
        self.skips = skips
        self.deep_supervision = deep_supervision
        self.squeeze_excitation = squeeze_excitation
        self.bottleneck = bottleneck
        self.stochastic_depth = stochastic_depth
        self.initial_weights = initial_weights
        super().__init__(
            loss=loss,
            l1=l1,
            l2=l2,
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
            learning_rate=learning_rate,
            batch_size=batch_size,
            patch_size=patch_size,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            max_steps=max_steps,
            time_limit=time_limit,
            validation_fraction=validation_fraction,
            monitor=monitor,
            early_stopping=early_stopping,
            patience=patience,
            weight_averaging=weight_averaging,
            adversarial_weight=adversarial_weight,
            adversarial_mode=adversarial_mode,
            unlabelled=unlabelled,
            init_from=init_from,
            freeze_depth=freeze_depth,
            augmentation=augmentation,
            augmentation_strength=augmentation_strength,
            intensity_norm=intensity_norm,
            membrane_label=membrane_label,
            ignore_label=ignore_label,
            threshold=threshold,
            tta=tta,
            tile_size=tile_size,
            precision=precision,
            device_data=device_data,
            on_failure=on_failure,
            random_state=random_state,
            warm_start=warm_start,
            checkpoint_dir=checkpoint_dir,
            verbose=verbose,
        )

    @staticmethod
    def search_space(
        size: str = "small", library: str = "skopt", prefix: str = ""
    ) -> dict[str, Any]:
        """Give ranges of parameters that are worth a search.

        Parameters
        ----------
        size : {"small", "full"}, default="small"
            "small": learning rate, augmentation, batch size and how the threshold is chosen; every
            candidate starts from the weights that come with the package. "full": the network's
            sizes, loss and regularisation too; most candidates then start from random weights.
        library : {"skopt", "optuna", "sklearn"}, default="skopt"
            "skopt": dimensions for ``BayesSearchCV`` of scikit-optimize. "optuna": distributions
            for ``OptunaSearchCV``. "sklearn": distributions and lists for
            :class:`~sklearn.model_selection.RandomizedSearchCV`.
        prefix : str, default=""
            Put before each name, for a segmenter inside a pipeline: ``"segment__"``.

        Returns
        -------
        dict
            Name of a parameter -> its range.

        Raises
        ------
        InvalidInputError
            If `size` or `library` is unknown.
        MissingDependencyError
            If the library is not installed.

        Examples
        --------
        >>> from membseg import UNetSegmenter
        >>> sorted(UNetSegmenter.search_space("small", library="sklearn"))
        ['augmentation_strength', 'batch_size', 'learning_rate', 'threshold']
        """
        return to_library(_SPACES, size, library, prefix)

    def _network_config(self, inputs: FitInputs, seed: int) -> dict[str, Any]:
        from membseg.training import choose_policy

        masks = inputs.masks.masks
        depth, wanted_stride = self._wanted_sizes()
        stem_stride, zoom = _auto.choose_resolution(wanted_stride, self.zoom, masks)
        side = zoom * _auto.typical_side(inputs.images.sizes)
        return self._variant() | {
            "n_channels": inputs.images.n_channels,
            "depth": _auto.choose_depth(depth, side, stem_stride),
            "base_filters": int(self.base_filters),
            "stem_stride": stem_stride,
            "zoom": zoom,
            "norm_layer": self.norm_layer,
            "dropout": float(self.dropout),
            "l1": float(self.l1),
            "l2": float(self.l2),
            "dtype": choose_policy(self.precision),
            "seed": seed,
        }

    def _variant(self) -> dict[str, Any]:
        """Give what makes the network another one than the plain U-Net."""
        from membseg.networks._unet_variants import check_variant, without_neutral

        given: dict[str, Any] = {
            "dropout_kind": self.dropout_kind,
            "block": self.block,
            "skips": self.skips,
            "deep_supervision": bool(self.deep_supervision),
            "bottleneck": self.bottleneck,
            "stochastic_depth": float(self.stochastic_depth),
        }
        check_variant(**given)
        return without_neutral(given | {"squeeze_excitation": bool(self.squeeze_excitation)})

    def _wanted_sizes(self) -> tuple[int | str, int | str]:
        """Give depth and stem stride; those of the network to start from where they are "auto"."""
        source = find_source(self.init_from)
        config = {} if source is None else source._config
        depth, stem_stride = self.depth, self.stem_stride
        if depth == "auto":
            depth = config.get("depth", "auto")
        if stem_stride == "auto" and (self.zoom != "auto" or config.get("stem_stride") == 1):
            # Otherwise it becomes 2 in any case, and the images say whether they are enlarged.
            stem_stride = config.get("stem_stride", "auto")
        return depth, stem_stride

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_unet

        return build_unet(**config)

    def _pretrained_weights(self, config: dict[str, Any]) -> list[np.ndarray] | None:
        from membseg.networks import load_synthetic_weights

        if self.initial_weights == "random":
            return None
        weights = load_synthetic_weights(config)
        if weights is None and self.initial_weights == "synthetic":
            raise InvalidInputError(
                "initial_weights='synthetic' exists for the network of the default parameters "
                f"at stem_stride=2 and one channel; this fit asks for {config}. Use "
                "initial_weights='auto' or 'random'."
            )
        return weights

    def _is_tile_exact(self) -> bool:
        # Either looks beyond the receptive field. (Segmenters of earlier versions, unpickled, know
        # of neither.)
        squeezes = getattr(self, "squeeze_excitation", False)
        attends = getattr(self, "bottleneck", "conv") == "transformer"
        return super()._is_tile_exact() and not squeezes and not attends

    @classmethod
    def _reach(cls, config: dict[str, Any]) -> tuple[int, int]:
        from membseg.networks import unet_reach
        from membseg.networks._unet_variants import NEUTRAL, without_neutral

        if NEUTRAL.keys() & without_neutral(config).keys():
            return super()._reach(config)
        depth, stem_stride, zoom = (config[name] for name in ("depth", "stem_stride", "zoom"))
        return unet_reach(depth, stem_stride, zoom), stem_stride * 2**depth // zoom
