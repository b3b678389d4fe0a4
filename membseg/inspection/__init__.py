"""What a segmenter looks at, what its scores rest on, and whether data give masks away."""

from membseg.inspection._channel_importance import channel_importance
from membseg.inspection._grad_cam import grad_cam
from membseg.inspection._importance import ImportanceResult
from membseg.inspection._input_gradients import input_gradients
from membseg.inspection._integrated_gradients import integrated_gradients
from membseg.inspection._leak_check import leak_check
from membseg.inspection._leak_report import LeakReport, LeakTest
from membseg.inspection._occlusion import OcclusionResult, Shortcut, occlusion_map
from membseg.inspection._property_importance import property_importance
from membseg.inspection._randomisation import RandomisationResult, randomisation_check
from membseg.inspection._receptive_field import ReceptiveField, effective_receptive_field
from membseg.inspection._smooth_grad import smooth_grad

__all__ = [
    "ImportanceResult",
    "LeakReport",
    "LeakTest",
    "OcclusionResult",
    "RandomisationResult",
    "ReceptiveField",
    "Shortcut",
    "channel_importance",
    "effective_receptive_field",
    "grad_cam",
    "input_gradients",
    "integrated_gradients",
    "leak_check",
    "occlusion_map",
    "property_importance",
    "randomisation_check",
    "smooth_grad",
]
