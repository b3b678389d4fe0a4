"""The label doctor: each finding from clean data with one planted defect."""

import re

import numpy as np
import pytest

from membseg.datasets import Finding, LabelReport, check_labels, make_membranes
from membseg.datasets._label_doctor import label_warnings
from membseg.exceptions import InvalidInputError
from membseg.utils import encode_masks


@pytest.fixture(scope="module")
def clean():
    X, y, cells = make_membranes(5, 128, 128, return_cells=True, random_state=0)
    for array in (X, y, cells):
        array.flags.writeable = False
    return X, y, cells


def codes(report):
    return [finding.code for finding in report.findings]


def only(report, code, severity):
    """The one finding of the report, which must be the planted one."""
    assert codes(report) == [code], str(report)
    finding = report.findings[0]
    assert finding.severity == severity
    assert finding.code in str(report)
    assert finding.advice in str(report)
    assert report.ok == (severity == "info")
    return finding


@pytest.mark.parametrize("style", ["em", "fluorescence"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_on_clean_data(style, seed):
    X, y = make_membranes(4, 128, 128, style=style, random_state=seed)
    report = check_labels(X, y)
    assert report.findings == [], str(report)
    assert report.ok
    assert str(report) == "Labels of 4 images: nothing found."


def test_nothing_on_lists_bools_and_other_values(clean):
    X, y, _ = clean
    assert check_labels(list(X), [mask.astype(bool) for mask in y]).ok
    assert check_labels(X, np.where(y == 1, 7.5, 2.5)).ok
    assert check_labels(X, 1 - y, membrane_label=0).ok


def test_scale_of_255_is_an_info(clean):
    X, y, _ = clean
    finding = only(check_labels(X, y * np.uint8(255)), "scale-255", "info")
    assert finding.images == []


@pytest.mark.parametrize("cheap", [True, False])
def test_inverted_polarity(clean, cheap):
    X, y, _ = clean
    finding = only(check_labels(X, 1 - y, cheap=cheap), "inverted-polarity", "warning")
    assert "pass membrane_label=0" in finding.advice
    assert f"{100 * (1 - y).mean():.1f} %" in finding.message


def test_inverted_polarity_by_shape_where_membrane_is_the_minority(clean):
    X, *_ = clean
    # Cells shrunk to blobs of less than half of the pixels: only their shape gives them away.
    blobs = np.zeros((5, 128, 128), np.uint8)
    for row in range(4, 128, 16):
        for column in range(4, 128, 16):
            blobs[:, row : row + 11, column : column + 11] = 1
    assert blobs.mean() < 0.5
    report = check_labels(X, blobs)
    assert "inverted-polarity" in codes(report)
    finding = next(f for f in report.findings if f.code == "inverted-polarity")
    assert "thin connected network" in finding.message
    assert "inverted-polarity" not in codes(check_labels(X, blobs, cheap=True))


def test_empty_and_full_masks_are_named(clean):
    X, y, _ = clean
    masks = y.copy()
    masks[1] = 0
    finding = only(check_labels(X, masks, cheap=True), "empty-mask", "warning")
    assert finding.images == [1]
    masks = y.copy()
    masks[[2, 4]] = 1
    report = check_labels(X, masks, cheap=True)
    full = next(f for f in report.findings if f.code == "full-mask")
    assert full.images == [2, 4]
    assert "y at 2, 4." in full.message


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize(("share", "told"), [(0.4, True), (0.6, False)])
def test_sparse_labels_of_one_class_are_no_mistake(clean, value, share, told):
    X, y, _ = clean
    masks = y.astype(np.int16)
    masks[1] = value
    masks[1, : round(share * masks.shape[1])] = -1
    found = codes(check_labels(X, masks, cheap=True))
    assert bool({"empty-mask", "full-mask"} & set(found)) is told


def test_long_lists_of_images_are_cut():
    y = np.zeros((12, 8, 8), np.uint8)
    y[0, :, :2] = 1
    report = check_labels(np.zeros((12, 8, 8)), y, cheap=True)
    assert "y at 1, 2, 3, 4, 5, 6, 7, 8 and 3 more." in str(report)


def test_one_class_only(clean):
    X, y, _ = clean
    finding = only(check_labels(X, np.zeros_like(y)), "one-class", "error")
    assert "Every labelled pixel has the value 0." in finding.message


def test_instance_ids(clean):
    X, y, cells = clean
    finding = only(check_labels(X, np.where(y == 1, 0, cells)), "instance-ids", "error")
    assert "y == 0" in finding.advice
    assert "find_boundaries" in finding.advice


def test_soft_masks(clean):
    X, y, _ = clean
    soft = y.astype(float)
    soft[0, 0] = np.linspace(0, 1, 128)
    finding = only(check_labels(X, soft), "soft-mask", "error")
    assert "y > 0.5" in finding.advice
    jpeg = y * np.uint8(255)
    jpeg[0, 0] = np.arange(128)
    assert "y > 127.5" in only(check_labels(X, jpeg), "soft-mask", "error").advice


def test_three_values(clean):
    X, y, _ = clean
    masks = y.copy()
    masks[0, :5] = 2
    finding = only(check_labels(X, masks), "too-many-values", "error")
    assert "ignore_label" in finding.advice
    ignored = check_labels(X, masks, ignore_label=2)
    finding = only(ignored, "ignored-pixels", "info")
    assert finding.images == [0]


def test_colour_masks(clean):
    X, y, _ = clean
    finding = only(check_labels(X, np.stack([y] * 3, -1)), "too-many-values", "error")
    assert "3 channels" in finding.message


def test_membrane_label_that_does_not_occur(clean):
    X, y, _ = clean
    finding = only(check_labels(X, y, membrane_label=9), "membrane-label", "error")
    assert "[0, 1]" in finding.advice


def test_not_finite_masks(clean):
    X, y, _ = clean
    masks = y.astype(float)
    masks[3, 0, 0] = np.nan
    assert only(check_labels(X, masks), "not-finite", "error").images == [3]


def test_unlabelled_masks(clean):
    X, y, _ = clean
    masks = y.astype(np.int8)
    masks[2] = -1
    report = check_labels(X, masks)
    assert codes(report) == ["unlabelled", "ignored-pixels"]
    assert report.findings[0].severity == "warning"
    assert report.findings[0].images == [2]
    nothing = check_labels(X, np.full_like(masks, 5), ignore_label=5)
    only(nothing, "unlabelled", "error")


def test_class_imbalance(clean):
    X, y, _ = clean
    thin = np.zeros_like(y)
    thin[:, 60:61] = y[:, 60:61]
    assert "class-imbalance" in codes(check_labels(X, thin, cheap=True))


def test_numbers_and_sizes_that_do_not_match(clean):
    X, y, _ = clean
    finding = only(check_labels(X, y[:4]), "count-mismatch", "error")
    assert "5 images and y holds 4 masks" in finding.message
    masks = [*y[:4], y[4][:, :100]]
    finding = only(check_labels(X, masks), "size-mismatch", "error")
    assert finding.images == [4]
    assert "X[4] is (128, 128) and y[4] is (128, 100)" in finding.message


@pytest.mark.parametrize("style", ["em", "fluorescence"])
def test_shifted_masks(style):
    X, y = make_membranes(3, 160, 160, style=style, random_state=4)
    finding = only(check_labels(X[:, 9:, :-7], y[:, :-9, 7:]), "misaligned", "warning")
    assert finding.images == [0, 1, 2]
    # The image's row 9 is the mask's first: the mask lies 9 px too low and 7 px too far left.
    assert "by -9 px down and 7 px right" in finding.message


def test_one_shifted_mask_is_named(clean):
    X, y, _ = clean
    masks = y.copy()
    masks[3] = np.roll(masks[3], 8, axis=0)
    assert only(check_labels(X, masks), "misaligned", "warning").images == [3]


def test_masks_in_the_wrong_order(clean):
    X, y, _ = clean
    finding = only(check_labels(X, y[[0, 2, 1, 3, 4]]), "shuffled", "warning")
    assert finding.images == [1, 2]
    assert "y[1] fits X[2]" in finding.message


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_duplicate_images_turned_or_not(clean, turn):
    X, y, _ = clean
    images, masks = X.copy(), y.copy()
    noise = np.random.default_rng(0).integers(-5, 6, X[0].shape)
    copy = np.clip(X[0].astype(int) + noise, 0, 255)
    images[4] = np.rot90(copy, turn)
    masks[4] = np.rot90(y[0], turn)
    report = check_labels(images, masks)
    duplicates = next(f for f in report.findings if f.code == "duplicate-images")
    assert duplicates.images == [0, 4]
    assert ("duplicate-masks" in codes(report)) == (turn == 0)


def test_copied_mask(clean):
    X, y, _ = clean
    masks = y.copy()
    masks[3] = masks[0]
    report = check_labels(X, masks)
    finding = next(f for f in report.findings if f.code == "duplicate-masks")
    assert finding.images == [0, 3]
    assert "0 and 3" in finding.message


def test_many_pairs_are_cut(clean):
    X, y, _ = clean
    report = check_labels(np.stack([X[0]] * 5), np.stack([y[0]] * 5))
    assert "10 pair(s) of images" in str(report)
    assert "and 5 more" in str(report)


def test_flat_and_broken_images_make_no_noise(clean):
    _, y, _ = clean
    assert check_labels(np.zeros(y.shape), y).ok
    X = np.full(y.shape, np.nan)
    assert check_labels(X, y).ok


def test_errors_come_first():
    y = np.zeros((2, 8, 8), np.uint8)
    y[0, 0] = 255
    report = check_labels(np.zeros((2, 8, 8)), y, cheap=True)
    assert [finding.severity for finding in report.findings] == ["warning", "info"]
    assert str(report).startswith("Labels of 2 images: 1 warning, 1 info.")


def test_what_is_no_stack_still_raises():
    with pytest.raises(
        InvalidInputError, match=re.escape("For a single image write y[np.newaxis]")
    ):
        check_labels(np.zeros((1, 8, 8)), np.zeros((8, 8)))


def test_warnings_of_fit(clean):
    _, y, _ = clean
    assert label_warnings(encode_masks(y)) == []
    assert label_warnings(encode_masks(y * np.uint8(255))) == []
    (text,) = label_warnings(encode_masks(1 - y))
    assert "cell and membrane are likely swapped" in text
    assert "membrane_label=0" in text
    masks = y.copy()
    masks[2] = 0
    (text,) = label_warnings(encode_masks(masks))
    assert "y at 2." in text
    (text, _) = label_warnings(encode_masks(np.ones((1, 4, 4), bool)))
    assert "Say which value is membrane with membrane_label." in text


def test_report_is_plain_data():
    finding = Finding("empty-mask", "warning", "Found.", "Do.", [1])
    assert str(finding) == "warning (empty-mask): Found. Do."
    assert LabelReport().ok
    assert not LabelReport([finding], 2).ok


def test_real_slices_have_nothing_but_infos(shared_data):
    imread = pytest.importorskip("imageio.v3").imread
    folder = shared_data / "isbi2012"
    X = np.stack([imread(folder / "image" / f"{i:02d}.png") for i in (0, 6, 7, 18, 24)])
    y = np.stack([imread(folder / "label" / f"{i:02d}.png") for i in (0, 6, 7, 18, 24)])
    only(check_labels(X, y, membrane_label=0), "scale-255", "info")
    assert codes(check_labels(X, y)) == ["inverted-polarity", "scale-255"]
    shifted = check_labels(X, np.roll(y, (6, 0), (1, 2)), membrane_label=0)
    assert "misaligned" in codes(shifted)
