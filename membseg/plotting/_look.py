"""How figures look: as wide as a column of text, with letters that can be read there."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from membseg.exceptions import InvalidInputError
from membseg.utils import import_optional

#: Width of a column of text: 85 mm, in inches.
WIDTH = 85 / 25.4
#: Sizes of letters, in points.
FONT, SMALL_FONT = 7.0, 6.2
#: Heights of the line of a title and of a legend, in inches.
_TITLE, _LEGEND = 0.16, 0.2
#: Gap between the panels of a divided Axes, as a share of a panel.
_GAP = 0.12
#: A scale bar is at most this share of the picture's width.
_LONGEST_BAR = 0.3
#: Lengths above so many nanometres are told in the larger unit.
_UNITS = ((1e6, "mm"), (1e3, "µm"), (1.0, "nm"))


def make_figure(height: float, layout: str = "constrained") -> Any:
    """Make a figure as wide as a column of text and so many inches high."""
    pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="Drawing")
    return pyplot.figure(figsize=(WIDTH, height), layout=layout)


def make_axes(ax: Any, height: float) -> Any:
    """Give the caller's Axes, or those of a new figure so many inches high."""
    return make_figure(height).add_subplot() if ax is None else ax


def make_panels(
    ax: Any,
    n: int,
    *,
    n_columns: int,
    ratio: float = 1.0,
    lines: int = 1,
    legend: bool = False,
    pictures: bool = False,
) -> Any:
    """Give a place to draw for each picture.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of them, or None
        One Axes is divided among the pictures; of several each takes one; None makes a figure.
    n : int
        Number of pictures.
    n_columns : int
        How many lie side by side.
    ratio : float
        Height of a picture over its width.
    lines : int
        Lines of the titles.
    legend : bool
        Whether there will be a legend below.
    pictures : bool
        Whether pictures will be shown, which keep their shape.

    Returns
    -------
    list of matplotlib Axes
        The places.
    """
    n_columns = min(n, n_columns)
    n_rows = -(-n // n_columns)
    if ax is None:
        height = n_rows * (ratio * WIDTH / n_columns + _TITLE * lines)
        # Without "compressed" the titles of what keeps its shape may be cut off.
        layout = "compressed" if pictures else "constrained"
        figure = make_figure(height + _LEGEND * legend, layout)
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)
        places = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for place in places[n:]:
            place.set_axis_off()
        return list(places[:n])
    if not hasattr(ax, "imshow"):
        given = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n:
            raise InvalidInputError(
                f"ax must be one Axes, or {n} of them, one for each picture; got {len(given)}."
            )
        return given
    return [ax] if n == 1 else _divide(ax, n, n_rows, n_columns)


def _divide(ax: Any, n: int, n_rows: int, n_columns: int) -> list[Any]:
    """Put smaller Axes into one."""
    ax.set_axis_off()
    width = 1 / (n_columns + _GAP * (n_columns - 1))
    height = 1 / (n_rows + 2 * _GAP * (n_rows - 1))
    places = []
    for i in range(n):
        row, column = divmod(i, n_columns)
        left = column * width * (1 + _GAP)
        top = 1 - row * height * (1 + 2 * _GAP)
        places.append(ax.inset_axes((left, top - height, width, height)))
    return places


def show_picture(ax: Any, picture: np.ndarray, title: str | None, pixel_size: float | None) -> Any:
    """Show a (height, width, 3) picture with its title and scale bar; `pixel_size` is in nm."""
    shown = ax.imshow(picture)
    ax.set(xticks=[], yticks=[])
    if title:
        ax.set_title(title, fontsize=FONT, pad=3)
    if pixel_size is not None:
        draw_scale_bar(ax, picture.shape[:2], pixel_size)
    return shown


def draw_scale_bar(ax: Any, shape: tuple[int, int], pixel_size: float) -> None:
    """Draw a bar of a round length, 1, 2 or 5 times a power of ten, into the lower right corner."""
    effects = import_optional("matplotlib.patheffects", extra="plot", purpose="Drawing")
    height, width = shape
    length = round_length(_LONGEST_BAR * width * pixel_size)
    right, low = 0.96 * width - 0.5, 0.95 * height - 0.5
    left = right - length / pixel_size
    # White on black, since slices are bright in some places and dark in others.
    (bar,) = ax.plot([left, right], [low, low], color="white", linewidth=2, solid_capstyle="butt")
    bar.set_path_effects([effects.Stroke(linewidth=3.4, foreground="black"), effects.Normal()])
    text = ax.annotate(
        say_length(length),
        (right, low),
        xytext=(0, 2.5),
        textcoords="offset points",
        # In small pictures the words are longer than the bar.
        ha="right",
        va="bottom",
        color="white",
        fontsize=SMALL_FONT,
    )
    text.set_path_effects([effects.Stroke(linewidth=1.6, foreground="black"), effects.Normal()])
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def round_length(most: float) -> float:
    """Give the largest of 1, 2 and 5 times a power of ten that is at most `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    # A little more than the quotient, since 0.3 / 0.1 is less than 3.
    return float(power * max(step for step in (1, 2, 5) if step <= most / power * (1 + 1e-9)))


def say_length(length: float) -> str:
    """Say a length in nanometres, in a unit that fits."""
    size, unit = next((u for u in _UNITS if length >= u[0]), _UNITS[-1])
    return f"{length / size:g} {unit}"


def set_fonts(ax: Any) -> None:
    """Give ticks, labels and title the size of letters."""
    ax.tick_params(labelsize=FONT)
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(FONT)


def open_frame(ax: Any) -> None:
    """Remove the upper and right lines of the frame, and set the fonts."""
    ax.spines[["top", "right"]].set_visible(False)
    set_fonts(ax)


def add_colour_legend(ax: Any, axs: list[Any], colours: Iterable[tuple[str, str]]) -> None:
    """Say what colours mean: below a figure of our own, the caller's one Axes, or the last one."""
    patch = import_optional("matplotlib.patches", extra="plot", purpose="Drawing").Patch
    handles = [
        patch(facecolor=colour, edgecolor="0.3", linewidth=0.5, label=name)
        for name, colour in colours
    ]
    look: dict[str, Any] = {
        "handles": handles, "frameon": False, "fontsize": FONT, "ncols": len(handles),
        "handlelength": 1.0, "handletextpad": 0.4, "columnspacing": 1.2,
    }  # fmt: skip
    if ax is None:
        axs[0].figure.legend(loc="outside lower center", **look)
    else:
        host = ax if hasattr(ax, "imshow") else axs[-1]
        host.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), borderaxespad=0.2, **look)


def add_bar(ax: Any, shown: Any, label: str, extend: str = "neither") -> None:
    """Add a bar of the colours beside the Axes; `extend` says where values lie beyond it."""
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.85, pad=0.02, extend=extend)
    bar.set_label(label, fontsize=FONT)
    bar.ax.tick_params(labelsize=FONT, length=2)
    bar.outline.set_linewidth(0.5)
