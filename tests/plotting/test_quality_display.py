"""What is drawn is the table."""

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes, quality_report
from membseg.exceptions import InvalidInputError
from membseg.plotting import QualityDisplay
from membseg.quality import QualityTable

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


def row(image, thickness, ends, *flags):
    return {
        "image": image, "thickness": 5.0, "thickness_z": thickness, "open_ends": 1.0,
        "open_ends_z": ends, "flags": list(flags),
    }  # fmt: skip


TABLE = QualityTable(
    (
        row(0, 0.5, -5.0),
        row(1, -4.0, 4.0, "the membrane's thickness is odd", "there are many open ends"),
        row(2, float("nan"), 1.0, "there is no membrane at all"),
    )
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def marks(ax):
    return {
        (line.get_marker(), int(x), int(y))
        for line in ax.get_lines()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def test_distances_marks_and_reasons(check_readable):
    display = QualityDisplay(TABLE).plot()
    (strip,) = display.ax_.get_images()
    z = np.ma.filled(strip.get_array(), np.nan)
    np.testing.assert_array_equal(z, [[0.5, -4, np.nan], [-5, 4, 1]])
    assert strip.get_clim() == (-6, 6)
    # Few open ends are no bad sign.
    assert marks(display.ax_) == {("v", 1, 0), ("^", 1, 1)}
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["thickness", "open ends"]
    (reasons,) = [t.get_text() for t in display.figure_.texts]
    assert reasons.splitlines() == [
        "1: the membrane's thickness is odd; there are many open ends",
        "2: there is no membrane at all",
    ]
    check_readable(display.figure_)


def test_another_limit_and_the_callers_axes():
    _, ax = plt.subplots()
    display = QualityDisplay(TABLE).plot(z_limit=4.5, ax=ax)
    assert display.ax_ is ax
    assert marks(ax) == set()
    assert display.figure_.texts == []


def test_nothing_flagged_and_many_flags(check_readable):
    good = QualityDisplay(QualityTable((row(0, 0.0, 0.0), row(1, 1.0, 1.0)))).plot()
    assert [t.get_text() for t in good.figure_.texts] == ["No image is flagged."]
    odd = row(0, 0.0, 9.0, "one", "two", "three", "four", "five")
    shown = QualityDisplay(QualityTable((odd,))).plot().figure_.texts[0].get_text()
    assert shown == "0: one; two; three; and 2 more"
    many = tuple(row(i, 0.0, 9.0, "word " * 30) for i in range(45))
    display = QualityDisplay(QualityTable(many)).plot()
    lines = display.figure_.texts[0].get_text().splitlines()
    assert len(lines) == 16
    assert lines[-1] == "... more in the table"
    assert len(display.ax_.get_xticks()) <= 20
    check_readable(display.figure_)
    assert QualityDisplay(TABLE).plot(reasons=False).figure_.texts == []


def test_from_estimator_and_from_predictions(check_readable):
    X, y = make_membranes(4, 64, 64, random_state=0)
    segmenter = RidgeSegmenter().fit(X, y)
    table = quality_report(segmenter, X, z_limit=2.0)
    one = QualityDisplay.from_estimator(segmenter, X, z_limit=2.0)
    assert one.table.columns == table.columns
    assert one.table.outliers == table.outliers
    masks = y.copy()
    masks[2] = 0
    other = QualityDisplay.from_predictions(X, masks)
    assert other.table[2]["flags"] == ["there is no membrane at all"]
    check_readable(other.figure_)


def test_unusable_arguments():
    with pytest.raises(InvalidInputError, match="z_limit must be above 0; got 0"):
        QualityDisplay(TABLE).plot(z_limit=0)
    with pytest.raises(InvalidInputError, match="reasons must be False or None where ax is given"):
        QualityDisplay(TABLE).plot(reasons=True, ax=plt.subplots()[1])
    with pytest.raises(InvalidInputError, match="table must have columns that are compared with"):
        QualityDisplay(QualityTable(({"image": 0, "flags": []},))).plot()
