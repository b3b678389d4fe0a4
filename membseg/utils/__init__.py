"""What every room shares: the judge of axes and dtypes, warnings, optional imports, seeds."""

from membseg.utils._images import ImageStack, check_images, restore_layout
from membseg.utils._masks import IGNORED, MaskStack, check_same_sizes, encode_masks
from membseg.utils._optional import import_optional
from membseg.utils._warn import warn_user

__all__ = [
    "IGNORED",
    "ImageStack",
    "MaskStack",
    "check_images",
    "check_same_sizes",
    "encode_masks",
    "import_optional",
    "restore_layout",
    "warn_user",
]
