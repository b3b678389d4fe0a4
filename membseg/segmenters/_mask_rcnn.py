"""Mask R-CNN as a scikit-learn estimator."""

import copy
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from membseg.exceptions import InvalidInputError
from membseg.segmenters._baseline import BaselineSegmenter
from membseg.segmenters._cell_tiles import STEP, find_all_cells
from membseg.segmenters._fit_inputs import FitInputs
from membseg.segmenters._found_cells import CellCanvas, put_all
from membseg.segmenters._labelled_pixels import choose_threshold, gather, spread_images
from membseg.segmenters._mask_rcnn_fit import check_training, train_mask_rcnn
from membseg.segmenters._network_pool import trained
from membseg.segmenters._workers import load_keras
from membseg.utils import (
    INTENSITY_NORMS,
    Intensity,
    check_images,
    fit_intensity,
    restore_layout,
)
from membseg.utils._sklearn_compat import Integral, Interval, Real, StrOptions

#: Side of a tile, in pixels.
_TILE_SIZE = 512

#: Membrane probabilities keep this distance from 0 and 1.
_MARGIN = 1e-6

#: About so many pixels of the training images are predicted to choose the threshold.
_THRESHOLD_PIXELS = 2**19


class MaskRCNNSegmenter(BaselineSegmenter):
    """Find cells one by one, each with a box, a score and a mask, with a Mask R-CNN.

    It learns cells, the 4-connected components of the cell class, instead of membranes. Membrane
    is what lies in none of the cells that were found.

    Parameters
    ----------
    base_filters : int, default=16
        *Network.* Channels of the first level of the backbone; later ones have up to eight times
        as many. The paper's backbone, a ResNet, has 64.
    pyramid_filters : int, default=64
        *Network.* Features of each level of the pyramid. The paper has 256.
    head_units : int, default=128
        *Network.* Units of the two hidden layers of the box head. The paper has 1024.
    mask_filters : int, default=32
        *Network.* Channels of the mask head. The paper has 256.
    anchor_size : float, default=16.0
        *Network.* Side in pixels of square anchors on the finest level of four; twice as much on
        each next one. The papers have 32, on images enlarged to 800 px.
    norm_layer : {"none", "batch", "group"}, default="none"
        *Network.* Normalisation after each convolution. The paper has batch normalisation, frozen.
    min_score : float, default=0.05
        *Network.* Boxes of a lower score are no cells, in (0, 1). The paper has 0.05.
    nms_threshold : float, default=0.5
        *Network.* Intersection over union from which a box falls to a surer one, in (0, 1). The
        paper has 0.5.
    n_rois : int, default=64
        *Training.* Boxes of a patch that the heads learn from. The paper has 64 without and 512
        with a pyramid, of images of 800 px.
    positive_share : float, default=0.25
        *Training.* Largest share of them that shows a cell, in (0, 1). The paper has 0.25.
    learning_rate : float, default=2e-3
        *Training.* Highest learning rate of AdamW: reached after 40 steps, constant for 3/5 of all
        steps, then falling linearly to zero. The paper has 0.02, of plain gradient descent.
    weight_decay : float, default=1e-4
        *Training.* Decoupled weight decay. The paper has 1e-4.
    batch_size : int, default=4
        *Training.* Patches a step. The paper has 16 images, on 8 GPUs.
    patch_size : "auto" or int, default="auto"
        *Training.* Side of a training patch in pixels, a multiple of 32. "auto": 192, or the
        multiple of 32 below the median shorter side of the images where that is smaller.
    epochs : int, default=60
        *Training.* Passes over the labelled pixels, of 40 to 200 steps each, unless `time_limit`
        or `max_steps` is given.
    max_steps : int or None, default=None
        *Training.* Number of steps, whatever `epochs` says. Give ``n_steps_`` of a fit that was
        limited by the clock to get the same weights again.
    time_limit : float or None, default=None
        *Training.* Seconds of wall clock that fit may take; decides the number of steps.
    augmentation : str, default="d4+intensity+sharpness"
        *Data.* "none", or steps joined by "+": flips, d4 (flips and quarter turns), scale,
        elastic, intensity, sharpness, blur, noise.
    augmentation_strength : float, default=1.0
        *Data.* Multiplies the amounts of all steps but flips and d4.
    intensity_norm : {"image", "percentile", "stack", "none"}, default="image"
        *Data.* Zero mean and unit variance of each image; 1st and 99th percentile of each image
        to -1 and 1; mean and variance of the whole training stack; or unchanged.
    membrane_label : scalar or None, default=None
        *Data.* The value of membrane in `y`. None takes the larger one.
    ignore_label : scalar or None, default=None
        *Data.* The value of unlabelled pixels in `y`. None takes -1 as such in signed integers
        that hold two other values. Cells that touch such pixels are neither learnt nor background.
    threshold : float or "auto", default="auto"
        *Prediction.* Membrane probability, in [0, 1], from which `predict` says membrane. "auto"
        takes the lowest one whose IoU on `validation_data`, or on training images, is within half
        a per cent of the best.
    cell_score : float, default=0.3
        *Prediction.* Cells of a lower score are left out of `predict_instances`, in [0, 1]. The
        membrane map has them all, each by its score.
    tile_size : "auto" or int, default="auto"
        *Prediction.* Largest side in pixels that the network sees at once, a multiple of 32.
        Larger images are predicted in tiles that overlap by a quarter. "auto": 512.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        *Run.* Number format of the network. "auto": bfloat16 on a GPU and on processors with
        matrix units for it (AMX), float32 elsewhere.
    random_state : int, Generator, RandomState or None, default=None
        *Run.* An integer gives the same weights and predictions again, on the same processor with
        the same number of steps.
    verbose : int, default=0
        *Run.* 1 writes one line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        ``[cell value, membrane value]`` of `y`, in this order.
    threshold_ : float
        The threshold that `predict` uses.
    history_ : list of dict
        A row an epoch: epoch, step, learning_rate, loss, its five terms (objectness_loss and
        anchor_box_loss of the region proposal network, class_loss, box_loss, mask_loss), seconds.
    best_epoch_ : int
        The epoch whose weights were kept: the last.
    n_parameters_ : int
        Weights of the network.
    n_steps_ : int
        Training steps taken.
    batch_size_, patch_size_ : int
        Sizes that were used.
    intensity_ : Intensity or None
        Normalisation of the training stack, with ``intensity_norm="stack"``.
    n_channels_in_ : int
        Channels of the images.
    n_images_seen_ : int
        Number of images in fit.
    fit_time_ : float
        Seconds that training took.

    See Also
    --------
    membseg.CellSegmenter : Cells from the membranes of any segmenter.
    membseg.networks.build_mask_rcnn : The network, and how it differs from the paper's.

    Notes
    -----
    The membrane probability is one minus the largest product of a cell's score and its mask's
    probability. Where cells overlap, the surer mask has the pixel; a cell of which more than half
    lies on surer ones was found twice, and is left out. With `sample_weight` a patch counts by the
    mean weight of its labelled pixels.

    Training differs from the papers' in this: proposals and heads learn together from the first
    step on, from random weights; the losses of boxes are means over the boxes that show a cell,
    not over all that were drawn; the cells' own boxes are among those that the heads learn from (as
    in Faster R-CNN's published code); gradients longer than 5 are shortened.

    References
    ----------
    He, Gkioxari, Dollar and Girshick (2017), "Mask R-CNN", arXiv 1703.06870. Lin et al. (2017),
    "Feature Pyramid Networks for Object Detection", arXiv 1612.03144. Ren et al. (2015), "Faster
    R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", arXiv 1506.01497.

    Examples
    --------
    >>> from membseg import MaskRCNNSegmenter, make_membranes
    >>> X, y = make_membranes(3, 64, 64, difficulty=0.1, random_state=0)
    >>> segmenter = MaskRCNNSegmenter(
    ...     base_filters=2, pyramid_filters=8, head_units=8, mask_filters=4, max_steps=2,
    ...     batch_size=1, random_state=0,
    ... ).fit(X[:2], y[:2])
    >>> labels, scores, boxes = segmenter.predict_instances(
    ...     X[2:], return_scores=True, return_boxes=True
    ... )
    >>> labels.shape, labels.dtype, len(scores[0]) == len(boxes[0])
    ((1, 64, 64), dtype('int32'), True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "base_filters": [Interval(Integral, 1, None, closed="left")],
        "pyramid_filters": [Interval(Integral, 1, None, closed="left")],
        "head_units": [Interval(Integral, 1, None, closed="left")],
        "mask_filters": [Interval(Integral, 1, None, closed="left")],
        "anchor_size": [Interval(Real, 0, None, closed="neither")],
        "norm_layer": [StrOptions({"none", "batch", "group"})],
        "min_score": [Interval(Real, 0, 1, closed="neither")],
        "nms_threshold": [Interval(Real, 0, 1, closed="neither")],
        "n_rois": [Interval(Integral, 2, None, closed="left")],
        "positive_share": [Interval(Real, 0, 1, closed="neither")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [StrOptions({"auto"}), Interval(Integral, STEP, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "max_steps": [None, Interval(Integral, 1, None, closed="left")],
        "time_limit": [None, Interval(Real, 0, None, closed="neither")],
        "augmentation": [str],
        "augmentation_strength": [Interval(Real, 0, None, closed="left")],
        "intensity_norm": [StrOptions(set(INTENSITY_NORMS))],
        **BaselineSegmenter._parameter_constraints,
        "threshold": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "cell_score": [Interval(Real, 0, 1, closed="both")],
        "tile_size": [StrOptions({"auto"}), Interval(Integral, STEP, None, closed="left")],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    # Of a fit.
    _weights: list[np.ndarray]
    _config: dict[str, Any]
    _intensity_norm: str
    intensity_: Intensity | None

    def __init__(
        self,
        *,
        base_filters: int = 16,
        pyramid_filters: int = 64,
        head_units: int = 128,
        mask_filters: int = 32,
        anchor_size: float = 16.0,
        norm_layer: str = "none",
        min_score: float = 0.05,
        nms_threshold: float = 0.5,
        n_rois: int = 64,
        positive_share: float = 0.25,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        batch_size: int = 4,
        patch_size: int | str = "auto",
        epochs: int = 60,
        max_steps: int | None = None,
        time_limit: float | None = None,
        augmentation: str = "d4+intensity+sharpness",
        augmentation_strength: float = 1.0,
        intensity_norm: str = "image",
        membrane_label: Any = None,
        ignore_label: Any = None,
        threshold: float | str = "auto",
        cell_score: float = 0.3,
        tile_size: int | str = "auto",
        precision: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.base_filters = base_filters
        self.pyramid_filters = pyramid_filters
        self.head_units = head_units
        self.mask_filters = mask_filters
        self.anchor_size = anchor_size
        self.norm_layer = norm_layer
        self.min_score = min_score
        self.nms_threshold = nms_threshold
        self.n_rois = n_rois
        self.positive_share = positive_share
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.patch_size = patch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.time_limit = time_limit
        self.augmentation = augmentation
        self.augmentation_strength = augmentation_strength
        self.intensity_norm = intensity_norm
        self.membrane_label = membrane_label
        self.ignore_label = ignore_label
        self.threshold = threshold
        self.cell_score = cell_score
        self.tile_size = tile_size
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """Say, besides what every segmenter says, that tiles differ from the whole image."""
        tags = super().__sklearn_tags__()
        tags.tile_exact = False
        return tags

    def predict_instances(
        self, X: Any, *, return_scores: bool = False, return_boxes: bool = False
    ) -> Any:
        """Predict label images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width[, channels]) or list of arrays
            Images, with the channels seen in fit.
        return_scores : bool, default=False
            Whether the score of each cell is given as well.
        return_boxes : bool, default=False
            Whether the box of each cell is given as well.

        Returns
        -------
        labels : ndarray of shape (n_images, height, width), int32, or list of such 2-D arrays
            Numbers of the cells, from 1 in each image and without gaps; 0 is membrane.
        scores : list of ndarray of shape (n_cells,), float64
            If asked for: how sure each image's cells are, in (0, 1], cell 1 first.
        boxes : list of ndarray of shape (n_cells, 4), int64
            If asked for: first row, first column, and the row and the column after the last ones.

        Raises
        ------
        NotFittedError
            Before fit.
        InvalidInputError
            If `X` is no stack of such images.
        """
        check_is_fitted(self)
        stack = check_images(X, n_channels=self.n_channels_in_)
        results = [self._canvas(image).finish(self.cell_score) for image in stack.images]
        labels, scores, boxes = ([result[k] for result in results] for k in range(3))
        wanted = [restore_layout(labels, as_list=stack.as_list)]
        wanted += [scores] if return_scores else []
        wanted += [boxes] if return_boxes else []
        return tuple(wanted) if len(wanted) > 1 else wanted[0]

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_training(self)
        if not isinstance(self.tile_size, str) and self.tile_size % STEP:
            raise InvalidInputError(
                f"tile_size must be a multiple of {STEP}; got {self.tile_size}. Use "
                f"{self.tile_size // STEP * STEP}."
            )

    def _learn(self, inputs: FitInputs) -> dict[str, Any]:
        fitted = train_mask_rcnn(self, inputs)
        if not isinstance(self.threshold, str):
            return fitted | {"threshold_": float(self.threshold)}
        return fitted | {"threshold_": self._choose_threshold(inputs, fitted)}

    def _choose_threshold(self, inputs: FitInputs, fitted: dict[str, Any]) -> float:
        """Choose the threshold on the validation part, or on some training images."""
        twin: Any = copy.copy(self)
        vars(twin).update(fitted)
        if inputs.validation is not None:
            images, masks = inputs.validation
            inputs = FitInputs(images, masks, None, None, None)
        chosen = spread_images(inputs, _THRESHOLD_PIXELS)
        maps = ((i, twin._logits(twin._canvas(inputs.images.images[i]))) for i in chosen)
        return choose_threshold("auto", gather(inputs, maps))

    def _image_bands(self, image: Any) -> Iterator[tuple[slice, np.ndarray]]:
        yield slice(None), self._logits(self._canvas(image))

    def _canvas(self, image: Any) -> CellCanvas:
        """Find the cells of an image."""
        if self._intensity_norm == "stack":
            intensity = self.intensity_
        else:
            intensity = fit_intensity([image], self._intensity_norm)[0]
        size = _TILE_SIZE if isinstance(self.tile_size, str) else int(self.tile_size)
        return put_all(find_all_cells(image, intensity, size, self._find), image.shape[:2])

    def _find(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Ask the network about one tile."""
        load_keras()
        from keras import ops

        config = self._config | {"height": batch.shape[1], "width": batch.shape[2]}
        with trained(config, self._build, self._weights) as entry:
            found = entry.network.predict_on_batch(batch)
            return {name: np.asarray(ops.convert_to_numpy(v)) for name, v in found.items()}

    @staticmethod
    def _logits(canvas: CellCanvas) -> np.ndarray:
        membrane = np.clip(1.0 - canvas.response.astype(np.float64), _MARGIN, 1.0 - _MARGIN)
        return np.log(membrane / (1.0 - membrane)).astype(np.float32)

    @staticmethod
    def _build(config: dict[str, Any]) -> Any:
        from membseg.networks import build_mask_rcnn

        return build_mask_rcnn(**config)
