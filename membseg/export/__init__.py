"""Trained networks for other tools: ONNX, OpenVINO, SavedModel, LiteRT, BioImage.IO."""

from membseg.export._bioimageio import export_bioimageio
from membseg.export._litert import export_litert
from membseg.export._onnx import export_onnx
from membseg.export._openvino import export_openvino
from membseg.export._savedmodel import export_savedmodel

__all__ = [
    "export_bioimageio",
    "export_litert",
    "export_onnx",
    "export_openvino",
    "export_savedmodel",
]
