"""Rows that differ in a segmenter's class and parameters alone."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from peers.judge import judge
from peers.own import train
from peers.quality_rows import key_of, make_spec
from peers.rows import Store, run_row
from peers.slices import load_slices


@dataclass(frozen=True)
class Variant:
    """How a row learns.

    Attributes
    ----------
    title : str
        Its name in tables.
    options : dict
        Parameters of the segmenter, besides seconds and seed.
    segmenter : str
        Name of its class.
    base : str
        The row that it differs from in one thing; "" for none.
    weighs_borders : bool
        Whether pixels are weighted as the paper of the U-Net does.
    """

    title: str
    options: dict[str, Any] = field(default_factory=dict)
    segmenter: str = "UNetSegmenter"
    base: str = ""
    weighs_borders: bool = False


def add_row_arguments(
    parser: argparse.ArgumentParser, variants: Mapping[str, Variant], seconds: float, stem: str
) -> None:
    """Let the user choose rows, seeds, seconds and the file."""
    names = list(variants)
    parser.add_argument("--rows", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--time-limit", type=float, default=seconds, help="seconds of a row")
    parser.add_argument("--again", nargs="+", default=[], metavar="ROW", help="rows to run anew")
    parser.add_argument("--output", type=Path, default=Path(f"out/{stem}.json"))


def open_store(arguments: argparse.Namespace, settings: dict[str, Any]) -> Store:
    """Open the file of the rows, and forget those that are to be run again."""
    store = Store(arguments.output, settings)
    for key in [key for key, row in store.rows.items() if row["row"] in arguments.again]:
        del store.rows[key]
    return store


def run_missing(store: Store, script: str, data: Path, specs: Iterable[dict[str, Any]]) -> None:
    """Run the rows that are not there yet, each in a process of its own."""
    shared = {"data": str(data.resolve()), "test": store.content["settings"]["test"]}
    for spec in specs:
        key = key_of(spec)
        if not store.has(key):
            print(f"{key} ...", flush=True)
            # A spec may name test slices of its own.
            request = shared | spec
            # Generous: predicting with a wide network comes on top of the limit.
            store.add(key, run_row(script, request, timeout=1800 + 4 * spec["time_limit"]))


def list_specs(
    arguments: argparse.Namespace, rows: Iterable[str], seeds: Iterable[int]
) -> list[dict[str, Any]]:
    """List rows, seeds outermost: an interrupted run has every row once before any row twice."""
    rows = list(rows)
    return [
        make_spec(row, arguments.time_limit, seed, arguments.train)
        for seed in seeds
        for row in rows
    ]


def run_variant(spec: dict[str, Any], variant: Variant) -> dict[str, Any]:
    """Train, predict and score one row, in this process.

    Where `spec` has "max_steps", they are taken instead of its seconds.
    """
    X, y = load_slices(spec["data"], spec["train"])
    n_steps = spec.get("max_steps")
    limit: dict[str, Any] = {"time_limit": spec["time_limit"]}
    if n_steps is not None:
        limit = {"time_limit": None, "max_steps": n_steps}
    trained = train(
        X,
        y,
        seed=spec["seed"],
        segmenter=variant.segmenter,
        # Once and outside the limit: they belong to the labels.
        sample_weight=weights_of(variant, y),
        **limit,
        **variant.options,
    )
    return judge(trained, *load_slices(spec["data"], spec["test"]))


def weights_of(variant: Variant, y: np.ndarray) -> np.ndarray | None:
    """Weigh pixels as a row asks for it."""
    if not variant.weighs_borders:
        return None
    from membseg.losses import border_weights

    return border_weights(y)
