"""How sure a segmenter is, and whether it says the same of turned images."""

import copy
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.inference import list_views
from membseg.metrics._maps import check_maps
from membseg.model_selection._out_of_fold import call_method
from membseg.quality._agreement import mask_iou
from membseg.utils import check_images, innermost
from membseg.utils._one_view import set_one_view

_VIEWS = ("flips", "d4")


def mean_confidence(y_prob: Any) -> np.ndarray:
    """Tell how far maps of probability are from doubt, on average.

    Parameters
    ----------
    y_prob : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of membrane probability in [0, 1].

    Returns
    -------
    ndarray of shape (n_images,), float64
        Mean distance between the probabilities of the two classes: 0 where all pixels have 0.5,
        1 where all are sure.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If these are no maps of probability.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg.quality import mean_confidence
    >>> mean_confidence(np.array([[[0.5, 0.5], [1.0, 0.0]]])).tolist()
    [0.5]
    """
    maps = check_maps(y_prob, name="y_prob")
    return np.array([np.abs(2.0 * image.astype(np.float64) - 1.0).mean() for image in maps])


def view_consistency(segmenter: Any, X: Any, *, views: str = "d4") -> np.ndarray:
    """Tell whether a segmenter finds the same membranes in turned and mirrored images.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images.
    views : {"flips", "d4"}, default="d4"
        The four views made by flips, or all eight symmetries of the square. Each costs a
        prediction.

    Returns
    -------
    ndarray of shape (n_images,), float64
        Mean over the views of the intersection over union of each view's membrane, taken back,
        with that of the mean over the views; both at the segmenter's threshold. 1 where all agree.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `X` is no stack of images, or `views` is unknown.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes
    >>> from membseg.quality import view_consistency
    >>> X, y = make_membranes(2, 48, 48, random_state=0)
    >>> view_consistency(ThresholdSegmenter().fit(X, y), X).round(3).tolist()
    [1.0, 1.0]
    """
    if views not in _VIEWS:
        raise InvalidInputError(f"views must be 'flips' or 'd4'; got {views!r}.")
    threshold = innermost(segmenter).threshold_
    images = check_images(X).images
    # A segmenter's own mean over views would hide what differs.
    plain = copy.deepcopy(segmenter)
    set_one_view(plain)
    # Image by image, since turning may change their sizes.
    return np.array([_consistency(plain, image, views, threshold) for image in images])


def _consistency(segmenter: Any, image: Any, views: str, threshold: float) -> float:
    image = np.asarray(image)
    if image.shape[2] == 1:
        image = image[..., 0]
    maps = [
        view.undo(call_method(segmenter, "predict_membrane", [view.apply(image)])[0])
        for view in list_views(views)
    ]
    mean = np.asarray(np.mean(maps, axis=0, dtype=np.float64) >= threshold)
    return float(np.mean([mask_iou(one >= threshold, mean) for one in maps]))
