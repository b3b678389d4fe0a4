"""Natural order of file names, and which mask belongs to which image."""

import itertools
import re
from pathlib import Path

from membseg.exceptions import ImageFileError

_IMAGE_WORDS = "images|image|img|im|raw"
_MASK_WORDS = (
    "masks|mask|labels|label|lbl|segmentation|seg|membranes|membrane|annotations|annotation|"
    "groundtruth|truth|gt|target"
)


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """Sort key that puts slice2 before slice10; equal keys fall back to the name."""
    # Splitting at digits gives text at even places and numbers at odd ones: comparable.
    parts = re.split(r"([0-9]+)", name.lower())
    return tuple(int(p) if i % 2 else p for i, p in enumerate(parts)), name


def pair_masks(images: list[Path], masks: list[Path]) -> list[Path]:
    """Return the mask of each image, or say which files have no partner.

    Names are compared as they are first, then with a word such as "mask" or "image" taken off
    the end, the front, or both: the fewer words it takes, the earlier a pair is made.
    """
    image_keys = {path: _keys(path, _IMAGE_WORDS) for path in images}
    mask_keys = {path: _keys(path, _MASK_WORDS) for path in masks}
    pairs: dict[Path, Path] = {}
    taken: set[Path] = set()
    for i, j in sorted(itertools.product(range(4), repeat=2), key=sum):
        left = _by_key({p: k[j] for p, k in mask_keys.items() if p not in taken})
        wanting = _by_key({p: k[i] for p, k in image_keys.items() if p not in pairs})
        for key in wanting.keys() & left.keys():
            _refuse_doubles(wanting[key], left[key])
            pairs[wanting[key][0]] = left[key][0]
            taken.add(left[key][0])
    _refuse_lonely(
        [path.name for path in images if path not in pairs],
        [path.name for path in masks if path not in taken],
    )
    return [pairs[path] for path in images]


def _keys(path: Path, words: str) -> tuple[str, str, str, str]:
    """The stem, and the stem without a word at its end, at its front, and at both."""
    stem = path.stem.lower().removesuffix(".ome")
    # A word is set off by a separator or, at the front, by a digit that follows.
    end, front = rf"[ _.\-]+(?:{words})$", rf"^(?:{words})(?:[ _.\-]+|(?=[0-9]))"
    shorter = re.sub(end, "", stem)
    return stem, shorter, re.sub(front, "", stem), re.sub(front, "", shorter)


def _by_key(keys: dict[Path, str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path, key in keys.items():
        groups.setdefault(key, []).append(path)
    return groups


def _refuse_doubles(images: list[Path], masks: list[Path]) -> None:
    if len(images) > 1 or len(masks) > 1:
        raise ImageFileError(
            "Each image must have one mask; by their names these belong together: images "
            f"{_list([p.name for p in images])}; masks {_list([p.name for p in masks])}. Rename "
            "them, or leave some out with pattern and mask_pattern."
        )


def _refuse_lonely(images: list[str], masks: list[str]) -> None:
    if images or masks:
        raise ImageFileError(
            "Images and masks must come in pairs of the same name (a prefix or suffix such as "
            f"_mask or label_ may differ). Images without a mask: {_list(images)}; masks without "
            f"an image: {_list(masks)}. Rename them, or leave some out with pattern and "
            "mask_pattern."
        )


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:10]) or "none"
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
