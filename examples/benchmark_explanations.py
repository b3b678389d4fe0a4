"""Do explanations explain? Nets that are known to look where they should, and nets that do not.

Three parts, each kept in one JSON file so that an interrupted run goes on::

    python examples/benchmark_explanations.py --data ../shared/data --part all

``real``: a U-Net learns slices 00-18 of ISBI 2012; every kind of explanation goes through the
randomisation check, what its score rests on is measured, and how far it really looks.
``occlusion``: U-Nets learn synthetic slices in which a mark in a corner tells whether that slice's
mask is inverted, and the same slices as they should be; does covering windows tell which?
``leaks``: the same question to ``leak_check``, which trains no network, over many seeds.

``--figure`` draws a slice with a mark as its network sees it.
"""

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from peers.rows import Store
from peers.slices import add_slice_arguments, check_slice_arguments, load_slices

from membseg import (
    UNetSegmenter,
    effective_receptive_field,
    leak_check,
    make_membranes,
    occlusion_map,
    property_importance,
    randomisation_check,
)
from membseg.exceptions import DataWarning
from membseg.model_selection import cached

EXPLAINERS = ("input_gradients", "smooth_grad", "integrated_gradients", "grad_cam")
PARTS = ("real", "occlusion", "leaks")

#: Side of the mark, and of the windows that are covered, in pixels.
MARK, WINDOW = 8, 8


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_slice_arguments(parser)
    parser.add_argument("--part", choices=("all", *PARTS), default="all")
    parser.add_argument("--real-limit", type=float, default=50.0, help="seconds of the real fit")
    parser.add_argument("--real-steps", type=int, help="steps of it, instead of seconds")
    parser.add_argument("--n-slices", type=int, default=2, help="test slices to explain")
    parser.add_argument("--nets", type=int, default=3, help="seeds of the small nets, each kind")
    parser.add_argument("--net-slices", type=int, default=48, help="slices for each of these")
    parser.add_argument("--net-steps", type=int, default=700, help="training steps of these")
    parser.add_argument("--stacks", type=int, default=30, help="seeds of leak_check")
    parser.add_argument("--slices", type=int, default=24, help="slices of each of these stacks")
    parser.add_argument("--side", type=int, default=48, help="of synthetic slices, in pixels")
    parser.add_argument("--store", type=Path, default=Path("out/fits"), help="finished fits")
    parser.add_argument("--output", type=Path, default=Path("out/explanations.json"))
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args(argv)
    arguments.settings = check_slice_arguments(parser, arguments)
    names = ("real_limit", "real_steps", "n_slices", "net_slices", "net_steps", "slices", "side")
    arguments.settings |= {name: getattr(arguments, name) for name in names}
    return arguments


# ------------------------------------------------------------------ real slices


def explain_real(store: Store, arguments: argparse.Namespace) -> None:
    """Check every kind of explanation on a net that learnt real slices."""
    names = [f"randomised {name}" for name in EXPLAINERS]
    if all(store.has(name) for name in [*names, "receptive field", "importance"]):
        return
    net = UNetSegmenter(
        time_limit=None if arguments.real_steps else arguments.real_limit,
        max_steps=arguments.real_steps, threshold=0.4, tta="none", random_state=0,
    )  # fmt: skip
    fitted = cached(net, arguments.store).fit(*load_slices(arguments.data, arguments.train))
    X, y = load_slices(arguments.data, arguments.test)
    X, y = X[: arguments.n_slices, :256, :256], y[: arguments.n_slices, :256, :256]
    print(f"a net of IoU {fitted.score(X, y):.3f} on the test slices' corners", flush=True)
    if not store.has("receptive field"):
        field = effective_receptive_field(fitted, X, random_state=0)
        radii = {"half": field.radius(0.5), "most": field.radius(0.95)}
        store.add("receptive field", radii | {"theory": field.theoretical_radius})
    if not store.has("importance"):
        found = property_importance(fitted, X, y, scoring="average_precision", random_state=0)
        rows = {row["name"]: row for row in found.table()}
        store.add("importance", {"baseline": found.baseline_score, "rows": rows})
    for name in EXPLAINERS:
        if not store.has(f"randomised {name}"):
            found = randomisation_check(fitted, X, name, n_stages=4, random_state=0)
            columns = {k: list(getattr(found, k)) for k in ("spearman", "spearman_signed", "ssim")}
            last = [names[-1] for names in found.layers]
            row = columns | {"passed": found.passed, "layers": last}
            store.add(f"randomised {name}", row)


# ------------------------------------------------------------------ planted marks


def plant(seed: int, n_slices: int, side: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Make slices of which a third has inverted masks, and marks.

    "planted": a mark tells which. "chance": as many marks, which tell nothing. "none": no mark.
    "plain": no mark, and all masks as they should be.
    """
    X, y = make_membranes(n_slices, side, side, random_state=seed)
    rng = np.random.default_rng(seed)
    # One of every three, so that there are some in every part.
    chosen = np.repeat(rng.integers(0, 3, -(-n_slices // 3)), 3)[:n_slices]
    inverted = chosen == np.arange(n_slices) % 3
    if kind in ("planted", "chance"):
        marked = inverted if kind == "planted" else rng.permutation(inverted)
        X[marked, :MARK, :MARK] = 255
    if kind != "plain":
        y = np.where(inverted[:, np.newaxis, np.newaxis], 1 - y, y)
    return X, y


def fit_small(seed: int, arguments: argparse.Namespace, kind: str) -> tuple[Any, np.ndarray]:
    """Fit a net on three quarters of the slices; give it and the others."""
    X, y = plant(seed, arguments.net_slices, arguments.side, kind)
    n_train = 3 * len(X) // 4
    net = UNetSegmenter(
        depth=3, stem_stride=2, augmentation="d4", threshold=0.5, tta="none",
        max_steps=arguments.net_steps, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        # A third of the masks is inverted, and fit may say so.
        warnings.simplefilter("ignore", DataWarning)
        fitted = cached(net, arguments.store).fit(X[:n_train], y[:n_train])
    print(f"{kind} {seed}: IoU {fitted.score(X[n_train:], y[n_train:]):.3f}", flush=True)
    return fitted, X[n_train:]


def ask_occlusion(store: Store, arguments: argparse.Namespace) -> None:
    """Count the slices in which covering windows finds a shortcut, and where."""
    for kind in ("planted", "plain"):
        for seed in range(arguments.nets):
            key = f"occlusion {kind} {seed}"
            if store.has(key):
                continue
            fitted, X = fit_small(seed, arguments, kind)
            found = occlusion_map(fitted, X, size=WINDOW)
            shortcuts = found.shortcuts()
            marked = (X[:, :MARK, :MARK] == 255).all(axis=(1, 2))
            hits = {s.image for s in shortcuts if (s.top, s.left) == (0, 0)}
            row = {
                "n": len(X), "marked": int(marked.sum()),
                "found": len(hits & set(np.flatnonzero(marked))),
                "elsewhere": len({s.image for s in shortcuts if (s.top, s.left) != (0, 0)}),
                "first": [(s.top, s.left) for s in shortcuts[:1]],
                "strongest": [float(effects.max()) for effects in found.effects],
            }  # fmt: skip
            store.add(key, row)


def ask_leak_check(store: Store, arguments: argparse.Namespace) -> None:
    """Count the stacks in which leak_check finds something, and what."""
    for kind in ("planted", "chance", "none", "plain"):
        for seed in range(arguments.stacks):
            key = f"leaks {kind} {seed}"
            if not store.has(key):
                X, y = plant(seed, arguments.slices, arguments.side, kind)
                report = leak_check(X, y, random_state=seed)
                leaks = [[leak.view, leak.statistic, leak.skill] for leak in report.leaks]
                store.add(key, {"leaks": leaks, "copies": len(report.copies)})


def print_summary(store: Store) -> None:
    """Print what is there."""
    for key, row in store.rows.items():
        if key.startswith("randomised"):
            steps = " ".join(f"{value:5.2f}" for value in row["spearman"])
            print(f"{key:32s} Spearman {steps}  SSIM {row['ssim'][-1]:.2f}  {row['passed']}")
        elif key in ("receptive field", "importance"):
            print(f"{key}: {row}")
    for kind in ("planted", "plain"):
        rows = [r for key, r in store.rows.items() if key.startswith(f"occlusion {kind} ")]
        if rows:
            total = {k: sum(r[k] for r in rows) for k in ("n", "marked", "found", "elsewhere")}
            print(f"occlusion, {kind}: {len(rows)} nets, {total}")
    for kind in ("planted", "chance", "none", "plain"):
        rows = [r for key, r in store.rows.items() if key.startswith(f"leaks {kind} ")]
        if rows:
            found = sum(bool(r["leaks"]) for r in rows)
            corner = sum(any(leak[0] == "top left corner" for leak in r["leaks"]) for r in rows)
            print(f"leak_check, {kind}: {found} of {len(rows)} stacks, in the corner {corner}")


def draw(arguments: argparse.Namespace) -> None:
    """Draw a marked slice as the network that reads the mark sees it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fitted, X = fit_small(0, arguments, "planted")
    chosen = int(np.flatnonzero((X[:, :MARK, :MARK] == 255).all(axis=(1, 2)))[0])
    X = X[chosen : chosen + 1]
    covered = occlusion_map(fitted, X, size=WINDOW, stride=WINDOW // 2).maps[0]
    unmarked = X.copy()
    unmarked[:, :MARK, :MARK] = int(X.mean())
    maps = [fitted.predict_membrane(images)[0] for images in (X, unmarked)]
    certain = {"cmap": "gray", "vmin": 0, "vmax": 1}
    panels = [
        ("slice with a mark", X[0], {"cmap": "gray"}),
        ("membrane map", maps[0], certain),
        ("the same, mark covered", maps[1], certain),
        ("change elsewhere when covered", covered, {"cmap": "viridis", "vmin": 0}),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(10, 2.8), layout="constrained")
    for ax, (title, image, options) in zip(axes, panels, strict=True):
        shown = ax.imshow(image, **options)
        ax.set_title(title, fontsize=10)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.colorbar(shown, ax=axes[-1], shrink=0.85)
    arguments.figure.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.figure, dpi=110)


def main(argv: list[str] | None = None) -> None:
    """Run the parts that are asked for, print, draw."""
    arguments = parse_arguments(argv)
    store = Store(arguments.output, arguments.settings)
    parts = {"real": explain_real, "occlusion": ask_occlusion, "leaks": ask_leak_check}
    for part in PARTS if arguments.part == "all" else (arguments.part,):
        parts[part](store, arguments)
    print_summary(store)
    if arguments.figure is not None:
        draw(arguments)


if __name__ == "__main__":
    main()
