"""Big images: pixels a second, memory, and whether a crop's result is the crop's own."""

import pickle
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from membseg import UNetSegmenter, make_membranes
from peers.machine import own_memory

#: Side of the crop that is predicted by itself, and the pixels along its border that its own
#: reflections reach; the crop's place is a multiple of any network's downsampling.
_CROP, _BORDER, _MULTIPLE = 1024, 256, 64

#: Side of the synthetic slice that large images are put together from, and rows written at once.
_PIECE = 512


class MemoryWatch:
    """Looks, while the context lasts, at the memory that no file backs."""

    def __enter__(self) -> "MemoryWatch":
        self.before = self.peak = own_memory() or 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, own_memory() or 0)


def make_segmenter(path: Path, options: dict[str, Any]) -> None:
    """Fit and pickle a segmenter whose normalisation is that of the training stack."""
    X, y = make_membranes(4, 256, 256, random_state=0)
    segmenter = UNetSegmenter(
        intensity_norm="stack", tta="none", max_steps=2, threshold=0.5, random_state=0, **options
    )
    path.write_bytes(pickle.dumps(segmenter.fit(X, y)))


def make_image(path: Path, side: int) -> np.ndarray:
    """Write a large synthetic image, (1, side, side) uint8, as a memory-mapped file."""
    piece = make_membranes(1, _PIECE, _PIECE, random_state=1)[0][0]
    # Mirror images beside each other fit without a seam.
    block = np.block([[piece, piece[:, ::-1]], [piece[::-1], piece[::-1, ::-1]]])
    block = np.tile(block, (1, -(-side // block.shape[1])))[:, :side]
    image = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(1, side, side))
    for row in range(0, side, len(block)):
        image[0, row : row + len(block)] = block[: side - row]
    image.flush()
    return image


def run_big(spec: dict[str, Any]) -> dict[str, Any]:
    """Predict one image of a given side from file to file.

    The segmenter is fitted in another process (``spec["segmenter"]`` is its pickle), so that the
    memory counted is that of prediction.
    """
    side = spec["side"]
    segmenter = pickle.loads(Path(spec["segmenter"]).read_bytes())
    segmenter.network_.count_params()
    with tempfile.TemporaryDirectory(dir=spec["folder"]) as folder:
        image = make_image(Path(folder) / "image.npy", side)
        out = np.lib.format.open_memmap(
            Path(folder) / "out.npy", mode="w+", dtype=np.float32, shape=image.shape
        )
        with MemoryWatch() as watch:
            # Compiles for the shapes of tiles; counted in memory, not in time.
            warm = min(side, spec["warm_side"])
            segmenter.predict_membrane(image[:, :warm, :warm])
            start = time.perf_counter()
            segmenter.predict_membrane(image, out=out)
            seconds = time.perf_counter() - start
        return {
            "pixels": side**2,
            "seconds": seconds,
            "pixels_per_second": side**2 / seconds,
            "memory_bytes": watch.peak - watch.before,
            "memory_before_bytes": watch.before,
            "crop_difference": _crop_difference(segmenter, image, out, spec.get("crop", _CROP)),
        }


def _crop_difference(segmenter: Any, image: np.ndarray, out: np.ndarray, crop: int) -> float | None:
    """Largest difference between a crop of the result and the crop's own prediction."""
    side = image.shape[1]
    first = (side - crop) // 2 // _MULTIPLE * _MULTIPLE
    if first < 0 or crop <= 2 * _BORDER:
        return None
    window = np.s_[:, first : first + crop, first : first + crop]
    alone = segmenter.predict_membrane(np.ascontiguousarray(image[window]))
    inner = np.s_[:, _BORDER:-_BORDER, _BORDER:-_BORDER]
    return float(np.abs(alone[inner] - out[window][inner]).max())
