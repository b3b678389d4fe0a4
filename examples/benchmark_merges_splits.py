"""Are merges and splits of cells counted right? Walls opened and drawn at random into true masks.

The labelled slices of ISBI 2012 are taken as they are, with walls of a pixel instead of their own,
and with specks and ragged walls. Into each, walls are opened between pairs of cells and false walls
are drawn through cells, by chance. What must be found follows from the pairs alone (a union-find),
not from the code that finds it::

    python examples/benchmark_merges_splits.py --data ../shared/data --output benchmarks/events.json
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from peers.rows import Store
from peers.slices import load_slices, parse_numbers
from scipy import ndimage

from membseg.analysis import find_merges_and_splits
from membseg.metrics import label_components

#: How the mask looks into which errors are planted.
BASES = ("as drawn", "thin walls", "ragged walls", "specks")

#: An opened wall is so wide (px); a false one is so thick.
OPENING, WALL = (5, 15), (1.5, 3.0)


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds isbi2012")
    parser.add_argument("--slices", type=parse_numbers, default=parse_numbers("0-18"))
    parser.add_argument("--merges", type=int, default=8, help="walls opened a slice")
    parser.add_argument("--splits", type=int, default=8, help="false walls a slice")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/merges_splits.json"))
    return parser.parse_args(argv)


def make_base(kind: str, truth: np.ndarray, cells: np.ndarray, rng: Any) -> np.ndarray:
    """Give a mask, True at membrane, that parts the same cells as the true one.

    Parameters
    ----------
    kind : str
        One of `BASES`.
    truth : ndarray of shape (height, width), bool
        The true mask, True at membrane.
    cells : ndarray of shape (height, width), int
        Its cells.
    rng : Generator
        Source of randomness.
    """
    if kind == "thin walls":
        return nearest_cells(cells)[1]
    mask = truth.copy()
    if kind == "ragged walls":
        # Membrane at cells becomes cell by chance, where no wall is opened by that.
        loose = ndimage.binary_dilation(cells > 0) & truth & ~nearest_cells(cells)[1]
        mask[loose & (rng.random(truth.shape) < 0.5)] = False
    if kind == "specks":
        deep = np.argwhere(ndimage.distance_transform_edt(~truth) > 6)
        for row, column in deep[rng.integers(len(deep), size=60)]:
            mask[row - 1 : row + 2, column - 1 : column + 2] = True
    return mask


def nearest_cells(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the nearest cell of each pixel, and a thin wall, True where these meet."""
    places = ndimage.distance_transform_edt(cells == 0, return_distances=False, return_indices=True)
    nearest = cells[tuple(places)]
    # The largest and the smallest neighbour over edges and corners.
    high, low = ndimage.maximum_filter(nearest, 3), ndimage.minimum_filter(nearest, 3)
    return nearest, (high != low) & (cells == 0)


def plant_merges(
    mask: np.ndarray, cells: np.ndarray, n_merges: int, rng: Any, taken: set[int]
) -> list[tuple[int, int]]:
    """Open walls between pairs of cells in a mask, and give the pairs."""
    nearest, wall = nearest_cells(cells)
    places = np.argwhere(wall)
    pairs: list[tuple[int, int]] = []
    for row, column in places[rng.permutation(len(places))]:
        if len(pairs) == n_merges:
            break
        around = nearest[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        pair = tuple(int(cell) for cell in np.unique(around))
        if len(pair) != 2 or set(pair) & taken:
            continue
        opened = mask.copy()
        radius = rng.uniform(*OPENING) / 2 + 2
        # Not beside a third cell, which would run in as well.
        inside = disk(mask.shape, row, column, radius)
        inside &= ~ndimage.binary_dilation(~np.isin(nearest, pair), np.ones((3, 3)))
        opened[inside] = False
        # The opening must let these two run together and no others.
        joined, _ = ndimage.label(~opened)
        known = [np.unique(joined[(cells == cell) & ~opened]) for cell in pair]
        if len(known[0]) != 1 or not np.array_equal(*known):
            continue
        mask[:] = opened
        pairs.append(pair)
        # A cell may be merged again, but is not split as well: what is right is plain then.
    return pairs


def plant_splits(
    mask: np.ndarray, cells: np.ndarray, n_splits: int, rng: Any, taken: set[int]
) -> list[int]:
    """Draw false walls through cells in a mask, and give the cells."""
    areas, nearest = np.bincount(cells.ravel()), nearest_cells(cells)[0]
    # Cells that are large enough for two parts that count.
    able = [cell for cell in range(1, len(areas)) if areas[cell] >= 400 and cell not in taken]
    split = []
    for cell in rng.permutation(able):
        if len(split) == n_splits:
            break
        for _ in range(20):
            if draw_wall(mask, cells == cell, nearest == cell, rng):
                split.append(int(cell))
                break
    return split


def draw_wall(mask: np.ndarray, cell: np.ndarray, around: np.ndarray, rng: Any) -> bool:
    """Draw a straight wall through a cell if that leaves two parts of a fifth of it or more.

    Where walls are thinner than the true ones, it must go on to them, `around` the cell.
    """
    rows, columns = np.nonzero(cell)
    middle = rng.integers(len(rows))
    angle, thickness = rng.uniform(0, np.pi), rng.uniform(*WALL)
    height, width = np.ogrid[: cell.shape[0], : cell.shape[1]]
    across = (height - rows[middle]) * np.cos(angle) - (width - columns[middle]) * np.sin(angle)
    wall = around & (np.abs(across) <= thickness / 2)
    parts, n_parts = ndimage.label(around & ~wall & ~mask)
    sizes = np.bincount(parts[cell], minlength=n_parts + 1)[1:]
    big = sizes >= 0.2 * cell.sum()
    # Crumbs along the wall would be events of their own, or not: that is not what is tested.
    if n_parts < 2 or big.sum() != 2 or sizes[~big].sum() > 9:
        return False
    mask |= wall
    return True


def disk(shape: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    """Give a map that is True within so many pixels of a place."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, columns - column) <= radius


def groups_of(pairs: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Put pairs together that share a cell: a union-find."""
    parent: dict[int, int] = {}

    def root(cell: int) -> int:
        while parent.setdefault(cell, cell) != cell:
            cell = parent[cell]
        return cell

    for a, b in pairs:
        parent[root(a)] = root(b)
    groups: dict[int, list[int]] = {}
    for cell in parent:
        groups.setdefault(root(cell), []).append(cell)
    return sorted(tuple(sorted(group)) for group in groups.values())


def plant(
    truth: np.ndarray, kind: str, n_merges: int, n_splits: int, rng: Any
) -> tuple[np.ndarray, list[tuple[int, ...]], list[int]]:
    """Give a mask with planted errors, the groups of merged cells, and the cells that are split."""
    cells = label_components(truth[np.newaxis].astype(np.uint8), membrane_label=1)[0]
    mask = make_base(kind, truth, cells, rng)
    split = plant_splits(mask, cells, n_splits, rng, set())
    pairs = plant_merges(mask, cells, n_merges, rng, set(split))
    return mask, groups_of(pairs), sorted(split)


def compare(
    truth: np.ndarray, mask: np.ndarray, merged: list[tuple[int, ...]], split: list[int]
) -> dict[str, int]:
    """Count what is found, missed and invented in one slice."""
    pair = (one[np.newaxis].astype(np.uint8) for one in (truth, mask))
    events = find_merges_and_splits(*pair, membrane_label=1)
    merges = [event.true_labels for event in events if event.kind == "merge"]
    splits = [event.true_labels[0] for event in events if event.kind == "split"]
    row = {}
    for name, planted, found in (("merge", merged, merges), ("split", split, splits)):
        row[f"{name}s planted"] = len(planted)
        row[f"{name}s found"] = len(set(planted) & set(found))
        row[f"{name}s invented"] = len(found) - len(set(planted) & set(found))
    return row


def run_slice(seed: int, number: int, truth: np.ndarray, arguments: argparse.Namespace) -> Any:
    """Give the counts of one slice, by base, with planted events and without."""
    found: dict[str, Any] = {}
    for place, kind in enumerate(BASES):
        rng = np.random.default_rng([seed, number, place])
        counts = [arguments.merges, arguments.splits]
        # Without planted ones, none may be found.
        for planted, (n_merges, n_splits) in (("planted", counts), ("none", [0, 0])):
            mask, merged, split = plant(truth, kind, n_merges, n_splits, rng)
            found[f"{kind}, {planted}"] = compare(truth, mask, merged, split)
    return found


def print_table(rows: dict[str, Any]) -> None:
    """Add the slices up, and print one line a base."""
    every = list(rows.values())
    columns = list(every[0][f"{BASES[0]}, none"])
    print(f"{len(every)} slices{'':15s}" + "".join(f"{name:>18s}" for name in columns))
    for line in every[0]:
        sums = (sum(row[line][name] for row in every) for name in columns)
        print(f"{line:24s}" + "".join(f"{total:18d}" for total in sums))


def main(argv: list[str] | None = None) -> None:
    """Plant and find what is missing in the file, and print all."""
    arguments = parse_arguments(argv)
    store = Store(arguments.output, {"merges": arguments.merges, "splits": arguments.splits})
    _, masks = load_slices(arguments.data, arguments.slices)
    for seed in range(arguments.seeds):
        for number, truth in zip(arguments.slices, masks, strict=True):
            key = f"seed {seed}, slice {number}"
            if not store.has(key):
                store.add(key, run_slice(seed, number, truth, arguments))
    print_table(store.rows)


if __name__ == "__main__":
    main()
