"""What is drawn is the thickness that was measured."""

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.plotting import ThicknessDisplay
from membseg.quality import membrane_thickness

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


def walls(width):
    """A mask with one straight wall."""
    mask = np.zeros((1, 40, 40), int)
    mask[0, :, 10 : 10 + width] = 1
    return mask


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_shares_lie_at_the_width_and_add_up_to_all(check_readable):
    display = ThicknessDisplay.from_predictions(walls(5), walls(3))
    assert labels(display.ax_) == ["predicted, median 5 px", "true, median 3 px"]
    outlined = [patch for patch in display.ax_.patches if not patch.get_fill()]
    for patch, width in zip(outlined, (5, 3), strict=True):
        shares, edges, _ = patch.get_data()
        assert shares.sum() == pytest.approx(100)
        (place,) = np.flatnonzero(shares)
        assert edges[place] < width < edges[place + 1]
    assert [line.get_xdata()[0] for line in display.ax_.get_lines()] == [5, 3]
    assert display.ax_.get_xlabel() == "membrane thickness (px)"
    assert display.figure_ is display.ax_.figure
    check_readable(display.figure_)


def test_nanometres_and_pixels():
    measured = membrane_thickness(walls(5), pixel_size=0.004, unit="um")
    display = ThicknessDisplay(measured, names=("mine", "other")).plot(expected=(10, 30))
    assert labels(display.ax_) == ["mine, median 20 nm", "expected, 10 to 30 nm"]
    assert labels(display.plot(unit="px").ax_) == ["mine, median 5 px"]


def test_all_images_count_and_wide_places_stay_in_the_picture():
    both = membrane_thickness(np.concatenate([walls(5), walls(5), walls(13)]))
    display = ThicknessDisplay(both).plot()
    shares, edges, _ = display.ax_.patches[0].get_data()
    assert shares.sum() == pytest.approx(100)
    widths = np.concatenate([one.widths for one in both])
    for width in (5, 13):
        share = shares[np.searchsorted(edges, width) - 1]
        assert share == pytest.approx(100 * np.mean(widths == width))


def test_from_estimator_equals_from_predictions():
    X, y = make_membranes(2, 48, 48, random_state=0)
    inverted = np.where(y == 1, 0, 255)
    segmenter = RidgeSegmenter(membrane_label=0).fit(X, inverted)
    _, ax = plt.subplots()
    one = ThicknessDisplay.from_estimator(segmenter, X, inverted, pixel_size=4.0, ax=ax)
    other = ThicknessDisplay.from_predictions(
        segmenter.predict(X), inverted, pixel_size=4.0, membrane_label=0
    )
    assert one.ax_ is ax
    assert labels(ax) == labels(other.ax_)


def test_one_side_without_membrane():
    display = ThicknessDisplay.from_predictions(walls(0), walls(3), membrane_label=1)
    assert labels(display.ax_)[0] == "predicted, no membrane"


def test_unusable_arguments():
    with pytest.raises(InvalidInputError, match="thickness must hold membranes; got none in any"):
        ThicknessDisplay.from_predictions(walls(0), membrane_label=1)
    with pytest.raises(InvalidInputError, match="thickness must hold membranes"):
        ThicknessDisplay([]).plot()
    display = ThicknessDisplay(membrane_thickness(walls(4)))
    with pytest.raises(InvalidInputError, match="pixel_size must be given for a thickness in nan"):
        display.plot(unit="nm")
    with pytest.raises(InvalidInputError, match="unit must be 'nm', 'px' or None; got 'um'"):
        display.plot(unit="um")
    for expected in [(3, 1), 5, (1, 2, 3)]:
        with pytest.raises(InvalidInputError, match=r"expected must be a range \(low, high\) of"):
            display.plot(expected=expected)
