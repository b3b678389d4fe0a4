"""What the tests of figures share."""

import pytest


def hidden_labels(figure):
    """Labels of ticks beyond the limits of their axis: texts, but not drawn."""
    hidden = set()
    for ax in figure.findobj(lambda artist: hasattr(artist, "xaxis")):
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    return hidden


@pytest.fixture
def check_readable():
    """Give a check that a figure fits a column of 85 mm, with letters of 6 points or more."""
    text_module = pytest.importorskip("matplotlib.text", reason="needs matplotlib, extra 'plot'")

    def check(figure):
        assert figure.get_size_inches()[0] * 25.4 == pytest.approx(85)
        figure.canvas.draw()
        hidden = hidden_labels(figure)
        texts = [
            text
            for text in figure.findobj(text_module.Text)
            if text.get_visible() and text.get_text().strip() and text not in hidden
        ]
        assert texts
        for text in texts:
            assert text.get_fontsize() >= 6, text
            box = text.get_window_extent()
            left, right = sorted((box.x0, box.x1))
            assert left >= -1, text
            assert right <= figure.bbox.width + 1, text
            assert box.y0 >= -1, text
            assert box.y1 <= figure.bbox.height + 1, text

    return check
