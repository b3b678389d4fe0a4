"""Export to ONNX."""

import json
import os
from pathlib import Path
from typing import Any

from membseg.export._conversion import converting
from membseg.export._graph import ExportedGraph, build_graph
from membseg.export._target import check_target, written_beside
from membseg.utils import import_optional

#: The version of ONNX's operators that is written: old enough for tools that are some years old.
OPSET = 17

#: What the open sizes of images and maps are called in the file.
_SIZES = ("n", "", "height", "width")


def export_onnx(
    segmenter: Any,
    path: str | os.PathLike[str],
    *,
    normalise: bool = True,
    output: str = "probability",
    overwrite: bool = False,
) -> Path:
    """Write a segmenter's network as an ONNX file, for images of any size.

    The file has one input, ``image``, of shape (n, channels, height, width), float32, and one
    output, ``probability`` (or ``logits``), of shape (n, 1, height, width), float32. It gives what
    `predict_proba` gives for membrane with ``tta="none"`` and ``precision="float32"``: each image
    is normalised as a whole and continued by reflection inside.

    Parameters
    ----------
    segmenter : segmenter
        A fitted segmenter around a Keras network, or a
        :class:`~membseg.CalibratedSegmenter` (temperature, sigmoid or beta) or
        :class:`~membseg.TunedThresholdSegmenter` of one.
    path : str or path-like
        A file that ends in .onnx.
    normalise : bool, default=True
        Whether intensities are normalised inside. False is for tools that cut images into tiles
        themselves: they must normalise the whole image first, as the metadata tell.
    output : {"probability", "logits"}, default="probability"
        What the network gives.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter cannot be exported, its network cannot be converted, or an option is
        unknown; also where Keras does not run on TensorFlow.
    MissingDependencyError
        If onnx or tf2onnx is not installed.
    ModelFileError
        If the file cannot be written, or is there already.

    See Also
    --------
    export_openvino : The same for OpenVINO.

    Notes
    -----
    Views of test time (`tta`) are not exported, and tiles are not cut: whoever runs the file sees
    the whole image at once. The metadata, JSON under the key ``membseg``, hold classes, threshold,
    normalisation, halo and factor.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, make_membranes
    >>> from membseg.export import export_onnx
    >>> X, y = make_membranes(2, 32, 32, random_state=0)
    >>> segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=1, threshold=0.5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_onnx(segmenter, f"{folder}/net.onnx")
    ...     path.name
    'net.onnx'
    """
    target = check_target(path, ".onnx", overwrite=overwrite)
    graph = build_graph(segmenter, normalise=normalise, output=output, channels_first=True)
    model = to_onnx(graph)
    with written_beside(target) as folder:
        (folder / target.name).write_bytes(model.SerializeToString())
    return target


def to_onnx(graph: ExportedGraph) -> Any:
    """Convert a graph whose channels come first.

    Parameters
    ----------
    graph : ExportedGraph
        What to convert.

    Returns
    -------
    onnx.ModelProto
        The model, with metadata.

    Raises
    ------
    InvalidInputError
        If ONNX does not know all of it.
    MissingDependencyError
        If onnx or tf2onnx is not installed.
    """
    traced = graph.traced()
    with converting(graph, "ONNX"):
        onnx = import_optional("onnx", extra="onnx", purpose="Exporting to ONNX")
        converter = import_optional("tf2onnx.convert", extra="onnx", purpose="Exporting to ONNX")
        model, _ = converter.from_function(traced, traced.input_signature, opset=OPSET)
        _spell_out_erfc(onnx, model)
        _name_sizes(model)
        onnx.helper.set_model_props(model, {"membseg": json.dumps(graph.metadata)})
        # Older runtimes refuse files that call themselves newer than they are.
        model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
        # The converter leaves what it does not know as it is.
        onnx.checker.check_model(model)
    return model


def _spell_out_erfc(onnx: Any, model: Any) -> None:
    """Write 1 - erf(x) for erfc(x), which TensorFlow's GELU has and ONNX has not."""
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        erf, one = f"{node.output[0]}_erf", f"{node.output[0]}_one"
        model.graph.initializer.append(
            onnx.helper.make_tensor(one, onnx.TensorProto.FLOAT, (), [1.0])
        )
        nodes.append(onnx.helper.make_node("Erf", node.input, [erf]))
        nodes.append(onnx.helper.make_node("Sub", [one, erf], node.output))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _name_sizes(model: Any) -> None:
    for value in (*model.graph.input, *model.graph.output):
        for dim, name in zip(value.type.tensor_type.shape.dim, _SIZES, strict=True):
            if name and not dim.dim_value:
                dim.dim_param = name
