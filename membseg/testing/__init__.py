"""The public conformance suite: does a segmenter keep the contract?"""

from membseg.testing._check_segmenter import check_segmenter
from membseg.testing._parametrize import parametrize_with_segmenter_checks
from membseg.testing._wrappers import wrapper_exemptions

__all__ = ["check_segmenter", "parametrize_with_segmenter_checks", "wrapper_exemptions"]
