"""A plain PyTorch loop on a GPU: torch.compile, bfloat16, channels_last, data on the card."""

import math
import os
import time
from typing import Any

import numpy as np

# Operations are counted on membseg's network: that must not take the card's memory from PyTorch.
os.environ["JAX_PLATFORMS"] = "cpu"

from peers.gpu_membseg import count, rate_of, score, seconds_a_call
from peers.slices import load_slices
from peers.torch_unet import build_torch_unet
from peers.trained import mean_over_views, standardise


class TorchLoop:
    """A network, its optimizer, and images on the device; draws patches there.

    Parameters
    ----------
    spec : dict
        "filters", "depth", "stem_stride", "patch", "batch", "compile" (a mode of torch.compile,
        or "no"), and "norm" (whether batch normalisation follows each convolution).
    X : ndarray of shape (n, height, width)
        Images.
    y : ndarray of shape (n, height, width), bool
        True at membranes.
    """

    def __init__(self, spec: dict[str, Any], X: np.ndarray, y: np.ndarray) -> None:
        import torch

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        # Shapes never change, so that trying several algorithms pays.
        torch.backends.cudnn.benchmark = True
        network = build_torch_unet(
            base_filters=spec["filters"],
            depth=spec["depth"],
            stem_stride=spec["stem_stride"],
            norm=spec["norm"],
        ).to(self.device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=1e-3, fused=self.device == "cuda"
        )
        self.images = torch.from_numpy(standardise(X)).to(self.device)
        self.masks = torch.from_numpy(y).to(self.device)
        self.batch, self.patch = spec["batch"], spec["patch"]
        compiled = spec["compile"] != "no"
        self.network = torch.compile(network, mode=spec["compile"]) if compiled else network
        self._draw = torch.compile(self._draw_batch) if compiled else self._draw_batch

    def _draw_batch(self) -> tuple[Any, Any]:
        """Cut random squares, each in one of the eight views of a square."""
        torch = self.torch

        def integers(most: int) -> Any:
            return torch.randint(most, (self.batch, 1, 1), device=self.device)

        n, height, width = self.images.shape
        places = torch.arange(self.patch, device=self.device)
        rows, columns = places[None, :, None], places[None, None, :]
        turn = integers(2) == 1
        rows, columns = torch.where(turn, columns, rows), torch.where(turn, rows, columns)
        rows = torch.where(integers(2) == 1, self.patch - 1 - rows, rows)
        columns = torch.where(integers(2) == 1, self.patch - 1 - columns, columns)
        at = (
            integers(n),
            rows + integers(height - self.patch + 1),
            columns + integers(width - self.patch + 1),
        )
        return self.images[at][:, None], self.masks[at][:, None].float()

    def logits(self, x: Any) -> Any:
        """Forward pass of (n, 1, height, width), float32."""
        torch = self.torch
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device, torch.bfloat16):
            return self.network(x).float()

    def train(self) -> Any:
        """Take one step; gives the loss, not waited for."""
        x, y = self._draw()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.torch.nn.functional.binary_cross_entropy_with_logits(self.logits(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Membrane probabilities of (n, 1, height, width), from host to host."""
        with self.torch.inference_mode():
            logits = self.logits(self.torch.from_numpy(x).to(self.device))
            return self.torch.sigmoid(logits).cpu().numpy()


def _wait(loss: Any) -> None:
    loss.reshape(-1)[0].item()


def run_training(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure training steps of the layers that membseg trains."""
    loop = TorchLoop(spec | {"norm": False}, *load_slices(spec["data"], spec["train"]))
    start = time.perf_counter()
    _wait(loop.train())
    first = time.perf_counter() - start
    seconds = seconds_a_call(loop.train, _wait, spec | {"seconds": spec["seconds"] * 3})
    return {"first_call_seconds": first} | rate_of(seconds, count(spec)["train"], spec)


def run_prediction(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure forward passes: of pixels on the device, and from host to host."""
    loop = TorchLoop(spec | {"norm": False}, *load_slices(spec["data"], spec["train"]))
    loop.network.eval()
    x = np.zeros((spec["batch"], 1, spec["patch"], spec["patch"]), np.float32)
    there = loop.torch.from_numpy(x).to(loop.device)
    flop = count(spec)["predict"]
    with loop.torch.inference_mode():
        on_device = seconds_a_call(lambda: loop.logits(there), _wait, spec)
    host = seconds_a_call(lambda: loop.predict(x), np.asarray, spec)
    from_host = rate_of(host, flop, spec)["images_per_second"]
    return rate_of(on_device, flop, spec) | {"host_images_per_second": from_host}


def run_quality(spec: dict[str, Any]) -> dict[str, Any]:
    """Train a plain U-Net with batch normalisation within a time limit and score it.

    The learning rate falls to zero along half a cosine; everything from the first step on counts,
    compiling too.
    """
    import torch

    torch.manual_seed(spec["seed"])
    start = time.perf_counter()
    plain = {"norm": True, "stem_stride": 1, "depth": 4, "filters": 16}
    loop = TorchLoop(spec | plain, *load_slices(spec["data"], spec["train"]))
    n_steps = 0
    # One step in any case: loading alone can take longer than a short limit.
    while (spent := time.perf_counter() - start) < spec["limit"] or not n_steps:
        rate = 1e-3 * (1 + math.cos(math.pi * min(spent / spec["limit"], 1.0))) / 2
        loop.optimizer.param_groups[0]["lr"] = rate
        loss = loop.train()
        n_steps += 1
        # The device must not lag behind the clock.
        if n_steps % 20 == 0:
            _wait(loss)
    _wait(loss)
    seconds = time.perf_counter() - start
    loop.network.eval()

    def predict(stack: np.ndarray, views: str) -> np.ndarray:
        pads = [(0, 0), *((0, -length % 16) for length in stack.shape[1:])]
        padded = np.pad(standardise(stack), pads, mode="symmetric")
        one = [
            mean_over_views(lambda x: loop.predict(x[None, None])[0, 0], image, views)
            for image in padded
        ]
        return np.stack(one)[:, : stack.shape[1], : stack.shape[2]]

    scores = {
        views: score(lambda stack, views=views: predict(stack, views), 0.5, spec)
        for views in ("none", "d4")
    }
    return {"fit_seconds": seconds, "n_steps": n_steps, "scores": scores}
