"""The benchmark of blind quality: what it spoils, learns, keeps and sums up."""

import json
from importlib import import_module

import numpy as np
import pytest

from membseg import RidgeSegmenter, make_membranes

pytestmark = pytest.mark.usefixtures("examples")


@pytest.fixture
def blind(data, tmp_path, monkeypatch):
    """Run the benchmark with baselines in place of networks; gives the JSON."""
    module = import_module("benchmark_quality_blind")
    monkeypatch.setattr(
        module, "network", lambda steps, arguments, seed: RidgeSegmenter(scale=1 + steps)
    )

    def run(*more):
        output = tmp_path / "blind.json"
        few = ["--train", "0-4", "--test", "8-9", "--steps", "0", "2", "--planted", "2"]
        module.main([*map(str, ["--data", data, *few, "--output", output, *more])])
        return json.loads(output.read_text())["rows"]

    return run


@pytest.mark.slow
def test_rows_are_made_once(blind, capsys):
    rows = blind("--judges", "mask")
    assert set(rows) == {"truth", "mask"}
    truth, found = rows["truth"], rows["mask"]
    kinds = set(truth) - {"labelled"}
    assert {"all cell", "eroded 1", "dilated 4", "network 0", "network 2"} <= kinds
    assert set(found["v_rand_predicted"]) == kinds
    assert all(len(v) == 2 for v in found["v_rand_predicted"].values())
    assert set(found["summary"]) >= {"v_rand", "v_rand_checkpoints", "thickness_dice"}
    assert found["summary"]["v_rand"] > 0.3
    rows = blind("--judges", "mask", "network")
    assert rows["mask"] == found
    assert rows["network"]["skill"]["v_rand"]["mae_own"] >= 0
    assert "thickness, labelled" in capsys.readouterr().out


def test_masks_are_spoilt_as_said():
    module = import_module("benchmark_quality_blind")
    y = make_membranes(3, 96, 96, random_state=0)[1].astype(bool)
    found = dict(module.spoil(y, np.random.default_rng(0)))
    assert found["eroded 2"].sum() < found["eroded 1"].sum() < y.sum()
    assert y.sum() < found["dilated 1"].sum() < found["dilated 4"].sum()
    assert found["shifted 3"][0, 3:, :-3].tolist() == y[0, :-3, 3:].tolist()
    assert not found["all cell"].any()
    for kind, more in (("gaps 0.01", False), ("specks 0.01", True)):
        changed = found[kind] != y
        assert changed.any()
        assert (found[kind][changed] == more).all()
    assert [m.shape for m in found.values()] == [y.shape] * len(found)


def test_rank_correlations():
    module = import_module("benchmark_quality_blind")
    kinds = ["eroded 1", "dilated 1", "network 2", "network 9"]
    values = dict(zip(kinds, [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8]], strict=True))
    truth = {k: {"v_rand": v, "iou": v, "dice": v} for k, v in values.items()}
    z = {k: [-5.0 * (1 - x) for x in v] for k, v in values.items()}
    z["eroded 1"][0] = None
    row = {"v_rand_predicted": values, "iou_predicted": values, "thickness_z": z}
    found = module.summarise(truth, row)
    assert found.pop("v_rand_mae") == 0
    assert set(map(float, np.round(list(found.values()), 9))) == {1.0}
