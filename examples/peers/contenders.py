"""What takes turns in the speed benchmark: functions that make a step to be timed.

Each gives a callable without arguments and a dict of details, among them "pixels", the pixels that
one call works on.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Step = tuple[Callable[[], Any], dict[str, Any]]


def _batch(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Make a batch of noise and one of masks, float32."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    return x, (rng.random(shape) < 0.2).astype(np.float32)


def keras_step(*, sizes: dict[str, Any], dtype: str, shape: list[int]) -> Step:
    """One training step of membseg's U-Net of given sizes."""
    from membseg.networks import build_unet
    from membseg.training import choose_policy, compile_network

    network = build_unet(**sizes, dtype=choose_policy(dtype))
    compile_network(network, loss="bce", weight_decay=1e-4)
    x, y = _batch(tuple(shape))
    # Target and weight.
    target = np.stack([y, np.ones_like(y)], axis=-1)
    details = {"pixels": x.size, "n_parameters": int(network.count_params())}
    return lambda: network.train_on_batch(x[..., None], target), details


def torch_step(*, sizes: dict[str, Any], dtype: str, shape: list[int]) -> Step:
    """One training step of the same layers in PyTorch."""
    from peers.torch_unet import TorchStep

    step = TorchStep(dtype=dtype, norm=False, **sizes)
    x, y = _batch(tuple(shape))
    n_parameters = sum(p.numel() for p in step.network.parameters())
    return lambda: step.train(x, y), {"pixels": x.size, "n_parameters": n_parameters}


def classical_step(*, base_filters: int) -> Step:
    """One training step of the classical recipe: two slices of 256 px."""
    from peers.classical import SIDE, build_classical_unet

    network = build_classical_unet(base_filters)
    x, y = _batch((2, SIDE, SIDE))
    return lambda: network.train_on_batch(x[..., None], y[..., None]), {"pixels": x.size}


def classical_prediction(*, base_filters: int) -> Step:
    """Prediction of one slice by the classical recipe's network, at its 256 px."""
    from peers.classical import SIDE, build_classical_unet

    network = build_classical_unet(base_filters)
    x, _ = _batch((1, SIDE, SIDE))
    return lambda: network.predict_on_batch(x[..., None]), {"pixels": x.size}


def default_segmenter(data: str, train: list[int], **options: Any) -> tuple[Any, np.ndarray]:
    """Fit the default segmenter for one step; give it and a slice."""
    from membseg import UNetSegmenter
    from peers.slices import load_slices

    X, y = load_slices(data, train)
    options = {"max_steps": 1, "random_state": 0, "tta": "none", "threshold": 0.5} | options
    return UNetSegmenter(**options).fit(X, y), X[0]


def default_step(*, data: str, train: list[int]) -> Step:
    """One training step of the default network, at its batch and patch size."""
    from membseg.training import compile_network

    segmenter, _ = default_segmenter(data, train)
    network = segmenter.network_
    compile_network(network, loss="bce", weight_decay=1e-4)
    size = segmenter.patch_size_
    x, y = _batch((segmenter.batch_size_, size, size))
    target = np.stack([y, np.ones_like(y)], axis=-1)
    return lambda: network.train_on_batch(x[..., None], target), {"pixels": x.size}


def default_prediction(*, data: str, train: list[int]) -> Step:
    """Prediction of a whole slice by the default segmenter, one view, everything counted."""
    segmenter, image = default_segmenter(data, train)
    return lambda: segmenter.predict_membrane(image[None]), {"pixels": image.size}
