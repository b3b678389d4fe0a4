"""Training slices against held-out ones: is the segmenter overfitted?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from membseg.analysis._bootstrap import draw_scores, interval
from membseg.analysis._weighted import WeightedScores
from membseg.metrics._evaluation import METRICS

#: What training and held-out slices are compared by: scores that are quick and do not need a cut
#: chosen on the data.
GAP_SCORES = ("iou", "f1", "accuracy", "brier", "log_loss", "v_rand_mask", "v_info_mask")

#: A gap in IoU from here on matters, and from here on is large.
_SOME, _LARGE = 0.02, 0.1


@dataclass(frozen=True)
class TrainingGap:
    """How much better a segmenter is on the slices that it was trained on.

    Attributes
    ----------
    verdict : {"none", "slight", "clear", "unknown"}
        Whether it is overfitted, by membrane IoU. "none": the gap is below 0.02, or no more than
        chance. "clear": it is at least 0.1. "unknown": there is a single image on one side.
    sentence : str
        The same in words, with the numbers.
    table : tuple of dict
        One row a score: "score", "training", "held_out", "gap" (how much worse the held-out
        slices are, whichever sign the score has), and the interval of the gap, "low" and "high".
    n_training, n_held_out : int
        Images on either side.
    """

    verdict: str
    sentence: str
    table: tuple[dict[str, Any], ...]
    n_training: int
    n_held_out: int

    def __str__(self) -> str:
        return self.sentence


def training_gap(
    training: WeightedScores,
    held_out: WeightedScores,
    *,
    level: float,
    n_resamples: int,
    rng: np.random.Generator,
) -> TrainingGap:
    """Compare two sets of images; each is drawn anew by itself."""
    values = training.values(), held_out.values()
    drawn = [draw_scores(part, GAP_SCORES, n_resamples, rng) for part in (training, held_out)]
    rows = []
    for name in GAP_SCORES:
        sign = 1 if METRICS[name].higher_is_better else -1
        low, high = interval(sign * (drawn[0][name] - drawn[1][name]), level)
        row = {"score": name, "training": values[0][name], "held_out": values[1][name]}
        row |= {"gap": sign * (values[0][name] - values[1][name]), "low": low, "high": high}
        rows.append(row)
    verdict, sentence = _judge(rows[0], level)
    return TrainingGap(verdict, sentence, tuple(rows), training.n_images, held_out.n_images)


def _judge(row: dict[str, Any], level: float) -> tuple[str, str]:
    gap, low, high = row["gap"], row["low"], row["high"]
    numbers = (
        f"the IoU of membrane is {row['training']:.3f} on the training slices and "
        f"{row['held_out']:.3f} on the held-out ones"
    )
    if np.isnan(low):
        return "unknown", (
            f"Whether it is overfitted cannot be told from a single image: {numbers}. Give at "
            "least two images on either side."
        )
    numbers += f", a gap of {gap:.3f} ({100 * level:g} % interval {low:.3f} to {high:.3f})."
    if gap < _SOME or low <= 0:
        return "none", f"No sign of overfitting: {numbers}"
    if gap < _LARGE:
        return "slight", (
            f"Slightly overfitted, or the held-out slices are harder: {numbers} The held-out "
            "numbers are the ones to quote."
        )
    return "clear", (
        f"Overfitted, or the held-out slices are of another kind: {numbers} Quote the held-out "
        "numbers only; more labelled slices, more augmentation or a smaller network may help."
    )
