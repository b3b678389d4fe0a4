"""Parameters of label images that are the best for a score, on slices held out."""

from dataclasses import replace
from typing import Any

import numpy as np

from membseg.instances._rules import CellRules
from membseg.metrics import SCORERS
from membseg.metrics._evaluation import METRICS, Evaluation
from membseg.metrics._pairs import Pairs

#: Names of scores that judge cells.
CELL_SCORES = tuple(name for name in SCORERS if SCORERS[name].response == "predict_instances")

#: Values that are tried, and for which methods.
_TRIED: dict[str, tuple[float, ...]] = {
    "threshold": tuple(np.arange(1, 10) / 10),
    "merge_threshold": tuple(np.arange(1, 10) / 10),
    "seed_distance": (1.0, 2.0, 3.0, 5.0, 8.0),
    "wall_threshold": tuple(np.arange(3, 9) / 10),
}
_METHODS_OF = {
    "threshold": ("threshold", "watershed", "agglomerate"),
    "merge_threshold": ("agglomerate",),
    "seed_distance": ("watershed", "agglomerate"),
    "wall_threshold": ("watershed", "agglomerate"),
}


def tune_rules(
    rules: CellRules, pairs: Pairs, scoring: str, fixed: tuple[str, ...]
) -> tuple[CellRules, list[dict[str, Any]]]:
    """Try the values of one parameter after the other, and keep the best.

    Each threshold is tried with its value for `merge_threshold` too, whose own turn comes next.

    Parameters
    ----------
    rules : CellRules
        Where to start; its own values are kept where no other is better.
    pairs : Pairs
        Encoded masks beside maps of membrane probability.
    scoring : str
        One of `CELL_SCORES`.
    fixed : tuple of str
        Parameters that are left as they are.

    Returns
    -------
    rules : CellRules
        The best ones.
    tried : list of dict
        The values and the score of each trial, higher is better.
    """
    score = _score(rules, pairs, scoring)
    tried = [_row(rules, score)]
    for name, values in _TRIED.items():
        if name in fixed or rules.method not in _METHODS_OF[name]:
            continue
        start = rules
        for trial in _list_trials(start, name, values):
            found = _score(trial, pairs, scoring)
            tried.append(_row(trial, found))
            if found > score:
                rules, score = trial, found
    return rules, tried


def _list_trials(start: CellRules, name: str, values: tuple[float, ...]) -> list[CellRules]:
    trials = []
    for value in map(float, values):
        trials.append(CellRules(**(vars(start) | {name: value})))
        if name == "threshold" and start.method == "agglomerate":
            # Where all walls are weak: what is none at this threshold keeps no regions apart.
            trials.append(replace(trials[-1], merge_threshold=value))
    # Each once, in this order.
    return [trial for trial in dict.fromkeys(trials) if trial != start]


def _score(rules: CellRules, pairs: Pairs, scoring: str) -> float:
    labels = [rules.label(np.asarray(prob)) for prob in pairs.guess]
    evaluation = Evaluation({"predict_instances": replace(pairs, guess=labels)})
    return SCORERS[scoring].sign * METRICS[scoring].value(evaluation)


def _row(rules: CellRules, score: float) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in _TRIED} | {"score": score}
