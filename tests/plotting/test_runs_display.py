"""What is drawn is what the records hold."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import RunsDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def run(name, *, losses=(), scores=None, identity="run-1234"):
    return SimpleNamespace(
        id=identity,
        name=name,
        estimator_class="UNetSegmenter",
        history=[{"epoch": i + 1, "val_loss": loss, "loss": 1.0} for i, loss in enumerate(losses)],
        scores={} if scores is None else scores,
    )


@pytest.fixture
def runs():
    return [
        run("one", losses=(0.5, 0.25), scores={"test": {"iou": 0.5, "ece": 0.25}}),
        run("two", losses=(0.75, None, 0.125), scores={"test": {"iou": 0.75}}),
        run("plain", scores={"test": {"iou": 0.25}, "train": {"iou": 1.0}}),
    ]


def curves(ax):
    """Curves with points, as {colour: (x, y)}."""
    lines = [line for line in ax.get_lines() if len(line.get_xdata())]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def test_curves_and_scores(runs):
    display = RunsDisplay.from_records(runs)
    above, below = display.axs_
    assert curves(above) == [([1, 2], [0.5, 0.25]), ([1, 3], [0.75, 0.125])]
    assert (above.get_xlabel(), above.get_ylabel()) == ("epoch", "val_loss")
    assert [values for values, _ in curves(below)] == [[0.5, 0.25], [0.75], [0.25]]
    heights = [np.round(rows).tolist() for _, rows in curves(below)]
    assert heights == [[0, 1], [0], [0]]
    labels = [label.get_text() for label in below.get_yticklabels()]
    assert labels == ["iou", "ece ↓"]
    legend = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert legend == ["one", "two", "plain"]
    assert display.figure_ is above.figure


def test_a_run_has_one_colour_and_mark_in_both(runs):
    above, below = RunsDisplay.from_records(runs).axs_
    styles = [
        [(line.get_color(), line.get_marker()) for line in ax.get_lines() if len(line.get_xdata())]
        for ax in (above, below)
    ]
    assert styles[0] == styles[1][:2]
    assert len(set(styles[1])) == 3


def test_other_columns_scores_and_sets(runs):
    display = RunsDisplay.from_records(runs, column="loss", scoring="iou", part="train")
    above, below = display.axs_
    assert above.get_ylabel() == "loss"
    assert curves(below)[0][0] == [1.0]


def test_without_histories_scores_alone(runs):
    (ax,) = RunsDisplay.from_records(runs[2:]).axs_
    assert ax.get_xlabel() == "score"


def test_without_scores_curves_alone():
    (ax,) = RunsDisplay.from_records([run("a", losses=(1.0,))]).axs_
    assert ax.get_xlabel() == "epoch"


def test_on_the_callers_axes_twice(runs):
    figure, axs = plt.subplots(1, 2)
    display = RunsDisplay.from_records(runs, axs=axs)
    assert display.axs_ == list(axs)
    before = {label: dict(scores) for label, scores in display.scores.items()}
    display.plot(scoring=["ece"], axs=axs)
    assert display.scores == before
    assert display.figure_ is figure
    legend = [text.get_text() for text in axs[0].get_legend().get_texts()]
    assert legend == ["one", "two", "plain"]


def test_runs_without_a_name_are_told_apart():
    records = [run(None, scores={"cv": {"iou": 0.5}}, identity=f"x-{n}") for n in (1111, 2222)]
    display = RunsDisplay.from_records(records)
    assert list(display.scores) == ["UNetSegmenter 1111", "UNetSegmenter 2222"]


def test_more_runs_than_colours_differ_in_their_lines():
    records = [run(f"r{i}", losses=(1.0, 2.0)) for i in range(9)]
    (ax,) = RunsDisplay.from_records(records).axs_
    lines = [line for line in ax.get_lines() if len(line.get_xdata())]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9


def test_unusable_arguments(runs):
    with pytest.raises(InvalidTypeError, match=r"records must hold ExperimentRecords.*got int"):
        RunsDisplay.from_records([3])
    with pytest.raises(InvalidInputError, match=r"part must be a set .*test, train; got 'cv'"):
        RunsDisplay.from_records(runs, part="cv")
    with pytest.raises(InvalidInputError, match=r"scoring must name scores .*iou, ece; got 'dice'"):
        RunsDisplay.from_records(runs, scoring="dice")
    text = re.escape("column must be one of the histories, epoch, loss, val_loss; got 'x'.")
    with pytest.raises(InvalidInputError, match=text):
        RunsDisplay.from_records(runs, column="x")
    with pytest.raises(InvalidInputError, match=r"axs must hold 2 Axes, .*; got 1"):
        RunsDisplay.from_records(runs, axs=plt.subplots()[1])
    with pytest.raises(InvalidInputError, match="records must hold a run with a history or with"):
        RunsDisplay.from_records([])
