"""Answers come back to their images, and nothing else passes."""

import copy
import re

import numpy as np
import pytest

from membseg import load_reviews
from membseg.exceptions import InvalidInputError, InvalidTypeError


@pytest.fixture
def full(answer):
    answer["images"][1].update(verdict="doubtful", note="blurred <b>", time="2026-01-02T03:30:00Z")
    answer["places"][0].update(
        verdict="wrong", mended=True, note="müde", time="2026-01-02T03:31:00.5Z",
        membrane=[[2, 5, 3], [3, 13, 1]], cell=[[2, 8, 1]],
    )  # fmt: skip
    return answer


def test_everything_comes_back(full, write, stack):
    (review,) = load_reviews(write(full), stack[0])
    assert (review.expert, review.sheet) == ("Ada", full["sheet"])
    assert (review.started, review.saved) == (full["started"], full["saved"])
    first, second = review.images
    assert (first.image, first.verdict, first.note, first.time) == (0, None, "", None)
    assert (second.image, second.verdict, second.note) == (1, "doubtful", "blurred <b>")
    place, other = review.places
    assert place.box == (0, 0, 4, 8, 10)
    assert (place.doubt, place.reason, place.verdict) == (0.75, "a gap", "wrong")
    assert (place.mended, place.is_settled, place.note) == (True, True, "müde")
    assert place.membrane.tolist() == [[2, 5], [2, 6], [2, 7], [3, 13]]
    assert place.cell.tolist() == [[2, 8]]
    assert (other.box, other.is_settled, other.membrane.shape) == ((1, 8, 0, 8, 8), False, (0, 2))
    assert str(review) == (
        "Ada: 1 of 2 places judged (0 good, 0 doubtful, 1 wrong), 5 pixels painted; saved "
        "2026-01-02T04:00:00.000Z"
    )


def test_table(full, write, stack):
    (review,) = load_reviews([write(full)], stack[0])
    rows = review.table()
    assert [row["kind"] for row in rows] == ["image", "image", "place", "place"]
    assert len({tuple(row) for row in rows}) == 1
    assert rows[1]["note"] == "blurred <b>"
    assert rows[1]["top"] is None
    assert rows[2] == {
        "kind": "place", "expert": "Ada", "top": 0, "left": 4, "height": 8, "width": 10,
        "doubt": 0.75, "reason": "a gap", "mended": True, "n_membrane": 4, "n_cell": 1,
        "image": 0, "name": "image 0", "verdict": "wrong", "note": "müde",
        "time": "2026-01-02T03:31:00.5Z",
    }  # fmt: skip


def test_images_are_found_in_any_order_and_dtype(full, write, stack):
    X, _ = stack
    more = [X[1].astype(np.float64), np.zeros((4, 4)), X[0][..., np.newaxis].astype(int)[..., 0]]
    (review,) = load_reviews(write(full), more)
    assert [image.image for image in review.images] == [2, 0]
    assert [place.image for place in review.places] == [2, 0]
    assert sorted(review.predictions) == [0, 2]


def test_equal_images_are_taken_in_turn(stack, full, write):
    X, _ = stack
    full["images"][1]["fingerprint"] = full["images"][0]["fingerprint"]
    (review,) = load_reviews(write(full), np.stack([X[1], X[0], X[0]]))
    assert [image.image for image in review.images] == [1, 2]
    (review,) = load_reviews(write(full), np.stack([X[0], X[0]]))
    assert [image.image for image in review.images] == [0, 1]
    (review,) = load_reviews(write(full), X)
    assert [image.image for image in review.images] == [0, 0]


def test_several_files_keep_their_order(full, write, stack):
    other = copy.deepcopy(full) | {"expert": " Ben "}
    reviews = load_reviews([write(full), str(write(other, "b.json"))], stack[0])
    assert [review.expert for review in reviews] == ["Ada", "Ben"]


def test_a_review_of_other_images(full, write, stack):
    path = write(full)
    text = (
        f"The review {path} belongs to other images: 2 of its 2 ('image 0', 'image 1') are not "
        "among the 3 of X. Give the images that the sheet was made with, with the same pixel "
    )
    with pytest.raises(InvalidInputError, match=re.escape(text)):
        load_reviews(path, np.zeros((3, 16, 20)))
    X = stack[0].copy()
    X[1, 15, 19] += 1
    with pytest.raises(InvalidInputError, match=re.escape("1 of its 2 ('image 1') are not among")):
        load_reviews(path, X)


def test_no_review_at_all(tmp_path, stack):
    X, _ = stack
    with pytest.raises(InvalidInputError, match=r"none\.json cannot be used: .*No such file"):
        load_reviews(tmp_path / "none.json", X)
    for content, text in (
        (b"", "Expecting value"),
        (b"\xff", "can't decode byte"),
        (b'{"a": 1, "a": 2}', "an object of its JSON has a key twice"),
        (b"[]", "it is no review: its format is not 'membseg review'"),
        (b'{"format": "membseg record"}', "it is no review"),
        (b'{"format": "membseg review", "version": 2}', "its version is 2, and this membseg reads"),
        (b'{"format": "membseg review", "version": 1}', "the file lacks 'sheet'"),
    ):
        path = tmp_path / "a.json"
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match=re.escape(text)):
            load_reviews(path, X)


def test_paths_that_are_none(stack):
    with pytest.raises(InvalidTypeError, match="paths must be a path or a list of paths; got int"):
        load_reviews(3, stack[0])
    with pytest.raises(InvalidTypeError, match="paths must hold paths; got int"):
        load_reviews([3], stack[0])
    with pytest.raises(InvalidInputError, match="paths must hold at least one path; got an empty"):
        load_reviews([], stack[0])


#: Where a document is changed, to what, and what is said of it.
TAMPERED = [
    (("sheet",), "12", "sheet must be 16 hexadecimal digits"),
    (("expert",), 3, "expert must be text"),
    (("expert",), " ", "expert is empty"),
    (("saved",), "yesterday", "saved must be a time in ISO 8601"),
    (("images",), {}, "images must be a list"),
    (("images", 0), 3, "images[0] must be an object with fields"),
    (("images", 0, "fingerprint"), "z" * 64, "images[0].fingerprint must be 64 hexadecimal"),
    (("images", 0, "height"), 0, "images[0].height is 0, and must be at least 1"),
    (("images", 0, "height"), 17, "images[0] is said to have 17 x 20 pixels, and has 16 x 20"),
    (("images", 0, "extra"), 0, "images[0] has 'extra', which is not known"),
    (("images", 0, "verdict"), "fine", "images[0].verdict must be 'good', 'doubtful', 'wrong' or"),
    (("images", 0, "note"), None, "images[0].note must be text"),
    (("images", 0, "time"), 12, "images[0].time must be text"),
    (("places", 0, "image"), 2, "places[0].image is 2, and must be from 0 to 1"),
    (("places", 0, "image"), True, "places[0].image must be a whole number"),
    (("places", 0, "left"), 11, "places[0].left is 11, and must be from 0 to 10"),
    (("places", 0, "width"), 21, "places[0].width is 21, and must be from 1 to 20"),
    (("places", 0, "doubt"), 1.5, "places[0].doubt is 1.5, and must be in [0, 1] or null"),
    (("places", 0, "doubt"), "1", "places[0].doubt is '1', and must be in [0, 1] or null"),
    (("places", 0, "mended"), 1, "places[0].mended must be true or false"),
    (("places", 0, "cell"), [3], "places[0].cell[0] must be [row, column, length]"),
    (("places", 0, "cell"), [[8, 4, 1]], "places[0].cell[0][0] is 8, and must be from 0 to 7"),
    (("places", 0, "cell"), [[0, 3, 1]], "places[0].cell[0][1] is 3, and must be from 4 to 13"),
    (("places", 0, "cell"), [[0, 4, 11]], "places[0].cell[0][2] is 11, and must be from 1 to 10"),
    (("places", 0, "cell"), [[0, 4, 0]], "places[0].cell[0][2] is 0, and must be from 1 to 10"),
    (("places", 0, "cell"), [[0, 4, 1.0]], "places[0].cell[0][2] must be a whole number"),
    (("places", 0, "cell"), [[2, 7, 2]], "paints a pixel that is painted already"),
]


@pytest.mark.parametrize(("where", "value", "text"), TAMPERED)
def test_tampered_files(where, value, text, full, write, stack):
    target = full
    for key in where[:-1]:
        target = target[key]
    target[where[-1]] = value
    with pytest.raises(InvalidInputError, match=re.escape(text)) as caught:
        load_reviews(write(full), stack[0])
    assert "answer.json cannot be used: " in str(caught.value)
    assert "as it was saved." in str(caught.value)
