"""Maps of membrane probability that cells are made of."""

from typing import Any

import numpy as np

from membseg.exceptions import InvalidTypeError
from membseg.metrics._maps import check_maps


def check_proba(proba: Any, name: str = "proba") -> list[np.ndarray]:
    """Check maps of membrane probability; masks and label images are told what they are."""
    images = proba if isinstance(proba, list | tuple) else [np.asanyarray(proba)]
    kinds = [np.asanyarray(image) for image in images]
    if kinds and all(image.dtype.kind in "biu" and image.size for image in kinds):
        values = set().union(*(np.unique(image).tolist() for image in kinds))
        if len(values) > 2:
            what = "label images" if values != set(range(256)) else "grey values"
            raise InvalidTypeError(
                f"{name} must hold probabilities of membrane as floats in [0, 1]; it holds "
                f"{len(values)} whole numbers, so that it looks like {what}, and cells are what is "
                "made here. Give predict_membrane(X) of a segmenter; grey values up to 255 are "
                f"divided by 255."
            )
        raise InvalidTypeError(
            f"{name} must hold probabilities of membrane as floats in [0, 1]; it holds "
            f"{len(values)} whole number(s), so that it looks like masks. The cells of masks are "
            f"given by membseg.metrics.label_components({name})."
        )
    return check_maps(proba, name=name)
