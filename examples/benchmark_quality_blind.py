"""Can masks be ranked without the truth? Quality models learnt on some slices, tried on others.

Predictions of the test slices from good to bad are made: the true masks thinner, thicker, moved,
with gaps and specks, those of another slice, all cell, and what a network says after 2, 4, 8, ...
training steps::

    python examples/benchmark_quality_blind.py --data ../shared/data

Each judge is a :class:`membseg.QualityModel` with another second opinion, learnt on ``--train``
alone: "mask" (none), "ridge", "forest", "network". Fits are kept in ``--store`` and rows in one
JSON file, so that an interrupted run goes on.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.rows import Store
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices
from scipy import ndimage
from scipy.stats import spearmanr

from membseg import (
    PixelForestSegmenter,
    QualityModel,
    RidgeSegmenter,
    UNetSegmenter,
    quality_report,
)
from membseg.metrics import dice_score, iou_score, v_rand_score
from membseg.model_selection import cached
from membseg.quality import membrane_thickness

JUDGES = ("mask", "ridge", "forest", "network")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    steps = [2, 4, 8, 15, 25, 40, 60, 80, 100, 120]
    parser.add_argument("--steps", nargs="+", type=int, default=steps, help="the checkpoints")
    parser.add_argument("--judges", nargs="+", choices=JUDGES, default=list(JUDGES))
    parser.add_argument("--judge-steps", type=int, default=80, help="of the network that judges")
    parser.add_argument("--planted", type=int, default=16, help="masks with defects per slice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/quality_blind.json"))
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    for name in ("steps", "judge_steps", "planted", "seed"):
        arguments.settings[name] = getattr(arguments, name)
    return arguments


def network(steps: int, arguments: argparse.Namespace, seed: int) -> Any:
    """Give a small network of so many steps, from random weights so that the first ones are bad."""
    net = UNetSegmenter(
        base_filters=8, initial_weights="random", max_steps=steps, tta="none", threshold=0.4,
        random_state=seed,
    )  # fmt: skip
    return cached(net, arguments.store)


def spoil(y: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Give spoilt masks of a stack, by name."""
    disk = np.hypot(*np.mgrid[-1:2, -1:2])[np.newaxis] <= 1
    for times in (1, 2):
        yield f"eroded {times}", ndimage.binary_erosion(y, disk, times, border_value=1)
    for times in (1, 2, 3, 4):
        yield f"dilated {times}", ndimage.binary_dilation(y, disk, times)
    for far in (3, 6, 12):
        yield f"shifted {far}", np.roll(y, (far, -far), axis=(1, 2))
    yield "other slice's", np.roll(y, len(y) // 2, axis=0)
    for share in (0.002, 0.01):
        yield f"gaps {share}", y & ~_dots(y, share, 5, rng)
        yield f"specks {share}", y | _dots(~y, share / 10, 2, rng)
    yield "all cell", np.zeros_like(y)


def _dots(where: np.ndarray, share: float, radius: int, rng: np.random.Generator) -> np.ndarray:
    """Disks around some pixels."""
    centres = where & (rng.random(where.shape) < share)
    far = [ndimage.distance_transform_edt(~one) if one.any() else np.inf for one in centres]
    return np.stack([np.broadcast_to(d <= radius, where.shape[1:]) for d in far])


def make_predictions(
    X: np.ndarray, y: np.ndarray, arguments: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Give all predictions of the test slices, stack by stack."""
    found = dict(spoil(y, np.random.default_rng(arguments.seed)))
    train = load_slices(arguments.data, arguments.train)
    for steps in arguments.steps:
        net = network(steps, arguments, arguments.seed).fit(*train)
        found[f"network {steps}"] = net.predict(X).astype(bool)
        print(f"network of {steps} steps", flush=True)
    return found


def score_truly(predictions: dict[str, np.ndarray], y: np.ndarray) -> dict[str, Any]:
    """Give the true scores, and thickness, of every prediction of every slice."""
    table: dict[str, Any] = {}
    for kind, masks in predictions.items():
        pairs = [(y[i : i + 1], masks[i : i + 1].astype(np.uint8)) for i in range(len(y))]
        table[kind] = {
            "v_rand": [v_rand_score(*pair, threshold=0.5, membrane_label=1) for pair in pairs],
            "iou": [iou_score(*pair, membrane_label=1) for pair in pairs],
            "dice": [dice_score(*pair, membrane_label=1) for pair in pairs],
            "thickness": _thickness(masks),
        }
    return table | {"labelled": {"thickness": _thickness(y)}}


def _thickness(masks: np.ndarray) -> list[float | None]:
    medians = [t.median for t in membrane_thickness(masks.astype(np.uint8), membrane_label=1)]
    return [m if np.isfinite(m) else None for m in medians]


def judge(
    name: str, X: np.ndarray, predictions: dict[str, np.ndarray], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Learn a model, and let it judge all predictions; it is not shown the true masks."""
    opinion = {
        "mask": lambda: None,
        "ridge": RidgeSegmenter,
        "forest": lambda: PixelForestSegmenter(random_state=0),
        # Another seed: the judge is no checkpoint of what it judges.
        "network": lambda: network(arguments.judge_steps, arguments, arguments.seed + 1),
    }[name]()
    model = QualityModel(
        opinion, n_planted=arguments.planted, cv=3, n_jobs=arguments.jobs,
        random_state=arguments.seed,
    )  # fmt: skip
    model.fit(*load_slices(arguments.data, arguments.train))
    images = np.tile(X, (len(predictions), 1, 1))
    masks = np.concatenate(list(predictions.values())).astype(np.uint8)
    table = quality_report(
        None, images, masks=masks, reference=model, membrane_label=1, z_limit=3.0
    )
    columns = {}
    for column in ("v_rand_predicted", "iou_predicted", "thickness_z"):
        values = np.array([row[column] for row in table]).reshape(len(predictions), len(X))
        columns[column] = dict(zip(predictions, _plain(values), strict=True))
    skill = {name: vars(value) for name, value in model.skill_.items()}
    return {"judge": name, "skill": skill, "scale": model.scale_, **columns}


def _plain(values: np.ndarray) -> list[list[float | None]]:
    return [[float(v) if np.isfinite(v) else None for v in row] for row in values]


def summarise(truth: dict[str, Any], row: dict[str, Any]) -> dict[str, float]:
    """Give the rank correlations that a judge is judged by."""
    kinds = list(row["v_rand_predicted"])
    nets = [kind for kind in kinds if kind.startswith("network")]
    widths = [kind for kind in kinds if kind.startswith(("eroded", "dilated"))]
    # Of no membrane there is no thickness; nothing is further off.
    far = {
        kind: [np.inf if z is None else abs(z) for z in row["thickness_z"][kind]] for kind in kinds
    }
    return {
        "v_rand": _rank(kinds, row["v_rand_predicted"], truth, "v_rand"),
        "v_rand_checkpoints": _rank(nets, row["v_rand_predicted"], truth, "v_rand"),
        "v_rand_checkpoint_means": _rank(nets, row["v_rand_predicted"], truth, "v_rand", True),
        "iou": _rank(kinds, row["iou_predicted"], truth, "iou"),
        "thickness_dice": -_rank(widths, far, truth, "dice"),
        "v_rand_mae": float(
            np.mean([
                np.abs(np.subtract(row["v_rand_predicted"][k], truth[k]["v_rand"])) for k in kinds
            ])
        ),
    }  # fmt: skip


def _rank(
    kinds: list[str], guess: dict[str, Any], truth: dict[str, Any], score: str, means: bool = False
) -> float:
    a = np.array([guess[kind] for kind in kinds])
    b = np.array([truth[kind][score] for kind in kinds])
    if means:
        a, b = a.mean(axis=1), b.mean(axis=1)
    return float(spearmanr(a.ravel(), b.ravel()).statistic)


def main(argv: list[str] | None = None) -> None:
    """Make the predictions, run the judges that are missing, print."""
    arguments = parse_arguments(argv)
    store = Store(arguments.output, arguments.settings)
    X, y = load_slices(arguments.data, arguments.test)
    missing = [name for name in arguments.judges if not store.has(name)]
    if missing or not store.has("truth"):
        predictions = make_predictions(X, y, arguments)
        if not store.has("truth"):
            store.add("truth", score_truly(predictions, y))
    truth = store.rows["truth"]
    for name in missing:
        row = judge(name, X, predictions, arguments)
        store.add(name, row | {"summary": summarise(truth, row)})
    for name in arguments.judges:
        row = store.rows[name]
        numbers = "  ".join(f"{k} {v:.3f}" for k, v in row["summary"].items())
        print(f"{name:8s} {numbers}\n         out of fold: {row['skill']['v_rand']}", flush=True)
    print_thickness(truth)


def print_thickness(truth: dict[str, Any]) -> None:
    """Compare the thickness of the last network's masks with that of the true ones."""
    nets = [kind for kind in truth if kind.startswith("network")]
    true = np.array(truth["labelled"]["thickness"], dtype=float)
    for kind in nets[-1:]:
        found = np.array(truth[kind]["thickness"], dtype=float)
        print(f"thickness, labelled {true.round(2)}, {kind} {found.round(2)} px", flush=True)


if __name__ == "__main__":
    main()
