"""How good masks are where there is no ground truth: measures, a table, a model of scores."""

from membseg.quality._agreement import MaskAgreement, mask_agreement, neighbour_agreement
from membseg.quality._alignment import EdgeAlignment, edge_alignment
from membseg.quality._cells import CellAreas, cell_areas
from membseg.quality._confidence import mean_confidence, view_consistency
from membseg.quality._defects import MembraneDefects, membrane_defects
from membseg.quality._plausibility import Verdict, plausibility
from membseg.quality._quality_model import QualityModel
from membseg.quality._quality_report import quality_report
from membseg.quality._quality_skill import QualitySkill
from membseg.quality._quality_table import QualityTable
from membseg.quality._texture import MembraneTexture, membrane_texture
from membseg.quality._thickness import MembraneThickness, membrane_thickness

__all__ = [
    "CellAreas",
    "EdgeAlignment",
    "MaskAgreement",
    "MembraneDefects",
    "MembraneTexture",
    "MembraneThickness",
    "QualityModel",
    "QualitySkill",
    "QualityTable",
    "Verdict",
    "cell_areas",
    "edge_alignment",
    "mask_agreement",
    "mean_confidence",
    "membrane_defects",
    "membrane_texture",
    "membrane_thickness",
    "neighbour_agreement",
    "plausibility",
    "quality_report",
    "view_consistency",
]
