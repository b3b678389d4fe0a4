"""From membranes to cells: label images, cells through the stack, and their measurements."""

from membseg.instances._cell_scores import score_cells
from membseg.instances._cell_segmenter import CellSegmenter
from membseg.instances._geojson import save_geojson
from membseg.instances._label_cells import label_cells
from membseg.instances._link_slices import LinkedSlices, SliceEvent, link_slices
from membseg.instances._measure_cells import CellMeasurements, measure_cells
from membseg.instances._rois import save_rois
from membseg.instances._table import CellTable

__all__ = [
    "CellMeasurements",
    "CellSegmenter",
    "CellTable",
    "LinkedSlices",
    "SliceEvent",
    "label_cells",
    "link_slices",
    "measure_cells",
    "save_geojson",
    "save_rois",
    "score_cells",
]
