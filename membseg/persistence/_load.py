"""Read a segmenter from a file, without trust in it."""

import os
from typing import Any

from membseg.exceptions import ModelFileError
from membseg.io._container import load_container
from membseg.persistence._codec import Decoder
from membseg.persistence._save import FORMAT, KIND, is_segmenter
from membseg.persistence._versions import compare_versions

_WAY_OUT = "Save the segmenter again where it came from, or fetch the file again."


def load(path: str | os.PathLike[str]) -> Any:
    """Load a segmenter from a file of :func:`membseg.save`.

    A file from a stranger runs no code. It is read in three steps: parsed (a zip file of two
    members of bounded size, JSON and safetensors), compared with a list of what may stand in it
    (names of classes, parameters and attributes, each with its kind, arrays of shapes that fit),
    and only then built.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    segmenter
        As it was saved: fitted if it was, with its parameters, history and threshold.

    Raises
    ------
    InvalidTypeError
        If `path` is no path.
    ModelFileError
        If there is no such file, or it is damaged, changed, foreign, or of a newer format.

    Warns
    -----
    ModelFileWarning
        If another version of membseg saved it, or another version of scikit-learn where it holds
        what scikit-learn has learnt.

    See Also
    --------
    save : Write such a file.

    Notes
    -----
    Networks are built when they are first asked to predict; loading builds one without its weights
    to compare their shapes. Under another backend or on another machine predictions may differ by
    rounding errors.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import membseg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "threshold.membseg"
    ...     membseg.save(membseg.ThresholdSegmenter(sigma=2.0), path)
    ...     membseg.load(path)
    ThresholdSegmenter(sigma=2.0)
    """
    document, arrays = load_container(path, KIND)
    try:
        segmenter = _build(document, arrays)
        compare_versions(
            document["versions"], path, sklearn_state=_has_sklearn_state(document["segmenter"])
        )
    except Warning:  # one that the caller turned into an error
        raise
    except Exception as error:  # of ours, and what others make of numbers that no segmenter has
        raise ModelFileError(f"{path} cannot be loaded: {error}. {_WAY_OUT}") from error
    return segmenter


def _build(document: dict[str, Any], arrays: dict[str, Any]) -> Any:
    number = document.get("format")
    if type(number) is not int or number < 1:
        raise ValueError("its format must be a whole number from 1 on")
    if number > FORMAT:
        raise ValueError(
            f"its segmenter has the format {number}, and this membseg knows formats up to {FORMAT}:"
            " update membseg (pip install -U membseg)"
        )
    if set(document) != {"format", "versions", "segmenter"}:
        raise ValueError("its document has other keys than it must have")
    decoder = Decoder(arrays)
    segmenter = decoder.decode_estimator(document["segmenter"])
    if decoder.unused:
        raise ValueError(f"it has an array that nothing asks for, {decoder.unused[0][:60]!r}")
    if not is_segmenter(segmenter):
        raise ValueError(f"it holds no segmenter but a {type(segmenter).__name__}")
    return segmenter


def _has_sklearn_state(encoded: Any) -> bool:
    """Whether something that scikit-learn has learnt is in a document."""
    if isinstance(encoded, list):
        return any(map(_has_sklearn_state, encoded))
    if not isinstance(encoded, dict):
        return False
    own = str(encoded.get("class")).startswith("sklearn.") and "state" in encoded
    return own or any(map(_has_sklearn_state, encoded.values()))
