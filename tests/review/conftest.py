"""A sheet, and answers to it as the page would save them."""

import json
import os
import re
import shutil

import numpy as np
import pytest

from membseg.review import DoubtfulPlace, review_sheet


@pytest.fixture
def read_sheet():
    """Give the data that stand in a page."""

    def read(path):
        text = path.read_text(encoding="utf-8")
        pattern = r'<script type="application/json" id="sheet">(.*?)</script>'
        return json.loads(re.search(pattern, text, flags=re.DOTALL)[1])

    return read


@pytest.fixture
def places():
    """A place in either image of the stack."""
    return [
        DoubtfulPlace(0, 0, 4, 8, 10, 0.75, "a gap"),
        DoubtfulPlace(1, 8, 0, 8, 8, 0.5, "a speck"),
    ]


@pytest.fixture
def stack():
    """Two images of 16 x 20 pixels, and masks of 0 and 255."""
    rng = np.random.default_rng(0)
    masks = np.zeros((2, 16, 20), np.uint8)
    masks[:, :, 7:9] = 255
    masks[1, 10] = 255
    return rng.integers(0, 200, masks.shape).astype(np.uint8), masks


@pytest.fixture
def answer(stack, places, read_sheet, tmp_path):
    """Make the document of an expert who has said nothing yet, to be filled in and written."""
    sheet = read_sheet(review_sheet(*stack, tmp_path / "sheet.html", places=places))
    nothing = {"verdict": None, "note": "", "time": None}
    kept = ("name", "fingerprint", "prediction", "height", "width")
    return {
        "format": "membseg review",
        "version": 1,
        "sheet": sheet["id"],
        "expert": "Ada",
        "started": "2026-01-02T03:04:05.678Z",
        "saved": "2026-01-02T04:00:00.000Z",
        "images": [{key: image[key] for key in kept} | nothing for image in sheet["images"]],
        "places": [
            place | nothing | {"mended": False, "membrane": [], "cell": []}
            for place in sheet["places"]
        ],
    }


@pytest.fixture
def write(tmp_path):
    """Write a document as a file and give its path."""

    def write_answer(document, name="answer.json"):
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write_answer


@pytest.fixture(scope="session")
def browser():
    """A headless browser of the system; tests that need it skip where there is none."""
    names = ("chromium", "google-chrome", "chrome", "chromium-browser")
    found = os.environ.get("MEMBSEG_BROWSER") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("needs a browser: chromium or chrome on the path, or in MEMBSEG_BROWSER")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with playwright.sync_playwright() as driver:
        # Root may not run its sandbox, and containers often have no other user.
        started = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()
