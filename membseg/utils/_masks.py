"""The only judge of masks: two values, polarity, ignored pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError, InvalidTypeError

#: Code of an ignored pixel in encoded masks; cell is 0 and membrane is 1.
IGNORED = 255

#: More distinct values than this look like cell ids rather than like a soft mask.
_MAX_VALUES_LISTED = 6


@dataclass(frozen=True)
class MaskStack:
    """Masks in membseg's own code: 0 = cell, 1 = membrane, 255 = ignored.

    Attributes
    ----------
    masks : list of ndarray of shape (height, width), uint8
        One encoded mask an image.
    classes : ndarray of shape (2,) or None
        The caller's values, ``[cell, membrane]``, with the caller's dtype; None where only
        one value occurs and nothing tells the other.
    as_list : bool
        Whether the caller gave a list.
    ignore_label : int, float or None
        The caller's value of ignored pixels, None where there is none.
    """

    masks: list[np.ndarray]
    classes: np.ndarray | None
    as_list: bool
    ignore_label: Any

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def membrane_fraction(self) -> float:
        """Share of membrane among all pixels that are not ignored."""
        membrane = sum(int(np.count_nonzero(m == 1)) for m in self.masks)
        labelled = sum(int(np.count_nonzero(m != IGNORED)) for m in self.masks)
        return membrane / labelled if labelled else 0.0


def encode_masks(
    y: Any,
    *,
    membrane_label: Any = None,
    ignore_label: Any = None,
    classes: np.ndarray | None = None,
    name: str = "y",
    two_classes: bool = False,
) -> MaskStack:
    """Check masks and translate them to 0 = cell, 1 = membrane, 255 = ignored.

    Parameters
    ----------
    y : array-like of shape (n_images, height, width) or list of (height, width) arrays
        Masks of two values (bool, 0/1, 0/255 or any others).
    membrane_label : scalar or None, default=None
        The value of membrane pixels. None takes the larger of the two values, and, where there
        is one value only, takes zero as cell and anything else as membrane.
    ignore_label : scalar or None, default=None
        The value of pixels without a label. None takes -1 as such in signed integers that hold
        two other values, or whose known `classes` are others.
    classes : ndarray of shape (2,) or None, default=None
        ``[cell, membrane]`` as known from fit; any other value is then refused.
    name : str, default="y"
        The argument's name in messages.
    two_classes : bool, default=False
        Whether both classes must occur.

    Returns
    -------
    MaskStack
        The encoded masks.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `y` is no stack of two-valued masks; the message says what to do.
    """
    if y is None:
        raise InvalidInputError(
            f"requires y to be passed, but the target y is None: {name} must hold one mask an "
            "image, shape (n_images, height, width)."
        )
    as_list = isinstance(y, list | tuple)
    arrays = (
        [_drop_channel(np.asanyarray(m)) for m in y]
        if as_list
        else _split_stack(np.asanyarray(y), name)
    )
    if not arrays:
        raise InvalidInputError(f"{name} must hold at least one mask; got an empty list.")
    for i, array in enumerate(arrays):
        _check_mask_array(array, f"{name}[{i}]" if as_list else name)
    values = _distinct_values(arrays)
    ignore_label = _resolve_ignore(values, ignore_label, arrays, classes)
    kept = [v for v in values if ignore_label is None or v != ignore_label]
    if classes is None:
        classes = _resolve_classes(kept, membrane_label, name, arrays, ignore_label)
    else:
        _check_known(kept, classes, name)
    if two_classes and len(kept) < 2:
        raise _one_class_error(kept, name, ignore_label)
    masks = [_encode(array, classes, membrane_label, ignore_label) for array in arrays]
    return MaskStack(masks=masks, classes=classes, as_list=as_list, ignore_label=ignore_label)


def check_same_sizes(
    images: list[tuple[int, int]],
    masks: list[tuple[int, int]],
    *,
    names: tuple[str, str] = ("X", "y"),
) -> None:
    """Refuse masks that do not fit their images, naming both shapes.

    Parameters
    ----------
    images, masks : list of (height, width)
        Sizes on either side, one an image.
    names : tuple of str, default=("X", "y")
        The arguments' names in messages.

    Raises
    ------
    InvalidInputError
        If the numbers of images or any two sizes differ.
    """
    first, second = names
    if len(images) != len(masks):
        raise InvalidInputError(
            f"{first} and {second} must hold the same number of images; got {len(images)} in "
            f"{first} and {len(masks)} in {second}."
        )
    for i, (a, b) in enumerate(zip(images, masks, strict=True)):
        if tuple(a) != tuple(b):
            raise InvalidInputError(
                f"{first} and {second} must agree in height and width; {first}[{i}] is "
                f"{tuple(a)} and {second}[{i}] is {tuple(b)}."
            )


def _split_stack(y: np.ndarray, name: str) -> list[np.ndarray]:
    if y.ndim == 4 and y.shape[-1] == 1:
        y = y[..., 0]
    if y.dtype.kind in "biuf" and (y.ndim != 3 or y.size == 0):
        hint = f" For a single mask write {name}[np.newaxis]." if y.ndim == 2 else ""
        raise InvalidInputError(
            f"{name} must have shape (n_images, height, width) and pixels; got shape "
            f"{y.shape}.{hint}"
        )
    return list(y) if y.ndim else [y]


def _drop_channel(mask: np.ndarray) -> np.ndarray:
    return mask[..., 0] if mask.ndim == 3 and mask.shape[-1] == 1 else mask


def _check_mask_array(array: np.ndarray, name: str) -> None:
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(
            f"{name} must hold masks as bool, integers or floats; got dtype {array.dtype}."
        )
    if array.ndim != 2 or array.size == 0:
        raise InvalidInputError(
            f"Each mask of {name} must have shape (height, width) and pixels; got shape "
            f"{array.shape}."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidInputError(
            f"{name} must be finite; it holds NaN or infinite values. Mark unlabelled pixels "
            "with a number of your choice and pass it as ignore_label."
        )


def _distinct_values(arrays: list[np.ndarray]) -> list[Any]:
    found: set[Any] = set()
    for array in arrays:
        found.update(_unique(array).tolist())
    return sorted(found)


def _unique(array: np.ndarray) -> np.ndarray:
    """Distinct values; the two-valued case without a sort."""
    low, high = array.min(), array.max()
    if np.all((array == low) | (array == high)):
        return np.array([low, high]) if low != high else np.array([low])
    return np.unique(array)


def _resolve_ignore(
    values: list[Any], ignore_label: Any, arrays: list[np.ndarray], classes: np.ndarray | None
) -> Any:
    if ignore_label is not None:
        return ignore_label
    if -1 not in values or any(array.dtype.kind != "i" for array in arrays):
        return None
    # A fold may lack one of the classes; once they are known, -1 is told by them.
    is_class = len(values) != 3 if classes is None else -1 in classes.tolist()
    return None if is_class else -1


def _resolve_classes(
    kept: list[Any], membrane_label: Any, name: str, arrays: list[np.ndarray], ignore_label: Any
) -> np.ndarray | None:
    if not kept:
        raise InvalidInputError(
            f"{name} must hold labelled pixels; every pixel has the ignore_label ({ignore_label})."
        )
    if len(kept) > 2:
        raise InvalidInputError(_too_many_values(kept, name))
    if membrane_label is not None and membrane_label not in kept and len(kept) == 2:
        raise InvalidInputError(
            f"membrane_label must be one of the values in {name}, {_show(kept)}; got "
            f"{membrane_label!r}."
        )
    if len(kept) == 1:
        return None
    membrane = kept[1] if membrane_label is None else membrane_label
    cell = kept[0] if membrane == kept[1] else kept[1]
    return np.array([cell, membrane], dtype=np.result_type(*arrays))


def _too_many_values(kept: list[Any], name: str) -> str:
    start = f"{name} must hold two values, cell and membrane; got {len(kept)}: {_show(kept)}."
    whole = all(float(v).is_integer() for v in kept)
    if not whole:
        return (
            f"{start} This looks like a soft or interpolated mask: threshold it, e.g. "
            f"{name} > {(kept[0] + kept[-1]) / 2:g}."
        )
    if len(kept) == 3:
        return (
            f"{start} If one of them marks unlabelled pixels, pass it as ignore_label; otherwise "
            f"merge two of them, e.g. {name} == {kept[-1]}."
        )
    if kept[0] >= 0 and kept[-1] == 255:
        return (
            f"{start} This looks like an interpolated or JPEG-compressed 0/255 mask: threshold "
            f"it, e.g. {name} > 127."
        )
    return (
        f"{start} This looks like cell ids: turn them into a membrane mask, e.g. with "
        f"skimage.segmentation.find_boundaries, or {name} == 0 where 0 marks the membrane."
    )


def _show(values: list[Any]) -> str:
    shown = [f"{v:g}" if isinstance(v, float) else str(v) for v in values[:_MAX_VALUES_LISTED]]
    rest = ["..."] if len(values) > _MAX_VALUES_LISTED else []
    return f"[{', '.join(shown + rest)}]"


def _check_known(kept: list[Any], classes: np.ndarray, name: str) -> None:
    unknown = [v for v in kept if v not in classes.tolist()]
    if unknown:
        raise InvalidInputError(
            f"{name} must hold only the values seen in fit, {_show(classes.tolist())} (and "
            f"ignore_label); got {_show(unknown)} too."
        )


def _one_class_error(kept: list[Any], name: str, ignore_label: Any) -> InvalidInputError:
    if not kept:
        return InvalidInputError(
            f"{name} must hold labelled pixels; every pixel has the ignore_label ({ignore_label})."
        )
    return InvalidInputError(
        f"{name} must hold two classes, cell and membrane; every labelled pixel is "
        f"{kept[0]}. Check the mask files, or give slices that show both."
    )


def _encode(
    array: np.ndarray,
    classes: np.ndarray | None,
    membrane_label: Any,
    ignore_label: Any,
) -> np.ndarray:
    if classes is not None:
        codes = (array == classes[1]).astype(np.uint8)
    elif membrane_label is not None:
        codes = (array == membrane_label).astype(np.uint8)
    else:
        codes = (array != 0).astype(np.uint8)
    if ignore_label is not None:
        codes[array == ignore_label] = IGNORED
    return codes
