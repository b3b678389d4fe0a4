"""A plain PyTorch U-Net with the usual good settings, and one training step of it.

16 (or 64) filters, four poolings, batch normalisation, channels_last, AdamW with learning rate
1e-3, random crops of 256 px in the eight views of a square, each slice standardised, binary
cross-entropy; the last weights are used, at 0.5. On a GPU if PyTorch sees one.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from peers.trained import Clock, Trained, draw_patch, mean_over_views, standardise

#: Total downsampling of a net with four poolings: sides of patches and slices are multiples of it.
_FACTOR = 16


def build_torch_unet(
    *, base_filters: int = 16, depth: int = 4, stem_stride: int = 1, norm: bool = True
) -> Any:
    """Build the network: (n, 1, height, width) to logits of the same shape.

    Without normalisation these are the very layers of :func:`membseg.networks.build_unet`.
    """
    import torch
    from torch import nn

    def conv(n_in: int, n_out: int, size: int = 3, stride: int = 1) -> list[Any]:
        layers: list[Any] = [nn.Conv2d(n_in, n_out, size, stride, (size - 1) // 2, bias=not norm)]
        return [*layers, *([nn.BatchNorm2d(n_out)] if norm else []), nn.ReLU(inplace=True)]

    class Level(nn.Module):
        """One level and all below it."""

        def __init__(self, n_in: int, level: int) -> None:
            super().__init__()
            n = base_filters * 2**level
            self.down = nn.Sequential(*conv(n_in, n), *conv(n, n))
            self.below = None
            if level < depth:
                self.below = nn.Sequential(
                    nn.MaxPool2d(2), Level(n, level + 1), nn.ConvTranspose2d(2 * n, n, 2, stride=2)
                )
                self.up = nn.Sequential(*conv(2 * n, n), *conv(n, n))

        def forward(self, x: Any) -> Any:
            x = self.down(x)
            return x if self.below is None else self.up(torch.cat([x, self.below(x)], dim=1))

    stem: list[Any] = []
    head: list[Any] = [nn.Conv2d(base_filters, 1, 1)]
    if stem_stride == 2:
        stem = conv(1, base_filters, 4, 2)
        up = nn.ConvTranspose2d(base_filters, base_filters, 2, stride=2)
        head = [up, nn.ReLU(inplace=True), *head]
    return nn.Sequential(*stem, Level(base_filters if stem else 1, 0), *head)


class TorchStep:
    """A network, its optimizer, and one training step.

    Parameters
    ----------
    dtype : {"float32", "bfloat16"}
        bfloat16 is autocast, as PyTorch recommends it.
    learning_rate : float, default=1e-3
        Learning rate of AdamW.
    **sizes
        As in :func:`build_torch_unet`.
    """

    def __init__(self, *, dtype: str, learning_rate: float = 1e-3, **sizes: Any) -> None:
        import torch

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        network = build_torch_unet(**sizes)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=learning_rate)
        self.dtype = dtype

    def logits(self, x: np.ndarray) -> Any:
        """Forward pass of (n, height, width) float32; logits of the same shape, float32."""
        import torch

        batch = torch.from_numpy(x)[:, None].to(
            self.device, memory_format=torch.channels_last, non_blocking=True
        )
        with torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == "bfloat16"):
            return self.network(batch)[:, 0].float()

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Take one step on images and masks, (n, height, width) float32; gives the loss."""
        import torch

        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        target = torch.from_numpy(y).to(self.device)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.logits(x), target)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Membrane probabilities of (n, height, width) float32."""
        import torch

        self.network.eval()
        with torch.inference_mode():
            return torch.sigmoid(self.logits(x)).cpu().numpy()


def choose_dtype(make: Callable[[str], TorchStep], x: np.ndarray, y: np.ndarray) -> str:
    """Time two steps of both number formats and give the faster one."""
    seconds = {}
    for dtype in ("float32", "bfloat16"):
        step = make(dtype)
        step.train(x, y)
        start = time.perf_counter()
        for _ in range(2):
            step.train(x, y)
        seconds[dtype] = time.perf_counter() - start
    return min(seconds, key=lambda dtype: seconds[dtype])


def train(
    X: np.ndarray,
    y: np.ndarray,
    *,
    time_limit: float,
    seed: int,
    base_filters: int = 16,
    dtype: str = "auto",
    schedule: str = "constant",
    patch: int = 256,
    batch: int = 4,
) -> Trained:
    """Train until the clock ends it; see :func:`peers.own.train`.

    ``dtype="auto"`` takes the faster of float32 and bfloat16, tried before the clock starts;
    ``schedule="cosine"`` lets the learning rate fall to zero over the time limit.
    """
    import torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    size = min(patch, *X.shape[1:]) // _FACTOR * _FACTOR

    def draw(images: np.ndarray, masks: np.ndarray) -> list[np.ndarray]:
        numbers = rng.integers(len(images), size=batch)
        pairs = [draw_patch(images[n], masks[n], size, rng) for n in numbers]
        return [np.stack(part) for part in zip(*pairs, strict=True)]

    def make(chosen: str) -> TorchStep:
        return TorchStep(dtype=chosen, base_filters=base_filters)

    if dtype == "auto":
        dtype = choose_dtype(make, *draw(standardise(X), y.astype(np.float32)))
    torch.manual_seed(seed)
    clock = Clock(time_limit)
    images, masks = standardise(X), y.astype(np.float32)
    step = make(dtype)
    rate = step.optimizer.param_groups[0]["lr"]
    n_steps = 0
    while clock.has_time():
        if schedule == "cosine":
            spent = min(clock.seconds / time_limit, 1.0)
            step.optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * spent)) / 2
        step.train(*draw(images, masks))
        n_steps += 1
    seconds = clock.seconds

    def predict(stack: np.ndarray, views: str) -> np.ndarray:
        maps = [mean_over_views(lambda x: _predict(step, x), x, views) for x in standardise(stack)]
        return np.stack(maps)

    details = {
        "dtype": dtype,
        "device": step.device,
        "n_parameters": sum(p.numel() for p in step.network.parameters()),
        "patch": size,
        "batch": batch,
        "schedule": schedule,
    }
    return Trained(predict, ("none", "d4"), 0.5, seconds, n_steps, details)


def _predict(step: TorchStep, image: np.ndarray) -> np.ndarray:
    """Predict one image, reflected up to a size that the network can halve four times."""
    pads = [(0, -length % _FACTOR) for length in image.shape]
    padded = np.pad(image, pads, mode="symmetric")
    return step.predict(padded[None])[0, : image.shape[0], : image.shape[1]]
