"""A record as one row of a table."""

from typing import Any

from membseg.records._fingerprint import short_digest
from membseg.records._record import ExperimentRecord

_PLACE = ("backend", "membseg", "python", "keras", "tensorflow", "jax", "numpy", "scikit-learn")
_MACHINE = ("cpu", "n_cpus", "os", "git_commit")


def as_row(record: ExperimentRecord) -> dict[str, Any]:
    """Lay a record out in columns.

    Parameters
    ----------
    record : ExperimentRecord
        The record.

    Returns
    -------
    dict of str to (str, int, float, bool or None)
        Who and when; each score as ``<set>_<score>``; training; data; machine; each parameter as
        ``param_<name>``. What the record does not know is None, and scores and parameters that it
        does not have are no columns.
    """
    origin = record.origin or {}
    row: dict[str, Any] = {
        "id": record.id,
        "created": record.created,
        "name": record.name,
        "tags": "; ".join(record.tags) or None,
        "segmenter": record.estimator_class,
    }
    for part, scores in record.scores.items():
        row |= {f"{part}_{name}": value for name, value in scores.items()}
    peak = record.memory.get("peak_bytes")
    row |= {
        "n_steps": record.n_steps,
        "n_epochs": len(record.history) or None,
        **{name: record.fitted.get(name) for name in ("best_epoch", "threshold", "n_parameters")},
        "fit_seconds": record.timings.get("fit"),
        "predict_seconds": record.timings.get("predict"),
        "peak_megabytes": None if peak is None else round(peak / 1e6, 1),
    }
    for part, data in record.data.items():
        row[f"{part}_images"] = data["n_images"]
        row[f"{part}_data"] = short_digest(data)
        row[f"{part}_membrane"] = data["membrane_fraction"]
    row |= {name: record.environment.get(name) for name in (*_PLACE, *_MACHINE)}
    accelerators = record.environment.get("accelerators")
    row["accelerators"] = "; ".join(map(str, accelerators)) if accelerators else None
    row |= {
        "origin": origin.get("kind"),
        "group": origin.get("group"),
        "model_file": record.model_file["path"] if record.model_file else None,
        "notes": record.notes,
    }
    return row | {f"param_{name}": value for name, value in record.parameters.items()}
