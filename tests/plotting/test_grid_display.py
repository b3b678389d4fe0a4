"""What is drawn are the slices, the worst first."""

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes
from membseg.exceptions import InvalidInputError
from membseg.metrics import brier_loss, iou_score
from membseg.plotting import GridDisplay
from membseg.plotting._colours import AGREEMENT

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def slices():
    return make_membranes(5, 48, 48, random_state=0)


@pytest.fixture(scope="module")
def segmenter(slices):
    X, y = slices
    return RidgeSegmenter().fit(X[:1], y[:1])


def titles(display):
    return [ax.get_title() for ax in display.axs_]


def test_worst_first(slices, segmenter, check_readable):
    X, y = slices
    display = GridDisplay.from_estimator(segmenter, X, y, pixel_size=4.0)
    guess = segmenter.predict(X)
    scores = [iou_score(y[i : i + 1], guess[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(display.scores, scores)
    order = np.argsort(scores).tolist()
    assert display.order_ == order
    assert titles(display) == [f"{i}: iou {scores[i]:.3f}" for i in order]
    legend = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert legend == list(AGREEMENT)
    check_readable(display.figure_)


def test_losses_are_sorted_the_other_way(slices, segmenter):
    X, y = slices
    display = GridDisplay.from_estimator(segmenter, X, y, scoring="brier", max_images=2)
    maps = segmenter.predict_membrane(X)
    losses = [brier_loss(y[i : i + 1], maps[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(display.scores, losses)
    assert display.order_ == np.argsort(losses)[::-1][:2].tolist()
    assert len(display.axs_) == 2


def test_without_the_truth_images_keep_their_order(slices, segmenter):
    X, y = slices
    display = GridDisplay.from_estimator(segmenter, X)
    assert titles(display) == [f"slice {i}" for i in range(5)]
    assert display.figure_.legends == []
    blind = GridDisplay(X, y, scores=[0.5, np.nan, 0.25, 1.0, 0.75]).plot(max_images=5)
    assert blind.order_ == [2, 0, 4, 3, 1]
    assert titles(blind)[0] == "2: 0.250"


def test_from_predictions_of_any_values_and_sizes(slices):
    X, y = slices
    inverted = [np.where(mask == 1, 0, 255) for mask in y]
    pool, parts = [X[0], X[1][:32]], [inverted[0], inverted[1][:32]]
    wrong = [parts[0], 255 - parts[1]]
    _, ax = plt.subplots()
    display = GridDisplay.from_predictions(pool, wrong, parts, membrane_label=0, ax=ax)
    assert display.order_ == [1, 0]
    assert display.scores[0] == 1
    shapes = [panel.get_images()[0].get_array().shape[:2] for panel in display.axs_]
    assert shapes == [(32, 48), (48, 48)]


def test_unusable_arguments(slices):
    X, y = slices
    with pytest.raises(InvalidInputError, match="scoring must judge masks; got 'brier', which ju"):
        GridDisplay.from_predictions(X, y, y, scoring="brier")
    with pytest.raises(InvalidInputError, match="max_images must be at least 1; got 0"):
        GridDisplay(X, y).plot(max_images=0)
    with pytest.raises(InvalidInputError, match="scores must hold one for each image of X, 5; got"):
        GridDisplay(X, y, scores=[1]).plot()
    with pytest.raises(InvalidInputError, match="y_true and y_pred must hold the same number of"):
        GridDisplay.from_predictions(X, y[:2], y)
    with pytest.raises(InvalidInputError, match=r"y_pred\[0\] must be of the image's height"):
        GridDisplay(X, y[:, :5]).plot()
