"""Records of experiments: made, written, listed, reproduced, handed on."""

from membseg.records._files import load_record, save_record
from membseg.records._list_records import list_records
from membseg.records._mlflow import log_to_mlflow
from membseg.records._record import ExperimentRecord
from membseg.records._record_callback import RecordCallback
from membseg.records._record_comparison import record_comparison
from membseg.records._record_experiment import record_experiment
from membseg.records._record_search import record_search
from membseg.records._record_table import RecordTable
from membseg.records._reproduce import reproduce
from membseg.records._reproduction import Reproduction

__all__ = [
    "ExperimentRecord",
    "RecordCallback",
    "RecordTable",
    "Reproduction",
    "list_records",
    "load_record",
    "log_to_mlflow",
    "record_comparison",
    "record_experiment",
    "record_search",
    "reproduce",
    "save_record",
]
