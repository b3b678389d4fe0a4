"""Slices with cells to find: which sets there are, and which of their slices are for what."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from membseg import load_image_folder
from peers.slices import parse_numbers


@dataclass(frozen=True)
class CellSet:
    """A set of slices with masks of membranes.

    Attributes
    ----------
    title : str
        Its name in tables.
    folder : str
        Where it is in the folder of the data.
    masks : str
        Where its masks are in that folder.
    membrane : int
        The value of membrane in them.
    train, test : str
        Places of its slices, in natural order of the files' names.
    """

    title: str
    folder: str
    masks: str
    membrane: int
    train: str
    test: str


#: Between the two parts of a stack at least one slice is left out.
SETS = {
    "isbi2012": CellSet("ISBI 2012", "isbi2012", "label", 0, "0-18", "20-24"),
    "epitools": CellSet(
        "wing disc, E-cadherin", "epitools", "membrane_from_labels", 255, "0-4", "6-7"
    ),
    "plantseg": CellSet(
        "plant ovule", "plantseg/ovule_membrane", "membrane_from_labels", 255, "0-19", "22-31"
    ),
    # Files sort as test00 to test49, train00 to train49: two stacks.
    "gala_fibsem": CellSet(
        "FIB-SEM, two stacks", "gala_fibsem", "membrane_from_labels", 255, "50-99", "0-49"
    ),
}


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Let the user say where the sets are, and which one is wanted."""
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--set", choices=SETS, default="isbi2012", dest="name")
    parser.add_argument("--train", type=parse_numbers, help="in place of the set's own")
    parser.add_argument("--test", type=parse_numbers, help="in place of the set's own")


def check_set_arguments(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Fill in the set's own slices, and refuse what would mislead."""
    chosen = SETS[arguments.name]
    for folder in ("image", chosen.masks):
        if not (arguments.data / chosen.folder / folder).is_dir():
            parser.error(f"--data: there is no folder {arguments.data / chosen.folder / folder}")
    for part in ("train", "test"):
        if getattr(arguments, part) is None:
            setattr(arguments, part, parse_numbers(getattr(chosen, part)))
    both = sorted(set(arguments.train) & set(arguments.test))
    if both:
        parser.error(f"--train and --test must not share slices; both hold {both}")


def load_set(data: str | Path, name: str, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Load slices of a set.

    Returns
    -------
    (ndarray of shape (n, height, width), ndarray of the same shape, int)
        Images, and 1 at membranes, 0 at cells.
    """
    chosen = SETS[name]
    folder = Path(data) / chosen.folder
    X, y = load_image_folder(folder / "image", folder / chosen.masks)
    return X[numbers], (y[numbers] == chosen.membrane).astype(int)
