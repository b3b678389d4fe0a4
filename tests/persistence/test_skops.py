"""skops.io, another way to keep estimators without pickle, works on each of them."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

skops_io = pytest.importorskip("skops.io")

#: What skops does not trust by itself, besides membseg's own classes: splitters and grown trees of
#: scikit-learn's, and the scorer in a search.
OF_SKLEARN = {
    "sklearn.model_selection._split.KFold",
    "sklearn.tree._tree.Tree",
    "sklearn.metrics._scorer._PassthroughScorer",
}


def read_list():
    """Read the estimators of the conformance tests."""
    path = Path(__file__).parents[1] / "testing" / "test_estimators.py"
    spec = importlib.util.spec_from_file_location("listed_estimators", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # A function in a test's module is nothing that skops can find again.
    quick = [e for e in module.QUICK if type(e).__name__ != "KerasSegmenter"]
    return quick, module.SLOW, module.make_slices()


QUICK, SLOW, (X, Y) = read_list()


def name_of(estimator):
    return f"{type(estimator).__name__}-{getattr(estimator, 'strategy', '')}"


def check(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of three slices that prove little
        fitted = estimator.fit(X, Y)
    content = skops_io.dumps(fitted)
    unknown = set(skops_io.get_untrusted_types(data=content))
    assert {name for name in unknown if not name.startswith("membseg.")} <= OF_SKLEARN
    loaded = skops_io.loads(content, trusted=sorted(unknown))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


@pytest.mark.parametrize("estimator", QUICK, ids=name_of)
def test_quick_ones(estimator):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SLOW, ids=name_of)
def test_larger_ones(estimator):
    check(estimator)


@pytest.mark.parametrize("name", ["sigmoid", "isotonic", "beta", "local", "logistic pixels"])
def test_curves_and_classifiers(name, plain, slices):
    content = skops_io.dumps(plain[name])
    unknown = set(skops_io.get_untrusted_types(data=content))
    assert {name for name in unknown if not name.startswith("membseg.")} <= OF_SKLEARN
    loaded = skops_io.loads(content, trusted=sorted(unknown))
    np.testing.assert_array_equal(
        loaded.predict_proba(slices[0]), plain[name].predict_proba(slices[0])
    )
