"""Round lengths, panels and letters."""

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.plotting._look import draw_scale_bar, make_panels, round_length, say_length

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("most", "length"),
    [(614.4, 500), (500, 500), (499, 200), (0.3, 0.2), (1, 1), (0.1 * 3, 0.2), (2.5e4, 2e4)],
)
def test_round_lengths(most, length):
    assert round_length(most) == pytest.approx(length)


@pytest.mark.parametrize(
    ("length", "text"),
    [(500, "500 nm"), (1000, "1 µm"), (2e4, "20 µm"), (5e6, "5 mm"), (0.5, "0.5 nm")],
)
def test_lengths_in_words(length, text):
    assert say_length(length) == text


def test_scale_bar_is_as_long_as_it_says():
    _, ax = plt.subplots()
    ax.imshow(np.zeros((100, 512)))
    draw_scale_bar(ax, (100, 512), 4.0)
    (bar,) = ax.get_lines()
    left, right = bar.get_xdata()
    assert ax.texts[0].get_text() == "500 nm"
    assert 4.0 * (right - left) == pytest.approx(500)
    assert 0 < left < right < 512
    assert 0 < bar.get_ydata()[0] < 100


def test_panels_of_all_kinds():
    own = make_panels(None, 5, n_columns=3)
    assert len(own) == 5
    figure, axs = plt.subplots(1, 2)
    assert make_panels(axs, 2, n_columns=1) == list(axs)
    assert make_panels(axs[0], 1, n_columns=3) == [axs[0]]
    divided = make_panels(axs[0], 4, n_columns=2)
    assert len(divided) == 4
    assert not axs[0].axison
    figure.canvas.draw()
    outer = axs[0].get_window_extent()
    boxes = [panel.get_window_extent() for panel in divided]
    for box in boxes:
        assert box.x0 >= outer.x0 - 1
        assert box.x1 <= outer.x1 + 1
        assert box.y0 >= outer.y0 - 1
        assert box.y1 <= outer.y1 + 1
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[2].y1 < boxes[0].y0


def test_wrong_number_of_axes():
    _, axs = plt.subplots(1, 2)
    with pytest.raises(InvalidInputError, match="ax must be one Axes, or 3 of them, one for each"):
        make_panels(axs, 3, n_columns=3)
