"""How much a score owes to each channel."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.inspection._importance import ImportanceResult, measure_importance
from membseg.utils import check_images


def channel_importance(
    segmenter: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = "iou",
    how: str = "images",
    n_repeats: int = 5,
    random_state: Any = None,
) -> ImportanceResult:
    """Destroy one channel after the other, and see how far the score falls.

    Parameters
    ----------
    segmenter : segmenter
        Fitted; a pipeline or search around one will do.
    X : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images, with the channels seen in fit.
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks.
    scoring : str or callable, default="iou"
        A name in :data:`membseg.metrics.SCORERS`, or ``scorer(estimator, X, y)``; higher is better.
    how : {"images", "pixels"}, default="images"
        "images": every image gets the channel of another one, as it really looks. "pixels": the
        channel's pixels are shuffled, for single images and for images of different sizes.
    n_repeats : int, default=5
        How often, with other images or pixels, 1 or more.
    random_state : int, Generator, RandomState or None, default=None
        Where chance comes from.

    Returns
    -------
    ImportanceResult
        Named "channel 0", "channel 1", ...: mean and spread of the fall.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If images, masks or a parameter cannot be used, or images cannot be exchanged.

    Notes
    -----
    Channels that say the same stand in for each other: each seems unimportant then.

    References
    ----------
    Breiman (2001), "Random Forests", Machine Learning 45, doi 10.1023/A:1010933404324.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import RidgeSegmenter, channel_importance, make_membranes
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> X = np.stack([X, np.full_like(X, 128)], axis=-1)
    >>> segmenter = RidgeSegmenter(scale=2.0).fit(X[:2], y[:2])
    >>> found = channel_importance(segmenter, X[2:], y[2:], random_state=0)
    >>> found.names, bool(found.mean[0] > 0), float(found.mean[1])
    (('channel 0', 'channel 1'), True, 0.0)
    """
    stack = check_images(X)
    if how not in ("images", "pixels"):
        raise InvalidInputError(f"how must be 'images' or 'pixels'; got {how!r}.")
    if how == "images" and (len(stack) < 2 or len(set(stack.sizes)) > 1):
        raise InvalidInputError(
            "how='images' needs two or more images of one size, which exchange their channels; got "
            f"{len(stack)} of {len(set(stack.sizes))} size(s). Give how='pixels'."
        )
    names = [f"channel {k}" for k in range(stack.n_channels)]

    def spoil(
        name: str, images: list[np.ndarray], masks: list[np.ndarray], rng: np.random.Generator
    ) -> Any:
        k = names.index(name)
        spoilt = [image.copy() for image in images]
        order = _derange(len(images), rng)
        for i, image in enumerate(spoilt):
            # Images without an axis of channels have one.
            own = image[..., k] if image.ndim == 3 else image
            if how == "pixels":
                own[...] = rng.permutation(own.ravel()).reshape(own.shape)
            else:
                other = images[order[i]]
                own[...] = other[..., k] if other.ndim == 3 else other
        return spoilt, masks

    return measure_importance(
        segmenter, X, y, names, spoil,
        scoring=scoring, n_repeats=n_repeats, random_state=random_state,
    )  # fmt: skip


def _derange(n: int, rng: np.random.Generator) -> np.ndarray:
    """Give every image another one than itself: one round through all, in random order."""
    circle = rng.permutation(n)
    order = np.empty(n, dtype=int)
    order[circle] = np.roll(circle, 1)
    return order
