"""How far are the probabilities from the truth, and what calibration makes of them.

Two honest ways, on slices that neither the network nor the curve has seen::

    python examples/calibrate.py --data ../shared/data

"kept slices": the network learns from some slices and the curve from others; "out of fold": both
learn from the same slices, the curve from logits of networks that have not seen them. Fits are
kept in ``--store``, so that an interrupted run goes on. The numbers go to a JSON file, the
reliability of every row to a figure.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.figure import save_figure
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices, parse_numbers
from sklearn.frozen import FrozenEstimator

from membseg import CalibratedSegmenter, SliceBlockKFold, UNetSegmenter
from membseg.calibration import predict_uncertainty, reliability_table, retention_curve
from membseg.metrics import log_loss
from membseg.model_selection import cached

METHODS = ("temperature", "sigmoid", "beta", "isotonic", "local")

#: Networks: the default, and one that is deliberately too sure of itself.
NETS: dict[str, dict[str, Any]] = {
    "default": {},
    "Dice loss": {"loss": "dice"},
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--fit", type=parse_numbers, default=parse_numbers("0-14"))
    parser.add_argument("--calibrate", type=parse_numbers, default=parse_numbers("16-18"))
    parser.add_argument("--folds", type=int, default=3, help="of the way out of fold")
    parser.add_argument("--steps", type=int, default=400, help="training steps of every fit")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/calibration.json"))
    parser.add_argument("--figure", type=Path, default=Path("out/calibration.png"))
    arguments = parser.parse_args(argv)
    check_slice_arguments(parser, arguments)
    return arguments


def calibrators(net: UNetSegmenter, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Fit the network, uncalibrated and with every curve, both ways."""
    data = arguments.data
    kept = cached(net, arguments.store).fit(*load_slices(data, arguments.fit))
    rows: dict[str, dict[str, Any]] = {"kept slices": {"none": kept.estimator_}}
    frozen, held = FrozenEstimator(kept.estimator_), load_slices(data, arguments.calibrate)
    for method in METHODS:
        rows["kept slices"][method] = CalibratedSegmenter(frozen, method=method).fit(*held)
    every = load_slices(data, arguments.train)
    rows["out of fold"] = {"none": cached(net, arguments.store).fit(*every).estimator_}
    for method in METHODS:
        rows["out of fold"][method] = CalibratedSegmenter(
            cached(net, arguments.store),
            method=method,
            cv=SliceBlockKFold(arguments.folds, gap=1),
        ).fit(*every)
    return rows


def score(segmenter: Any, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Score probabilities on held-out slices."""
    membrane = segmenter.predict_membrane(X)
    table = reliability_table(y, membrane)
    return {
        "ece": table.expected_error,
        "ece_interval": table.interval(),
        "ece_border": reliability_table(y, membrane, border=2).expected_error,
        "log_loss": log_loss(y, membrane),
        "threshold": float(segmenter.threshold_),
        "predicted": table.predicted[table.shares > 0].tolist(),
        "observed": table.observed[table.shares > 0].tolist(),
    }


def find_errors(segmenter: Any, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Tell how well doubt finds wrong pixels: areas under ROC curves."""
    single = predict_uncertainty(segmenter, X)
    views = predict_uncertainty(segmenter, X, method="views")
    kinds = {
        "entropy": (single, single.total),
        "entropy of the mean over views": (views, views.total),
        "disagreement of views": (views, views.model),
    }
    return {
        name: retention_curve(y, doubt.probability, maps, threshold=segmenter.threshold_).error_auc
        for name, (doubt, maps) in kinds.items()
    }


def print_row(name: str, row: dict[str, Any], plain: dict[str, Any]) -> None:
    """Print one line; shares are of what is without calibration."""
    scores = "  ".join(
        f"{label} {row[key]:.4f} ({row[key] / plain[key]:4.0%})"
        for key, label in (("ece", "ECE"), ("ece_border", "near borders"), ("log_loss", "log loss"))
    )
    print(
        f"{name:38s} {scores}  threshold {row['threshold']:.3f}  mask {row['changed']:.4%} changed",
        flush=True,
    )


def draw(content: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the reliability of every row: share of membrane against probability."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(content), 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(content), sharey=True))
    for axes, (name, rows) in zip(panels, content.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for method, row in rows.items():
            style = {"color": "black", "marker": "o"} if method == "none" else {}
            axes.plot(row["predicted"], row["observed"], markersize=3, label=method, **style)
        axes.set(title=name, xlabel="predicted probability", aspect="equal")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share of membrane")
    panels[0].legend(frameon=False, title="calibration")
    save_figure(figure, "Reliability on held-out slices", path)


def main(argv: list[str] | None = None) -> None:
    """Fit, score, print, draw."""
    arguments = parse_arguments(argv)
    X, y = load_slices(arguments.data, arguments.test)
    content: dict[str, dict[str, Any]] = {}
    for net_name, options in NETS.items():
        net = UNetSegmenter(
            max_steps=arguments.steps,
            steps_per_epoch=max(1, arguments.steps // 4),
            random_state=0,
            **options,
        )
        for way, segmenters in calibrators(net, arguments).items():
            rows = content[f"{net_name}, {way}"] = {}
            plain = segmenters["none"].predict(X)
            errors = find_errors(segmenters["none"], X, y)
            found = "  ".join(f"{doubt} {area:.3f}" for doubt, area in errors.items())
            print(f"{net_name}, {way}: wrong pixels are found (AUROC) by  {found}", flush=True)
            for method, segmenter in segmenters.items():
                rows[method] = score(segmenter, X, y)
                rows[method]["changed"] = float((segmenter.predict(X) != plain).mean())
                rows[method]["error_auc"] = errors if method == "none" else None
                print_row(f"{net_name}, {way}, {method}", rows[method], rows["none"])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(content, indent=1))
    draw(content, arguments.figure)


if __name__ == "__main__":
    main()
