"""Steps before the segmenter: transformers of image stacks around scikit-image."""

from membseg.preprocessing._background import BackgroundFlattener
from membseg.preprocessing._clahe import CLAHE
from membseg.preprocessing._denoiser import Denoiser

__all__ = ["CLAHE", "BackgroundFlattener", "Denoiser"]
