"""A class's parameters that are its base's: shown in full, written down once."""

import inspect
import re
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)

#: The headline of a section of a docstring, as numpydoc has it.
_HEADLINE = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)

#: The sections that a base and a class have in common.
_COMMON = ("Parameters", "Attributes")


def with_shared_parameters(cls: _Class) -> _Class:
    """Show the base's parameters in a class whose ``__init__`` takes them as ``**shared``.

    scikit-learn, searches and ``help`` read parameters from the signature of ``__init__``. This
    gives it the class's own parameters first and then the base's, with their defaults, and does
    the same for the sections *Parameters* and *Attributes* of the docstring.

    Parameters
    ----------
    cls : type
        Changed in place. Parameters that it names itself, for another default, stay where they
        are.

    Returns
    -------
    type
        The class.

    Raises
    ------
    TypeError
        If ``__init__`` does not end in ``**shared``.
    """
    base: Any = cls.__mro__[1]
    init: Any = cls.__dict__.get("__init__")
    own = [] if init is None else list(inspect.signature(init).parameters.values())
    if not own or own[-1].kind is not inspect.Parameter.VAR_KEYWORD:
        raise TypeError(
            f"{cls.__name__}.__init__ must end in **shared, which it hands on to "
            f"{base.__name__}.__init__; got {init and inspect.signature(init)}. Without parameters "
            "of its own it needs neither __init__ nor with_shared_parameters."
        )
    names = {parameter.name for parameter in own}
    shared = [
        p for p in inspect.signature(base.__init__).parameters.values() if p.name not in names
    ]
    init.__signature__ = inspect.Signature([*own[:-1], *shared])
    # Under python -OO there are no docstrings.
    if cls.__doc__ and base.__doc__:
        cls.__doc__ = _merged(inspect.cleandoc(cls.__doc__), inspect.cleandoc(base.__doc__))
    return cls


def _merged(own: str, base: str) -> str:
    """Put the entries of the base's common sections after the class's own."""
    summary, sections = _split(own)
    _, of_base = _split(base)
    common = {
        name: _join(sections.pop(name, ""), of_base[name]) for name in _COMMON if name in of_base
    }
    parts = [f"{name}\n{'-' * len(name)}\n{text}" for name, text in (common | sections).items()]
    return "\n\n".join([summary, *parts]) + "\n"


def _split(doc: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into what comes first, and its sections by name."""
    summary, *rest = _HEADLINE.split(doc)
    texts = {name: text.strip("\n") for name, text in zip(rest[::2], rest[1::2], strict=True)}
    return summary.strip("\n"), texts


def _join(own: str, shared: str) -> str:
    """Put entries one after the other, without those of the base that the class has itself."""
    named = {name for entry in _entries(own) for name in _names(entry)}
    left = [entry for entry in _entries(shared) if not named.intersection(_names(entry))]
    return "\n".join([*_entries(own), *left])


def _entries(text: str) -> list[str]:
    """Split a section into its entries, which start at the margin."""
    return re.split(r"\n(?=\S)", text) if text else []


def _names(entry: str) -> list[str]:
    """Give the names in the first line of an entry."""
    return [name.strip() for name in entry.splitlines()[0].partition(":")[0].split(",")]
