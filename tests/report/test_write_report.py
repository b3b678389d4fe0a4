"""The report: one page that needs nothing else, the same numbers beside it, words for people."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

from membseg import CellSegmenter, RidgeSegmenter, analyse, quality_report, write_report
from membseg.exceptions import ImageFileError, InvalidInputError, InvalidTypeError
from membseg.quality import membrane_thickness
from membseg.quality._measures import MEASURES
from membseg.quality._reference import Usual, say_deviation
from membseg.report._reasons import _PLAIN, explain
from membseg.report._words import between, number, percent, sentence

#: Elements without an end.
VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """Reads a page, and refuses elements that are not closed in turn."""

    def __init__(self, path):
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.open, self.elements, self.texts = [], [], []
        self.feed(self.html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module", params=["judged", "blind"])
def either(request):
    return request.getfixturevalue(request.param)


def test_the_page_asks_for_nothing_from_elsewhere(either):
    page = Page(either[0])
    without_pictures = re.sub(r"base64,[\w+/=]+", "", page.html)
    assert len(without_pictures) < 100_000
    assert "//" not in without_pictures
    assert not re.search(r"@import|url\(", without_pictures)
    assert not {"script", "link", "iframe", "object", "base"} & {name for name, _ in page.elements}
    beside = {path.name for path in either[1:]}
    for _, attrs in page.elements:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attrs.get(name, "#")
            assert value.startswith(("data:image/", "#")) or unquote(value) in beside


def test_every_picture_has_a_text_and_can_be_read(either):
    pictures = Page(either[0]).all("img")
    assert len(pictures) >= 7
    assert all(len(attrs["alt"]) > 20 for attrs in pictures)
    assert len({attrs["src"] for attrs in pictures}) == len(pictures)
    for attrs in pictures:
        kind, _, code = attrs["src"].removeprefix("data:").partition(";base64,")
        content = base64.b64decode(code, validate=True)
        assert content.startswith(b"\x89PNG" if kind == "image/png" else b"<?xml")


def test_links_within_the_page_lead_somewhere(either):
    page = Page(either[0])
    places = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    links = [attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")]
    assert set(links) <= places
    assert len(links) >= 7


def test_texts_are_escaped(judged):
    page = Page(judged[0])
    assert "<b>Membranes</b> & 'cells'" in page.text
    assert "</td><script>alert(1)</script>" in page.text
    assert page.all("script") == []
    assert "One line. Another." in page.text


def test_sections_follow_from_what_is_known(judged, blind):
    ids = [[attrs["id"] for attrs in Page(files[0]).all("section")] for files in (judged, blind)]
    assert ids[1] == ["glance", "images", "quality", "thickness", "doubt", "model", "about"]
    assert ids[0] == [*ids[1][:2], "scores", "errors", "events", *ids[1][2:]]


def test_numbers_are_those_of_the_analysis(judged, stack, segmenter):
    X, y = stack
    found = analyse(
        segmenter, X[2:], y[2:], X_train=X[:2], y_train=y[:2], n_resamples=50, random_state=0
    )
    whole = json.loads(judged[1].read_text(encoding="utf-8"))
    expected = json.loads(json.dumps(found.to_dict()))
    for name, rows in found.tables().items():
        assert whole.get(name, []) == expected[name], name
        assert rows == found.tables()[name]
    assert whole["overfitted"] == expected["overfitted"]
    text = Page(judged[0]).text
    assert found.gap.sentence in text
    assert f"{found['iou']:.3g}" in text
    assert f"{len(found.merges)} merges: cells that run together" in text
    assert f"{len(found.splits)} splits: cells with a false wall" in text


def test_quality_and_reasons_are_told(blind, stack, segmenter):
    table = quality_report(segmenter, stack[0][2:])
    whole = json.loads(blind[1].read_text(encoding="utf-8"))
    assert whole["flagged"] == table.outliers
    for row, expected in zip(whole["quality"], table.table(), strict=True):
        assert row["name"] == f"image {row['image']}"
        assert {name: row[name] for name in expected} == pytest.approx(expected)
    text = Page(blind[0]).text
    for row in table:
        for flag in row["flags"]:
            assert sentence(flag)[1:-1] in text


def test_thickness_has_its_unit(judged, blind, stack, segmenter):
    medians = [one.median for one in membrane_thickness(segmenter.predict(stack[0][2:]))]
    rows = json.loads(judged[1].read_text(encoding="utf-8"))["thickness"]
    assert [row["median_px"] for row in rows] == pytest.approx(medians)
    assert [row["median_nm"] for row in rows] == pytest.approx(4 * np.array(medians))
    assert "median_nm" not in json.loads(blind[1].read_text(encoding="utf-8"))["thickness"][0]
    assert "nm median membrane thickness" in Page(judged[0]).text
    assert "made without the size of a pixel" in Page(blind[0]).text


def test_tables_hold_the_same_numbers(either):
    whole = json.loads(either[1].read_text(encoding="utf-8"))
    names = [path.stem.split("report_")[1] for path in either[2:]]
    assert names[:2] == ["quality", "thickness"]
    for name, path in zip(names, either[2:], strict=True):
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert len(rows) == len(whole[name])
        for row, expected in zip(rows, whole[name], strict=True):
            for column, value in expected.items():
                if isinstance(value, float):
                    assert float(row[column]) == value
                else:
                    assert row[column].removeprefix("'") == ("" if value is None else str(value))
    page = Page(either[0])
    assert all(path.name in page.text for path in either[1:])


def test_flagged_images_come_first_and_the_rest_is_told(stack, segmenter, tmp_path):
    X, _ = stack
    broken = X[2:].copy()
    broken[2] = np.random.default_rng(0).normal(size=broken[2].shape)
    files = write_report(tmp_path / "r.html", segmenter, broken, max_images=2)
    page = Page(files[0])
    cards = [a["id"] for _, a in page.elements if a.get("id", "").startswith("image-")]
    assert cards[0] == "image-2"
    assert len(cards) == 2
    assert "2 more are in the tables only" in page.text


def test_a_network_shows_how_it_learnt(tmp_path):
    from membseg import UNetSegmenter, make_membranes

    X, y = make_membranes(3, 32, 32, random_state=1)
    net = UNetSegmenter(depth=1, base_filters=4, max_steps=2, threshold=0.5, random_state=0)
    text = Page(write_report(tmp_path / "r.html", net.fit(X, y), X)[0]).text
    assert "How it learnt" in text
    assert "training steps 2" in text
    assert "base_filters 4" in text


def test_cells_of_their_own_are_drawn(stack, tmp_path):
    X, y = stack
    cells = CellSegmenter(RidgeSegmenter()).fit(X[:2], y[:2])
    sparse = y[2:].astype(int)
    sparse[0] = -1
    files = write_report(tmp_path / "r.html", cells, X[2:], sparse, n_resamples=10)
    found = analyse(cells, X[2:], sparse, n_resamples=10)
    assert len(json.loads(files[1].read_text("utf-8"))["images"]) == 3
    assert f"{len(found.merges)} merges: cells that run together" in Page(files[0]).text


def test_nothing_but_cell(stack, tmp_path):
    X, y = stack
    blank = RidgeSegmenter().fit(X[:2], y[:2])
    blank.threshold_ = 2.0
    files = write_report(tmp_path / "r.html", blank, X[2:], y[2:], n_resamples=10)
    text = Page(files[0]).text
    assert "There is no membrane at all" in text
    assert "There is no membrane to measure" in text


def test_no_figure_stays_open_and_the_style_is_as_it_was(stack, segmenter, tmp_path):
    from matplotlib import pyplot, rcParams

    before, style = pyplot.get_fignums(), dict(rcParams)
    write_report(tmp_path / "r.html", segmenter, stack[0][2:])
    assert pyplot.get_fignums() == before
    assert dict(rcParams) == style


def test_a_report_is_replaced_only_when_asked(stack, segmenter, tmp_path):
    X, _ = stack
    path = tmp_path / "r.html"
    (tmp_path / "r_quality.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ImageFileError, match=r"r_quality.csv exists already; .*overwrite=True"):
        write_report(path, segmenter, X[2:])
    # Nothing was written, not even what did not exist.
    assert [file.name for file in tmp_path.iterdir()] == ["r_quality.csv"]
    files = write_report(path, segmenter, X[2:], overwrite=True)
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_images": 0}, InvalidInputError, "max_images must be at least 1; got 0"),
        ({"max_events": 1.5}, InvalidTypeError, "max_events must be a whole number; got 1.5"),
        ({"names": ["a"]}, InvalidInputError, "names must hold one name an image, 4; got"),
        ({"names": "abcd"}, InvalidInputError, "names must hold one name an image, 4; got 'abcd'"),
        ({"X_train": 1}, InvalidInputError, "y must be given where X_train and y_train are"),
        ({"views": "all"}, InvalidInputError, "views must be 'none', 'flips' or 'd4'"),
        ({"thickness": (1, 2)}, InvalidInputError, "pixel_size must be given"),
    ],
)
def test_refused_parameters(stack, segmenter, tmp_path, options, error, text):
    with pytest.raises(error, match=text):
        write_report(tmp_path / "r.html", segmenter, stack[0][2:], **options)
    assert list(tmp_path.iterdir()) == []


def test_refused_paths(stack, segmenter, tmp_path):
    X, _ = stack
    with pytest.raises(InvalidInputError, match=r"path must end in .html; got 'r.pdf'"):
        write_report("r.pdf", segmenter, X[2:])
    with pytest.raises(ImageFileError, match="cannot be written"):
        write_report(tmp_path / "none" / "r.html", segmenter, X[2:])


def test_every_measure_has_plain_words_on_its_bad_side():
    for name, measure in MEASURES.items():
        high, low = _PLAIN[name]
        assert high or measure.bad == "low"
        assert low or measure.bad == "high"
        usual = Usual(measure.scaled(0.5), 0.1)
        for value, words in ((5.0, high), (0.01, low)):
            if words:
                plain, numbers = explain(say_deviation(name, value, usual))
                assert plain == words
                assert "standard deviations" in numbers
    assert explain("there is no membrane at all") == ("there is no membrane at all", "")
    assert set(_PLAIN) == set(MEASURES)


def test_what_most_images_share_is_told(stack, segmenter, tmp_path):
    X, _ = stack
    reference = {"thickness": (1.0, 0.1), "membrane_fraction": (0.9, 0.01)}
    files = write_report(tmp_path / "r.html", segmenter, X[2:], reference=reference)
    text = Page(files[0]).text
    assert "What most images have in common:" in text
    assert "membranes are thicker than usual (4 of 4 images)" in text


def test_numbers_in_words():
    assert sentence("it is 5.08e+03 px, far off") == "It is 5080 px, far off."
    assert [number(v) for v in (float("nan"), None, 3, 0.12345, 12345.6)] == [
        "\N{EN DASH}", "\N{EN DASH}", "3", "0.123", "12346"
    ]  # fmt: skip
    assert between(float("nan"), 1.0) == "\N{EN DASH}"
    assert percent(0.1234) == "12.3 %"
