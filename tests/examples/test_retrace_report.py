"""The retraced study: readings from their definitions, what explains a number, the whole script."""

import json
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

pytestmark = pytest.mark.usefixtures("examples")


def peer(name):
    return import_module(f"peers.retrace_{name}")


@pytest.fixture
def drawn():
    """Maps of cell that are somewhat right, and their masks."""
    rng = np.random.default_rng(0)
    cells = rng.random((3, 8, 8)) < 0.7
    maps = np.clip(cells + rng.normal(0, 0.5, cells.shape), 0, 1).astype(np.float32)
    return maps, cells


def read(maps, cells, threshold=0.5):
    return peer("readings").read_all(maps, cells, threshold)


# --------------------------------------------------------------------------------------- readings


def test_masks_are_read_as_scikit_learn_reads_them(drawn):
    maps, cells = drawn
    truth, guess = cells.ravel(), maps.ravel() > 0.5
    found = read(maps, cells)["mask"]
    recalls = [recall_score(truth, guess, pos_label=value) for value in (True, False)]
    shares = [jaccard_score(truth, guess, pos_label=value) for value in (True, False)]
    assert found["accuracy"] == pytest.approx(
        {
            "cell": recalls[0],
            "membrane": recalls[1],
            "mean": np.mean(recalls),
            "pooled": accuracy_score(truth, guess),
        }
    )
    assert found["iou"] == pytest.approx(
        {
            "cell": shares[0],
            "membrane": shares[1],
            "mean": jaccard_score(truth, guess, average="macro"),
            "pooled": jaccard_score(truth, guess, average="micro"),
        }
    )


def test_masks_are_cut_where_membrane_reaches_the_threshold():
    maps = np.array([[[0.2, 0.25, 0.5, 0.75, 1.0]]], np.float32)
    assert peer("readings").cut(maps, 0.5).tolist() == [[[False, False, False, True, True]]]
    assert peer("readings").cut(maps, 0.75).tolist() == [[[False, False, True, True, True]]]


#: Probabilities, where a pixel equals 1 only if it is 1.
MAPS = np.array([[[1.0, 0.999, 0.9, 0.0, 0.001, 0.4]]], np.float32)
CELLS = np.array([[[True, True, True, False, False, False]]])


@pytest.mark.parametrize(
    ("treatment", "cell", "membrane"),
    [
        ("mask", 3, 3),
        ("map", 1, 1),
        # Rounded, 0.999 is level 255 and 0.001 is level 0.
        ("picture", 2, 2),
        ("picture_cut_off", 1, 2),
        # No cell has level 1.
        ("scales", 0, 2),
        ("truncated", 1, 3),
        ("non_zero", 3, 1),
    ],
)
def test_pixels_that_are_equal(treatment, cell, membrane):
    found = read(MAPS, CELLS)[treatment]["accuracy"]
    assert found["cell"] == pytest.approx(cell / 3)
    assert found["membrane"] == pytest.approx(membrane / 3)
    assert found["mean"] == pytest.approx((cell + membrane) / 6)
    assert found["pooled"] == pytest.approx((cell + membrane) / 6)


def test_overlap_of_maps_that_were_never_cut():
    both, total = 1.0 + 0.999 + 0.9, 1.0 + 0.999 + 0.9 + 0.401
    membrane_both, membrane_total = 3 - 0.401, 6 - total
    found = read(MAPS, CELLS)["map"]["iou"]
    assert found["cell"] == pytest.approx(both / (total + 3 - both))
    assert found["membrane"] == pytest.approx(membrane_both / (membrane_total + 3 - membrane_both))
    # Pictures on the same scale say nearly the same; with another scale there is nothing to say.
    assert read(MAPS, CELLS)["picture"]["iou"]["cell"] == pytest.approx(found["cell"], abs=0.01)
    assert read(MAPS, CELLS)["scales"]["iou"] == {}


def test_truth_values_of_maps_are_all_cell(drawn):
    maps, cells = drawn
    found = read(np.maximum(maps, 1e-6), cells)["non_zero"]
    assert found["iou"]["cell"] == pytest.approx(cells.mean())
    assert found["accuracy"]["pooled"] == pytest.approx(cells.mean())


def test_swapped_polarity_counts_the_errors(drawn):
    found = read(*drawn)
    assert found["swapped"]["accuracy"]["pooled"] == pytest.approx(
        1 - found["mask"]["accuracy"]["pooled"]
    )


def test_masks_of_the_wrong_slices(drawn):
    _, cells = drawn
    perfect = read(cells.astype(np.float32), cells)
    assert perfect["mask"]["accuracy"]["pooled"] == 1
    expected = np.mean(cells == cells[[1, 2, 0]])
    assert perfect["mispaired"]["accuracy"]["pooled"] == pytest.approx(expected)


@given(
    stn.arrays(np.float32, (2, 4, 4), elements=st.floats(0, 1, width=32)),
    stn.arrays(bool, (2, 4, 4)).filter(lambda cells: 0 < cells.sum() < cells.size),
)
def test_readings_are_shares(maps, cells):
    for treatment in read(maps, cells).values():
        for values in treatment.values():
            assert all(0 <= value <= 1 for value in values.values())


def test_levels_explain_the_equal_pixels(drawn):
    maps, cells = drawn
    levels = peer("readings").count_levels(maps, cells)
    assert sum(levels["cell"]) == cells.sum()
    equal = (levels["cell"][255] + levels["membrane"][0]) / cells.size
    assert equal == pytest.approx(read(maps, cells)["picture"]["accuracy"]["pooled"])


# ----------------------------------------------------------------------------------- explanations


@pytest.fixture
def readings():
    """Values of a net that does everything at 0.7 but what the test changes."""
    table = peer("table")
    return {reading: 0.7 for quoted in table.QUOTED for reading in quoted.candidates}


def test_the_first_candidate_that_is_near_explains_a_number(readings):
    table = peer("table")
    quoted = table.QUOTED[2]
    assert table.explain(quoted, readings) is None
    assert table.near(quoted, readings) == []
    readings[quoted.candidates[1]] = 0.53
    readings[quoted.candidates[4]] = 0.5
    stranger = table.Reading("copies", "map", "accuracy", "cell")
    readings[stranger] = 0.51
    # Overlap is no accuracy, however near.
    readings[table.Reading("copies", "map", "iou", "cell")] = 0.5
    assert table.explain(quoted, readings) == quoted.candidates[1]
    assert table.near(quoted, readings) == [
        quoted.candidates[4], stranger, quoted.candidates[1],
    ]  # fmt: skip


def test_a_number_that_is_too_far_is_not_near(readings):
    table = peer("table")
    quoted = table.QUOTED[0]
    readings[quoted.candidates[0]] = 0.9399
    assert table.explain(quoted, readings) is None
    readings[quoted.candidates[0]] = 0.94
    assert table.explain(quoted, readings) == quoted.candidates[0]


def test_every_candidate_can_be_read(drawn):
    table = peer("table")
    grid = {name: read(*drawn) for name in ("train", "copies", "held_out")}
    found = table.list_readings({"readings": grid, "log": {"binary_accuracy": [0.8, 0.9]}})
    # Four classes of two metrics, no overlap of different scales; and the log.
    assert len(found) == 3 * (9 * 2 - 1) * 4 + 1
    assert found[table.Reading("log", "mask", "accuracy", "pooled")] == 0.9
    for quoted in table.QUOTED:
        assert set(quoted.candidates) <= set(found)
        assert all(reading.metric == quoted.metric for reading in quoted.candidates)


# ------------------------------------------------------------------------------- training, script


def test_batches_do_not_depend_on_threads():
    rng = np.random.default_rng(0)
    images = rng.random((3, 16, 16)).astype(np.float32)
    cells = (images > 0.5).astype(np.float32)
    streams = [peer("rows").batches(images, cells, 7, n_ahead=n_ahead) for n_ahead in (1, 5)]
    for _ in range(3):
        (x, y), (x_again, y_again) = (next(stream) for stream in streams)
        assert x.shape == y.shape == (2, 16, 16, 1)
        assert set(np.unique(y)) <= {0, 1}
        assert np.array_equal(x, x_again)
        assert np.array_equal(y, y_again)
    for stream in streams:
        stream.close()


def test_slices_are_resized_by_their_nearest_pixels():
    small = np.arange(2 * 8 * 8).reshape(2, 8, 8)
    nearest = peer("rows")._nearest
    assert np.array_equal(nearest(small, 8), small)
    for factor in (2, 3):
        large = small.repeat(factor, axis=1).repeat(factor, axis=2)
        assert np.array_equal(nearest(large, 8), small)
        assert np.array_equal(nearest(small, 8 * factor), large)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data is needed where nets are trained"),
        (["--side", "40"], "--side must be a multiple of 16, for four poolings; got 40"),
        (["--max-steps", "0"], "--max-steps must be at least 1"),
    ],
)
def test_arguments_that_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        import_module("retrace_report").parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_quick_is_smaller_and_can_be_overruled(data):
    parse = import_module("retrace_report").parse_arguments
    full, quick = (
        parse(["--data", str(data), *more]) for more in ([], ["--quick", "--steps", "3"])
    )
    assert (full.filters, full.side, full.epochs, full.steps) == (64, 512, 5, 300)
    assert (quick.filters, quick.side, quick.steps) == (16, 256, 3)
    assert quick.settings["steps"] == 3


@pytest.mark.slow
def test_the_report_resumes_and_is_drawn_again(run_example, data, tmp_path):
    sizes = "--side 64 --filters 2 --epochs 2 --steps 2 --max-steps 2 --train 0-2 --test 20-21"
    arguments = ["--data", data, *sizes.split(), "--output", "r.json"]
    first = run_example("retrace_report.py", *arguments, "--figure", "a.png")
    assert "classical ..." in first
    assert "failed" not in first
    assert "readings come within 0.03" in first
    assert "Every reading of the default net" in first
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert len(rows["classical"]["log"]["binary_accuracy"]) == 2
    assert rows["classical"]["n_steps"] == 4
    assert rows["default"]["n_steps"] == 2
    again = run_example("retrace_report.py", *arguments, "--figure", "b.png")
    assert "classical ..." not in again
    redrawn = run_example(
        "retrace_report.py", "--redraw", "--output", "r.json", "--figure", "c.png"
    )
    assert redrawn == again
    more = ["--resize", "--rows", "classical", "--output", "s.json", "--figure", "d.png"]
    resized = run_example("retrace_report.py", *arguments[:-2], *more)
    assert "failed" not in resized
    assert json.loads((tmp_path / "s.json").read_text())["settings"]["resize"] is True
    assert (tmp_path / "c.png").stat().st_size > 10_000
