"""How much each pixel would change the logits."""

from typing import Any

from membseg.inspection._subject import open_subject


def input_gradients(segmenter: Any, X: Any, *, region: Any = None) -> Any:
    """Differentiate the mean logit of a region by every pixel.

    Parameters
    ----------
    segmenter : segmenter
        Fitted, around one Keras network; a pipeline, a search, a calibrated segmenter or one with
        a tuned threshold around such a one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    region : None, (row, column) or array-like of bool, default=None
        Whose logits. None: the pixels that are predicted as membrane (all where there are none).
        A pixel, the same in every image; or a mask of shape (height, width), (n_images, height,
        width), or a list of masks.

    Returns
    -------
    ndarray of the shape of `X`, float32, or list of arrays
        Logits per unit of the *normalised* image (with ``intensity_norm="image"``: per standard
        deviation of the image); positive where brighter pixels speak for membrane.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the segmenter has no network, or `X` or `region` cannot be used.
    NotFittedError
        Before fit.

    Notes
    -----
    The network is asked directly: in float32, in one view of the whole image, which is continued by
    reflection as for prediction. A pixel's gradient is the sum over all its reflections. The map
    that normalises the image is held fixed. Behind a pipeline, images are what its other steps make
    of `X`.

    References
    ----------
    Simonyan, Vedaldi and Zisserman (2014), "Deep Inside Convolutional Networks: Visualising Image
    Classification Models and Saliency Maps", arXiv 1312.6034.

    Examples
    --------
    >>> from membseg import UNetSegmenter, input_gradients, make_membranes
    >>> X, y = make_membranes(2, 32, 32, random_state=0)
    >>> net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5).fit(X, y)
    >>> input_gradients(net, X, region=(16, 16)).shape
    (2, 32, 32)
    """
    subject = open_subject(segmenter, X, region)
    return subject.each(lambda i, frame: subject.differentiate(i, frame.pixels)[1])
