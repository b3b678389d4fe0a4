"""Export to OpenVINO."""

import json
import os
from pathlib import Path
from typing import Any

from membseg.export._conversion import converting, saved_model
from membseg.export._graph import build_graph
from membseg.export._quiet import quiet
from membseg.export._target import check_target, written_beside
from membseg.utils import import_optional


def export_openvino(
    segmenter: Any,
    path: str | os.PathLike[str],
    *,
    normalise: bool = True,
    output: str = "probability",
    overwrite: bool = False,
) -> Path:
    """Write a segmenter's network for OpenVINO, for images of any size.

    Input and output are those of :func:`export_onnx`: ``image``, (n, channels, height, width), to
    ``probability`` (or ``logits``), (n, 1, height, width), both float32.

    Parameters
    ----------
    segmenter : segmenter
        As for :func:`export_onnx`.
    path : str or path-like
        A file that ends in .xml; the weights go beside it, to a file that ends in .bin.
    normalise : bool, default=True
        Whether intensities are normalised inside.
    output : {"probability", "logits"}, default="probability"
        What the network gives.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Returns
    -------
    Path
        The .xml file.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter cannot be exported, its network cannot be converted, or an option is
        unknown; also where Keras does not run on TensorFlow.
    MissingDependencyError
        If openvino is not installed.
    ModelFileError
        If the files cannot be written, or are there already.

    See Also
    --------
    export_onnx : The same for ONNX.

    Notes
    -----
    OpenVINO computes in bfloat16 on processors with matrix units for it, whatever the file says:
    compile with the property ``INFERENCE_PRECISION_HINT`` set to ``f32`` for the same numbers as
    membseg's. The metadata, JSON, stand in the model's ``rt_info`` under ``membseg``.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, make_membranes
    >>> from membseg.export import export_openvino
    >>> X, y = make_membranes(2, 32, 32, random_state=0)
    >>> segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=1, threshold=0.5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_openvino(segmenter, f"{folder}/net.xml")
    ...     path.name, path.with_suffix(".bin").is_file()
    ('net.xml', True)
    """
    weights = f"{Path(path).stem}.bin" if isinstance(path, str | os.PathLike) else ""
    target = check_target(path, ".xml", overwrite=overwrite, beside=(weights,))
    with quiet():
        openvino = import_optional("openvino", extra="openvino", purpose="Exporting to OpenVINO")
    graph = build_graph(segmenter, normalise=normalise, output=output, channels_first=True)
    with converting(graph, "OpenVINO"), saved_model(graph) as folder:
        # Not convert_model, which reports to OpenVINO's makers over the network.
        model = openvino.Core().read_model(str(folder))
        model.set_rt_info(json.dumps(graph.metadata), "membseg")
        with written_beside(target) as beside:
            openvino.save_model(model, str(beside / target.name), compress_to_fp16=False)
            # It keeps the weights' file open, and that may not be moved everywhere.
            del model
    return target
