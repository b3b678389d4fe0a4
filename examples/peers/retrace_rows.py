"""The two nets of the retraced study, trained, and every reading of what they say."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from skimage.transform import resize

from membseg.metrics import score_table
from peers import own
from peers.classical import build_classical_unet, draw_batch
from peers.retrace_readings import count_levels, read_all
from peers.slices import load_slices

#: Slices a step, and the learning rate, of the recipe.
_BATCH, _LEARNING_RATE = 2, 1e-4

#: Maps whose standard deviation is below this say the same everywhere.
_FLAT = 0.01

#: How often a net that says the same everywhere is begun anew.
_TRIALS = 4


def run_retrace_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Train one net and take all readings, in this process.

    Parameters
    ----------
    spec : dict
        "row" ("classical" or "default"), "data", "train", "test", "side", "resize", "filters",
        "epochs", "steps", "max_steps" and "seed".

    Returns
    -------
    dict
        "readings" (set -> treatment -> metric -> class), "levels" (set -> class -> counts), "truth"
        (the true figures of the held-out slices) and what training took; numbers only.
    """
    X, y = _load(spec, "train")
    X_test, y_test = _load(spec, "test")
    # Drawn anew, so these are what a split after augmentation calls validation images.
    rng = np.random.default_rng([spec["seed"], 1])
    copies = draw_batch(_scale(X), (~y).astype(np.float32), len(X), rng)
    sets = {
        "train": (X, ~y),
        "copies": (np.rint(255 * copies[0][..., 0]).astype(np.uint8), copies[1][..., 0] > 0),
        "held_out": (X_test, ~y_test),
    }
    train = {"classical": _train_classical, "default": _train_default}[spec["row"]]
    predict, threshold, details = train(X, y, spec)
    maps = {name: predict(images) for name, (images, _) in sets.items()}
    return details | {
        "threshold": threshold,
        "readings": {name: read_all(maps[name], sets[name][1], threshold) for name in sets},
        "levels": {name: count_levels(maps[name], sets[name][1]) for name in sets},
        "truth": score_table(y_test, 1 - maps["held_out"], threshold=threshold),
    }


def batches(
    images: np.ndarray, cells: np.ndarray, seed: int, n_ahead: int = 8
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw the recipe's batches without end, some of them ahead, so that no GPU waits.

    Every batch has a seed of its own: which thread draws it changes nothing.
    """
    with ThreadPoolExecutor(4) as pool:

        def submit(step: int) -> Any:
            rng = np.random.default_rng([seed, 0, step])
            return pool.submit(draw_batch, images, cells, _BATCH, rng)

        ahead = deque(submit(step) for step in range(n_ahead))
        while True:
            ahead.append(submit(n_ahead))
            n_ahead += 1
            yield ahead.popleft().result()


def _load(spec: dict[str, Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    side = spec["side"]
    X, y = load_slices(spec["data"], spec[name])
    if spec["resize"]:
        return _nearest(X, side), _nearest(y, side)
    return X[:, :side, :side], y[:, :side, :side]


def _nearest(stack: np.ndarray, side: int) -> np.ndarray:
    """Resize slices to a side by their nearest pixels."""
    small = [resize(plane, (side, side), order=0, preserve_range=True) for plane in stack]
    return np.stack(small).astype(stack.dtype)


def _scale(X: np.ndarray) -> np.ndarray:
    return X.astype(np.float32) / 255


def _train_classical(
    X: np.ndarray, y: np.ndarray, spec: dict[str, Any]
) -> tuple[Any, float, dict[str, Any]]:
    import keras

    images, cells = _scale(X), (~y).astype(np.float32)
    start = time.perf_counter()
    for trial in range(_TRIALS):
        seed = spec["seed"] + 1000 * trial
        network = build_classical_unet(spec["filters"], seed)
        optimizer = keras.optimizers.Adam(_LEARNING_RATE)
        network.compile(optimizer, "binary_crossentropy", metrics=["binary_accuracy"])
        stream = batches(images, cells, seed)
        log = _fit(network, stream, spec, 0, 1)
        # The two ReLUs before the end may both be dead from the start; people begin anew then.
        alive = network.predict(images[:1, ..., None], verbose=0).std() >= _FLAT
        if alive or trial == _TRIALS - 1:
            break
        stream.close()
    more = _fit(network, stream, spec, 1, spec["epochs"]) if spec["epochs"] > 1 else {}
    stream.close()
    seconds = time.perf_counter() - start

    def predict(stack: np.ndarray) -> np.ndarray:
        maps = network.predict(_scale(stack)[..., None], batch_size=1, verbose=0)
        return np.clip(maps[..., 0], 0, 1).astype(np.float32)

    details = {
        "log": {name: values + more.get(name, []) for name, values in log.items()},
        "n_steps": spec["epochs"] * spec["steps"],
        "n_parameters": int(network.count_params()),
        "n_begun_anew": trial,
        "fit_seconds": seconds,
    }
    return predict, 0.5, details


def _fit(network: Any, stream: Any, spec: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    history = network.fit(
        stream, steps_per_epoch=spec["steps"], initial_epoch=first, epochs=last, verbose=0
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def _train_default(
    X: np.ndarray, y: np.ndarray, spec: dict[str, Any]
) -> tuple[Any, float, dict[str, Any]]:
    segmenter = own.fit(X, y, time_limit=None, seed=spec["seed"], max_steps=spec["max_steps"])

    def predict(stack: np.ndarray) -> np.ndarray:
        return 1 - segmenter.predict_membrane(stack)

    details = {
        "n_steps": int(segmenter.n_steps_),
        "n_parameters": int(segmenter.network_.count_params()),
        "fit_seconds": float(segmenter.fit_time_),
    }
    return predict, float(segmenter.threshold_), details
