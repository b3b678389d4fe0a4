"""Files of the first format load in every later version."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import membseg
from membseg import make_membranes
from membseg.exceptions import ModelFileWarning

DATA = Path(__file__).with_name("data")
NAMES = ["calibrated", "ensemble", "forest", "own", "pipeline", "stack_unet", "tuned", "unet"]


def load(name):
    with warnings.catch_warnings():
        # Later versions may say that they are others.
        warnings.simplefilter("ignore", ModelFileWarning)
        return membseg.load(DATA / f"format1_{name}.membseg")


def test_all_files_are_there_and_small():
    files = sorted(DATA.glob("format1_*.membseg"))
    assert [path.stem.removeprefix("format1_") for path in files] == NAMES
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 300_000


@pytest.mark.parametrize("name", NAMES)
def test_it_predicts_what_it_did(name):
    X, y = make_membranes(4, 32, 32, random_state=0)
    segmenter = load(name)
    with np.load(DATA / "format1_maps.npz") as maps:
        expected = maps[name]
    # Not bit by bit: processors round differently.
    got = segmenter.predict_proba(X[:2])[:, 1]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert segmenter.predict(X).dtype == y.dtype


@pytest.mark.parametrize("name", ["unet", "stack_unet", "own"])
def test_history_and_parameters_are_there(name):
    segmenter = load(name)
    assert segmenter.history_[-1]["step"] == segmenter.n_steps_ > 0
    assert segmenter.get_params()["tta"] == "none"
    assert segmenter.threshold_ == 0.5
