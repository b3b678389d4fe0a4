"""What came out when a record was trained again."""

from dataclasses import dataclass, field
from typing import Any

from membseg.records._record import ExperimentRecord

#: Columns of a history that say how long it took, or follow the plan of steps, not what came out.
_NOT_COMPARED = ("seconds", "learning_rate")


@dataclass(frozen=True)
class Reproduction:
    """Old and new results side by side; what :func:`membseg.reproduce` gives.

    Attributes
    ----------
    record : ExperimentRecord
        The record.
    segmenter : segmenter
        The segmenter that was fitted now.
    scores : dict of str to dict of str to float
        Its scores; the old ones are ``record.scores``.
    history : list of dict
        Its history; the old one is ``record.history``.
    n_steps : int or None
        Its training steps.
    doubts : list of str
        What differs from then, or was random, and may move the last digits.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment, reproduce
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> record = record_experiment(ThresholdSegmenter().fit(X, y), X, y, scoring=["iou", "ece"])
    >>> found = reproduce(record, X, y)
    >>> found.is_identical, found.differences
    (True, {'train': {'iou': 0.0, 'ece': 0.0}})
    """

    record: ExperimentRecord
    segmenter: Any = field(repr=False)
    scores: dict[str, dict[str, float]]
    history: list[dict[str, float]] = field(repr=False)
    n_steps: int | None = None
    doubts: list[str] = field(default_factory=list)

    @property
    def differences(self) -> dict[str, dict[str, float]]:
        """New minus old: each score of each set, and, as "history", the largest of each column."""
        found = {
            part: {name: self.scores[part][name] - value for name, value in old.items()}
            for part, old in self.record.scores.items()
        }
        columns = self._history_differences()
        return found | {"history": columns} if columns else found

    @property
    def is_identical(self) -> bool:
        """Whether scores, history and number of steps are the same to the last digit."""
        return (
            all(value == 0.0 for part in self.differences.values() for value in part.values())
            and len(self.history) == len(self.record.history)
            and self.n_steps == self.record.n_steps
        )

    def _history_differences(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for old, new in zip(self.record.history, self.history, strict=False):
            for name, value in old.items():
                if name in _NOT_COMPARED or name not in new or value is None:
                    continue
                difference = float(new[name] - value)
                # Not >=: a result that is not a number must not pass for the same.
                if not abs(difference) <= abs(found.setdefault(name, 0.0)):
                    found[name] = difference
        return found

    def __str__(self) -> str:
        verdict = "the same to the last digit" if self.is_identical else "not the same"
        lines = [f"record {self.record.id}: {verdict}"]
        for part, old in self.record.scores.items():
            for name, value in old.items():
                new = self.scores[part][name]
                lines.append(f"{part} {name}: {value!r} then, {new!r} now ({new - value:+.2g})")
        if self.n_steps != self.record.n_steps:
            lines.append(f"steps: {self.record.n_steps} then, {self.n_steps} now")
        return "\n".join(lines + [f"doubt: {doubt}" for doubt in self.doubts])
