"""What measures are usually like, and how far a value is from that."""

from dataclasses import dataclass

import numpy as np

from membseg.quality._measures import MEASURES

#: Median of the absolute value of a standard normal variable.
_MEDIAN_ABS = 0.6745


@dataclass(frozen=True)
class Usual:
    """What a measure usually is, on the scale on which its differences count.

    Attributes
    ----------
    centre, spread : float
        Mean and standard deviation, or what stands for them.
    """

    centre: float
    spread: float


def learn_usual(rows: list[dict[str, float]], *, robust: bool = False) -> dict[str, Usual]:
    """Learn from rows of measures what is usual.

    Parameters
    ----------
    rows : list of dict
        One row an image.
    robust : bool
        Whether single rows that are far off must not count: medians instead of means.

    Returns
    -------
    dict of str to Usual
        By the measures' names; those of which no value is known are left out.
    """
    usual = {}
    for name, measure in MEASURES.items():
        values = np.array(
            [measure.scaled(v) for row in rows if np.isfinite(v := row.get(name, np.nan))]
        )
        if not len(values):
            continue
        if robust:
            centre = float(np.median(values))
            spread = float(np.median(np.abs(values - centre))) / _MEDIAN_ABS
        else:
            centre = float(values.mean())
            spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        usual[name] = Usual(centre, max(spread, measure.floor))
    return usual


def z_score(name: str, value: float, usual: Usual) -> float:
    """Tell how many standard deviations a value is from what is usual; NaN where there is none."""
    if not np.isfinite(value):
        return float("nan")
    return (MEASURES[name].scaled(value) - usual.centre) / usual.spread


def say_deviation(name: str, value: float, usual: Usual) -> str:
    """Say in words how far a value is off."""
    measure = MEASURES[name]
    z = z_score(name, value, usual)
    typical = np.exp(usual.centre) if measure.log else usual.centre
    side = "above" if z > 0 else "below"
    return (
        f"{measure.words} is {value:.3g}{measure.unit}, {abs(z):.1f} standard deviations {side} "
        f"the usual {typical:.3g}{measure.unit}"
    )
