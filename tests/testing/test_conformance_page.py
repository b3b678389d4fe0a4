"""The page of the suite is true: its example runs, and its tables list what there is."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn
from sklearn.utils import estimator_checks

from membseg.testing._suite import ALL_CHECKS, OWN_CHECKS, SKLEARN_CHECKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conformance.md").read_text("utf-8")


def names_in(text):
    return re.findall(r"`(check_\w+)`", text)


def rows_below(heading):
    """Give the cells of the table below a heading, without its first two lines."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(heading)]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def checks_of_sklearn():
    """Read the names of all checks that check_estimator may run from its generators."""
    names = set()
    for function in ast.parse(inspect.getsource(estimator_checks)).body:
        if isinstance(function, ast.FunctionDef) and (
            function.name.startswith("_yield") or function.name == "estimator_checks_generator"
        ):
            names |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    return {n for n in names if n.startswith("check_") and hasattr(estimator_checks, n)}


def test_every_check_of_ours_is_listed_with_what_it_says():
    listed = [(names_in(name)[0], text) for name, text in rows_below("What is checked")]
    assert listed == [(n, inspect.getdoc(c).splitlines()[0]) for n, c in OWN_CHECKS.items()]


def test_every_check_of_sklearn_is_listed_once():
    listed = [name for names, _ in rows_below("scikit-learn's checks") for name in names_in(names)]
    installed = checks_of_sklearn()
    assert {"check_estimator_cloneable", "check_dict_unchanged", "check_clustering"} <= installed
    assert len(listed) == len(set(listed))
    # A check that is new in scikit-learn must be put into the table, whatever the version. One that
    # an older or a newer version has not got does no harm there.
    assert installed - set(listed) == set()
    if sklearn.__version__.startswith("1.9."):
        assert set(listed) - installed == set()


def test_what_the_table_says_of_them_is_true():
    rows = rows_below("scikit-learn's checks")
    used = {name for names, here in rows if here == "used" for name in names_in(names)}
    assert used == set(SKLEARN_CHECKS)
    for _, here in rows:
        assert re.match(r"used$|replaced by `check_|not applicable: \w", here)
        assert set(names_in(here)) <= set(OWN_CHECKS)


def test_other_checks_that_are_named_exist():
    suites = {"check_estimator", "check_segmenter"}
    assert set(names_in(PAGE)) - checks_of_sklearn() - set(ALL_CHECKS) == suites
    assert set(re.findall(r'\{"(check_\w+)":', PAGE)) == {"check_colour_images"}


@pytest.mark.slow
def test_the_example_is_a_file_of_tests_that_pass(tmp_path):
    code = re.search(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "test_darkness.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_darkness.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # Two estimators; no constraints, max_iter, weights (three checks) and ignore_label.
    passed, skipped = map(int, re.search(r"(\d+) passed, (\d+) skipped", done.stdout).groups())
    assert passed + skipped == 2 * len(ALL_CHECKS)
    assert skipped == 2 * 6
