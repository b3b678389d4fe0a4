"""Make the weights that come with the package: a U-Net that has seen synthetic slices only.

Run it again after a change of :func:`membseg.make_membranes` or of the default network::

    python examples/train_initial_weights.py --output membseg/networks/weights/unet_synthetic.npz

No real image is involved, neither in training nor in the choice of the weights. What
``membseg/persistence`` knows of the file (size, checksum, steps, threshold, scores) must follow;
``first_look.py`` tells the last two.
"""

import argparse
from pathlib import Path

import numpy as np

from membseg import UNetSegmenter, make_membranes
from membseg.networks import save_synthetic_weights


def make_slices(n_volumes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Many small volumes, each of its own cell size, line width, difficulty and microscope."""
    rng = np.random.default_rng(seed)
    stacks = []
    for number in range(n_volumes):
        bright = number % 6 == 5
        X, y = make_membranes(
            4,
            512,
            512,
            style="fluorescence" if bright else "em",
            cell_size=float(rng.uniform(28, 62)),
            membrane_width=float(rng.choice([4, 6] if bright else [6, 6, 8])),
            difficulty=float(rng.uniform(0.3, 0.9)),
            continuity=0.2,
            random_state=rng,
        )
        # Some electron micrographs come with inverted grey values.
        stacks.append((255 - X if number % 12 == 0 else X, y))
        print(f"volume {number + 1} of {n_volumes}: membrane {y.mean():.2f}", flush=True)
    return np.concatenate([X for X, _ in stacks]), np.concatenate([y for _, y in stacks])


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="file to write (.npz)")
    parser.add_argument("--volumes", type=int, default=36, help="volumes of 4 slices")
    parser.add_argument("--time-limit", type=float, default=None, help="seconds of training")
    parser.add_argument("--steps", type=int, default=None, help="steps of training")
    arguments = parser.parse_args()
    X, y = make_slices(arguments.volumes, seed=2026)
    segmenter = UNetSegmenter(
        initial_weights="random",
        depth=3,
        base_filters=16,
        stem_stride=2,
        augmentation="d4+scale+intensity+blur+noise",
        steps_per_epoch=200,
        validation_fraction=0.02,
        time_limit=arguments.time_limit,
        max_steps=arguments.steps,
        tta="none",
        random_state=0,
        verbose=1,
    )
    segmenter.fit(X, y)
    save_synthetic_weights(
        {
            "n_channels": 1,
            "depth": 3,
            "base_filters": 16,
            "stem_stride": 2,
            "norm_layer": "none",
        },
        segmenter.network_.get_weights(),
        arguments.output,
    )
    print(f"{segmenter.n_steps_} steps; wrote {arguments.output}")


if __name__ == "__main__":
    main()
