"""The record of one experiment."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from membseg.exceptions import RecordError
from membseg.records._fields import check_fields
from membseg.records._markdown import as_markdown
from membseg.records._plain import as_plain

#: The format that is written. Readers of older ones stay.
_FORMAT = 1
_KIND = "membseg experiment record"


@dataclass(frozen=True)
class ExperimentRecord:
    """Everything that tells one trained segmenter from another, in plain values.

    Attributes
    ----------
    id : str
        Time and a few random digits; also the name of its files.
    created : str
        Time in UTC, ISO 8601.
    estimator_class : str
        Name of the segmenter's class.
    parameters : dict of str to object
        All its parameters, nested ones as ``step__parameter``; of what is no plain value a text.
    estimator : dict or None
        Class and parameters, from which :func:`reproduce` builds it again; None where it cannot
        be built from plain values.
    name, notes : str or None
        As given.
    tags : list of str
        As given.
    data : dict of str to dict
        For each set ("train", "test"): ``n_images``, ``sizes``, ``dtype``, ``n_channels``,
        ``membrane_fraction``, and the SHA-256 of each of ``images`` and ``masks``.
    fit_params : dict of str to str
        Digests of what fit was given besides images and masks.
    split : dict of str to list
        Which slices are in which set, and ``groups``, as given.
    environment : dict
        Versions, Keras's backend, processors, accelerators, system, git commit.
    seeds : dict
        The parameters that are random states.
    n_steps : int or None
        Training steps taken.
    fitted : dict of str to float
        Numbers that fit found: ``threshold``, ``best_epoch``, ``n_parameters``, ``batch_size``,
        ``patch_size``.
    history : list of dict
        A row an epoch.
    scores : dict of str to dict of str to float
        For each set the scores, with their own sign: losses are lower where better.
    fold_scores : dict of str to list of float
        Scores of each fold, where the record is of a cross-validation.
    timings : dict of str to float
        Seconds: ``fit``, ``predict`` (once over the scored images).
    memory : dict of str to float
        ``peak_bytes``: the most that the process has had by then.
    figures : dict of str to str
        Files of figures, in the record's folder.
    model_file : dict or None
        ``path`` in the record's folder, and ``sha256``, of the saved segmenter.
    intended_use, limits : str or None
        For the model card, as given.
    origin : dict or None
        Where it comes from, if not from one fit: the search, the comparison, the fold.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter, make_membranes, record_experiment
    >>> X, y = make_membranes(4, 48, 48, random_state=0)
    >>> segmenter = ThresholdSegmenter().fit(X[:3], y[:3])
    >>> record = record_experiment(segmenter, X[:3], y[:3], X_test=X[3:], y_test=y[3:])
    >>> record.estimator_class, record.data["train"]["n_images"], sorted(record.scores)
    ('ThresholdSegmenter', 3, ['test'])
    >>> type(record).from_json(record.to_json()) == record
    True
    """

    id: str
    created: str
    estimator_class: str
    parameters: dict[str, Any] = field(default_factory=dict)
    estimator: dict[str, Any] | None = None
    name: str | None = None
    notes: str | None = None
    tags: list[str] = field(default_factory=list)
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    fit_params: dict[str, str] = field(default_factory=dict)
    split: dict[str, list[Any]] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    seeds: dict[str, Any] = field(default_factory=dict)
    n_steps: int | None = None
    fitted: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    fold_scores: dict[str, list[float]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    model_file: dict[str, str] | None = None
    intended_use: str | None = None
    limits: str | None = None
    origin: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            plain = as_plain(getattr(self, entry.name), entry.name)
            object.__setattr__(self, entry.name, plain)
        check_fields(vars(self))

    def to_json(self) -> str:
        """Write the record as text that :meth:`from_json` reads.

        Returns
        -------
        str
            JSON, with the number of its format.
        """
        content = {"format": _FORMAT, "kind": _KIND} | asdict(self)
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ExperimentRecord":
        """Read what :meth:`to_json` wrote; nothing in it is run or imported.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        ExperimentRecord
            The record, equal to the one that was written.

        Raises
        ------
        RecordError
            If the text is no JSON, no record, one of a later format, or a field is missing,
            unknown or of the wrong kind.
        """
        content = _parse(text)
        if not isinstance(content, dict) or content.pop("kind", None) != _KIND:
            raise RecordError(
                f'A record must be a JSON object with "kind": "{_KIND}"; got another one. Give a '
                "file that record_experiment or save_record wrote."
            )
        version = content.pop("format", None)
        if version != _FORMAT or isinstance(version, bool):
            raise RecordError(
                f"A record must have the format {_FORMAT}; got {version!r}. If a later membseg "
                "wrote it, upgrade this one."
            )
        known = {entry.name for entry in fields(cls)}
        if missing := known - set(content):
            raise RecordError(
                f"A record must have all fields of its format; this one lacks {_quoted(missing)}. "
                "It was changed by hand."
            )
        if unknown := set(content) - known:
            raise RecordError(
                "A record must have no fields besides those of its format; this one has "
                f"{_quoted(unknown)}. It was changed by hand."
            )
        return cls(**content)

    def to_markdown(self) -> str:
        """Write the record as a model card.

        Returns
        -------
        str
            Markdown: what it is, data, training, scores, environment, use and limits.
        """
        return as_markdown(self)


def _quoted(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _parse(text: Any) -> Any:
    if not isinstance(text, str):
        raise RecordError(
            f"A record must be read from text; got {type(text).__name__}. Use load_record for a "
            "file."
        )
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        # RecordError is a ValueError as well.
        if isinstance(error, RecordError):
            raise
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RecordError(
            f"A record must be JSON; this text is not: {why}. It was cut, or is another file."
        ) from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError(f"A record must name each field once; {twice!r} is there twice.")
    return found


def _refuse(text: str) -> Any:
    raise RecordError(f"A record must hold finite numbers; got {text}.")
