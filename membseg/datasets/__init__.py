"""Synthetic slices, real slices, splits, and the label doctor."""

from membseg.datasets._describe import DatasetDescription, describe_dataset
from membseg.datasets._findings import Finding
from membseg.datasets._isbi2012 import fetch_isbi2012
from membseg.datasets._label_doctor import LabelReport, check_labels
from membseg.datasets._membranes import make_membranes
from membseg.datasets._split import train_val_test_split

__all__ = [
    "DatasetDescription",
    "Finding",
    "LabelReport",
    "check_labels",
    "describe_dataset",
    "fetch_isbi2012",
    "make_membranes",
    "train_val_test_split",
]
