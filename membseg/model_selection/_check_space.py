"""Spaces of parameters, judged before a search starts."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from membseg.exceptions import InvalidInputError, InvalidTypeError


def check_search_space(estimator: Any, space: Any) -> Any:
    """Refuse a space of parameters that a search would break on, before it trains anything.

    Searches find a wrong name when they come to it, without a hint, and ``BayesSearchCV`` breaks
    on values that are no scalars with a message about array sizes.

    Parameters
    ----------
    estimator : estimator
        What is searched: a segmenter, or a pipeline around one.
    space : dict, or list of dict
        Parameter -> list of values, distribution of SciPy or Optuna, or dimension of
        scikit-optimize; as ``GridSearchCV``, ``RandomizedSearchCV``, ``BayesSearchCV`` and
        ``OptunaSearchCV`` take it. A list may hold pairs (dict, number) too, as for
        ``BayesSearchCV``.

    Returns
    -------
    dict, or list of dict
        `space` itself.

    Raises
    ------
    InvalidInputError
        If the space is empty, or names a parameter that `estimator` does not have.
    InvalidTypeError
        If it is no dict, or a value is no scalar (or estimator).

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.model_selection import check_search_space
    >>> check_search_space(ThresholdSegmenter(), {"sigma": [1.0, 2.0]})
    {'sigma': [1.0, 2.0]}
    """
    known = estimator.get_params(deep=True)
    for part in _parts(space):
        if not part:
            raise InvalidInputError(
                "space must name at least one parameter; got an empty dict. Fit the estimator "
                "itself where nothing is to be searched."
            )
        for name, values in part.items():
            if name not in known:
                raise InvalidInputError(_unknown(estimator, name, known))
            for value in _listed(values):
                _check_value(name, value)
    return space


def _parts(space: Any) -> Iterator[Mapping[str, Any]]:
    """Give the dicts of a space."""
    parts = space if isinstance(space, list | tuple) else [space]
    for part in parts:
        alone = part[0] if isinstance(part, tuple) and len(part) == 2 else part
        if not isinstance(alone, Mapping):
            raise InvalidTypeError(
                "space must be a dict of parameters and their values, or a list of such; got "
                f"{type(alone).__name__}."
            )
        yield alone
    if not parts:
        raise InvalidInputError(
            "space must hold at least one dict of parameters; got an empty list."
        )


def _unknown(estimator: Any, name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"The nearest name is {near[0]!r}." if near else f"It has {', '.join(sorted(known))}."
    return f"space names {name!r}, which is no parameter of {type(estimator).__name__}. {hint}"


def _listed(values: Any) -> list[Any]:
    """Give the values that are said one by one; none of a distribution."""
    for attribute in ("categories", "choices"):
        if hasattr(values, attribute):
            return list(getattr(values, attribute))
    return list(values) if isinstance(values, list | tuple) else []


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, list | tuple | set | dict):
        raise InvalidTypeError(
            f"space[{name!r}] must hold single numbers, strings, flags or None; got "
            f"{value!r}. Search its parts as parameters of their own."
        )
