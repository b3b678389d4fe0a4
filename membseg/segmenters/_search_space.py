"""Ranges of parameters, said once for every library that searches them."""

from dataclasses import dataclass
from typing import Any

from membseg.exceptions import InvalidInputError
from membseg.utils import import_optional

LIBRARIES = ("skopt", "optuna", "sklearn")


@dataclass(frozen=True)
class Number:
    """A number between two others, both included.

    Attributes
    ----------
    low, high : int or float
        Two integers mean integers.
    log : bool
        Whether orders of magnitude are equally likely.
    """

    low: float
    high: float
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether only integers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes
    ----------
    values : tuple
        Strings, numbers, flags.
    """

    values: tuple[Any, ...]


def to_library(
    spaces: dict[str, dict[str, Number | Choice]], size: str, library: str, prefix: str
) -> dict[str, Any]:
    """Translate a space.

    Parameters
    ----------
    spaces : dict
        Name of each size -> parameter -> range.
    size : str
        Which one.
    library : {"skopt", "optuna", "sklearn"}
        Whom it is for.
    prefix : str
        Put before each parameter's name.

    Returns
    -------
    dict
        Parameter -> dimension, distribution or list.
    """
    if size not in spaces:
        raise InvalidInputError(f"size must be one of {sorted(spaces)}; got {size!r}.")
    if library not in LIBRARIES:
        raise InvalidInputError(f"library must be one of {sorted(LIBRARIES)}; got {library!r}.")
    translate = {"skopt": _for_skopt, "optuna": _for_optuna, "sklearn": _for_sklearn}[library]
    return {prefix + name: translate(values) for name, values in spaces[size].items()}


def _for_skopt(values: Number | Choice) -> Any:
    space = import_optional(
        "skopt.space", extra="search", purpose="search_space for scikit-optimize"
    )
    if isinstance(values, Choice):
        return space.Categorical(list(values.values))
    kind = space.Integer if values.is_whole else space.Real
    return kind(values.low, values.high, prior="log-uniform" if values.log else "uniform")


def _for_optuna(values: Number | Choice) -> Any:
    distributions = import_optional(
        "optuna.distributions", extra="search", purpose="search_space for Optuna"
    )
    if isinstance(values, Choice):
        return distributions.CategoricalDistribution(values.values)
    kind = "IntDistribution" if values.is_whole else "FloatDistribution"
    return getattr(distributions, kind)(values.low, values.high, log=values.log)


def _for_sklearn(values: Number | Choice) -> Any:
    from scipy import stats

    if isinstance(values, Choice):
        return list(values.values)
    if values.is_whole:
        # scipy's upper end is left out.
        return stats.randint(int(values.low), int(values.high) + 1)
    if values.log:
        return stats.loguniform(values.low, values.high)
    return stats.uniform(values.low, values.high - values.low)
