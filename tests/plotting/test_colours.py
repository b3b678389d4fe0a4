"""Colours stay apart for colour-blind eyes and on grey prints."""

import itertools

import numpy as np
import pytest
from skimage.color import rgb2lab

from membseg.plotting._colours import (
    AGREEMENT,
    DIM,
    EVENTS,
    as_rgb,
    colour_of_ids,
    find_agreement,
    paint_agreement,
    paint_mask,
    paint_overlay,
    stretch_grey,
)

#: What eyes without the receptor for middle wavelengths see of linear red, green and blue:
#: deuteranomaly of severity 1.0 in G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A
#: physiologically-based model for simulation of color vision deficiency", IEEE Transactions on
#: Visualization and Computer Graphics 15(6), 2009, table 1.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def simulate(colours):
    """What deuteranopes see, in [0, 1]."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ DEUTERANOPIA.T, 0, 1)
    return np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)


def differences(colours):
    """Distances in CIELAB of all pairs, and of their lightness alone."""
    lab = rgb2lab(np.asarray(colours))
    pairs = list(itertools.combinations(lab, 2))
    return (
        np.array([np.linalg.norm(a - b) for a, b in pairs]),
        np.array([abs(a[0] - b[0]) for a, b in pairs]),
    )


def test_simulation_keeps_greys_and_puts_red_beside_green():
    greys = np.repeat(np.linspace(0, 1, 5)[:, None], 3, axis=1)
    np.testing.assert_allclose(simulate(greys), greys, atol=1e-3)
    red, green = np.array([0.8, 0.3, 0.2]), np.array([0.5, 0.55, 0.1])
    seen = differences(simulate(np.stack([red, green])))[0]
    assert seen[0] < differences([red, green])[0][0] / 2


def test_agreement_colours_stay_apart_on_the_dimmed_slice():
    ground = [np.full(3, DIM * grey) for grey in (0.0, 0.5, 1.0)]
    colours = np.array([as_rgb(colour) for colour in AGREEMENT.values()])
    for seen in (colours, simulate(colours)):
        assert differences(seen)[0].min() >= 30
        assert differences(seen)[1].min() >= 9
        lightest = rgb2lab(np.array(ground))[:, 0].max()
        assert (rgb2lab(seen)[:, 0] > lightest + 5).all()
        for grey in ground:
            assert np.linalg.norm(rgb2lab(seen) - rgb2lab(grey), axis=1).min() >= 40


def test_merges_and_splits_stay_apart():
    colours = np.array([as_rgb(colour) for colour in EVENTS.values()])
    for seen in (colours, simulate(colours)):
        assert differences(seen)[0].min() >= 30
        assert differences(seen)[1].min() >= 20


def test_colours_of_cells_depend_on_their_number_alone():
    many = colour_of_ids(np.arange(1, 200))
    np.testing.assert_array_equal(colour_of_ids([7, 150]), many[[6, 149]])
    assert many.shape == (199, 3)
    assert many.min() >= 0
    assert many.max() <= 1


@pytest.mark.parametrize("see", [lambda c: c, simulate], ids=["normal", "deuteranopia"])
def test_cells_numbered_one_after_another_differ(see):
    lab = rgb2lab(see(colour_of_ids(np.arange(1, 200))))
    # Neighbours are mostly numbered one after another, or nearly so.
    for step, least in ((1, 20), (2, 5), (3, 5)):
        assert np.linalg.norm(lab[step:] - lab[:-step], axis=1).min() >= least
    assert (lab[:, 0] > 35).all()


def test_colours_are_not_clipped_much():
    # As chosen, all hues and lightnesses can be shown, but for rounding.
    colours = colour_of_ids(np.arange(1, 500))
    assert (colours >= 1 - 1e-9).mean() < 0.1


def test_grey_values_are_stretched_and_channels_averaged():
    grey = stretch_grey(np.arange(1000).reshape(10, 100))
    assert grey.min() == 0
    assert grey.max() == 1
    assert (np.diff(grey.ravel()) >= 0).all()
    np.testing.assert_array_equal(stretch_grey(np.full((3, 3), 7)), np.full((3, 3), 0.5))
    colour = np.stack([np.eye(4), 3 * np.eye(4)], axis=-1)
    np.testing.assert_allclose(stretch_grey(colour), stretch_grey(np.eye(4)))


TRUTH = np.array([[1, 1, 0, 0, 255]], dtype=np.uint8)
GUESS = np.array([[1, 0, 1, 0, 1]], dtype=np.uint8)
GREY = np.array([[0.0, 0.25, 0.5, 1.0, 0.75]])


def test_agreement_by_definition():
    found = find_agreement(TRUTH, GUESS)
    assert found["true positive"].tolist() == [[True, False, False, False, False]]
    assert found["false negative"].tolist() == [[False, True, False, False, False]]
    assert found["false positive"].tolist() == [[False, False, True, False, False]]


def test_paints():
    picture = paint_agreement(GREY, TRUTH, GUESS)
    colours = [as_rgb(c) for c in AGREEMENT.values()]
    np.testing.assert_array_equal(picture[0, 0], colours[0])
    np.testing.assert_array_equal(picture[0, 2], colours[1])
    np.testing.assert_array_equal(picture[0, 1], colours[2])
    np.testing.assert_allclose(picture[0, 3], DIM)
    np.testing.assert_allclose(picture[0, 4], 0.75 * DIM)
    bright = paint_agreement(GREY, TRUTH, GUESS, np.ones_like(GREY, bool))
    np.testing.assert_allclose(bright[0, 3], 1)
    assert paint_mask(TRUTH)[0, :, 0].tolist() == [0, 0, 1, 1, 0.75]
    overlay = paint_overlay(GREY, GUESS)
    np.testing.assert_allclose(overlay[0, 3], 1)
    assert np.ptp(overlay[0, 0]) > 0.3
