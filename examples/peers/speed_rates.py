"""How fast the machine multiplies matrices: the limit of everything else."""

from collections.abc import Callable
from typing import Any

from peers.machine import is_installed
from peers.timing import median_seconds


def run_rates(spec: dict[str, Any]) -> dict[str, Any]:
    """TFLOP/s of a product of two square matrices, by library and number format."""
    size, repeats = spec["size"], spec["repeats"]
    rates: dict[str, Any] = {"size": size}
    for library, make in (("tensorflow", _tensorflow), ("torch", _torch)):
        if is_installed(library):
            for dtype in ("float32", "bfloat16"):
                seconds = median_seconds(make(size, dtype), repeats)
                rates[f"{library} {dtype}"] = 2 * size**3 / seconds / 1e12
    return rates


def _tensorflow(size: int, dtype: str) -> Callable[[], Any]:
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((size, size), (0, 0)), dtype)
    product = tf.function(lambda: tf.linalg.matmul(matrix, matrix))
    # Fetching one number waits for the product.
    return lambda: product()[0, 0].numpy()


def _torch(size: int, dtype: str) -> Callable[[], Any]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(size, size, device=device).to(getattr(torch, dtype))
    return lambda: (matrix @ matrix)[0, 0].item()
