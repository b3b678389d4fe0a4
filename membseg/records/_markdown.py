"""A record as a model card."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from membseg.records._record import ExperimentRecord


def as_markdown(record: "ExperimentRecord") -> str:
    """Write a record for people to read.

    Parameters
    ----------
    record : ExperimentRecord
        The record.

    Returns
    -------
    str
        Markdown.
    """
    title = record.name or record.estimator_class
    parts = [f"# {_line(title)}", _summary(record)]
    for heading, text in (
        ("Notes", record.notes),
        ("Intended use", record.intended_use),
        ("Limits", record.limits),
    ):
        if text:
            parts += [f"## {heading}", text.strip()]
    parts += _scores(record) + _data(record) + _training(record) + _parameters(record)
    rows = [(name, _shown(value)) for name, value in record.environment.items()]
    if rows:
        parts += ["## Environment", _table(("what", "which"), rows)]
    if record.figures:
        figures = [f"![{_line(name)}]({path})" for name, path in record.figures.items()]
        parts += ["## Figures", "\n\n".join(figures)]
    return "\n\n".join(parts) + "\n"


def _summary(record: "ExperimentRecord") -> str:
    rows = [
        ("record", record.id),
        ("created", record.created),
        ("segmenter", record.estimator_class),
        ("tags", ", ".join(record.tags)),
        ("origin", _shown(record.origin)),
    ]
    if record.model_file:
        file = record.model_file
        rows.append(("model file", f"{file['path']}, SHA-256 {file['sha256']}"))
    return _table(("what", "which"), [row for row in rows if row[1]])


def _scores(record: "ExperimentRecord") -> list[str]:
    if not record.scores:
        return []
    names = list(dict.fromkeys(name for scores in record.scores.values() for name in scores))
    rows = [
        (name, *(_shown(scores.get(name)) for scores in record.scores.values())) for name in names
    ]
    return ["## Scores", _table(("score", *record.scores), rows)]


def _data(record: "ExperimentRecord") -> list[str]:
    if not record.data:
        return []
    rows = []
    for part, data in record.data.items():
        sizes = sorted({f"{height} x {width}" for height, width in data["sizes"]})
        shown = ", ".join(sizes[:4]) + (", ..." if len(sizes) > 4 else "")
        membrane = f"{100 * data['membrane_fraction']:.1f} %"
        numbers = (data["n_images"], shown, data["n_channels"], data["dtype"], membrane)
        rows.append((part, *map(str, numbers)))
    heads = ("set", "images", "pixels", "channels", "dtype", "membrane")
    parts = ["## Data", _table(heads, rows)]
    if record.split:
        parts.append(_table(("part", "slices"), [(k, _shown(v)) for k, v in record.split.items()]))
    return parts


def _training(record: "ExperimentRecord") -> list[str]:
    rows = [(name, _shown(value)) for name, value in record.seeds.items()]
    if record.n_steps is not None:
        rows.append(("steps", str(record.n_steps)))
    if record.history:
        rows.append(("epochs", str(len(record.history))))
        rows += [
            (f"last {name}", _shown(value))
            for name, value in record.history[-1].items()
            if name.endswith(("loss", "iou"))
        ]
    rows += [(name, _shown(value)) for name, value in record.fitted.items()]
    rows += [(f"seconds of {name}", f"{value:.3g}") for name, value in record.timings.items()]
    rows += [
        (name.replace("_bytes", " memory, MB"), f"{value / 1e6:.0f}")
        for name, value in record.memory.items()
    ]
    return ["## Training", _table(("what", "how much"), rows)] if rows else []


def _parameters(record: "ExperimentRecord") -> list[str]:
    rows = [(name, _shown(value)) for name, value in record.parameters.items()]
    return ["## Parameters", _table(("parameter", "value"), rows)] if rows else []


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    return str(value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    """A cell is one line, and a bar would end it."""
    return _line(text).replace("|", "\\|")
