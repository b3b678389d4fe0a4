"""What makes two fits the same fit."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from membseg import KerasSegmenter, UNetSegmenter, make_membranes
from membseg.segmenters._fit_identity import (
    FREE_PARAMETERS,
    differences,
    fit_identity,
    identity_key,
)
from membseg.segmenters._fit_inputs import check_fit_inputs

CODE = """
from membseg import UNetSegmenter, make_membranes
from membseg.segmenters._fit_identity import fit_identity, identity_key
from membseg.segmenters._fit_inputs import check_fit_inputs
inputs = check_fit_inputs(*make_membranes(3, 32, 32, random_state=0))
print(identity_key(fit_identity(UNetSegmenter(), inputs)))
"""


@pytest.fixture(scope="module")
def slices():
    return make_membranes(3, 32, 32, random_state=0)


def identity_of(segmenter, *data, **options):
    return fit_identity(segmenter, check_fit_inputs(*data, **options))


def build_one(n_channels, width=1):
    raise AssertionError("nobody builds it")


def build_other(n_channels):
    raise AssertionError("nobody builds it")


@pytest.mark.slow
def test_it_is_the_same_in_every_process(slices):
    key = identity_key(identity_of(UNetSegmenter(), *slices))
    assert len(key) == 16
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == key


def test_equal_inputs_are_equal_however_they_come(slices):
    X, y = slices
    plain = identity_of(UNetSegmenter(learning_rate=0.5, batch_size=4), X, y)
    for segmenter, data in (
        (UNetSegmenter(learning_rate=np.float64(0.5), batch_size=np.int64(4)), (X, y)),
        (UNetSegmenter(learning_rate=0.5, batch_size=4), (list(X), list(y))),
        (UNetSegmenter(learning_rate=0.5, batch_size=4), (X.astype(float), 255 * y)),
        (UNetSegmenter(learning_rate=0.5, batch_size=4, warm_start=True), (X, y)),
    ):
        assert differences(plain, identity_of(segmenter, *data)) == []
    assert json.loads(json.dumps(plain)) == plain


def test_every_parameter_counts_but_those_that_are_free(slices):
    names = set(UNetSegmenter().get_params())
    assert FREE_PARAMETERS.issubset(names)
    identity = identity_of(UNetSegmenter(time_limit=3), *slices)
    assert set(identity["parameters"]) == names - FREE_PARAMETERS
    assert differences(identity, identity_of(UNetSegmenter(time_limit=4), *slices)) == []


def test_differences_are_told_with_both_values(slices):
    X, y = slices
    here = identity_of(UNetSegmenter(loss="bce", random_state=3), X, y)
    there = identity_of(UNetSegmenter(loss="dice", random_state=np.random.default_rng(3)), X, y)
    assert differences(here, there) == [
        "loss ('dice' there, 'bce' here)",
        "random_state (numpy.random._generator.Generator there, 3 here)",
    ]
    there = identity_of(UNetSegmenter(loss="bce", random_state=3), X[:2], y[:2])
    assert differences(here, there) == ["X", "y"]
    assert differences(here, {}) != []
    told = differences(here, here | {"versions": here["versions"] | {"keras": "1.0"}})
    assert len(told) == 1
    assert told[0].startswith("keras (1.0 there, 3.")


def test_functions_are_known_by_their_names_and_arguments(slices):
    builders = [build_one, build_other, partial(build_one, width=2), partial(build_one, width=3)]
    keys = {identity_key(identity_of(KerasSegmenter(build), *slices)) for build in builders}
    assert len(keys) == 4
