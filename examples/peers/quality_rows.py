"""The rows of the quality benchmark: who trains, on what, and what is kept of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from peers.judge import judge
from peers.slices import load_slices


@dataclass(frozen=True)
class Peer:
    """Who trains.

    Attributes
    ----------
    module : str
        Module of this folder with a function ``train``.
    options : dict
        Keyword arguments of it.
    needs : str
        Package that must be installed.
    needs_name : str
        How people call that package.
    few_labels : bool
        Whether it takes part where labels are few.
    """

    module: str
    options: dict[str, Any] = field(default_factory=dict)
    needs: str = "numpy"
    needs_name: str = "NumPy"
    few_labels: bool = False


def _torch(*, few_labels: bool = False, **options: Any) -> Peer:
    return Peer("torch_unet", options, "torch", "PyTorch", few_labels)


PEERS = {
    "membseg": Peer("own", few_labels=True),
    "membseg_random": Peer("own", {"initial_weights": "random"}),
    "torch16": _torch(base_filters=16, few_labels=True),
    "torch16_cosine": _torch(base_filters=16, schedule="cosine"),
    "torch64": _torch(base_filters=64, dtype="float32"),
    "forest": Peer("forest", few_labels=True),
    "classical": Peer("classical"),
}

#: Rows of the issue's table; the others are asked for by name.
DEFAULT_ROWS = ("membseg", "torch16", "torch64", "forest", "classical")


def make_spec(
    row: str, time_limit: float, seed: int, train: list[int], n_labels: int | None = None
) -> dict[str, Any]:
    """Describe a row; `n_labels` only where `train` is a choice of few slices."""
    return {
        "row": row, "time_limit": time_limit, "seed": seed, "train": train, "n_labels": n_labels,
    }  # fmt: skip


def key_of(spec: dict[str, Any]) -> str:
    """Name a row."""
    slices = "" if spec["n_labels"] is None else f" slices {'+'.join(map(str, spec['train']))}"
    return f"{spec['row']} {spec['time_limit']:g} s seed {spec['seed']}{slices}"


def label_sets(slices: list[int], n_labels: int) -> list[list[int]]:
    """Choose sets of `n_labels` slices so that each slice is in equally many.

    Neighbours in `slices` are far from each other in pairs: five slices a, b, c, d, e give the
    pairs ac, bd, ce, da, eb.
    """
    if n_labels >= len(slices):
        return [slices]
    step = 2 if len(slices) > 3 else 1
    return [
        [slices[(first + step * k) % len(slices)] for k in range(n_labels)]
        for first in range(len(slices))
    ]


def doubling_limits(first: float, most: float) -> Iterator[float]:
    """Give time limits, each twice the last."""
    while first <= most:
        yield first
        first *= 2


def run_quality_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Train, predict and score one row, in this process."""
    peer = PEERS[spec["row"]]
    module = import_module(f"peers.{peer.module}")
    options = dict(peer.options)
    if peer.module == "torch_unet":
        options.setdefault("dtype", spec["torch_dtype"])
    X, y = load_slices(spec["data"], spec["train"])
    X_test, y_test = load_slices(spec["data"], spec["test"])
    trained = module.train(X, y, time_limit=spec["time_limit"], seed=spec["seed"], **options)
    return judge(trained, X_test, y_test)
