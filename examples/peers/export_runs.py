"""One exported network in its own runtime, or membseg's own prediction, as a step to be timed.

Each function takes files and gives a step that predicts one image, and how far its membrane
probabilities are from those of membseg in float32. Runtimes are imported inside, each in a process
of its own.
"""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: A step and what is worth knowing of it.
Run = tuple[Callable[[], Any], dict[str, Any]]


def run_membseg(folder: str, image: str, precision: str) -> Run:
    """Predict with membseg itself, in one number format."""
    pixels, expected = _load(image)
    segmenter = _unpickle(Path(folder) / f"{precision}.pkl")
    # The weights that were exported, in a network of this number format.
    weights = _unpickle(Path(folder) / "exported.pkl").network_.get_weights()
    segmenter.network_.set_weights(weights)
    X = pixels[..., 0][np.newaxis] if pixels.shape[-1] == 1 else pixels[np.newaxis]
    return _finish(lambda: segmenter.predict_membrane(X)[0], expected)


def run_onnx(folder: str, image: str) -> Run:
    """Predict with ONNX Runtime."""
    import onnxruntime

    pixels, expected = _load(image)
    batch = np.moveaxis(pixels, -1, 0)[np.newaxis].copy()
    session = onnxruntime.InferenceSession(f"{folder}/net.onnx")
    return _finish(lambda: session.run(None, {"image": batch})[0][0, 0], expected)


def run_openvino(folder: str, image: str, precision: str) -> Run:
    """Predict with OpenVINO, with float32 asked for or not."""
    import openvino

    pixels, expected = _load(image)
    batch = np.moveaxis(pixels, -1, 0)[np.newaxis].copy()
    hints = {"INFERENCE_PRECISION_HINT": "f32"} if precision == "float32" else {}
    compiled = openvino.Core().compile_model(f"{folder}/net.xml", "CPU", hints)
    return _finish(lambda: compiled({"image": batch})[0][0, 0], expected)


def run_savedmodel(folder: str, image: str) -> Run:
    """Predict with TensorFlow."""
    import tensorflow as tf

    pixels, expected = _load(image)
    batch = tf.constant(pixels[np.newaxis])
    loaded = tf.saved_model.load(f"{folder}/net")

    def step() -> np.ndarray:
        # Through the loaded object each time: it owns the weights, and must live as long.
        result = loaded.signatures["serving_default"](image=batch)
        return result["probability"].numpy()[0, ..., 0]

    return _finish(step, expected)


def run_litert(folder: str, image: str) -> Run:
    """Predict with LiteRT, on all cores."""
    from ai_edge_litert.interpreter import Interpreter

    pixels, expected = _load(image)
    height, width, _ = pixels.shape
    interpreter = Interpreter(
        f"{folder}/net_{height}x{width}.tflite", num_threads=os.cpu_count() or 1
    )
    runner = interpreter.get_signature_runner("serving_default")
    batch = pixels[np.newaxis]
    return _finish(lambda: runner(image=batch)["probability"][0, ..., 0], expected)


def _load(image: str) -> tuple[np.ndarray, np.ndarray]:
    """Read pixels, (height, width, channels) float32, and the map that is expected."""
    with np.load(image) as stored:
        return stored["pixels"], stored["expected"]


def _unpickle(path: Path) -> Any:
    # Written by the benchmark itself, a moment ago.
    with path.open("rb") as file:
        return pickle.load(file)


def _finish(step: Callable[[], np.ndarray], expected: np.ndarray) -> Run:
    return step, {"difference": float(np.abs(step() - expected).max())}
