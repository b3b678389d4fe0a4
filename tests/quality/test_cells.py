"""Areas of cells: counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from membseg.exceptions import InvalidInputError
from membseg.quality import cell_areas


def look(mask, **options):
    (found,) = cell_areas(np.asarray(mask)[np.newaxis], membrane_label=1, **options)
    return found


def test_counted_by_hand():
    mask = np.ones((7, 9), int)
    mask[1:3, 1:3] = 0
    mask[4:6, 1:8] = 0
    mask[0:3, 5:7] = 0
    found = look(mask, pixel_size=2.0)
    assert sorted(found.areas.tolist()) == [4, 6, 14]
    assert dict(zip(found.areas.tolist(), found.at_edge.tolist(), strict=True)) == {
        4: False, 6: True, 14: False,
    }  # fmt: skip
    assert found.median == 9
    assert found.spread == pytest.approx(np.log(14 / 4) / 2)
    assert found.concentration == pytest.approx((16 + 36 + 196) / 24**2)
    assert found.membrane_fraction == pytest.approx(39 / 63)
    np.testing.assert_array_equal(found.areas_nm2, 4 * found.areas)


def test_corners_part_cells():
    assert look([[0, 1], [1, 0]]).areas.tolist() == [1, 1]


def test_a_leak_raises_the_concentration():
    mask = np.zeros((9, 21), int)
    mask[:, 10] = 1
    whole = look(mask).concentration
    mask[4, 10] = 0
    assert whole == 0.5
    assert look(mask).concentration == 1


@settings(max_examples=25, deadline=None)
@given(mask=arrays(np.uint8, (9, 12), elements=st.integers(0, 1)), k=st.integers(0, 3))
def test_views_change_nothing(mask, k):
    a, b = look(mask), look(np.rot90(mask, k)[:, ::-1])
    assert sorted(a.areas) == sorted(b.areas)
    assert sorted(a.areas[a.at_edge]) == sorted(b.areas[b.at_edge])
    assert a.areas.sum() == (mask == 0).sum()
    np.testing.assert_allclose(a.concentration, b.concentration)


def test_without_cells():
    found = look(np.ones((4, 4), int))
    assert len(found.areas) == 0
    assert np.isnan([found.median, found.spread, found.concentration]).all()
    assert found.membrane_fraction == 1


def test_nanometres_need_a_pixel_size():
    with pytest.raises(InvalidInputError, match="pixel_size must be given for areas in square"):
        _ = look([[0, 1]]).areas_nm2
