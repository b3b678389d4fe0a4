"""Patch sampling, augmentation, precision and the fit loop."""

from membseg.training._adversarial import AdversarialSteps
from membseg.training._augment import augment_patch, parse_augmentation
from membseg.training._averaging import WeightAverage
from membseg.training._cell_sampler import CellSampler
from membseg.training._cell_steps import PARTS, CellSteps, build_training_model
from membseg.training._loop import TrainingLoop, TrainingResult, is_out_of_memory
from membseg.training._mean_teacher import MeanTeacherSteps
from membseg.training._network import compile_network, layer_shapes, network_function
from membseg.training._precision import PRECISIONS, choose_policy, has_accelerator
from membseg.training._resident import ResidentSteps, choose_steps
from membseg.training._sampler import PatchSampler, TrainingData
from membseg.training._schedule import Schedule
from membseg.training._soft_targets import check_soft_targets
from membseg.training._split import Block, ValidationPlan, plan_validation
from membseg.training._steps import HostSteps, Steps
from membseg.training._unlabelled import UnlabelledSampler
from membseg.training._validation import Validator
from membseg.training._variables import assign_values, values_of

__all__ = [
    "PARTS",
    "PRECISIONS",
    "AdversarialSteps",
    "Block",
    "CellSampler",
    "CellSteps",
    "HostSteps",
    "MeanTeacherSteps",
    "PatchSampler",
    "ResidentSteps",
    "Schedule",
    "Steps",
    "TrainingData",
    "TrainingLoop",
    "TrainingResult",
    "UnlabelledSampler",
    "ValidationPlan",
    "Validator",
    "WeightAverage",
    "assign_values",
    "augment_patch",
    "build_training_model",
    "check_soft_targets",
    "choose_policy",
    "choose_steps",
    "compile_network",
    "has_accelerator",
    "is_out_of_memory",
    "layer_shapes",
    "network_function",
    "parse_augmentation",
    "plan_validation",
    "values_of",
]
