"""Export as a SavedModel of TensorFlow's."""

import json
import os
from pathlib import Path
from typing import Any

from membseg.export._conversion import converting, write_saved_model
from membseg.export._graph import build_graph
from membseg.export._target import check_target, written_beside

#: The file with the metadata, in the folder.
METADATA_NAME = "membseg.json"


def export_savedmodel(
    segmenter: Any,
    path: str | os.PathLike[str],
    *,
    normalise: bool = True,
    output: str = "probability",
    overwrite: bool = False,
) -> Path:
    """Write a segmenter's network as a SavedModel of TensorFlow's, for images of any size.

    Its signature ``serving_default`` takes ``image``, (n, height, width, channels), float32,
    and gives ``probability`` (or ``logits``), (n, height, width, 1), float32: what `predict_proba`
    gives for membrane with ``tta="none"`` and ``precision="float32"``.

    Parameters
    ----------
    segmenter : segmenter
        As for :func:`export_onnx`.
    path : str or path-like
        A folder that does not exist yet. The folder above it must exist.
    normalise : bool, default=True
        Whether intensities are normalised inside.
    output : {"probability", "logits"}, default="probability"
        What the network gives.
    overwrite : bool, default=False
        Whether a folder that holds a SavedModel may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter cannot be exported, or an option is unknown; also where Keras does not run
        on TensorFlow.
    ModelFileError
        If the folder cannot be written, or is there already.

    See Also
    --------
    export_litert : For phones and small devices.

    Notes
    -----
    The metadata are in the folder, in ``membseg.json``.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, make_membranes
    >>> from membseg.export import export_savedmodel
    >>> X, y = make_membranes(2, 32, 32, random_state=0)
    >>> segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=1, threshold=0.5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_savedmodel(segmenter, f"{folder}/net")
    ...     (path / "membseg.json").is_file()
    True
    """
    target = check_target(path, "", overwrite=overwrite)
    graph = build_graph(segmenter, normalise=normalise, output=output)
    with converting(graph, "SavedModel"), written_beside(target) as folder:
        write_saved_model(graph, folder / target.name)
        text = json.dumps(graph.metadata, indent=1)
        (folder / target.name / METADATA_NAME).write_text(text, encoding="utf-8")
    return target
