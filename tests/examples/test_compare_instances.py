"""The comparison of cells, and how long they take: rows, maps, tables."""

import json
from importlib import import_module

import numpy as np
import pytest

from membseg import make_membranes, metrics

pytestmark = pytest.mark.usefixtures("examples")


def peer(name):
    return import_module(f"peers.{name}")


def made_up(spec):
    """A row as if it had been run."""
    if spec["job"] == "maps":
        return spec | {"threshold": 0.3, "n_steps": 2, "seconds": 1.0}
    scores = dict.fromkeys(peer("instance_rows").SCORES, 0.5)
    return spec | scores | {
        "n_true": 9, "n_found": 8, "seconds_per_slice": 0.1, "fit_seconds": 0.2,
        "parameters": {"threshold": 0.3},
    }  # fmt: skip


@pytest.fixture
def compare(data, tmp_path, monkeypatch):
    """Run the comparison with rows that are made up; gives what was asked for and the JSON."""
    script = import_module("compare_instances")
    asked = []

    def run_row(_, spec, timeout):
        asked.append(spec)
        if spec["job"] == "maps":
            path = peer("instance_maps").map_file(spec, spec["part"])
            path.parent.mkdir(exist_ok=True)
            path.touch()
        return made_up(spec)

    monkeypatch.setattr(script, "run_row", run_row)

    def run(*arguments):
        asked.clear()
        output = tmp_path / "cells.json"
        script.main(["--data", str(data), "--output", str(output), *map(str, arguments)])
        return list(asked), json.loads(output.read_text())

    return run


def test_maps_are_made_once_and_rows_are_not_run_again(compare, tmp_path, capsys):
    rows = ["watershed", "watershed_tuned", "forest_watershed"]
    asked, content = compare("--rows", *rows, "--folds", 2)
    assert [spec.get("row", (spec.get("net"), spec.get("part"))) for spec in asked] == [
        ("unet", "test"), ("unet", "fold 0"), ("unet", "fold 1"), ("forest", "test"), *rows,
    ]  # fmt: skip
    assert {*rows} < {*content["rows"]}
    assert "data" not in content["rows"]["watershed"]
    assert (tmp_path / "cells.png").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert "| U-Net, watershed, tuned | 0.500 |" in printed
    again, _ = compare("--rows", *rows, "agglomerate", "--folds", 2, "--again", "watershed")
    assert [spec["row"] for spec in again] == ["watershed", "agglomerate"]
    # Maps whose file is gone are made again.
    next((tmp_path / "cells_maps").glob("*fold_1*")).unlink()
    once_more, _ = compare("--rows", *rows, "--folds", 2)
    assert [spec["part"] for spec in once_more] == ["fold 1"]


def test_mask_rcnn_stands_beside_them_where_there_is_one(compare, monkeypatch):
    rows = import_module("compare_instances")
    monkeypatch.setattr(rows, "RCNN", "NoSuchSegmenter")
    asked, content = compare("--rows", "mask_rcnn")
    assert not asked
    assert content["left_out"] == {"mask_rcnn": "this version has no NoSuchSegmenter"}
    monkeypatch.setattr(rows, "RCNN", "UNetSegmenter")
    asked, _ = compare("--rows", "mask_rcnn")
    assert [spec["row"] for spec in asked] == ["mask_rcnn"]


def test_parts_share_no_slice_and_leave_one_out():
    parts = peer("instance_maps").list_parts([*range(10)], [20, 21], 3)
    assert parts["test"] == ([*range(10)], [20, 21])
    folds = [parts[f"fold {k}"] for k in range(3)]
    assert sorted(place for _, look in folds for place in look) == [*range(10)]
    for learn, look in folds:
        assert min(abs(a - b) for a in learn for b in look) == 2


def test_kept_maps_are_given_back_and_tuned_on(tmp_path):
    maps, rows = peer("instance_maps"), peer("instance_rows")
    _, y = make_membranes(3, 64, 64, difficulty=0.1, random_state=0)
    spec = {
        "set": "isbi2012", "net": "unet", "maps": str(tmp_path), "tune": "panoptic_quality",
        "parts": {"test": [[0, 1], [2]], "fold 0": [[1], [0]], "fold 1": [[0], [1]]},
    }  # fmt: skip
    prob = np.clip(0.1 + 0.8 * y, 0, 1).astype(np.float32)
    for part, look in (("test", [2]), ("fold 0", [0]), ("fold 1", [1])):
        np.savez(maps.map_file(spec, part), maps=prob[look], y=y[look], threshold=0.5)
    given, masks = maps.load_fold_maps(spec)
    np.testing.assert_array_equal(masks, y[:2])
    kept = maps.KeptMaps(0.3).fit(given, masks)
    np.testing.assert_allclose(kept.predict_membrane(given), given, atol=1e-6)
    assert kept.threshold_ == 0.3
    for name in ("watershed", "agglomerate_tuned"):
        found, labels, scores = rows._find_of_maps(spec, rows.MAKERS[name])
        judged = rows.judge_cells(y[2:], labels, scores)
        assert judged["ap50"] > 0.8
        assert judged["v_rand"] > 0.8
        assert set(found["parameters"]) == {
            "threshold",
            "wall_threshold",
            "seed_distance",
            "merge_threshold",
        }


def test_touching_cells_are_apart_in_masks():
    labels = np.zeros((1, 8, 9), int)
    labels[0, :, :3], labels[0, :4, 3:], labels[0, 5:, 3:] = 1, 2, 3
    mask = peer("instance_rows").as_masks(labels)
    assert mask.dtype.kind == "i"
    components = metrics.label_components(mask, min_size=1)
    assert components.max() == 3
    assert mask[0, :, 2].tolist() == [1, 1, 1, 1, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epitools"], "there is no folder"),
        (["--train", "0-5", "--test", "5-6"], "must not share slices; both hold [5]"),
    ],
)
def test_sets_that_cannot_be_used(data, capsys, arguments, message):
    with pytest.raises(SystemExit):
        import_module("compare_instances").parse_arguments(["--data", str(data), *arguments])
    assert message in capsys.readouterr().err


def test_sets_are_loaded_with_membranes_one(data):
    X, y = peer("instance_sets").load_set(data, "isbi2012", [3, 1])
    made, lines = make_membranes(25, 96, 96, random_state=0)
    np.testing.assert_array_equal(X, made[[3, 1]])
    np.testing.assert_array_equal(y, lines[[3, 1]])


@pytest.mark.slow
def test_tiny_comparison(run_example, data, tmp_path):
    arguments = [
        "--data", data, "--train", "0-5", "--test", "20", "--folds", "2", "--max-steps", "2",
        "--rows", "watershed", "agglomerate_tuned", "forest_watershed",
        "--output", tmp_path / "cells.json",
    ]  # fmt: skip
    printed = run_example("compare_instances.py", *arguments)
    rows = json.loads((tmp_path / "cells.json").read_text())["rows"]
    assert not [key for key in rows if "failed" in rows[key]]
    for row in ("watershed", "agglomerate_tuned", "forest_watershed"):
        assert f"{rows[row]['v_rand']:.4f}" in printed


@pytest.mark.slow
def test_how_long_cells_take(run_example, tmp_path):
    output = tmp_path / "speed.json"
    printed = run_example(
        "benchmark_instances.py", "--side", "96", "--cells", "5", "--output", output
    )
    rows = json.loads(output.read_text())["rows"]
    assert not [key for key in rows if "failed" in rows[key]]
    assert rows["match"]["n_cells"] == 25
    assert "| label_cells, agglomerate, 96 px |" in printed
