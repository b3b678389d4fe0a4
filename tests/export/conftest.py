"""Small nets, and every format's own runtime."""

import json

import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.export import export_litert, export_onnx, export_openvino, export_savedmodel


def make_small(**params):
    """A U-Net that learns for two steps, in float32 and with one view."""
    small = {
        "depth": 1,
        "base_filters": 4,
        "max_steps": 2,
        "batch_size": 2,
        "threshold": 0.5,
        "tta": "none",
        "precision": "float32",
        "random_state": 0,
    }
    return UNetSegmenter(**(small | params))


@pytest.fixture(scope="session")
def small():
    """The factory of small U-Nets."""
    return make_small


@pytest.fixture(scope="session")
def slices():
    """Three slices of 48 x 48 pixels, 8 bits, and their masks."""
    X, y = make_membranes(3, 48, 48, random_state=0)
    return (200 * X + 30).astype(np.uint8), y


@pytest.fixture(scope="session")
def net(slices):
    """One small U-Net, fitted; not to be changed."""
    return make_small().fit(*slices)


def run_onnx(segmenter, folder, images, **options):
    """Export, and run with ONNX Runtime: (maps, name of the output, metadata)."""
    runtime = pytest.importorskip("onnxruntime")
    path = export_onnx(segmenter, folder / "net.onnx", overwrite=True, **options)
    session = runtime.InferenceSession(path)
    output = session.get_outputs()[0].name
    (maps,) = session.run([output], {"image": np.moveaxis(images, -1, 1)})
    metadata = session.get_modelmeta().custom_metadata_map["membseg"]
    return maps[:, 0], output, json.loads(metadata)


def run_openvino(segmenter, folder, images, **options):
    """The same with OpenVINO."""
    openvino = pytest.importorskip("openvino")
    path = export_openvino(segmenter, folder / "net.xml", overwrite=True, **options)
    core = openvino.Core()
    model = core.read_model(path)
    metadata = json.loads(model.get_rt_info("membseg").astype(str))
    # Else it computes in bfloat16 where the processor has matrix units for it.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    maps = compiled({"image": np.moveaxis(images, -1, 1)})[0]
    return maps[:, 0], compiled.output(0).any_name, metadata


def run_savedmodel(segmenter, folder, images, **options):
    """The same with TensorFlow."""
    import tensorflow as tf

    path = export_savedmodel(segmenter, folder / "net", overwrite=True, **options)
    # The loaded object is the owner of the weights.
    loaded = tf.saved_model.load(str(path))
    result = loaded.signatures["serving_default"](image=tf.constant(images))
    ((output, maps),) = result.items()
    metadata = json.loads((path / "membseg.json").read_text(encoding="utf-8"))
    return maps.numpy()[..., 0], output, metadata


def run_litert(segmenter, folder, images, **options):
    """The same with LiteRT, one image after the other."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    height, width = images.shape[1:3]
    path = export_litert(
        segmenter, folder / "net.tflite", height=height, width=width, overwrite=True, **options
    )
    runner = interpreter.Interpreter(str(path)).get_signature_runner("serving_default")
    results = [runner(image=image[np.newaxis]) for image in images]
    (output,) = results[0]
    maps = np.concatenate([result[output] for result in results])
    metadata = json.loads((folder / "net.tflite.json").read_text(encoding="utf-8"))
    return maps[..., 0], output, metadata


RUNS = {
    "onnx": run_onnx,
    "openvino": run_openvino,
    "savedmodel": run_savedmodel,
    "litert": run_litert,
}


@pytest.fixture(params=RUNS)
def run(request):
    """Exports with one format and runs it, each in turn."""
    return RUNS[request.param]


@pytest.fixture(scope="session")
def runs():
    """All of these, by the name of the format."""
    return RUNS


@pytest.fixture(params=["onnx", "openvino", "savedmodel", "litert"])
def export(request):
    """Export to a folder as "net" and the format's suffix, each format in turn."""
    suffix, function, options = {
        "onnx": (".onnx", export_onnx, {}),
        "openvino": (".xml", export_openvino, {}),
        "savedmodel": ("", export_savedmodel, {}),
        "litert": (".tflite", export_litert, {"height": 32, "width": 32}),
    }[request.param]

    def export_to(segmenter, folder, **more):
        return function(segmenter, folder / f"net{suffix}", **(options | more))

    return export_to
