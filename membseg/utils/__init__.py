"""What every room shares: the judge of axes and dtypes, warnings, optional imports, seeds."""

from membseg.utils._images import ImageStack, check_images, restore_layout
from membseg.utils._innermost import innermost
from membseg.utils._intensity import INTENSITY_NORMS, Intensity, fit_intensity
from membseg.utils._masks import IGNORED, MaskStack, check_same_sizes, encode_masks
from membseg.utils._optional import import_optional
from membseg.utils._progress import write_line
from membseg.utils._random import make_rng
from membseg.utils._warn import warn_user
from membseg.utils._weights import check_sample_weight

__all__ = [
    "IGNORED",
    "INTENSITY_NORMS",
    "ImageStack",
    "Intensity",
    "MaskStack",
    "check_images",
    "check_same_sizes",
    "check_sample_weight",
    "encode_masks",
    "fit_intensity",
    "import_optional",
    "innermost",
    "make_rng",
    "restore_layout",
    "warn_user",
    "write_line",
]
