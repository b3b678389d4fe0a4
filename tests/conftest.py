"""Fixtures that every room's tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real slices; tests that need it skip where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MEMBSEG_DATA", default))
    if not folder.is_dir():
        # They may not be copied into the project, and other checkouts do not have them.
        pytest.skip(f"needs the real slices, and there is no folder {folder} (set MEMBSEG_DATA)")
    return folder
