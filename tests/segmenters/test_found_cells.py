"""Cells found one by one become label images; tiles become images."""

from itertools import pairwise

import numpy as np
import pytest

from membseg.segmenters._cell_tiles import find_all_cells, plan_tiles
from membseg.segmenters._found_cells import FoundCell, paste_mask, put_all
from membseg.utils._intensity import no_change


def cell_of(top, left, bottom, right, score=0.9, p=0.8, tile=None):
    mask = np.full((bottom - top, right - left), p, dtype=np.float32)
    return FoundCell((slice(top, bottom), slice(left, right)), mask, score, tile)


def test_cells_become_labels_scores_boxes_and_a_map():
    canvas = put_all([cell_of(0, 0, 5, 6, 0.5), cell_of(8, 8, 14, 16, 0.9)], (16, 16))
    labels, scores, boxes = canvas.finish(0.0)
    assert scores.tolist() == [0.9, 0.5]
    assert boxes.tolist() == [[8, 8, 14, 16], [0, 0, 5, 6]]
    for number, (top, left, bottom, right) in enumerate(boxes.tolist(), start=1):
        assert (labels[top:bottom, left:right] == number).all()
    assert np.bincount(labels.ravel()).tolist() == [256 - 78, 48, 30]
    assert canvas.response[0, 0] == pytest.approx(0.4)
    assert canvas.response[9, 9] == pytest.approx(0.72)
    assert canvas.response[15, 0] == 0


def test_a_cell_that_was_found_twice_is_there_once():
    canvas = put_all([cell_of(0, 0, 8, 8, 0.9), cell_of(1, 1, 8, 9, 0.8)], (16, 16))
    labels, scores, _ = canvas.finish(0.0)
    assert scores.tolist() == [0.9]
    assert np.count_nonzero(labels) == 64
    # Nor does the second find change the map.
    assert canvas.response[7, 8] == 0


def test_the_surer_mask_has_the_pixel():
    canvas = put_all([cell_of(0, 0, 8, 8, 0.9, 0.6), cell_of(0, 6, 8, 16, 0.8, 0.9)], (8, 16))
    labels, _, _ = canvas.finish(0.0)
    assert (labels[:, :6] == 1).all()
    assert (labels[:, 6:] == 2).all()


def test_small_cells_unsure_cells_and_loose_parts_are_left_out():
    broken = cell_of(0, 0, 6, 12, 0.7)
    broken.mask[:, 8] = 0.1
    cells = [broken, cell_of(10, 10, 14, 14), cell_of(8, 0, 16, 8, 0.2)]
    labels, scores, boxes = put_all(cells, (16, 16)).finish(0.3)
    assert scores.tolist() == [0.7]
    assert boxes.tolist() == [[0, 0, 6, 8]]
    assert np.count_nonzero(labels) == 48


def test_no_cell_gives_nothing():
    labels, scores, boxes = put_all([], (8, 9)).finish(0.5)
    assert labels.shape == (8, 9)
    assert not labels.any()
    assert scores.shape == (0,)
    assert boxes.shape == (0, 4)


def test_parts_of_a_cell_from_two_tiles_are_joined():
    one, other = (slice(0, 16), slice(0, 24)), (slice(0, 16), slice(16, 40))
    parts = [cell_of(4, 2, 12, 24, 0.8, tile=one), cell_of(4, 16, 12, 38, 0.9, tile=other)]
    labels, scores, boxes = put_all(parts, (16, 40)).finish(0.0)
    assert scores.tolist() == [0.9]
    assert boxes.tolist() == [[4, 2, 12, 38]]
    assert np.count_nonzero(labels) == 8 * 36


def test_a_part_falls_to_the_whole():
    tile = (slice(0, 16), slice(0, 24))
    found = [cell_of(4, 10, 12, 24, 0.95, tile=tile), cell_of(4, 10, 12, 30, 0.6)]
    _, scores, boxes = put_all(found, (16, 40)).finish(0.0)
    assert scores.tolist() == [0.6]
    assert boxes.tolist() == [[4, 10, 12, 30]]


def test_pasting_interpolates_at_the_middle_of_pixels():
    ramp = np.repeat((np.arange(28) + 0.5)[:, np.newaxis] / 28, 28, axis=1).astype(np.float32)
    cell = paste_mask(np.array([2.0, 3.0, 16.0, 10.0]), ramp, (20, 20))
    assert cell.window == (slice(2, 16), slice(3, 10))
    middle = (np.arange(14) + 0.5) / 14
    np.testing.assert_allclose(cell.mask, np.repeat(middle[:, np.newaxis], 7, 1), atol=1e-6)


def test_pasting_takes_the_pixels_whose_middle_is_inside():
    ones = np.ones((28, 28), dtype=np.float32)
    cell = paste_mask(np.array([1.6, -3.0, 4.4, 40.0]), ones, (20, 20))
    assert cell.window == (slice(2, 4), slice(0, 20))
    assert paste_mask(np.array([3.6, 3.6, 4.4, 4.4]), ones, (20, 20)) is None
    assert paste_mask(np.array([30.0, 3.0, 40.0, 9.0]), ones, (20, 20)) is None


@pytest.mark.parametrize("shape", [(17, 40), (64, 64), (65, 200), (300, 129)])
def test_tiles_cover_the_image_and_overlap(shape):
    tiles = plan_tiles(shape, 64)
    covered = np.zeros(shape, dtype=int)
    for tile in tiles:
        covered[tile] += 1
        assert all(span.stop - span.start <= 64 for span in tile)
    assert covered.min() >= 1
    for axis in (0, 1):
        spans = sorted({(tile[axis].start, tile[axis].stop) for tile in tiles})
        assert all(one[1] - other[0] >= 16 for one, other in pairwise(spans))


def finder_of_squares(batch):
    """Finds what is bright: the box around it, full."""
    boxes, scores = np.zeros((1, 4, 4)), np.zeros((1, 4))
    for k in range(4):
        rows, columns = np.nonzero(batch[0, ..., 0] == k + 1)
        if len(rows):
            boxes[0, k] = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
            scores[0, k] = 0.9
    return {"boxes": boxes, "scores": scores, "masks": np.full((1, 4, 28, 28), 9.0)}


def test_tiles_give_the_cells_of_the_whole_image():
    image = np.zeros((64, 150, 1))
    image[5:20, 5:30] = 1
    image[10:40, 55:75] = 2
    image[45:60, 40:140] = 3  # larger than the overlap
    image[20:40, 120:150] = 4
    cells = find_all_cells(image, no_change(1), 64, finder_of_squares)
    assert len(cells) > 4
    labels, _, boxes = put_all(cells, (64, 150)).finish(0.0)
    wanted = [[5, 5, 20, 30], [10, 55, 40, 75], [20, 120, 40, 150], [45, 40, 60, 140]]
    assert sorted(boxes.tolist()) == wanted
    np.testing.assert_array_equal(labels > 0, image[..., 0] > 0)


def test_images_are_padded_to_what_the_network_takes():
    sizes = []

    def finder(batch):
        sizes.append(batch.shape)
        return finder_of_squares(batch)

    image = np.zeros((33, 20, 1))
    image[25:33, 4:12] = 1
    (cell,) = find_all_cells(image, no_change(1), 512, finder)
    assert sizes == [(1, 64, 32, 1)]
    assert cell.window == (slice(25, 33), slice(4, 12))
    assert cell.tile is None
