"""Slices, a segmenter and reports that the room's tests share."""

import pytest

from membseg import RidgeSegmenter, make_membranes, write_report

pytest.importorskip("matplotlib", reason="needs matplotlib, of the extra 'plot'")


@pytest.fixture(scope="session")
def stack():
    """Six synthetic slices and their masks."""
    return make_membranes(6, 64, 80, random_state=0)


@pytest.fixture(scope="session")
def segmenter(stack):
    """A cheap segmenter, fitted on the first two of them."""
    X, y = stack
    return RidgeSegmenter().fit(X[:2], y[:2])


@pytest.fixture(scope="session")
def judged(stack, segmenter, tmp_path_factory):
    """The files of a report with the truth."""
    X, y = stack
    path = tmp_path_factory.mktemp("judged") / "report.html"
    return write_report(
        path, segmenter, X[2:], y[2:], X_train=X[:2], y_train=y[:2], pixel_size=4.0,
        thickness=(8.0, 24.0), title="<b>Membranes</b> & 'cells'", notes="One line.\nAnother.",
        names=["a", "b", "</td><script>alert(1)</script>", 'd"'], n_resamples=50,
    )  # fmt: skip


@pytest.fixture(scope="session")
def blind(stack, segmenter, tmp_path_factory):
    """The files of a report without the truth."""
    path = tmp_path_factory.mktemp("blind") / "my report.html"
    return write_report(path, segmenter, stack[0][2:])
