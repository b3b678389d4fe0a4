"""The table: what is measured, what is flagged and why."""

import json

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from sklearn.exceptions import NotFittedError

from membseg import QualityModel, RidgeSegmenter, quality_report
from membseg.exceptions import InvalidInputError, InvalidTypeError
from membseg.quality import (
    cell_areas,
    membrane_defects,
    membrane_thickness,
    neighbour_agreement,
    view_consistency,
)
from membseg.quality._measures import MEASURES


@pytest.fixture(scope="module")
def segmenter(stack):
    X, y = stack
    return RidgeSegmenter().fit(X[:4], y[:4])


def test_columns_are_the_measures(stack, segmenter):
    X, y = stack
    table = quality_report(None, X, masks=y, pixel_size=4.0)
    widths, cells, defects = membrane_thickness(y), cell_areas(y), membrane_defects(y)
    for i, row in enumerate(table):
        assert row["image"] == i
        assert row["thickness"] == widths[i].median
        assert row["thickness_nm"] == 4 * widths[i].median
        assert row["cell_area"] == cells[i].median
        assert row["cell_area_nm2"] == 16 * cells[i].median
        assert row["open_ends"] == defects[i].ends_per_length
        assert row["membrane_fraction"] == y[i].mean()
        assert row["n_cells"] == pytest.approx(len(cells[i].areas) * 1e6 / y[i].size)
        assert row["neighbours"] == neighbour_agreement(y)[i]
        assert not set(row) & {"confidence", "consistency", "v_rand_predicted"}


def test_of_a_segmenter(stack, segmenter):
    X, _ = stack
    table = quality_report(segmenter, X, views="flips")
    maps = segmenter.predict_membrane(X)
    np.testing.assert_allclose(
        [row["confidence"] for row in table], np.abs(2 * maps - 1).mean((1, 2)), rtol=1e-4
    )
    consistency = view_consistency(segmenter, X, views="flips")
    np.testing.assert_allclose([row["consistency"] for row in table], consistency)
    assert "thickness_nm" not in table.columns


def test_outliers_are_flagged_with_the_reason(stack):
    X, y = stack
    masks = y.copy()
    masks[1] = 0
    masks[2] = 1
    masks[3] = np.pad(y[3], 12, mode="wrap")[:96, :96]
    masks[5, 10:40:6, 10:40:6] = 1
    rng = np.random.default_rng(0)
    for row, column in np.argwhere(y[6])[rng.integers(y[6].sum(), size=25)]:
        masks[6, max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6] = 0
    table = quality_report(None, X, masks=masks, reference=None)
    flags = [" ".join(row["flags"]) for row in table]
    assert flags[1] == "there is no membrane at all"
    assert flags[2] == "all pixels are membrane"
    assert "open ends per 1000 px of membrane" in flags[6]
    assert {1, 2, 6} <= set(table.outliers)


def test_a_model_says_what_is_usual(stack, model):
    X, y = stack
    table = quality_report(None, X[6:], masks=y[6:], reference=model)
    for i, row in enumerate(table):
        assert row["v_rand_predicted"] == model.score_masks(X[6:], y[6:])[i]
        assert row["iou_predicted"] == model.score_masks(X[6:], y[6:], scoring="iou")[i]
        assert "agreement_iou" in row
        usual = model.usual_["thickness"]
        z = (np.log(row["thickness"]) - usual.centre) / usual.spread
        assert row["thickness_z"] == pytest.approx(z)
    assert "out of fold" in str(table)
    thick = binary_dilation(y[6], np.ones((5, 5))).astype(np.uint8)
    (row,) = quality_report(None, X[6:7], masks=thick[np.newaxis], reference=model)
    assert row["thickness_z"] > 3
    assert any(f.startswith("the membrane's thickness is") and "above the usual" in f
               for f in row["flags"])  # fmt: skip


def test_what_is_known_can_be_given(stack):
    X, y = stack
    known = {"membrane_fraction": (y.mean(), 0.02), "shift": (0.0, 1.0)}
    table = quality_report(None, X, masks=y, reference=known)
    z_columns = [name for name in table.columns if name.endswith("_z")]
    assert z_columns == ["membrane_fraction_z", "shift_z"]
    moved = quality_report(None, X[:1], masks=np.roll(y[:1], 6, axis=1), reference=known)
    assert any("best shift of the mask" in flag for flag in moved[0]["flags"])


def test_a_good_sign_is_no_flag(stack):
    X, y = stack
    known = {"ridge_contrast": (-5.0, 0.1), "open_ends": (500.0, 0.1)}
    assert quality_report(None, X, masks=y, reference=known).outliers == []


def test_expectations(stack):
    X, y = stack
    fine = quality_report(None, X, masks=y, thickness=(1, 99), area=(1, 9e9), unit="px", z_limit=99)
    assert fine.outliers == []
    table = quality_report(None, X, masks=y, thickness=(1, 5), pixel_size=4.0, z_limit=99)
    assert table.outliers == list(range(8))
    assert "is implausible (1 to 5 nm" in table[0]["flags"][0]


def test_baseline(stack, segmenter):
    X, _ = stack
    table = quality_report(segmenter, X, baseline=segmenter)
    assert {row["agreement_iou"] for row in table} == {1.0}


def test_tables(stack):
    X, y = stack
    masks = y.copy()
    masks[3] = 0
    table = quality_report(None, X, masks=masks, pixel_size=4.0)
    rows = table.table()
    assert len({tuple(row) for row in rows}) == 1
    assert rows[3]["thickness"] is None
    assert rows[3]["flags"] == "there is no membrane at all"
    assert json.loads(json.dumps(rows)) == rows
    assert table.to_frame().loc[3, "flags"] == "there is no membrane at all"
    lines = str(table).splitlines()
    assert lines[0].split()[:3] == ["image", "membrane", "thickness"]
    assert "    - there is no membrane at all" in lines


def test_lists_of_sizes_and_one_image(stack):
    X, y = stack
    masks = [y[0][:80], y[1]]
    table = quality_report(None, [X[0][:80], X[1]], masks=masks, membrane_label=1)
    assert np.isnan(table[0]["neighbours"])
    assert len(quality_report(None, X[:1], masks=y[:1])) == 1


def test_every_measure_has_words():
    for measure in MEASURES.values():
        assert measure.words.startswith("the ")
        assert measure.floor > 0
        assert measure.bad in ("both", "high", "low")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "segmenter must be a fitted segmenter where no masks are given"),
        ({"masks": "y", "views": "d4"}, "segmenter must be given where views are asked for"),
        ({"masks": "y", "views": "all"}, "views must be 'none', 'flips' or 'd4'"),
        ({"masks": "short"}, "X and masks must agree in height and width"),
        ({"masks": "y", "reference": {"size": (1, 2)}}, "reference must name columns"),
        ({"masks": "y", "reference": {"shift": (1, 0)}}, "must be a mean and a standard deviation"),
        ({"masks": "y", "reference": {"thickness": (-1, 1)}}, "must have a mean above 0"),
        ({"masks": "y", "z_limit": 0}, "z_limit must be a finite number above 0"),
        ({"masks": "y", "scale": -1}, "scale must be a finite number above 0"),
        ({"masks": "y", "thickness": (1, 2)}, "pixel_size must be given where ranges are in nm"),
        ({"masks": "y", "pixel_size": -4}, "pixel_size must be a positive number"),
    ],
)
def test_bad_input(stack, options, match):
    X, y = stack
    choice = {"y": y, "short": y[:, 1:]}
    options = {k: choice.get(v, v) if isinstance(v, str) else v for k, v in options.items()}
    with pytest.raises(InvalidInputError, match=match):
        quality_report(None, X, **options)


def test_a_reference_of_the_wrong_kind(stack):
    X, y = stack
    with pytest.raises(InvalidTypeError, match="reference must be a QualityModel, a dict"):
        quality_report(None, X, masks=y, reference=3)


def test_a_model_has_its_own_second_opinion(stack, model, segmenter):
    X, y = stack
    with pytest.raises(InvalidInputError, match="baseline must be None where reference is a Qual"):
        quality_report(None, X, masks=y, reference=model, baseline=segmenter)
    with pytest.raises(NotFittedError):
        quality_report(None, X, masks=y, reference=QualityModel(None))


def test_masks_have_the_values_of_their_segmenter(stack):
    X, y = stack
    dark = RidgeSegmenter(membrane_label=0).fit(X[:4], 255 - 255 * y[:4])
    masks = dark.predict(X)
    own, given, alone = (
        [row["membrane_fraction"] for row in table]
        for table in (
            quality_report(dark, X),
            quality_report(dark, X, masks=masks),
            quality_report(None, X, masks=masks, membrane_label=0),
        )
    )
    assert own == given == alone == (masks == 0).mean((1, 2)).tolist()
