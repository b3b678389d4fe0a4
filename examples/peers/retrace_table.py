"""Which readings of a net come near the numbers that were told of it, and how it really does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from peers.retrace_readings import CLASSES, METRICS, TREATMENTS
from peers.variant_table import print_markdown

#: How near a reading must come.
TOLERANCE = 0.03

#: Set of slices -> its name in tables.
SETS = {
    "log": "the last epoch, as the log has it",
    "train": "training slices",
    "copies": "moved copies of the training slices",
    "held_out": "held-out slices",
}

_CLASS_NAMES = {
    "cell": "cell", "membrane": "membrane", "mean": "mean of both classes",
    "pooled": "all pixels",
}  # fmt: skip

_METRIC_NAMES = {"accuracy": "accuracy", "iou": "IoU"}


@dataclass(frozen=True)
class Reading:
    """One way to arrive at a number.

    Attributes
    ----------
    slices, treatment, metric, label : str
        Names from :data:`SETS`, :data:`TREATMENTS`, :data:`METRICS` and :data:`CLASSES`.
    """

    slices: str
    treatment: str
    metric: str
    label: str

    def describe(self) -> str:
        """Tell it in words."""
        return (
            f"{_METRIC_NAMES[self.metric]}, {_CLASS_NAMES[self.label]}; "
            f"{TREATMENTS[self.treatment][0]}; {SETS[self.slices]}"
        )


@dataclass(frozen=True)
class Quoted:
    """A number that was told of the net.

    Attributes
    ----------
    name : str
        What it was called.
    value : float
        The number.
    metric : str
        The metric it must be.
    candidates : tuple of Reading
        Readings from the most natural one on. They were put in this order before any net was
        trained; others that come near as well do so by chance, until somebody shows the code.
    """

    name: str
    value: float
    metric: str
    candidates: tuple[Reading, ...]


def _readings(metric: str, *names: tuple[str, str, str]) -> tuple[Reading, ...]:
    return tuple(Reading(slices, treatment, metric, label) for slices, treatment, label in names)


QUOTED = (
    Quoted("accuracy", 0.97, "accuracy", _readings(
        "accuracy",
        ("log", "mask", "pooled"), ("copies", "mask", "pooled"), ("train", "mask", "pooled"),
        ("held_out", "mask", "pooled"), ("train", "mask", "cell"), ("held_out", "mask", "cell"),
    )),
    Quoted("IoU", 0.96, "iou", _readings(
        "iou",
        ("copies", "mask", "cell"), ("train", "mask", "cell"), ("held_out", "mask", "cell"),
        ("train", "map", "cell"), ("train", "mask", "pooled"), ("train", "mask", "mean"),
        ("train", "mask", "membrane"),
    )),
    Quoted("pixel accuracy", 0.50, "accuracy", _readings(
        "accuracy",
        ("held_out", "picture", "pooled"), ("train", "picture", "pooled"),
        ("copies", "picture", "pooled"), ("held_out", "picture_cut_off", "pooled"),
        ("train", "picture_cut_off", "pooled"), ("held_out", "map", "pooled"),
        ("train", "map", "pooled"), ("held_out", "scales", "pooled"),
        ("held_out", "truncated", "pooled"), ("held_out", "mispaired", "pooled"),
        ("held_out", "swapped", "pooled"),
        # These two are 0.50 whatever the net: one class is right everywhere, the other nowhere.
        ("held_out", "truncated", "mean"), ("held_out", "non_zero", "mean"),
    )),
)  # fmt: skip

#: True figures of the held-out slices.
TRUE_FIGURES = {
    "accuracy": "pixel accuracy", "iou": "IoU of membrane", "dice": "Dice of membrane",
    "v_rand": "V_Rand", "v_info": "V_Info",
}  # fmt: skip


def list_readings(row: Mapping[str, Any]) -> dict[Reading, float]:
    """Give every reading of a net, the log's one included, with its value."""
    found = dict(_from_grid(row["readings"]))
    if "log" in row:
        log = row["log"]["binary_accuracy"]
        found[Reading("log", "mask", "accuracy", "pooled")] = log[-1]
    return found


def _from_grid(readings: Mapping[str, Any]) -> Iterator[tuple[Reading, float]]:
    for slices, treatments in readings.items():
        for treatment in TREATMENTS:
            for metric in METRICS:
                for label in CLASSES:
                    values = treatments[treatment][metric]
                    if label in values:
                        yield Reading(slices, treatment, metric, label), values[label]


def near(quoted: Quoted, readings: Mapping[Reading, float]) -> list[Reading]:
    """List the readings of the quoted metric that come within the tolerance, nearest first."""
    distance = {
        reading: abs(value - quoted.value)
        for reading, value in readings.items()
        if reading.metric == quoted.metric
    }
    # Decimals are no exact numbers: 0.97 - 0.94 is a little more than 0.03.
    close = [reading for reading, gap in distance.items() if gap <= TOLERANCE + 1e-9]
    return sorted(close, key=lambda reading: distance[reading])


def explain(quoted: Quoted, readings: Mapping[Reading, float]) -> Reading | None:
    """Give the most natural reading that comes within the tolerance; None where none does."""
    close = set(near(quoted, readings))
    return next((reading for reading in quoted.candidates if reading in close), None)


def print_report(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what explains the quoted numbers, the true figures, and every reading."""
    done = {row["row"]: row for row in rows.values() if "failed" not in row}
    if "classical" in done:
        print_explanations(list_readings(done["classical"]))
    print_true_figures(done)
    for name, row in done.items():
        print_grid(name, list_readings(row))
    for key, row in rows.items():
        if "failed" in row:
            print(f"\n{key} failed: {row['failed']}")


def print_explanations(readings: Mapping[Reading, float]) -> None:
    """Print the candidates of each quoted number and how many readings come near it."""
    for quoted in QUOTED:
        of_metric = [reading for reading in readings if reading.metric == quoted.metric]
        close, best = near(quoted, readings), explain(quoted, readings)
        print(
            f"\n{quoted.name} {quoted.value:.2f}: {len(close)} of {len(of_metric)} readings come "
            f"within {TOLERANCE}.\n"
        )
        shown = [reading for reading in quoted.candidates if reading in readings]
        shown += [reading for reading in close if reading not in shown]
        lines = [
            [
                reading.describe(),
                f"{readings[reading]:.3f}",
                _mark(reading, close, best),
            ]
            for reading in shown
        ]
        print_markdown(["reading", "value", ""], lines)


def _mark(reading: Reading, close: list[Reading], best: Reading | None) -> str:
    if reading == best:
        return "**the most natural one**"
    return "near" if reading in close else ""


def print_true_figures(rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Print how the nets do on the held-out slices, each at its own threshold."""
    print("\nHeld-out slices, at each net's own threshold; V_Rand and V_Info at the best one.\n")
    lines = [
        [
            name,
            f"{row['n_parameters'] / 1e6:.2f}",
            str(row["n_steps"]),
            f"{row['fit_seconds']:.0f}",
            *(f"{row['truth'][figure]:.3f}" for figure in TRUE_FIGURES),
        ]
        for name, row in rows.items()
    ]
    headings = ["net", "million parameters", "steps", "seconds", *TRUE_FIGURES.values()]
    print_markdown(headings, lines)


def print_grid(name: str, readings: Mapping[Reading, float]) -> None:
    """Print every reading of a net; those near a quoted number of their metric are marked."""
    marked = {reading: quoted.value for quoted in QUOTED for reading in near(quoted, readings)}
    print(f"\nEvery reading of the {name} net; in brackets the quoted number that it is near.\n")
    keys = dict.fromkeys(
        (reading.slices, reading.treatment, reading.metric) for reading in readings
    )
    lines = []
    for slices, treatment, metric in keys:
        cells = []
        for label in CLASSES:
            reading = Reading(slices, treatment, metric, label)
            value = f"{readings[reading]:.3f}" if reading in readings else ""
            cells.append(value + (f" ({marked[reading]:.2f})" if reading in marked else ""))
        lines.append([SETS[slices], TREATMENTS[treatment][0], _METRIC_NAMES[metric], *cells])
    print_markdown(["slices", "compared", "metric", *(_CLASS_NAMES[c] for c in CLASSES)], lines)
