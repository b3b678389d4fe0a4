"""A record holds plain values and comes back from JSON as it was."""

import dataclasses
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from membseg.exceptions import RecordError
from membseg.records import ExperimentRecord

KIND = "membseg experiment record"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.dictionaries(TEXT, st.floats(allow_nan=False, allow_infinity=False) | st.integers())
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, width=32) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def content(record):
    return json.loads(record.to_json())


@given(
    parameters=st.dictionaries(TEXT, PLAIN, max_size=4),
    scores=st.dictionaries(TEXT, NUMBERS, max_size=3),
    history=st.lists(NUMBERS, max_size=3),
    notes=st.none() | TEXT,
    tags=st.lists(TEXT, max_size=3),
)
def test_json_gives_an_equal_record(parameters, scores, history, notes, tags):
    record = ExperimentRecord(
        id="a",
        created="2026-01-31T12:00:00+00:00",
        estimator_class="X",
        parameters=parameters,
        scores=scores,
        history=history,
        notes=notes,
        tags=tags,
    )
    assert ExperimentRecord.from_json(record.to_json()) == record


def test_records_of_experiments_come_back(plain_record, net_record):
    for record in (plain_record, net_record):
        assert ExperimentRecord.from_json(record.to_json()) == record


def test_values_of_numpy_and_paths_become_plain(make_record, tmp_path):
    record = make_record(
        scores={"test": {"iou": np.float32(0.5)}},
        history=[{"loss": np.float64(0.25), "val_iou": float("nan")}],
        split={"train": np.arange(3)},
        parameters={"folder": tmp_path, "sizes": (1, 2)},
    )
    assert record.scores["test"]["iou"] == 0.5
    assert type(record.scores["test"]["iou"]) is float
    assert record.history == [{"loss": 0.25, "val_iou": None}]
    assert record.split == {"train": [0, 1, 2]}
    assert record.parameters == {"folder": str(tmp_path), "sizes": [1, 2]}


def test_fields_cannot_be_set(make_record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_record().name = "other"


def test_what_json_cannot_hold_is_refused(make_record):
    with pytest.raises(RecordError, match=r"parameters\['f'\] must hold numbers, texts, .* object"):
        make_record(parameters={"f": object()})
    with pytest.raises(RecordError, match="notes must hold text that can be written to a file"):
        make_record(notes="\ud800")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("id", "../x", "letters, digits, - and _, at most 64; got '../x'"),
        ("id", "", "letters, digits"),
        ("id", 3, "letters, digits"),
        ("created", "yesterday", "a time with its zone"),
        ("created", "2026-01-31T12:00:00", "a time with its zone"),
        ("created", None, "a time with its zone"),
        ("estimator_class", None, "a text; got None"),
        ("parameters", [], "a dict; got []"),
        ("estimator", 1, "a dict or None; got 1"),
        ("name", 1, "a text or None"),
        ("tags", "a", "a list of texts"),
        ("data", {"train": {}}, "a dict of fingerprints"),
        ("data", {"train": 1}, "a dict of fingerprints"),
        ("fit_params", {"groups": 1}, "a dict of texts"),
        ("split", {"train": 1}, "a dict of lists"),
        ("n_steps", True, "an int or None"),
        ("n_steps", -1, "an int or None"),
        ("fitted", {"threshold": "x"}, "a dict of numbers"),
        ("history", [{"loss": "x"}], "a list of dicts of numbers"),
        ("scores", {"test": 1.0}, "a dict of dicts of numbers"),
        ("scores", {"test": {"iou": True}}, "a dict of dicts of numbers"),
        ("fold_scores", {"iou": 1.0}, "a dict of lists of numbers"),
        ("figures", {"a": "/etc/passwd"}, "a dict of paths inside the folder"),
        ("figures", {"a": "x/../../y"}, "a dict of paths inside the folder"),
        ("figures", {"a": "C:\\x"}, "a dict of paths inside the folder"),
        ("figures", {"a": ""}, "a dict of paths inside the folder"),
        ("model_file", {"path": "../m", "sha256": "0"}, "a path inside the folder and its sha256"),
        ("model_file", {"path": "m"}, "a path inside the folder and its sha256"),
        ("origin", "x" * 200, "a dict or None"),
    ],
)
def test_a_field_of_a_wrong_kind_is_named(make_record, field, value, text):
    with pytest.raises(RecordError, match=f"{field} of a record must be .*{re.escape(text)}"):
        make_record(**{field: value})
    broken = json.dumps(content(make_record()) | {field: value})
    with pytest.raises(RecordError, match=f"{field} of a record must be"):
        ExperimentRecord.from_json(broken)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "A record must be JSON; this text is not"),
        ('{"format": 1', "A record must be JSON; this text is not"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[]", f'A record must be a JSON object with "kind": "{KIND}"'),
        ('{"format": 1}', 'A record must be a JSON object with "kind"'),
        ('{"a": NaN}', "A record must hold finite numbers; got NaN"),
        ('{"a": 1, "b": 2, "a": 3}', "A record must name each field once; 'a' is there twice"),
        (f'{{"kind": "{KIND}"}}', "A record must have the format 1; got None"),
        (
            f'{{"kind": "{KIND}", "format": 2}}',
            "A record must have the format 1; got 2. If a later",
        ),
        (f'{{"kind": "{KIND}", "format": true}}', "A record must have the format 1; got True"),
        (b"{}", "A record must be read from text; got bytes"),
    ],
)
def test_text_that_is_no_record(text, message):
    with pytest.raises(RecordError, match=re.escape(message)):
        ExperimentRecord.from_json(text)


def test_missing_and_unknown_fields_are_named(plain_record):
    fields = content(plain_record)
    lacking = {name: value for name, value in fields.items() if name not in ("scores", "tags")}
    with pytest.raises(RecordError, match="this one lacks 'scores', 'tags'"):
        ExperimentRecord.from_json(json.dumps(lacking))
    with pytest.raises(RecordError, match="this one has 'extra'"):
        ExperimentRecord.from_json(json.dumps(fields | {"extra": 1}))


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), n_cut=st.integers(0, 5))
def test_a_damaged_text_gives_a_record_or_its_own_error(plain_record, place, byte, n_cut):
    damaged = bytearray(plain_record.to_json().encode())
    place %= len(damaged)
    damaged[place : place + n_cut] = bytes([byte])
    try:
        found = ExperimentRecord.from_json(damaged.decode(errors="replace"))
    except RecordError:
        return
    assert isinstance(found, ExperimentRecord)


def test_the_model_card_says_what_matters(net_record):
    record = dataclasses.replace(
        net_record,
        name="first | net",
        notes="Cut at 40 nm.",
        intended_use="Neuropil.",
        limits="No muscle.",
        tags=["baseline"],
        split={"train": [0, 1, 2, 3], "test": [4, 5]},
        figures={"curve": "a-1-curve.png"},
        model_file={"path": "a.membseg", "sha256": "0" * 64},
    )
    card = record.to_markdown()
    assert card.startswith("# first | net\n")
    for text in (
        "## Notes\n\nCut at 40 nm.",
        "## Intended use\n\nNeuropil.",
        "## Limits\n\nNo muscle.",
        f"| iou | {record.scores['test']['iou']:.6g} |",
        "| train | 4 | 32 x 32 | 1 |",
        "| test | 4, 5 |",
        "| steps | 2 |",
        "| epochs | 2 |",
        "| learning_rate | 0.002 |",
        "| random_state | 0 |",
        "![curve](a-1-curve.png)",
        f"| model file | a.membseg, SHA-256 {'0' * 64} |",
        f"| numpy | {np.__version__} |",
    ):
        assert text in card, text


def test_bars_and_lines_do_not_break_the_tables_of_the_card(make_record):
    card = make_record(parameters={"text": "a | b\nc"}, notes=None).to_markdown()
    assert "| text | a \\| b c |" in card
    assert "## Notes" not in card
