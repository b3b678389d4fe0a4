"""Splitting stacks without leaks, searches that go on, and candidates side by side."""

from membseg.model_selection._cached import cached
from membseg.model_selection._cached_segmenter import CachedSegmenter
from membseg.model_selection._check_space import check_search_space
from membseg.model_selection._compare import compare_segmenters
from membseg.model_selection._comparison import SegmenterComparison
from membseg.model_selection._coverage import CoverageStratifiedKFold
from membseg.model_selection._image_kfold import ImageKFold
from membseg.model_selection._leaks import SplitLeak, check_split_leaks
from membseg.model_selection._out_of_fold import cross_val_predict_proba
from membseg.model_selection._slice_block import SliceBlockKFold

__all__ = [
    "CachedSegmenter",
    "CoverageStratifiedKFold",
    "ImageKFold",
    "SegmenterComparison",
    "SliceBlockKFold",
    "SplitLeak",
    "cached",
    "check_search_space",
    "check_split_leaks",
    "compare_segmenters",
    "cross_val_predict_proba",
]
