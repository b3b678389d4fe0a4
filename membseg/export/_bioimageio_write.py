"""The files of a BioImage.IO package."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np

from membseg.export._bioimageio_check import PURPOSE, check_package, load_spec
from membseg.export._bioimageio_sample import SamplePair
from membseg.export._bioimageio_text import FILES, FORMAT, describe_tensors
from membseg.export._graph import ExportedGraph
from membseg.export._onnx import to_onnx
from membseg.utils import import_optional


def write_package(
    path: Path,
    graph: ExportedGraph,
    pair: SamplePair,
    page: str,
    covers: Sequence[Path],
    said: dict[str, Any],
) -> None:
    """Write a package, and have it judged.

    Parameters
    ----------
    path : Path
        The file.
    graph : ExportedGraph
        What becomes the weights.
    pair : SamplePair
        The test image and its map.
    page : str
        The README.
    covers : sequence of Path
        Pictures; none for image and map side by side.
    said : dict
        Entries of rdf.yaml about the model: name, authors, ...

    Raises
    ------
    InvalidInputError
        If bioimageio.spec refuses it, or ONNX does not know all of the network.
    MissingDependencyError
        If bioimageio.spec, onnx or tf2onnx is not installed.
    """
    weights, opset = _convert(graph)
    pictures = _read_covers(covers, pair)
    files = {
        FILES["input"]: _as_npy(pair.pixels),
        FILES["output"]: _as_npy(pair.probability),
        FILES["weights"]: weights,
        FILES["readme"]: page.encode(),
        **pictures,
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    description = {
        "format_version": FORMAT,
        "type": "model",
        **said,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "documentation": FILES["readme"],
        "covers": list(pictures),
        **describe_tensors(graph.metadata, pair.steps, hashes),
        "weights": {
            "onnx": {
                "source": FILES["weights"],
                "sha256": hashes[FILES["weights"]],
                "opset_version": opset,
            }
        },
        "config": {
            "bioimageio": {"reproducibility_tolerance": [_tolerance(pair.probability)]},
            "membseg": graph.metadata,
        },
    }
    text = io.StringIO()
    load_spec().save_bioimageio_yaml_only(description, text)
    files["rdf.yaml"] = text.getvalue().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    check_package(path, description)


def _convert(graph: ExportedGraph) -> tuple[bytes, int]:
    """Give the network as ONNX, and the version of its operators."""
    model = to_onnx(graph)
    onnx = import_optional("onnx", extra="bioimageio", purpose=PURPOSE)
    # Fiji's runtimes are years older than Python's, and refuse files that call themselves newer.
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    (opset,) = [entry.version for entry in model.opset_import if not entry.domain]
    return model.SerializeToString(), opset


def _read_covers(covers: Sequence[Path], pair: SamplePair) -> dict[str, bytes]:
    if covers:
        return {f"cover{i}{cover.suffix}": cover.read_bytes() for i, cover in enumerate(covers)}
    return {"cover.png": iio.imwrite("<bytes>", pair.cover(), plugin="pillow", extension=".png")}


def _as_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _tolerance(probability: np.ndarray) -> dict[str, float]:
    """Say how much another machine's map may differ; at most 1 % of the largest probability."""
    return {
        "relative_tolerance": 1e-3,
        "absolute_tolerance": min(1e-4, 5e-3 * float(probability.max())),
    }
