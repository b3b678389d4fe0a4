"""Export to LiteRT, formerly TensorFlow Lite."""

import json
import os
from numbers import Integral
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.export._conversion import converting, saved_model
from membseg.export._graph import build_graph
from membseg.export._target import check_target, written_beside


def export_litert(
    segmenter: Any,
    path: str | os.PathLike[str],
    *,
    height: int,
    width: int,
    normalise: bool = True,
    output: str = "probability",
    overwrite: bool = False,
) -> Path:
    """Write a segmenter's network for LiteRT (TensorFlow Lite), for images of one size.

    Its signature ``serving_default`` takes ``image``, (1, height, width, channels), float32,
    and gives ``probability`` (or ``logits``), (1, height, width, 1), float32: what `predict_proba`
    gives for membrane with ``tta="none"`` and ``precision="float32"``.

    Parameters
    ----------
    segmenter : segmenter
        As for :func:`export_onnx`.
    path : str or path-like
        A file that ends in .tflite; the metadata go beside it, to the same name with .json added.
    height, width : int
        Size of the images in pixels, any. Other sizes need files of their own.
    normalise : bool, default=True
        Whether intensities are normalised inside.
    output : {"probability", "logits"}, default="probability"
        What the network gives.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Returns
    -------
    Path
        The .tflite file.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter cannot be exported, its network cannot be converted, or an option cannot
        be used; also where Keras does not run on TensorFlow.
    ModelFileError
        If the files cannot be written, or are there already.

    See Also
    --------
    export_savedmodel : The same for TensorFlow, and images of any size.

    Notes
    -----
    Only operators that every LiteRT runtime has are used. Open sizes would need more than these,
    and so would SegNet's way of unpooling, which is refused.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, make_membranes
    >>> from membseg.export import export_litert
    >>> X, y = make_membranes(2, 32, 32, random_state=0)
    >>> segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=1, threshold=0.5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_litert(segmenter, f"{folder}/net.tflite", height=32, width=32)
    ...     path.name
    'net.tflite'
    """
    size = (_check_length("height", height), _check_length("width", width))
    beside = f"{Path(path).name}.json" if isinstance(path, str | os.PathLike) else ""
    target = check_target(path, ".tflite", overwrite=overwrite, beside=(beside,))
    graph = build_graph(segmenter, normalise=normalise, output=output, size=size)
    content = _convert(graph)
    with written_beside(target) as folder:
        (folder / target.name).write_bytes(content)
        text = json.dumps(graph.metadata | {"height": size[0], "width": size[1]}, indent=1)
        (folder / beside).write_text(text, encoding="utf-8")
    return target


def _check_length(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidTypeError(
            f"{name} must be a whole number of pixels; got {type(value).__name__}."
        )
    if value < 1:
        raise InvalidInputError(f"{name} must be at least 1 pixel; got {value}.")
    return int(value)


def _convert(graph: Any) -> bytes:
    import tensorflow as tf

    with converting(graph, "LiteRT"), saved_model(graph) as folder:
        return bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert())
