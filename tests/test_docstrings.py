"""Docstrings say what the code does: complete, and equal to the signatures.

Every public name of every room is checked; names are read from the rooms' ``__all__`` without
importing them. The doctests themselves are run by ``pytest --doctest-modules membseg``.
"""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import numpydoc.docscrape
import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).resolve().parents[1] / "membseg"

#: Rooms for the house itself: a summary is enough there, but what is documented must be true.
INTERNAL_ROOMS = ("inference", "training", "utils")

#: numpydoc's checks of form. Left out: ES01 and SA01 (an extended summary and "See Also" are no
#: duty), SS05 (takes nouns that end in s for verbs), RT02 (forbids names of single results),
#: PR01 to PR03 (the comparison with the signature below is stricter), RT01 and EX01 (below).
FORM = (
    *("GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10"),
    *("SS01", "SS02", "SS03", "SS04", "SS06"),
    *("PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10"),
    *("RT03", "RT04", "RT05", "YD01", "SA02", "SA03", "SA04"),
)


def public_names():
    """Return {room: names in its ``__all__``, or None where it has no ``__all__``}."""
    found = {}
    for path in sorted([*ROOT.glob("[!_]*.py"), *ROOT.glob("*/__init__.py")]):
        room = path.parent.name if path.name == "__init__.py" else path.stem
        found[room] = None
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[room] = ast.literal_eval(node.value)
    return found


def load(room, name):
    return getattr(importlib.import_module(f"membseg.{room}"), name)


def members(thing):
    """Return the callables to check as {dotted tail: callable}: the thing, then its methods."""
    found = {"": thing}
    if inspect.isclass(thing):
        for owner in reversed(thing.__mro__):
            if owner.__module__.startswith("membseg"):
                for name, member in vars(owner).items():
                    plain = getattr(member, "__func__", member)  # of class and static methods
                    if not name.startswith("_") and inspect.isfunction(plain):
                        found[f".{name}"] = plain
    return found


def is_name(word):
    """Whether a word is a name that is written with a small first letter, such as clDice."""
    return word != word.lower()


def is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, BaseException)


def actual_parameters(thing, tail):
    """Parameters of the signature as {name as documented: default or empty}."""
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = list(inspect.signature(thing).parameters.values())
    if tail and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    # Records may keep fields of their own (with an underscore), which are nobody's business.
    public = [p for p in parameters if not p.name.startswith("_")]
    return {marks.get(p.kind, "") + p.name: p.default for p in public}


def documented_parameters(thing):
    """Parameters of the docstring as {name: type}; fields of records are their attributes."""
    doc = numpydoc.docscrape.NumpyDocString(inspect.getdoc(thing) or "")
    entries = doc["Parameters"] + doc["Other Parameters"]
    if dataclasses.is_dataclass(thing) and not entries:
        entries = doc["Attributes"]
    return {
        name.strip().replace("\\", ""): entry.type
        for entry in entries
        for name in entry.name.split(",")
    }


def default_problem(name, kind, default):
    """Say what is wrong with the documented default of one parameter, or None."""
    match = re.search(r"default=(.+)$", kind, flags=re.DOTALL)
    if default is inspect.Parameter.empty:
        return f"{name}: documents a default and has none" if match else None
    if match is None:
        return f"{name}: does not document its default, {default!r} ('{kind}')"
    text = " ".join(match.group(1).split())
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        same = text in (repr(default), str(default), getattr(default, "__name__", ""))
    else:
        same = type(value) is type(default) and value == default
    return None if same else f"{name}: documents default={text} and has {default!r}"


def compare_parameters(thing, tail, *, must):
    """List how a docstring's parameters differ from the signature."""
    actual, documented = actual_parameters(thing, tail), documented_parameters(thing)
    if not documented and not (must and actual):
        return []
    if list(actual) != list(documented):
        return [f"signature {list(actual)}, docstring {list(documented)}"]
    if dataclasses.is_dataclass(thing):
        return []  # attributes of a record carry no defaults
    problems = [default_problem(n, documented[n], default) for n, default in actual.items()]
    return [problem for problem in problems if problem]


def own_nodes(tree):
    """Walk a function's body without the functions inside it."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from own_nodes(child)


def missing_sections(function):
    """List sections that the code of a function calls for and the docstring lacks."""
    source = inspect.getsource(inspect.unwrap(function))
    # Not textwrap.dedent: a docstring may hold lines (after a backslash) that start at the margin.
    module = ast.parse(f"if True:\n{source}" if source[0].isspace() else source)
    tree = next(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))
    doc = numpydoc.docscrape.NumpyDocString(inspect.getdoc(function) or "")
    nodes = list(own_nodes(tree))
    returns = any(isinstance(n, ast.Return) and n.value is not None for n in nodes)
    raises = any(isinstance(n, ast.Raise) and n.exc is not None for n in nodes)
    wanted = {"Returns": returns, "Raises": raises}
    return [
        f"no {section} section"
        for section, is_wanted in wanted.items()
        if is_wanted and not doc[section]
    ]


ROOMS = public_names()
#: Functions and classes; constants (in capitals) have no docstring of their own.
NAMES = [(room, n) for room, names in ROOMS.items() for n in names or [] if not n.isupper()]


def test_every_room_declares_its_names():
    assert [room for room, names in ROOMS.items() if names is None] == []
    assert {("io", "load_stack"), ("exceptions", "MembsegError")} <= set(NAMES)


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_parameters_and_defaults_equal_the_signature(room, name):
    thing = load(room, name)
    must = room not in INTERNAL_ROOMS
    problems = []
    for tail, member in members(thing).items():
        if not is_error(member):
            problems += [f"{name}{tail}: {p}" for p in compare_parameters(member, tail, must=must)]
    assert problems == []


@pytest.mark.parametrize(("room", "name"), [n for n in NAMES if n[0] not in INTERNAL_ROOMS])
def test_form(room, name):
    thing = load(room, name)
    problems = []
    for tail, member in members(thing).items():
        first_word = (inspect.getdoc(member) or "-").split()[0]
        for code, text in validate(f"{thing.__module__}.{name}{tail}")["errors"]:
            if code in FORM and not (code == "SS02" and is_name(first_word)):
                problems.append(f"{name}{tail}: {code} {text}")
    assert problems == []


@pytest.mark.parametrize(("room", "name"), [n for n in NAMES if n[0] not in INTERNAL_ROOMS])
def test_sections(room, name):
    thing = load(room, name)
    problems = []
    for tail, member in members(thing).items():
        if inspect.isfunction(member):
            problems += [f"{name}{tail}: {problem}" for problem in missing_sections(member)]
    if not (is_error(thing) or dataclasses.is_dataclass(thing)):
        has_example = ">>>" in (inspect.getdoc(thing) or "")
        problems += [] if has_example else [f"{name}: no Examples"]
    assert problems == []


# The checks above must be able to fail.


def example(a, b=1, *, c="x"):
    """Do a thing.

    Parameters
    ----------
    a : int
        First.
    b : int, default=2
        Second.
    c : str
        Third.
    """
    if a:
        raise ValueError
    return b, c


def test_the_comparison_sees_wrong_and_missing_defaults():
    assert compare_parameters(example, "", must=True) == [
        "b: documents default=2 and has 1",
        "c: does not document its default, 'x' ('str')",
    ]


def test_names_with_a_small_first_letter():
    assert is_name("clDice")
    assert not is_name("count")


@pytest.mark.parametrize(
    ("kind", "default", "fine"),
    [
        ("int, default=1", 1, True),
        ("bool, default=1", True, False),
        ('{"a", "b"}, default="a"', "a", True),
        ("{'a', 'b'}, default='b'", "a", False),
        ("float or None, default=None", None, True),
        ("float, default=inf", float("inf"), True),
        ("float, default=0.5", 0.5, True),
        ("tuple, default=(0, 1)", (0, 1), True),
        ("int, default=1", inspect.Parameter.empty, False),
        ("int", inspect.Parameter.empty, True),
    ],
)
def test_the_comparison_of_defaults(kind, default, fine):
    assert (default_problem("x", kind, default) is None) == fine


def test_the_comparison_sees_names_and_order():
    def swapped(b, a):
        """Do a thing.

        Parameters
        ----------
        a, b : int
            Both.
        """

    expected = ["signature ['b', 'a'], docstring ['a', 'b']"]
    assert compare_parameters(swapped, "", must=True) == expected


def test_missing_sections_are_seen():
    assert missing_sections(example) == ["no Returns section", "no Raises section"]
