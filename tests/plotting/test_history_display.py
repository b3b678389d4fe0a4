"""What is drawn is what fit kept."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from membseg import RidgeSegmenter, UNetSegmenter, make_membranes
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.plotting import HistoryDisplay

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib, of the extra 'plot'")

HISTORY = [
    {"epoch": 1, "learning_rate": 1e-3, "loss": 0.6, "val_loss": 0.7, "val_iou": 0.1},
    {"epoch": 2, "learning_rate": 1e-4, "loss": 0.3, "val_loss": 0.4, "val_iou": 0.5},
    {"epoch": 3, "learning_rate": 1e-5, "loss": 0.2, "val_loss": None, "val_iou": 0.4},
]


class Learner(BaseEstimator):
    """What a network keeps of its training."""

    def fit(self, X, y):
        return self


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def curves(ax):
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in ax.get_lines()
    }


def test_losses_scores_and_learning_rate(check_readable):
    display = HistoryDisplay(HISTORY, best_epoch=2, name="net").plot()
    losses, scores, rate = display.axs_
    assert curves(losses)["training"] == ([1, 2, 3], [0.6, 0.3, 0.2])
    assert curves(losses)["validation"] == ([1, 2], [0.7, 0.4])
    assert curves(losses)["kept, epoch 2"][0] == [2, 2]
    assert curves(scores)["iou"] == ([1, 2, 3], [0.1, 0.5, 0.4])
    assert ([1, 2, 3], [1e-3, 1e-4, 1e-5]) in curves(rate).values()
    assert [ax.get_ylabel() for ax in display.axs_] == ["loss", "validation score", "learning rate"]
    assert losses.get_title() == "net"
    assert display.ax_ is losses
    check_readable(display.figure_)


def test_what_is_not_there_is_not_drawn():
    (ax,) = HistoryDisplay([{"loss": 0.5}, {"loss": 0.25}]).plot().axs_
    assert curves(ax) == {"training": ([1, 2], [0.5, 0.25])}
    assert ax.get_xlabel() == "epoch"


def test_the_callers_axes():
    _, axs = plt.subplots(3, 1)
    assert HistoryDisplay(HISTORY).plot(ax=axs).axs_ == list(axs)
    assert len(HistoryDisplay(HISTORY).plot(ax=axs[0]).axs_) == 3


def test_from_estimator():
    network = Learner()
    network.history_, network.best_epoch_ = HISTORY, 2
    display = HistoryDisplay.from_estimator(make_pipeline("passthrough", network))
    assert display.history is network.history_
    assert display.best_epoch == 2
    assert display.ax_.get_title() == "Learner"
    assert HistoryDisplay.from_estimator(network, name="mine").ax_.get_title() == "mine"


def test_unusable_arguments():
    with pytest.raises(InvalidInputError, match=r"history must hold a row an epoch .* no epoch\."):
        HistoryDisplay([]).plot()
    with pytest.raises(NotFittedError):
        HistoryDisplay.from_estimator(UNetSegmenter())
    X, y = make_membranes(2, 32, 32, random_state=0)
    with pytest.raises(
        InvalidTypeError, match="estimator must be a network with a history_; Ridge"
    ):
        HistoryDisplay.from_estimator(RidgeSegmenter().fit(X, y))
