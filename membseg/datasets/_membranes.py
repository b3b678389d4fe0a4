"""Synthetic slices of membranes, with their masks."""

from numbers import Integral, Real
from typing import Any

import numpy as np

from membseg.datasets._electron import ElectronPainter
from membseg.datasets._fluorescence import FluorescencePainter
from membseg.datasets._packing import CellPacking
from membseg.exceptions import InvalidInputError, InvalidTypeError

#: For each style: the painter, cells and lines in pixels, and the shape of the packing.
_STYLES: dict[str, dict[str, Any]] = {
    # Measured on ISBI 2012: neurites of very different sizes, few convex, running along z.
    "em": {
        "painter": ElectronPainter,
        "cell_size": 40.0,
        "membrane_width": 6.0,
        "packing": {"spread": 0.95, "wiggle": 1.0, "merge": 0.15, "z_scale": 0.75},
    },
    # An epithelium seen from above: cells much alike, columns along z.
    "fluorescence": {
        "painter": FluorescencePainter,
        "cell_size": 28.0,
        "membrane_width": 4.0,
        "packing": {"spread": 0.25, "wiggle": 0.4, "merge": 0.0, "z_scale": 0.4},
    },
}
#: Numbers of the difficulties that have names.
_DIFFICULTIES = {"easy": 0.1, "medium": 0.5, "hard": 0.9}
#: Smallest height and width, in pixels.
_MIN_SIZE = 16
#: Distance of slices in cell diameters at continuity 0.5 (50 nm sections of ISBI 2012), and most.
_SPACING, _MAX_SPACING = 0.38, 15.0
#: The section's thickness in cell diameters: 50 nm at 4 nm a pixel.
_THICKNESS = 0.3


def make_membranes(
    n_images: int = 8,
    height: int = 256,
    width: int = 256,
    *,
    style: str = "em",
    cell_size: float | None = None,
    membrane_width: float | None = None,
    difficulty: float | str = 0.5,
    continuity: float = 0.5,
    return_cells: bool = False,
    random_state: int | np.random.Generator | np.random.RandomState | None = None,
) -> Any:
    """Make a stack of synthetic slices with membrane masks.

    The cells are a warped power diagram of packed balls in a volume, so that neighbouring slices
    resemble each other as in a real stack. The ``"em"`` style imitates serial-section electron
    micrographs (dark membranes, pale and wide where they are cut obliquely, mitochondria,
    vesicles, synaptic stain); its sizes, grey levels and noise follow the ISBI 2012 slices, and
    the mask is drawn as an expert draws it: an even line on each border between cells, organelles
    left out. The ``"fluorescence"`` style imitates a membrane marker in an epithelium (bright
    membranes, uneven stain, shot noise).

    Parameters
    ----------
    n_images : int, default=8
        Number of slices.
    height, width : int, default=256
        Size of each slice in pixels, 16 or more.
    style : {"em", "fluorescence"}, default="em"
        The kind of microscope.
    cell_size : float or None, default=None
        Mean diameter of the cells in a slice, up to the middle of their membranes, in pixels.
        None takes 40 for ``"em"`` (160 nm at 4 nm a pixel) and 28 for ``"fluorescence"``, but at
        most 2/5 of the slice's shorter side. 4 or more.
    membrane_width : float or None, default=None
        Width of the membrane in the masks, in pixels, from 2 to half of `cell_size`; lines take
        whole pixels on either side, so that odd widths come out one narrower. None takes 6 for
        ``"em"`` and 4 for ``"fluorescence"``, and less in proportion where `cell_size` is below
        its default. In ``"em"`` organelles and grain scale with it.
    difficulty : float or {"easy", "medium", "hard"}, default=0.5
        From 0 (clean, high contrast) to 1: noise, faint and oblique membranes, organelles, uneven
        light. 0.5 resembles real slices. The names are 0.1, 0.5 and 0.9.
    continuity : float, default=0.5
        Likeness of neighbouring slices from 0 (independent) to 1 (the same cells in each slice).
        0.5 resembles sections of 50 nm at 4 nm a pixel.
    return_cells : bool, default=False
        Whether the cells' ids are returned as well.
    random_state : int, Generator, RandomState or None, default=None
        Seed. The same seed gives the same bits, a Generator goes on from where it is, and None
        draws a new seed.

    Returns
    -------
    X : ndarray of shape (n_images, height, width), uint8
        Images.
    y : ndarray of shape (n_images, height, width), uint8
        Masks: 1 is membrane, 0 is cell.
    cells : ndarray of shape (n_images, height, width), int32
        Cell ids from 1, the same id for the same cell in each slice, without gaps where the
        membranes are. Only with ``return_cells=True``.

    Raises
    ------
    InvalidTypeError
        If a size or a strength is not a number.
    InvalidInputError
        If an argument is outside its range, or `style` is unknown.

    References
    ----------
    Lautensack and Zuyev (2008), Random Laguerre tessellations, Advances in Applied Probability
    40(3): power diagrams of balls as models of cells.

    Examples
    --------
    >>> from membseg.datasets import make_membranes
    >>> X, y = make_membranes(2, 64, 96, random_state=0)
    >>> X.shape, X.dtype, y.dtype
    ((2, 64, 96), dtype('uint8'), dtype('uint8'))
    >>> bool(X[y == 1].mean() < X[y == 0].mean())
    True
    """
    _check_int(n_images, "n_images", 1)
    _check_int(height, "height", _MIN_SIZE)
    _check_int(width, "width", _MIN_SIZE)
    if style not in _STYLES:
        raise InvalidInputError(
            f"style must be one of {sorted(_STYLES)}; got {style!r}. Take 'em' for dark membranes."
        )
    difficulty = _resolve_difficulty(difficulty)
    _check_real(continuity, "continuity", 0.0, 1.0)
    chosen = _STYLES[style]
    cell_size, membrane_width = _resolve_sizes(cell_size, membrane_width, chosen, (height, width))
    rng = _as_generator(random_state)
    spacing = _spacing(cell_size, continuity)
    packing = CellPacking(
        (height, width),
        depth=spacing * (n_images - 1),
        cell_size=cell_size,
        largest=0.7 * min(height, width),
        rng=rng,
        **chosen["packing"],
    )
    painter = chosen["painter"](
        packing,
        (height, width),
        membrane_width=membrane_width,
        difficulty=difficulty,
        thickness=_THICKNESS * cell_size,
        rng=rng,
    )
    X = np.empty((n_images, height, width), dtype=np.uint8)
    y = np.empty_like(X)
    cells = np.empty(X.shape, dtype=np.int32)
    for i in range(n_images):
        X[i], y[i], cells[i] = painter.paint(i * spacing)
    return (X, y, cells) if return_cells else (X, y)


def _resolve_difficulty(difficulty: float | str) -> float:
    """Number of a difficulty that may have a name."""
    if isinstance(difficulty, str):
        if difficulty not in _DIFFICULTIES:
            raise InvalidInputError(
                f"difficulty must be a number from 0 to 1 or one of {list(_DIFFICULTIES)}; got "
                f"{difficulty!r}. Leave it out for the default."
            )
        return _DIFFICULTIES[difficulty]
    _check_real(difficulty, "difficulty", 0.0, 1.0)
    return difficulty


def _resolve_sizes(
    cell_size: float | None,
    membrane_width: float | None,
    chosen: dict[str, Any],
    shape: tuple[int, int],
) -> tuple[float, float]:
    """Cell size and membrane width in pixels; in small slices both defaults shrink."""
    if cell_size is None:
        least = 0.0 if membrane_width is None else 2.0 * membrane_width
        cell_size = max(min(chosen["cell_size"], 0.4 * min(shape)), least)
    _check_real(cell_size, "cell_size", 4.0, np.inf)
    if membrane_width is None:
        share = min(cell_size / chosen["cell_size"], 1.0)
        membrane_width = max(share * chosen["membrane_width"], 2.0)
    _check_real(membrane_width, "membrane_width", 2.0, cell_size / 2.0)
    return cell_size, membrane_width


def _spacing(cell_size: float, continuity: float) -> float:
    """Distance between slices, in pixels."""
    apart = _SPACING * (1.0 - continuity) / max(continuity, 1e-6)
    return cell_size * min(apart, _MAX_SPACING)


def _as_generator(random_state: Any) -> np.random.Generator:
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31 - 1))
    return np.random.default_rng(random_state)


def _check_int(value: Any, name: str, low: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise InvalidTypeError(
            f"{name} must be an integer of {low} or more; got {value!r}. Write int({name})."
        )
    if value < low:
        raise InvalidInputError(f"{name} must be {low} or more; got {value}. Give at least {low}.")


def _check_real(value: Any, name: str, low: float, high: float) -> None:
    wanted = f"from {low:g} to {high:g}" if np.isfinite(high) else f"of {low:g} or more"
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InvalidTypeError(
            f"{name} must be a number {wanted}; got {value!r}. Leave it out for the default."
        )
    if not low <= float(value) <= high:
        raise InvalidInputError(
            f"{name} must be a number {wanted}; got {value}. Leave it out for the default."
        )
