"""The benchmarks' peers, and how rows are run and kept."""

import json
import os
import time
from argparse import ArgumentTypeError
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg import make_membranes

pytestmark = pytest.mark.usefixtures("examples")

MACHINE = {
    "processor": "P", "cores": 2, "flags": [], "gpu": [], "memory_gb": 4.0,
    "backend": "tensorflow",
}  # fmt: skip


@pytest.fixture
def two_slices():
    X, y = make_membranes(2, 64, 64, random_state=0)
    return X, y > 0


def peer(name):
    return import_module(f"peers.{name}")


# ------------------------------------------------------------------------- slices, patches, views


@pytest.mark.parametrize(
    ("text", "numbers"), [("0-3", [0, 1, 2, 3]), ("7", [7]), ("2,6-7,1", [2, 6, 7, 1])]
)
def test_numbers_of_slices(text, numbers):
    assert peer("slices").parse_numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "-3", "1-b", "1,,2"])
def test_numbers_of_slices_that_are_none(text):
    with pytest.raises(ArgumentTypeError, match="must look like 0-18 or 2,6,10; got"):
        peer("slices").parse_numbers(text)


def test_slices_are_loaded_with_membranes_true(data):
    X, y = peer("slices").load_slices(data, [3, 1])
    made, lines = make_membranes(25, 96, 96, random_state=0)
    assert np.array_equal(X, made[[3, 1]])
    assert np.array_equal(y, lines[[3, 1]] > 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "there is no folder nowhere"),
        (["--train", "0-5", "--test", "5-6"], "must not share slices; both hold [5]"),
        (["--labels", "1", "--label-slices", "2,21"], "must be among --train; [21] are not"),
    ],
)
def test_a_benchmark_refuses_what_would_mislead(arguments, message, data, capsys):
    arguments = ["--data", str(data), *arguments]
    with pytest.raises(SystemExit, match="2"):
        import_module("benchmark_quality").parse_arguments(arguments)
    assert message in capsys.readouterr().err


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 6))
def test_patches_and_masks_stay_together(seed, size):
    rng = np.random.default_rng(seed)
    image = rng.permutation(42).reshape(7, 6)
    x, y = peer("trained").draw_patch(image, 2 * image, size, rng)
    assert x.shape == (size, size)
    assert np.array_equal(y, 2 * x)
    assert len(np.unique(x)) == size**2


def test_patches_come_in_all_eight_views():
    image = np.arange(9).reshape(3, 3)
    rng = np.random.default_rng(0)
    draws = [peer("trained").draw_patch(image, image, 3, rng)[0] for _ in range(200)]
    assert len({draw.tobytes() for draw in draws}) == 8


def test_the_mean_over_views_undoes_each_view():
    image = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    mean = peer("trained").mean_over_views
    assert np.allclose(mean(lambda x: x, image, "d4"), image, atol=1e-6)
    # A prediction that leans to one side is levelled: the mean of all that it gives a pixel.
    ramp = mean(lambda x: np.tile(np.arange(float(x.shape[1])), (x.shape[0], 1)), image, "d4")
    assert np.allclose(ramp, (2.5 + 1.5) / 2)
    assert np.array_equal(mean(lambda x: x + 1, image, "none"), image + 1)


def test_each_image_is_standardised():
    X = np.random.default_rng(0).integers(0, 255, (3, 20, 30)).astype(np.uint8)
    X[2] = 7
    z = peer("trained").standardise(X)
    assert z.dtype == np.float32
    assert np.allclose(z[:2].mean(axis=(1, 2)), 0, atol=1e-5)
    assert np.allclose(z[:2].std(axis=(1, 2)), 1, atol=1e-5)
    assert np.all(z[2] == 0)


def test_the_clock_stops_before_a_step_that_would_be_late(monkeypatch):
    trained = peer("trained")
    now = [0.0]
    monkeypatch.setattr(trained.time, "perf_counter", lambda: now[0])
    clock = trained.Clock(100.0)
    # The first step compiles; the others take 10 s: the last that ends in time starts at 80 s.
    starts = []
    for seconds in [30.0] + [10.0] * 20:
        if not clock.has_time():
            break
        starts.append(now[0])
        now[0] += seconds
    assert starts == [0, 30, 40, 50, 60, 70, 80]
    assert clock.seconds == 90


def test_the_clock_always_allows_one_step(monkeypatch):
    clock = peer("trained").Clock(1e-9)
    assert [clock.has_time(), clock.has_time()] == [True, False]


# ----------------------------------------------------------------------------------------- peers


def check_trained(trained, X, y):
    """Check what every peer promises."""
    for views in trained.views:
        maps = trained.predict(X, views)
        assert maps.shape == X.shape
        assert maps.dtype == np.float32
        assert maps.min() >= 0
        assert maps.max() <= 1
    assert trained.n_steps >= 1
    json.dumps(trained.details)


def test_the_forest_learns(two_slices):
    X, y = two_slices
    trained = peer("forest").train(X, y, time_limit=5, seed=0)
    check_trained(trained, X, y)
    maps = trained.predict(X, "none")
    assert maps[y].mean() > maps[~y].mean() + 0.5
    assert trained.details["n_slices"] == 2


def test_the_forest_takes_fewer_slices_where_time_is_short(two_slices):
    trained = peer("forest").train(*two_slices, time_limit=1e-3, seed=0)
    assert trained.details["n_slices"] == 1
    assert trained.n_steps == 5


def test_the_classical_network_is_the_published_one():
    def count(base_filters):
        """Count the weights and biases of its 24 convolutions, from the description."""
        levels = [base_filters * 2**level for level in range(5)]
        shapes, channels = [], 1
        for n in levels:
            shapes += [(3, channels, n), (3, n, n)]
            channels = n
        for n in levels[-2::-1]:
            shapes += [(2, 2 * n, n), (3, 2 * n, n), (3, n, n)]
        shapes += [(3, base_filters, 2), (1, 2, 1)]
        assert len(shapes) == 24
        return sum(k * k * a * b + b for k, a, b in shapes)

    # As that code prints it.
    assert count(64) == 31_031_685
    assert peer("classical").build_classical_unet(4).count_params() == count(4)


@pytest.mark.slow
def test_the_classical_recipe_runs(two_slices):
    X, y = two_slices
    check_trained(peer("classical").train(X, y, time_limit=0.1, seed=0, base_filters=2), X, y)


@pytest.mark.filterwarnings("ignore:time_limit=:membseg.exceptions.TrainingWarning")
def test_membseg_runs_beside_its_peers(two_slices):
    X, y = two_slices
    trained = peer("own").train(X, y, time_limit=2, seed=0, depth=1, base_filters=2)
    check_trained(trained, X, y)
    assert trained.views == ("none", "d4")


@pytest.mark.parametrize(("depth", "stem_stride"), [(4, 1), (3, 2)])
def test_the_torch_network_has_our_layers(depth, stem_stride):
    pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")
    from membseg.networks import build_unet

    sizes = {"base_filters": 4, "depth": depth, "stem_stride": stem_stride}
    theirs = peer("torch_unet").build_torch_unet(**sizes, norm=False)
    ours = build_unet(**sizes)
    assert sorted(p.numel() for p in theirs.parameters()) == sorted(
        int(np.prod(w.shape)) for w in ours.weights
    )


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_torch_peer_runs(schedule, two_slices):
    pytest.importorskip("torch", reason="PyTorch is a peer, not a dependency")
    X, y = two_slices
    options = {"base_filters": 2, "dtype": "float32", "schedule": schedule}
    check_trained(peer("torch_unet").train(X, y, time_limit=0.5, seed=0, **options), X, y)


# ---------------------------------------------------------------------------- rows and their file


SCRIPT = """
import json, sys
option, spec, path = sys.argv[1:]
assert option == "--one-row"
{body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no such net')", "ValueError: no such net"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit code -9"),
        ("", "exit code 0"),
    ],
)
def test_a_row_that_crashes_is_reported(body, message, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(body=body))
    row = peer("rows").run_row(str(tmp_path / "script.py"), {"row": "x"}, timeout=60)
    assert row["row"] == "x"
    assert message in row["failed"]


def test_a_row_that_hangs_is_given_up(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.format(body="import time; time.sleep(60)"))
    row = peer("rows").run_row(str(tmp_path / "script.py"), {}, timeout=0.5)
    assert row == {"failed": "took longer than 0 s"}


def test_a_row_answers(examples, tmp_path):
    body = f"sys.path.insert(0, {str(examples)!r})\nfrom peers.rows import answer_row\n"
    body += "answer_row([spec, path], lambda spec: {'twice': 2 * spec['n']})"
    (tmp_path / "script.py").write_text(SCRIPT.format(body=body))
    row = peer("rows").run_row(str(tmp_path / "script.py"), {"n": 4}, timeout=60)
    assert row == {"n": 4, "twice": 8}


def test_the_store_keeps_rows_and_forgets_failures(tmp_path):
    store = peer("rows").Store(tmp_path / "new/x.json", {"test": [1]})
    store.add("a", {"value": 1})
    store.add("b", {"failed": "boom"})
    again = peer("rows").Store(tmp_path / "new/x.json", {"test": [1]})
    assert again.rows == store.rows
    assert [again.has(key) for key in "abc"] == [True, False, False]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]
    machine = again.content["machine"]
    assert machine["cores"] == os.cpu_count()
    assert machine["versions"]["numpy"] == np.__version__


def test_the_store_refuses_rows_of_other_settings_or_machines(tmp_path, monkeypatch):
    rows = peer("rows")
    path = tmp_path / "x.json"
    rows.Store(path, {"test": [1]}).add("a", {})
    with pytest.raises(SystemExit, match="holds rows of other settings or of another machine"):
        rows.Store(path, {"test": [2]})
    monkeypatch.setattr(rows, "describe_machine", lambda: MACHINE)
    with pytest.raises(SystemExit, match=r"Give another --output\."):
        rows.Store(path, {"test": [1]})


def test_memory_that_is_taken_is_seen():
    machine = peer("machine")
    if machine.own_memory() is None:
        # Not Linux: the benchmark leaves the memory out there, and nothing is to be seen.
        pytest.skip("needs /proc/self/status")
    with peer("speed_big").MemoryWatch() as watch:
        block = np.ones(2**26, np.uint8)
        # Long enough for several looks.
        time.sleep(0.3)
        del block
    assert watch.peak - watch.before > 0.8 * 2**26
    assert machine.peak_memory() >= watch.peak
