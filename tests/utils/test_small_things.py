"""Random streams, optional imports, and warnings that point at the user."""

import re
import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from membseg import CalibratedSegmenter, CellSegmenter, EnsembleSegmenter, UNetSegmenter
from membseg.exceptions import DataWarning, InvalidInputError, MissingDependencyError
from membseg.preprocessing import CLAHE
from membseg.utils import import_optional, make_rng, restore_layout, warn_user, write_line
from membseg.utils._one_view import set_one_view


def test_same_integer_same_stream_and_global_state_untouched():
    np.random.seed(3)
    expected = np.random.random(4)
    np.random.seed(3)
    draws = [make_rng(5).random(3) for _ in range(2)]
    make_rng(None).random(3)
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(np.random.random(4), expected)


def test_generators_and_random_states():
    rng = np.random.default_rng(0)
    assert make_rng(rng) is rng
    a, b = (make_rng(np.random.RandomState(1)).random() for _ in range(2))
    assert a == b


def test_anything_else_is_refused():
    message = "random_state must be None, an int, a numpy Generator or a numpy RandomState; got 'x'"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        make_rng("x")


def test_missing_package_names_its_extra():
    message = (
        "Drawing fish needs the package 'no_such_package', which is not installed. "
        "Install it with: pip install 'membseg[plot]'"
    )
    with pytest.raises(MissingDependencyError, match=re.escape(message)):
        import_optional("no_such_package.sub", extra="plot", purpose="Drawing fish")


def test_warnings_point_at_the_users_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_user("look", DataWarning)
    assert caught[0].filename == __file__


def test_results_go_back_as_they_came():
    parts = [np.zeros((2, 3)), np.ones((2, 3))]
    assert restore_layout(parts, as_list=True) is parts
    assert restore_layout(parts, as_list=False).shape == (2, 2, 3)


def test_lines_are_written_at_once(capsys):
    write_line("epoch 1")
    assert capsys.readouterr().out == "epoch 1\n"


def test_one_view_is_set_in_all_that_is_inside():
    ensemble = EnsembleSegmenter(UNetSegmenter())
    ensemble.estimators_ = [UNetSegmenter(tta="d4"), UNetSegmenter(tta="flips")]
    pipeline = make_pipeline(CLAHE(), CellSegmenter(CalibratedSegmenter(ensemble)))
    set_one_view(pipeline)
    assert [member.tta for member in ensemble.estimators_] == ["none", "none"]
