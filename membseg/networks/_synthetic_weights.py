"""Weights learnt from synthetic slices, as they come with the package."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from membseg.networks._unet_variants import without_neutral

#: Where the weights lie: plain arrays, no pickled objects.
_FILE = Path(__file__).parent / "weights" / "unet_synthetic.npz"

#: What a configuration may differ in and still take the weights: penalties, precision, dropout,
#: the seed and the image's enlargement change no array.
_FREE = ("l1", "l2", "dtype", "seed", "dropout", "dropout_kind", "zoom")


def load_synthetic_weights(
    config: dict[str, Any], path: Path | None = None
) -> list[np.ndarray] | None:
    """Load the weights of a network that learnt from synthetic slices.

    Parameters
    ----------
    config : dict
        Keyword arguments of :func:`build_unet`.
    path : pathlib.Path or None, default=None
        File written by :func:`save_synthetic_weights`; None takes the package's own.

    Returns
    -------
    list of ndarray, float32, or None
        Weights in the order of ``network.get_weights()``; None where the network has another
        shape.

    Examples
    --------
    >>> from membseg.networks import load_synthetic_weights
    >>> load_synthetic_weights({"n_channels": 7}) is None
    True
    """
    with np.load(path or _FILE, allow_pickle=False) as arrays:
        if json.loads(str(arrays["config"])) != _shape_of(config):
            return None
        n_weights = len(arrays.files) - 1
        return [arrays[f"weight{k:02d}"].astype(np.float32) for k in range(n_weights)]


def save_synthetic_weights(
    config: dict[str, Any], weights: list[np.ndarray], path: Path | None = None
) -> None:
    """Write weights for :func:`load_synthetic_weights`, in half precision.

    Parameters
    ----------
    config : dict
        Keyword arguments of :func:`build_unet`.
    weights : list of ndarray
        As from ``network.get_weights()``.
    path : pathlib.Path or None, default=None
        File to write; None takes the package's own.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from membseg.networks import load_synthetic_weights, save_synthetic_weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "weights.npz"
    ...     save_synthetic_weights({"depth": 1}, [np.ones(2)], path)
    ...     load_synthetic_weights({"depth": 1}, path)
    [array([1., 1.], dtype=float32)]
    """
    arrays: dict[str, Any] = {f"weight{k:02d}": w.astype(np.float16) for k, w in enumerate(weights)}
    np.savez_compressed(path or _FILE, config=np.array(json.dumps(_shape_of(config))), **arrays)


def _shape_of(config: dict[str, Any]) -> dict[str, Any]:
    shape = without_neutral(config)
    return {name: value for name, value in sorted(shape.items()) if name not in _FREE}
