"""What tests, doctests and pages of the guide share."""

import sys

import pytest

#: Classes whose docstrings' examples compile for longer than others.
SLOW_EXAMPLES = (
    "DeepLabV3PlusSegmenter", "FCNSegmenter", "MaskRCNNSegmenter", "MultiPathSegmenter",
    "SegNetSegmenter", "export_litert",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Mark as slow the examples of docstrings that are; they have no place for a mark."""
    for item in items:
        if isinstance(item, pytest.DoctestItem) and item.name.endswith(SLOW_EXAMPLES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def close_all_figures():
    """Close what was drawn: matplotlib keeps figures until then, and warns of more than twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
