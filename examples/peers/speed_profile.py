"""Where a training second and a prediction second of the default network go."""

import time
from typing import Any

import numpy as np

from peers.contenders import default_segmenter
from peers.counting import forward_flop, layer_operations, training_flop
from peers.timing import median_seconds, timed_method


def run_profile(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure by subtraction: a fit seen from inside, its pieces alone, and what remains.

    All times in milliseconds a step, or a slice.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "the profile takes TensorFlow's steps apart; unset KERAS_BACKEND, or leave the "
            "section out with --sections"
        )
    inside, segmenter, image, batch = _profile_fit(spec)
    network = segmenter.network_
    repeats = spec["repeats"]
    training = _profile_step(network, batch, repeats)
    training |= {
        "fit": inside["fit"],
        "draw": inside["draw"],
        "validation": inside["validation"],
    }
    prediction, shape = _profile_prediction(segmenter, image, repeats)
    for times, x_shape in ((training, batch[0].shape), (prediction, shape)):
        layers = _profile_layers(network, x_shape, repeats, backward=times is training)
        times["layers"] = layers
        times["convolutions"] = sum(layer["ms"] for layer in layers)
    return {
        "training": training | {"gflop": training_flop(network, batch[0].shape) / 1e9},
        "prediction": prediction | {"gflop": forward_flop(network, shape) / 1e9},
        "dtype": network.layers[-2].compute_dtype,
        "batch_shape": list(batch[0].shape),
        "tile_shape": list(shape),
    }


def _profile_fit(spec: dict[str, Any]) -> tuple[dict[str, float], Any, np.ndarray, Any]:
    """Watch a fit of two epochs from inside; medians, so that compiling does not count."""
    from membseg.training import PatchSampler, Validator

    steps = spec["steps"]
    starts: list[float] = []
    batches: list[Any] = []
    draw = PatchSampler.draw

    def watched(sampler: PatchSampler) -> Any:
        starts.append(time.perf_counter())
        batches[:] = [draw(sampler)]
        return batches[0]

    PatchSampler.draw = watched
    try:
        with (
            timed_method(PatchSampler, "draw") as draws,
            timed_method(Validator, "predict") as looks,
            timed_method(Validator, "loss") as losses,
            timed_method(Validator, "score") as scores,
        ):
            segmenter, image = default_segmenter(
                spec["data"], spec["train"], max_steps=2 * steps, steps_per_epoch=steps
            )
    finally:
        PatchSampler.draw = draw
    # Of each of these, the last call: the first ones compile.
    look = 1e3 * sum(calls[-1] for calls in (looks, losses, scores) if calls) / steps
    inside = {
        # From one patch drawn to the next; and a step's share of looking at the validation part.
        "fit": 1e3 * float(np.median(np.diff(starts))) + look,
        "draw": 1e3 * float(np.median(draws)),
        "validation": look,
    }
    return inside, segmenter, image, batches[0]


def _profile_step(network: Any, batch: Any, repeats: int) -> dict[str, float]:
    """Take one step apart: forward, backward, optimizer, Keras around them."""
    import tensorflow as tf

    from membseg.training import compile_network

    compile_network(network, loss="bce", weight_decay=1e-4)
    x, y = (tf.constant(part) for part in batch)
    variables = network.trainable_variables

    @tf.function
    def forward() -> Any:
        return network.loss(y, network(x, training=True))

    @tf.function
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            loss = network.loss(y, network(x, training=True))
        return tape.gradient(loss, variables)

    some = gradients()

    @tf.function
    def update() -> None:
        network.optimizer.apply(some, variables)

    ms = {
        name: 1e3 * median_seconds(call, repeats)
        for name, call in (
            ("step", lambda: network.train_on_batch(*batch)),
            ("forward", forward),
            ("gradients", gradients),
            ("optimizer", update),
        )
    }
    return {
        "step": ms["step"],
        "forward": ms["forward"],
        "backward": ms["gradients"] - ms["forward"],
        "optimizer": ms["optimizer"],
        "keras": ms["step"] - ms["gradients"] - ms["optimizer"],
    }


def _profile_prediction(
    segmenter: Any, image: np.ndarray, repeats: int
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Take the prediction of one slice apart; also give the shape that the network sees."""
    import tensorflow as tf

    network = segmenter.network_
    shapes: list[tuple[int, ...]] = []
    original = network.predict_on_batch

    def noting(x: Any) -> Any:
        shapes.append(tuple(x.shape))
        return original(x)

    network.predict_on_batch = noting
    segmenter.predict_membrane(image[None])
    network.predict_on_batch = original
    shape = shapes[-1] if shapes else (1, *image.shape, 1)
    x = np.zeros(shape, np.float32)
    constant = tf.constant(x)
    forward = tf.function(lambda: network(constant, training=False))
    n_tiles = max(len(shapes), 1)
    whole = 1e3 * median_seconds(lambda: segmenter.predict_membrane(image[None]), repeats)
    tile = 1e3 * n_tiles * median_seconds(lambda: network.predict_on_batch(x), repeats)
    inner = 1e3 * n_tiles * median_seconds(forward, repeats)
    times = {"slice": whole, "forward": inner, "keras": tile - inner, "rest": whole - tile}
    return times | {"n_tiles": n_tiles, "pixels": image.size}, shape


def _profile_layers(
    network: Any, shape: tuple[int, ...], repeats: int, *, backward: bool
) -> list[dict[str, Any]]:
    """Time each convolution alone, with its bias and ReLU."""
    import tensorflow as tf

    rows = []
    for number, row in enumerate(layer_operations(network, shape)):
        layer = network.get_layer(row["name"])
        x = tf.cast(tf.random.stateless_normal(row["input_shape"], (0, 0)), layer.compute_dtype)
        call = _layer_call(layer, x, backward, first=number == 0)
        seconds = median_seconds(call, repeats)
        flop = row["flop"] * ((2 if number == 0 else 3) if backward else 1)
        rows.append(row | {"ms": 1e3 * seconds, "tflops": flop / seconds / 1e12})
    return rows


def _layer_call(layer: Any, x: Any, backward: bool, first: bool) -> Any:
    import tensorflow as tf

    if not backward:
        return tf.function(lambda: layer(x))

    @tf.function
    def both() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            answer = layer(x)
        # The first layer's input is the image: nobody asks for its gradient.
        wanted = layer.trainable_variables if first else [x, *layer.trainable_variables]
        return tape.gradient(answer, wanted)

    return both
