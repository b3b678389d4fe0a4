"""membseg on an accelerator: images a second in training and prediction, and held-out scores."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from membseg import UNetSegmenter
from membseg.metrics import score_table
from peers.counting import forward_flop, training_flop
from peers.slices import load_slices

#: Pixels of an image in "images a second".
IMAGE = 256 * 256

_RATE = 1e-3


def run_rate(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure the matrix rate in bfloat16: operations a second of an n^3 product."""
    import jax
    from jax import numpy as jnp

    size = spec["size"]
    keys = jax.random.split(jax.random.key(0))
    a, b = (jax.random.normal(key, (size, size), dtype=jnp.bfloat16) for key in keys)
    multiply = jax.jit(lambda a, b: a @ b)
    seconds = seconds_a_call(lambda: multiply(a, b), lambda c: c.block_until_ready(), spec)
    return {"tflops": 2 * size**3 / seconds / 1e12, "device": str(jax.devices()[0].device_kind)}


def seconds_a_call(
    call: Callable[[], Any], wait: Callable[[Any], Any], spec: dict[str, Any]
) -> float:
    """Median over turns of the seconds that one call takes, many in a row, then waited for."""
    wait(call())
    start = time.perf_counter()
    wait(call())
    once = max(time.perf_counter() - start, 1e-6)
    n_calls = max(1, int(spec["seconds"] / spec["repeats"] / once))
    turns = []
    for _ in range(spec["repeats"]):
        start = time.perf_counter()
        for _ in range(n_calls):
            last = call()
        wait(last)
        turns.append((time.perf_counter() - start) / n_calls)
    return float(np.median(turns))


def rate_of(seconds: float, flop: int, spec: dict[str, Any]) -> dict[str, Any]:
    """Give images and operations a second of a batch that takes so many seconds."""
    images = spec["batch"] * spec["patch"] ** 2 / IMAGE
    return {"images_per_second": images / seconds, "tflops": flop / seconds / 1e12}


def _network(spec: dict[str, Any]) -> Any:
    from membseg.networks import build_unet
    from membseg.training import compile_network

    network = build_unet(
        base_filters=spec["filters"],
        depth=spec["depth"],
        stem_stride=spec["stem_stride"],
        dtype="mixed_bfloat16",
    )
    compile_network(network, loss="bce", weight_decay=1e-4)
    return network


def _sampler(spec: dict[str, Any]) -> Any:
    from membseg.training import PatchSampler, TrainingData, ValidationPlan
    from membseg.utils import fit_intensity

    X, y = load_slices(spec["data"], spec["train"])
    images = list(X[..., np.newaxis])
    return PatchSampler(
        TrainingData(images, list(y.astype(np.uint8)), None, fit_intensity(images, "image")),
        ValidationPlan([], []),
        patch_size=spec["patch"],
        batch_size=spec["batch"],
        augmentation="d4",
        augmentation_strength=1.0,
        rng=np.random.default_rng(0),
    )


def count(spec: dict[str, Any]) -> dict[str, int]:
    """Count the operations of a training step and of a forward pass of a row's batch."""
    network, shape = _network(spec), (spec["batch"], spec["patch"], spec["patch"], 1)
    return {"train": training_flop(network, shape), "predict": forward_flop(network, shape)}


def run_training(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure training steps as fit takes them: on the device, or batches from the host."""
    from membseg.training import ResidentSteps

    network, sampler = _network(spec), _sampler(spec)
    if spec["library"] == "membseg":
        resident = ResidentSteps(network, sampler)

        def call() -> int:
            n_steps = resident.n_at_once(10**9, None)
            resident.take([_RATE] * n_steps)
            return n_steps
    else:

        def call() -> int:
            network.train_on_batch(*sampler.draw())
            return 1

    start = time.perf_counter()
    call()
    compiled = time.perf_counter() - start
    # Calls grow until they are as long as they are in fit.
    _steps_a_second(call, spec["seconds"] / 2)
    turns = [_steps_a_second(call, spec["seconds"]) for _ in range(spec["repeats"])]
    seconds = float(np.median(turns))
    return {"first_call_seconds": compiled} | rate_of(seconds, count(spec)["train"], spec)


def _steps_a_second(call: Callable[[], int], least: float) -> float:
    """Give the seconds a step over calls that take at least so many seconds together."""
    start, n_steps = time.perf_counter(), 0
    while time.perf_counter() - start < least:
        n_steps += call()
    return (time.perf_counter() - start) / n_steps


def run_prediction(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure forward passes: of pixels on the device, and from host to host."""
    import jax

    network = _network(spec)
    x = np.zeros((spec["batch"], spec["patch"], spec["patch"], 1), np.float32)
    weights = [
        [variable.value for variable in group]
        for group in (network.trainable_variables, network.non_trainable_variables)
    ]
    forward = jax.jit(lambda weights, x: network.stateless_call(*weights, x, training=False)[0])
    there = jax.device_put(x)
    flop = count(spec)["predict"]
    on_device = seconds_a_call(
        lambda: forward(weights, there), lambda out: out.block_until_ready(), spec
    )
    host = seconds_a_call(lambda: np.asarray(network.predict_on_batch(x)), np.asarray, spec)
    from_host = rate_of(host, flop, spec)["images_per_second"]
    return rate_of(on_device, flop, spec) | {"host_images_per_second": from_host}


def run_quality(spec: dict[str, Any]) -> dict[str, Any]:
    """Fit within a time limit and score on the held-out slices."""
    X, y = load_slices(spec["data"], spec["train"])
    segmenter = UNetSegmenter(
        time_limit=spec["limit"], batch_size=spec["batch"], patch_size=spec["patch"],
        random_state=spec["seed"],
        device_data=spec["library"] == "membseg",
    ).fit(X, y)  # fmt: skip
    scores = {}
    for views in ("none", "d4"):
        segmenter.set_params(tta=views)
        scores[views] = score(segmenter.predict_membrane, segmenter.threshold_, spec)
    return {"fit_seconds": segmenter.fit_time_, "n_steps": segmenter.n_steps_, "scores": scores}


def score(
    predict: Callable[[np.ndarray], np.ndarray], threshold: float, spec: dict[str, Any]
) -> dict[str, float]:
    """Score a prediction of the test slices."""
    X, y = load_slices(spec["data"], spec["test"])
    table = score_table(y, predict(X), threshold=threshold)
    return {name: float(table[name]) for name in ("v_rand", "v_info", "v_rand_mask", "dice")}
