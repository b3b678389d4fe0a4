"""The page holds all it needs, loads nothing, and lets no text of a user become code."""

import base64
import hashlib
import io
import re

import imageio.v3 as iio
import numpy as np
import pytest

from membseg import review_sheet
from membseg.exceptions import DataWarning, InvalidInputError, InvalidTypeError
from membseg.review import DoubtfulPlace, _review_sheet


def decode(uri):
    head, content = uri.split(",")
    assert head == "data:image/png;base64"
    return iio.imread(io.BytesIO(base64.b64decode(content)), extension=".png")


def test_pictures_are_the_images_and_masks(stack, places, read_sheet, tmp_path):
    X, masks = stack
    sheet = read_sheet(review_sheet(X, masks, tmp_path / "a.html", places=places))
    for image, mask, shown in zip(X, masks, sheet["images"], strict=True):
        grey = decode(shown["picture"])
        assert (grey.shape, grey.dtype) == (image.shape, np.uint8)
        assert np.corrcoef(grey.ravel(), image.ravel())[0, 1] > 0.99
        assert (grey.min(), grey.max()) == (0, 255)
        overlay = decode(shown["mask"])
        np.testing.assert_array_equal(overlay[..., 3], mask)
        assert overlay[mask == 255].tolist() == [[230, 159, 0, 255]] * np.count_nonzero(mask)
        assert shown["doubt"] is None
        assert (shown["height"], shown["width"]) == image.shape
    assert [image["name"] for image in sheet["images"]] == ["image 0", "image 1"]
    assert sheet["places"] == [vars(place) for place in places]


def test_maps_show_how_unsure_they_are(stack, read_sheet, tmp_path):
    X, masks = stack
    maps = np.where(masks > 0, 0.5, 0.0).astype(np.float32)
    sheet = read_sheet(review_sheet(X, maps, tmp_path / "a.html", threshold=0.5))
    np.testing.assert_array_equal(decode(sheet["images"][0]["mask"])[..., 3], masks[0])
    np.testing.assert_array_equal(decode(sheet["images"][0]["doubt"])[..., 3], masks[0])
    assert sheet["places"]  # asked for by itself


def test_colour_images_stay_coloured_and_other_channels_are_averaged(read_sheet, tmp_path):
    X = np.zeros((2, 8, 32, 3))
    X[:, :, :16, 0] = 7
    X[:, :, 16:, 2] = 7
    masks = np.zeros((2, 8, 32), bool)
    sheet = read_sheet(review_sheet(list(X), list(masks), tmp_path / "a.html"))
    assert decode(sheet["images"][1]["picture"])[0, [0, 31]].tolist() == [[255, 0, 0], [0, 0, 255]]
    sheet = read_sheet(review_sheet(X[..., :2], masks, tmp_path / "b.HTML"))
    assert decode(sheet["images"][0]["picture"])[0, [0, 31]].tolist() == [255, 0]


@pytest.mark.parametrize("value", [0, 7.5])
def test_constant_images_are_shown(value, read_sheet, tmp_path):
    X = np.full((1, 8, 8), value)
    sheet = read_sheet(review_sheet(X, X > 100, tmp_path / "a.html"))
    assert len(np.unique(decode(sheet["images"][0]["picture"]))) == 1


def test_a_few_bright_pixels_hide_nothing(read_sheet, tmp_path):
    X = np.linspace(0, 1, 64 * 64).reshape(1, 64, 64)
    X[0, 0, 0] = 1e6
    sheet = read_sheet(review_sheet(X, X > 2, tmp_path / "a.html"))
    assert decode(sheet["images"][0]["picture"]).std() > 50


def test_nothing_comes_from_elsewhere(stack, tmp_path):
    text = review_sheet(*stack, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?//""", text)
    assert "@import" not in text
    assert re.findall(r"<(?:link|img|iframe|object|embed)\b[^>]*>", text) == [
        '<link rel="icon" href="data:,">'
    ]


def test_the_policy_allows_the_pages_own_parts_only(stack, tmp_path):
    text = review_sheet(*stack, tmp_path / "a.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="(.*?)">', text)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for name, pattern in (
        ("style-src", r"<style>(.*?)</style>"),
        ("script-src", r"<script>(.*?)</script>"),
    ):
        (content,) = re.findall(pattern, text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_no_text_of_a_user_becomes_code(stack, read_sheet, tmp_path):
    evil = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&amp;{{script}}\u2028'
    place = DoubtfulPlace(0, 0, 0, 8, 8, 0.5, evil)
    path = review_sheet(*stack, tmp_path / "a.html", title=evil, names=[evil, "b"], places=[place])
    text = path.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "onerror=alert(1)&gt;&amp;amp;{{script}}" in text
    sheet = read_sheet(path)
    assert sheet["images"][0]["name"] == sheet["places"][0]["reason"] == evil


def test_sheets_are_told_apart(stack, places, read_sheet, tmp_path):
    X, masks = stack

    def identity(*arguments, **options):
        return read_sheet(review_sheet(*arguments, tmp_path / "a.html", **options))["id"]

    first = identity(X, masks, places=places)
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert identity(X.astype(float), masks == 255, places=places, title="other") == first
    assert identity(X + 1, masks, places=places) != first
    assert identity(X, 255 - masks, places=places) != first
    assert identity(X, masks, places=places[:1]) != first


def test_the_page_is_of_modest_size(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (10, 512, 512), dtype=np.uint8)
    masks = np.zeros(X.shape, bool)
    masks[:, ::32] = masks[:, :, ::32] = True
    path = review_sheet(X, masks, tmp_path / "a.html", places=[])
    # Noise cannot be packed: 512 x 512 bytes an image, 4 / 3 of that in base64.
    assert path.stat().st_size < 10 * 512 * 512 * 1.4


def test_large_pages_are_warned_of(stack, tmp_path, monkeypatch):
    monkeypatch.setattr(_review_sheet, "_LARGE", 1000)
    with pytest.warns(DataWarning, match="MB, and browsers may be slow with it. Give fewer"):
        review_sheet(*stack, tmp_path / "a.html")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"path": 3}, InvalidTypeError, "path must be a path, a str or a Path; got int."),
        ({"path": "a.txt"}, InvalidInputError, "path must end in '.html', so that browsers"),
        ({"path": "no/a.html"}, InvalidInputError, "path must lie in a folder that exists"),
        ({"title": 3}, InvalidTypeError, "title must be a str; got int."),
        ({"title": "\ud800"}, InvalidInputError, "title must be text that can be written as UTF-8"),
        ({"names": "ab"}, InvalidTypeError, "names must be a list of str; got str."),
        ({"names": ["a"]}, InvalidInputError, "names must hold one name an image; got 1 for 2"),
        ({"names": ["a", 3]}, InvalidTypeError, "names[1] must be a str; got int."),
        ({"places": 3}, InvalidTypeError, "places must be a list of DoubtfulPlace; places[0] is"),
        (
            {"places": [DoubtfulPlace(2, 0, 0, 8, 8, 0.5, "")]},
            InvalidInputError,
            "places must lie inside their images, of sizes [(16, 20), (16, 20)]; places[0] is",
        ),
        (
            {"places": [DoubtfulPlace(0, 9, 0, 8, 8, 0.5, "")]},
            InvalidInputError,
            "places must lie inside their images",
        ),
    ],
)
def test_bad_arguments(options, error, text, stack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(text)):
        review_sheet(*stack, **{"path": "a.html", **options})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(stack, tmp_path):
    (tmp_path / "a.html").mkdir()
    with pytest.raises(InvalidInputError, match="path must be a file that can be written; got"):
        review_sheet(*stack, tmp_path / "a.html")
