"""The labelled slices that benchmarks train and test on."""

import argparse
from pathlib import Path

import numpy as np

from membseg import load_image_folder

#: Set -> folder of its masks, and the value of membrane in them.
_MASKS = {"isbi2012": ("label", 0), "fibsem_medulla": ("membrane_from_labels", 255)}


def parse_numbers(text: str) -> list[int]:
    """Read slice numbers such as ``0-18`` (both ends count) or ``2,6,10-12``."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise argparse.ArgumentTypeError(f"must look like 0-18 or 2,6,10; got {text!r}")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def add_slice_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Let the user say where the slices are and which are for what."""
    parser.add_argument("--data", type=Path, required=required, help="folder that holds isbi2012")
    parser.add_argument("--train", type=parse_numbers, default=parse_numbers("0-18"))
    parser.add_argument("--test", type=parse_numbers, default=parse_numbers("20-24"))


def check_slice_arguments(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> dict[str, list[int]]:
    """Refuse what would mislead; give the settings that all rows share."""
    for name in ("image", "label"):
        if not (arguments.data / "isbi2012" / name).is_dir():
            parser.error(f"--data: there is no folder {arguments.data}/isbi2012/{name}")
    both = sorted(set(arguments.train) & set(arguments.test))
    if both:
        parser.error(f"--train and --test must not share slices; both hold {both}")
    return {"train": arguments.train, "test": arguments.test}


def load_slices(
    data: str | Path, numbers: list[int], name: str = "isbi2012"
) -> tuple[np.ndarray, np.ndarray]:
    """Load slices of a set, by their places in it, and their membranes.

    Returns
    -------
    (ndarray of shape (n, height, width), ndarray of the same shape, bool)
        Images, and True at membranes.
    """
    folder = Path(data) / name
    masks, membrane = _MASKS[name]
    X, y = load_image_folder(folder / "image", folder / masks)
    return X[numbers], y[numbers] == membrane
