"""The speed benchmark: what it counts, times, runs, resumes and draws."""

import json
import math
from importlib import import_module

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("examples")


def peer(name):
    return import_module(f"peers.{name}")


def test_operations_are_counted():
    from membseg.networks import build_unet

    counting = peer("counting")
    network = build_unet(depth=1, base_filters=2, stem_stride=2)
    # Kernel size, channels in and out, and pixels at which it is applied, for 32 x 48 pixels: the
    # transposed convolutions at each pixel of their input.
    layers = {
        "stem": (16, 1, 2, 16 * 24), "down0_conv0": (9, 2, 2, 16 * 24),
        "down0_conv1": (9, 2, 2, 16 * 24), "bottleneck_conv0": (9, 2, 4, 8 * 12),
        "bottleneck_conv1": (9, 4, 4, 8 * 12), "up0_upsample": (4, 4, 2, 8 * 12),
        "up0_conv0": (9, 4, 2, 16 * 24), "up0_conv1": (9, 2, 2, 16 * 24),
        "head_upsample": (4, 2, 2, 16 * 24), "logits": (1, 2, 1, 32 * 48),
    }  # fmt: skip
    expected = {name: 3 * 2 * math.prod(sizes) for name, sizes in layers.items()}
    rows = counting.layer_operations(network, (3, 32, 48, 1))
    assert {row["name"]: row["flop"] for row in rows} == expected
    assert counting.forward_flop(network, (3, 32, 48, 1)) == sum(expected.values())
    trained = counting.training_flop(network, (3, 32, 48, 1))
    assert trained == 3 * sum(expected.values()) - expected["stem"]


def test_the_full_network_needs_six_gigaflop():
    from membseg.networks import build_unet

    network = build_unet(depth=4, base_filters=16)
    assert peer("counting").forward_flop(network, (1, 256, 256, 1)) == pytest.approx(6e9, rel=0.05)


def test_layers_that_cannot_be_counted_are_refused():
    import keras

    inputs = keras.Input((4, 4, 2))
    network = keras.Model(inputs, keras.layers.Dense(3, name="odd")(inputs))
    with pytest.raises(ValueError, match=r"odd is a Dense, which is not counted\."):
        peer("counting").forward_flop(network, (1, 4, 4, 2))


TOY = """
def make(seconds):
    import time
    return lambda: time.sleep(seconds), {"pixels": 7}

def fail():
    raise MemoryError("too much")
"""


def test_contenders_take_turns(tmp_path, monkeypatch):
    (tmp_path / "toy_contenders.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    contenders = {
        "slow": ("toy_contenders:make", {"seconds": 0.2}),
        "fast": ("toy_contenders:make", {"seconds": 0.02}),
    }
    timing = peer("timing")
    seconds, details = timing.take_turns(contenders, repeats=3, n_steps=2)
    assert details == {"slow": {"pixels": 7}, "fast": {"pixels": 7}}
    assert [len(times) for times in seconds.values()] == [3, 3]
    assert min(seconds["slow"]) >= 0.2
    with pytest.raises(RuntimeError, match="toy_contenders:fail: MemoryError: too much"):
        timing.take_turns({"broken": ("toy_contenders:fail", {})}, repeats=1, n_steps=1)


def test_ratios_are_of_neighbouring_turns():
    found = peer("timing").ratio([2.0, 8.0, 3.0], [1.0, 2.0, 3.0])
    assert found == {"median": 2.0, "low": 1.0, "high": 4.0}


def test_methods_are_timed_only_as_long_as_asked():
    class Thing:
        def double(self, value):
            return 2 * value

    original = Thing.double
    with peer("timing").timed_method(Thing, "double") as seconds:
        assert Thing().double(4) == 8
    assert len(seconds) == 1
    assert Thing.double is original


def test_a_large_image_is_periodic_and_whole(tmp_path):
    image = peer("speed_big").make_image(tmp_path / "x.npy", 1500)
    assert image.shape == (1, 1500, 1500)
    assert np.array_equal(image[0, :476, :476], image[0, 1024:, 1024:])
    # Mirrored at 512: no seam.
    assert np.array_equal(image[0, :, 511], image[0, :, 512])
    assert image[0].std() > 10


def test_a_big_image_is_predicted_from_file_to_file(tmp_path):
    big = peer("speed_big")
    big.make_segmenter(tmp_path / "s.pkl", {"depth": 1, "base_filters": 2, "stem_stride": 1})
    spec = {"side": 640, "warm_side": 320, "crop": 576, "segmenter": str(tmp_path / "s.pkl")}
    row = big.run_big(spec | {"folder": str(tmp_path)})
    assert row["pixels"] == 640**2
    assert row["pixels_per_second"] == pytest.approx(640**2 / row["seconds"])
    assert row["crop_difference"] < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["s.pkl"]
    assert big.run_big(spec | {"folder": str(tmp_path), "crop": 512})["crop_difference"] is None


def speed_rows():
    """Made-up rows of every section."""
    layer = {"name": "conv", "input_shape": [1, 8, 8, 1], "flop": 1e9, "ms": 40.0, "tflops": 0.1}
    training = {
        "step": 80.0, "forward": 30.0, "backward": 40.0, "optimizer": 4.0, "keras": 6.0,
        "fit": 100.0, "draw": 5.0, "validation": 7.0, "gflop": 20.0,
        "layers": [layer], "convolutions": 40.0,
    }  # fmt: skip
    prediction = {
        "slice": 50.0, "forward": 40.0, "keras": 2.0, "rest": 8.0, "n_tiles": 2, "gflop": 5.0,
        "pixels": 100, "layers": [layer], "convolutions": 15.0,
    }  # fmt: skip
    seconds = {"membseg float32": [0.4, 0.5], "torch float32": [0.4, 0.4]}
    ratio = {"median": 1.1, "low": 1.0, "high": 1.25}
    rates = {f"{n} {w}": [1e6] for n in ("default", "classical") for w in ("trained", "predicted")}
    scores = dict.fromkeys(("v_rand", "v_info", "v_rand_mask", "dice", "ece"), 0.9)
    both = {"float32": scores, "bfloat16": scores}
    return {
        "rates": {"section": "rates", "size": 64, "tensorflow float32": 0.5},
        "profile": {
            "section": "profile", "dtype": "float32", "training": training,
            "prediction": prediction,
        },
        "steps": {"section": "steps", "net": "n", "seconds": seconds, "ratios": {"a / b": ratio}},
        "pixels": {
            "section": "pixels", "pixels_per_second": rates,
            "ratios": {"trained": ratio, "predicted": ratio},
        },
        "big": {
            "section": "big", "side": 512, "seconds": 1.0, "pixels_per_second": 512.0**2,
            "memory_bytes": 2**30, "memory_before_bytes": 2**29, "crop_difference": None,
        },
        "precision": {
            "section": "precision", "trained": both, "predicted": both, "mean_difference": 0.0,
            "largest_difference": 0.0, "changed_pixels": 0.0,
        },
        "start": {
            "section": "start",
            "seconds": {"python": {"median": 0.1, "low": 0.1, "high": 0.2}},
        },
        "lost": {"section": "big", "side": 1024, "failed": "boom"},
    }  # fmt: skip


def test_the_parts_of_a_profile_add_up():
    parts = peer("speed_figure").profile_parts(speed_rows()["profile"])
    assert sum(parts["one training step"].values()) == pytest.approx(100.0)
    assert sum(parts["prediction of one slice"].values()) == pytest.approx(50.0)
    # Two tiles of 15 ms each.
    assert parts["prediction of one slice"]["convolutions"] == 30.0


def test_the_share_of_the_limit_that_is_reached():
    rows = speed_rows()
    reached = peer("speed_table").reached_share(rows["profile"], rows["rates"])
    # 20 GFLOP in 100 ms, and two tiles of 5 GFLOP in 50 ms: 0.2 of 0.5 TFLOP/s both.
    assert reached["training"] == pytest.approx({"tflops": 0.2, "share": 0.4})
    assert reached["prediction"] == pytest.approx({"tflops": 0.2, "share": 0.4})


def test_speed_is_printed_drawn_and_resumed(data, tmp_path, monkeypatch, capsys):
    module = import_module("benchmark_speed")
    rows, asked = speed_rows(), []

    def run_row(script, spec, timeout):
        asked.append(spec["section"])
        return spec | rows.get(spec["section"], {})

    monkeypatch.setattr(module, "run_row", run_row)
    monkeypatch.setattr(module, "is_installed", lambda name: False)
    arguments = ["--data", str(data), "--seeds", "0", "--sides", "512", "1024"]
    arguments += ["--output", str(tmp_path / "s.json"), "--figure", str(tmp_path / "s.png")]
    module.main(arguments)
    assert asked == [
        "rates", "profile", "steps", "steps", "pixels", "make segmenter", "big",
        "make segmenter", "big", "precision", "start",
    ]  # fmt: skip
    output = capsys.readouterr().out
    assert "torch: PyTorch is not installed, left out" in output
    assert "40 % of the limit" in output
    assert "ratio a / b" in output
    assert (tmp_path / "s.png").stat().st_size > 20_000
    asked.clear()
    module.main(arguments)
    assert asked == []
    module.main([*arguments, "--again", "rates"])
    assert asked == ["rates"]


def test_a_big_image_without_a_segmenter_is_reported(data, tmp_path, monkeypatch, capsys):
    module = import_module("benchmark_speed")
    monkeypatch.setattr(module, "run_row", lambda script, spec, timeout: {"failed": "boom"})
    paths = ["--output", str(tmp_path / "s.json"), "--figure", str(tmp_path / "s.png")]
    module.main(["--data", str(data), "--sections", "big", "--sides", "512", *paths])
    assert "failed: boom" in capsys.readouterr().out
    assert not (tmp_path / "s.png").exists()


@pytest.mark.slow
def test_speed_from_end_to_end(run_example, data, tmp_path):
    small = {
        "repeats": 1, "steps": 1, "profile-steps": 2, "precision-steps": 2, "matrix-size": 64,
        "filters": 2, "patch": 32, "batch": 1, "classical-filters": 2, "sides": 640, "seeds": 0,
    }  # fmt: skip
    options = [part for name, value in small.items() for part in (f"--{name}", value)]
    run_example("benchmark_speed.py", "--data", data, "--train", "0-3", *options)
    rows = json.loads((tmp_path / "out/speed.json").read_text())["rows"]
    assert {row["section"] for row in rows.values()} == {
        "rates", "profile", "steps", "pixels", "big", "precision", "start",
    }  # fmt: skip
    assert {key: row["failed"] for key, row in rows.items() if "failed" in row} == {}
    profile = rows["profile"]["training"]
    pieces = ("forward", "backward", "optimizer", "keras")
    assert sum(profile[piece] for piece in pieces) == pytest.approx(profile["step"])
    assert profile["draw"] > 0
    assert rows["big, 640 x 640"]["memory_bytes"] > 0
    assert rows["precision, seed 0"]["largest_difference"] > 0
    assert (tmp_path / "out/speed.png").stat().st_size > 20_000
    assert not (tmp_path / "out/big_segmenter.pkl").exists()
