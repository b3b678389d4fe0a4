"""What happens around a converter of another package."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from membseg.exceptions import InvalidInputError, MembsegError, ModelFileError
from membseg.export._graph import ExportedGraph
from membseg.export._quiet import quiet

#: How converters name what they do not have: LiteRT's two ways, then ONNX's.
_MISSING = re.compile(
    r"(?:TF Select ops: |Custom ops: |No Op registered for )([A-Za-z0-9]+(?:, [A-Za-z0-9]+)*)"
)


@contextmanager
def converting(graph: ExportedGraph, to: str) -> Iterator[None]:
    """Keep a converter quiet, and say in a sentence what it cannot do.

    Parameters
    ----------
    graph : ExportedGraph
        What is converted.
    to : str
        Name of the format.

    Yields
    ------
    None
        While the converter runs.

    Raises
    ------
    InvalidInputError
        If the converter fails.
    ModelFileError
        If the disk fails it.
    """
    try:
        with quiet():
            yield
    except (MembsegError, MemoryError):
        raise
    except OSError as error:
        raise ModelFileError(f"What is exported to {to} could not be written: {error}") from error
    except Exception as error:
        raise InvalidInputError(
            f"The network of this {graph.metadata['segmenter']} cannot be converted to {to}. "
            f"{_why(str(error))} Export it in another format, or use another network."
        ) from error


def _why(reason: str) -> str:
    """Find the operators that are missing in a converter's long message, or cut it short."""
    named = _MISSING.search(reason)
    if named is not None:
        return f"It has no operator {named[1].strip()} for these numbers."
    short = " ".join(reason.split())
    return f"The converter says: {short[:300]}{' ...' if len(short) > 300 else ''}"


@contextmanager
def saved_model(graph: ExportedGraph) -> Iterator[Path]:
    """Give a folder with the graph as a SavedModel, for converters that read these.

    Parameters
    ----------
    graph : ExportedGraph
        What is saved.

    Yields
    ------
    Path
        The folder, gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="membseg-") as name:
        folder = Path(name) / "saved_model"
        write_saved_model(graph, folder)
        yield folder


def write_saved_model(graph: ExportedGraph, folder: Path) -> None:
    """Write the graph as a SavedModel with one signature, ``serving_default``."""
    import tensorflow as tf

    module = tf.Module()
    # The variables alone: of the Keras model, nothing but the graph is saved.
    module.kept = [variable.value for variable in graph.network.variables]
    traced = graph.traced()
    tf.saved_model.save(module, str(folder), signatures=traced.get_concrete_function())
