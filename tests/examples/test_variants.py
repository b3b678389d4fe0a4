"""Comparisons of networks, of losses and regularisers, and few labels: rows, choices, tables."""

import json
import math
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

import membseg
from membseg import make_membranes, save_stack

pytestmark = pytest.mark.usefixtures("examples")


def peer(name):
    return import_module(f"peers.{name}")


def made_up(spec, v_rand=0.9, val_loss=0.2):
    """A row as if it had been run."""
    scores = dict.fromkeys(peer("variant_table").COLUMNS, 0.5)
    scores |= {"v_rand": v_rand, "threshold": 0.5, "predict_seconds": 0.5}
    return spec | {
        "fit_seconds": 8.0, "n_steps": 16, "peak_bytes": 2**30, "slice_pixels": 10**6,
        "details": {"n_parameters": 3 * 10**6, "patch": 256, "batch": 8, "val_loss": val_loss},
        "views": {"one view": scores, "eight views": scores | {"predict_seconds": 4.0}},
    }  # fmt: skip


@pytest.fixture
def example(data, tmp_path, monkeypatch):
    """Run an example with rows that are made up; gives the rows run and the JSON."""
    asked = []
    # Of a spec: what it scores.
    answers = SimpleNamespace(of=lambda spec: {})

    def run_row(script, spec, timeout):
        asked.append(spec)
        return made_up(spec, **answers.of(spec))

    monkeypatch.setattr(peer("variants"), "run_row", run_row)

    def run(script, *arguments, folder=data):
        asked.clear()
        output = tmp_path / "rows.json"
        arguments = ["--data", folder, "--output", output, *arguments]
        if script != "little_data":
            arguments += ["--figure", tmp_path / "rows.png"]
        import_module(script).main([*map(str, arguments)])
        return list(asked), json.loads(output.read_text())

    return SimpleNamespace(
        run=run, answers=answers, data=data, folder=tmp_path, monkeypatch=monkeypatch
    )


# ------------------------------------------------------------------------------- gaps and walls


def three_cells():
    """Cells of 10 x 10 pixels side by side, walls two pixels wide."""
    mask = np.zeros((1, 10, 34), bool)
    mask[:, :, [10, 11, 22, 23]] = True
    return mask


def gaps(truth, guess):
    return tuple(peer("gaps").count_gaps(truth, guess).values())


def test_gaps_and_walls_are_counted():
    truth = three_cells()
    assert gaps(truth, truth) == (0, 0)
    hole = truth.copy()
    hole[:, 4, 10:12] = False
    assert gaps(truth, hole) == (1, 0)
    # Another hole in the same wall joins nothing more.
    hole[:, 8, 10:12] = False
    assert gaps(truth, hole) == (1, 0)
    assert gaps(truth, np.zeros_like(truth)) == (2, 0)
    wall = hole.copy()
    wall[:, :, 28] = True
    assert gaps(truth, wall) == (1, 1)
    assert gaps(np.concatenate([truth, truth]), np.concatenate([truth, wall])) == (0.5, 0.5)


def test_slivers_and_specks_are_no_cells():
    truth = three_cells()
    # The line is drawn aside: a twentieth of the cell in the middle lies on the wrong side.
    aside = truth.copy()
    aside[:, :, 10:12] = False
    aside[:, :5, 12] = aside[:, 5:, 13] = True
    assert gaps(truth, aside) == (0, 0)
    speck = truth.copy()
    speck[:, :6, 12:18] = True
    speck[:, 1:5, 13:17] = False
    assert gaps(speck, truth) == (0, 0)


# ------------------------------------------------------------------------------------ the variants


def variants():
    rows = peer("little_rows")
    named = peer("networks").NETWORKS | peer("ablations").ABLATIONS | rows.SEMI | rows.TRANSFER
    return named.items()


def test_every_row_can_be_made():
    for name, variant in variants():
        segmenter = getattr(membseg, variant.segmenter)(**variant.options)
        segmenter._validate_params()
        assert variant.base in ("", *peer("ablations").ABLATIONS), name


def test_numbers_of_a_row():
    table = peer("variant_table")
    row = made_up({"row": "x", "seed": 0})
    numbers = table.numbers_of(row)
    # 16 steps of 8 patches, each a quarter of a slice, in 8 s.
    assert numbers["trained"] == 4
    assert (numbers["predicted_one"], numbers["predicted_eight"]) == (2, 0.25)
    assert (numbers["n_parameters"], numbers["peak_gb"]) == (3, 1)


def test_differences_are_taken_seed_by_seed():
    table = peer("variant_table")
    scores = {"a": {0: 0.5, 1: 0.7, 2: 0.9}, "b": {0: 0.4, 1: 0.5, 3: 0.1}}
    rows = {
        f"{name} {seed}": made_up({"row": name, "seed": seed}, v_rand=value)
        for name, of_seed in scores.items()
        for seed, value in of_seed.items()
    }
    rows["failed"] = {"row": "b", "seed": 2, "failed": "boom"}
    runs = table.collect(rows, ["b", "a", "c"])
    assert list(runs) == ["b", "a"]
    mean, error, n_seeds = table.difference(runs, "a", "b", "v_rand")
    assert (mean, error, n_seeds) == (pytest.approx(0.15), pytest.approx(0.05), 2)
    assert table.difference_cell(runs, "a", "b", "v_rand") == "+0.1500 (0.0500)"
    assert table.difference_cell(runs, "c", "b", "v_rand") == ""
    assert math.isnan(table.difference({"a": {0: {"x": 1}}, "b": {0: {"x": 2}}}, "a", "b", "x")[1])
    assert table.table_cells(runs, ["v_rand", "n_steps"])["a"] == ["0.7000 (0.2000)", "16"]


# ------------------------------------------------------------------------- what is run, and when


def test_networks_are_chosen_without_the_test_slices(example, capsys):
    losses = {"unet": 0.3, "fcn8": 0.1, "segnet": 0.2}
    # The test slices would say the opposite.
    example.answers.of = lambda spec: {
        "val_loss": losses[spec["row"]], "v_rand": losses[spec["row"]]
    }  # fmt: skip
    rows = ("--rows", *losses, "--time-limit", 30)
    asked, content = example.run("compare_networks", *rows)
    assert [(spec["row"], spec["seed"]) for spec in asked] == [(name, 0) for name in losses]
    assert asked[0]["train"] == list(range(19))
    assert asked[0]["test"] == [20, 21, 22, 23, 24]
    asked, content = example.run("compare_networks", *rows, "--best", 2, "--best-seeds", 0, 1)
    assert [(spec["row"], spec["seed"]) for spec in asked] == [("fcn8", 1), ("segnet", 1)]
    assert content["best"] == ["fcn8", "segnet"]
    printed = capsys.readouterr().out
    assert "best by validation loss: fcn8, segnet" in printed
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[-3:]] == [
        "| U-Net, pre-trained on synthetic slices", "| SegNet", "| FCN-8s",
    ]  # fmt: skip
    assert (example.folder / "rows.png").stat().st_size > 10_000
    asked, _ = example.run("compare_networks", *rows, "--again", "unet")
    assert [spec["row"] for spec in asked] == ["unet"]
    with pytest.raises(SystemExit, match="rows of other settings"):
        example.run("compare_networks")


def test_a_network_that_fails_is_named_and_not_chosen(example, capsys):
    example.monkeypatch.setattr(
        peer("variants"), "run_row", lambda script, spec, timeout: spec | {"failed": "boom"}
    )
    example.run("compare_networks", "--rows", "fcn8", "--best", 5)
    printed = capsys.readouterr().out
    assert "fcn8 300 s seed 0 failed: boom" in printed
    assert "best by validation loss: none" in printed
    assert not (example.folder / "rows.png").exists()


def test_changes_of_training_beside_the_default(example, capsys):
    example.answers.of = lambda spec: {"v_rand": 0.9 + 0.02 * (spec["row"] == "dice")}
    rows = ("--rows", "bce", "dice", "residual", "stochastic_depth=0.2")
    asked, _ = example.run("ablate_training", *rows, "--seeds", 0, 1)
    assert [(spec["row"], spec["seed"]) for spec in asked][3:5] == [
        ("stochastic_depth=0.2", 0), ("bce", 1),
    ]  # fmt: skip
    cells = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[-4:]]
    assert [row[0] for row in cells] == ["bce (the default)", *rows[2:]]
    assert [row[-3].strip() for row in cells] == [
        "", "+0.0200 (0.0000)", "", "+0.0000 (0.0000)",
    ]  # fmt: skip
    assert {row[-2] for row in cells} == {""}
    assert (example.folder / "rows.png").stat().st_size > 10_000


def test_changes_of_training_in_equal_steps_beside_their_costs(example, capsys):
    times = iter([0.2, 0.3, 0.1, 0.4])
    costs = peer("step_costs")
    example.monkeypatch.setattr(costs, "_seconds_per_step", lambda *row: next(times))
    path = example.folder / "costs.json"
    rows = ("--rows", "bce", "lovasz")
    main = import_module("ablate_training").main
    arguments = [str(a) for a in ("--data", example.data, *rows, "--time-steps", path)]
    # Two rounds; a second call times nothing again.
    main(arguments)
    main(arguments)
    assert costs.load_costs(path, "bce") == {"bce": 1.0, "lovasz": pytest.approx(3.0)}
    capsys.readouterr()
    asked, content = example.run("ablate_training", *rows, "--max-steps", 12, "--costs", path)
    assert [spec["max_steps"] for spec in asked] == [12, 12]
    assert content["settings"]["max_steps"] == 12
    printed = capsys.readouterr().out
    assert "\n12 steps, V_Rand" in printed
    assert [line.split(" | ")[-2] for line in printed.splitlines()[-2:]] == ["1.00", "3.00"]


def test_steps_take_the_place_of_seconds(example, data):
    asked = []
    variants = peer("variants")
    example.monkeypatch.setattr(variants, "train", lambda X, y, **options: asked.append(options))
    example.monkeypatch.setattr(variants, "judge", lambda trained, X, y: {})
    spec = {"data": str(data), "train": [0], "test": [1], "seed": 3, "time_limit": 9.0}
    weighed = variants.Variant("it", weighs_borders=True)
    variants.run_variant(spec | {"max_steps": 7}, weighed)
    variants.run_variant(spec, variants.Variant("it", {"dropout": 0.1}))
    assert asked[0].pop("sample_weight").shape == (1, 96, 96)
    same = {"seed": 3, "segmenter": "UNetSegmenter"}
    assert asked == [
        same | {"time_limit": None, "max_steps": 7},
        same | {"time_limit": 9.0, "sample_weight": None, "dropout": 0.1},
    ]


@pytest.fixture(scope="module")
def two_sets(tmp_path_factory):
    """Folders as of ISBI 2012 and of the FIB-SEM stack, of 5 and 4 slices."""
    folder = tmp_path_factory.mktemp("sets")
    X, y = make_membranes(5, 96, 96, random_state=0)
    for name, masks, values in (
        ("isbi2012", "label", 255 * (1 - y)),
        ("fibsem_medulla", "membrane_from_labels", 255 * y),
    ):
        (folder / name).mkdir()
        save_stack(folder / name / "image", X)
        save_stack(folder / name / masks, values)
    return folder


LITTLE = (
    "--train", "0-3", "--test", "4", "--label-slices", "0,1,3", "--far-slices", "0,1,2",
    "--far-test", "4", "--seeds", "0", "1",
)  # fmt: skip


def test_few_labels_are_others_with_every_seed(example, two_sets, capsys):
    better = ("pseudo_labels", "tuned")
    example.answers.of = lambda spec: {"v_rand": 0.9 + 0.02 * (spec["row"] in better)}
    asked, _ = example.run("little_data", *LITTLE, folder=two_sets)
    rows = peer("little_rows")
    assert [spec["row"] for spec in asked] == [*rows.SEMI] * 2 + ["source"] + [*rows.TRANSFER] * 2
    assert [spec["train"] for spec in asked[::3][:2]] == [[0, 1], [1, 3]]
    assert asked[0]["pool"] == asked[6]["train"] == [0, 1, 2, 3]
    assert [spec["time_limit"] for spec in asked[5:8]] == [60, 120, 30]
    assert asked[7]["source"] == asked[6]["source"]
    printed = capsys.readouterr().out
    assert "| pseudo-labels | +0.0200 (0.0000)" in printed
    assert printed.count("| weights of ISBI 2012 | +0.0200 (0.0000)") == 2
    # The source's file is missing, so that it alone is run again.
    asked, _ = example.run("little_data", *LITTLE, folder=two_sets)
    assert [spec["row"] for spec in asked] == ["source"]
    (example.folder / "rows.source.pkl").write_bytes(b"")
    assert example.run("little_data", *LITTLE, folder=two_sets)[0] == []


def test_transfer_is_left_out_without_the_other_set(example, capsys):
    asked, content = example.run("little_data", "--seeds", 0)
    assert [spec["row"] for spec in asked] == ["labelled", "mean_teacher", "pseudo_labels"]
    assert "no such folder" in content["left_out"]["transfer"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label-slices", "2,21"], "must be among --train; [21] are not"),
        (["--far-slices", "3,40"], "must not share slices; both hold [40]"),
    ],
)
def test_few_labels_refuse_what_would_mislead(arguments, message, data, capsys):
    with pytest.raises(SystemExit, match="2"):
        import_module("little_data").parse_arguments(["--data", str(data), *arguments])
    assert message in capsys.readouterr().err


def test_slices_without_labels(two_sets):
    spec = {"data": str(two_sets), "pool": [0, 1, 3], "train": [3, 0]}
    X, y = peer("little_rows").partly_labelled(spec)
    made, lines = make_membranes(5, 96, 96, random_state=0)
    assert np.array_equal(X, made[[0, 1, 3]])
    assert y.dtype == np.int8
    assert (y[1] == -1).all()
    assert np.array_equal(y[[0, 2]], lines[[0, 3]])
    _, masks = peer("slices").load_slices(two_sets, [2], "fibsem_medulla")
    assert np.array_equal(masks, lines[[2]] > 0)


# ------------------------------------------------------------------------------- from end to end


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ("compare_networks.py", ("unet", "segnet")),
        ("ablate_training.py", ("bce", "border_weights")),
    ],
)
def test_variants_from_end_to_end(run_example, data, tmp_path, script, rows):
    arguments = ("--data", data, "--train", "0-3", "--rows", *rows, "--time-limit", 5)
    output = run_example(script, *arguments)
    (path,) = (tmp_path / "out").glob("*.json")
    content = json.loads(path.read_text())
    assert "failed" not in output
    for row in content["rows"].values():
        assert row["details"]["val_loss"] > 0
        assert row["views"]["eight views"]["gaps"] >= 0
    (figure,) = (tmp_path / "out").glob("*.png")
    assert figure.stat().st_size > 10_000
    assert run_example(script, *arguments).strip() == output.partition("\n\n")[2].strip()


@pytest.mark.slow
def test_little_data_from_end_to_end(run_example, two_sets, tmp_path):
    limits = ("--time-limit", 5, "--source-time-limit", 5, "--tune-time-limit", 5)
    some = ("--rows", "mean_teacher", "tuned")
    output = run_example("little_data.py", "--data", two_sets, *LITTLE[:-1], *some, *limits)
    assert "failed" not in output
    rows = json.loads((tmp_path / "out/little_data.json").read_text())["rows"]
    assert len(rows) == 3
    assert (tmp_path / "out/little_data.source.pkl").stat().st_size > 10**5
