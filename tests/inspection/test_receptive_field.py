"""The effective receptive field lies in the theoretical one."""

import copy

import numpy as np
import pytest

from membseg import effective_receptive_field
from membseg.exceptions import InvalidInputError
from membseg.inspection import ReceptiveField
from membseg.networks import network_reach


def test_of_a_convolution_it_is_the_kernel(linear, stack, kernel_of):
    field = effective_receptive_field(linear, stack[0], n_pixels=3, random_state=0)
    kernel = np.abs(kernel_of(linear)[..., 0])
    np.testing.assert_allclose(field.map, kernel / kernel.sum(), rtol=1e-5)
    assert (field.theoretical_radius, field.is_exact, field.n_pixels) == (1, True, 3)


def test_three_convolutions_see_three_pixels(ring, stack):
    field = effective_receptive_field(ring, stack[0], n_pixels=8, random_state=0)
    assert field.theoretical_radius == 3
    assert field.map.sum() == pytest.approx(1)
    assert field.radius(0.3) <= field.radius(0.95) <= 3
    assert field.radius(0.999999) == 3


def test_half_resolution_and_poolings(net, stack):
    field = effective_receptive_field(net, stack[0], n_pixels=8, random_state=0)
    reach = network_reach(net.network_)
    assert field.theoretical_radius == reach.radius
    assert field.map.shape == (2 * reach.radius + 1,) * 2
    assert 1 <= field.radius(0.95) <= reach.radius
    assert f"of {reach.radius} px in theory" in str(field)
    again = effective_receptive_field(net, list(stack[0]), n_pixels=8, random_state=0)
    np.testing.assert_array_equal(field.map, again.map)


def test_networks_that_see_the_whole_image_say_so(net, stack):
    segmenter = copy.copy(net)
    segmenter._config = net._config | {"squeeze_excitation": True}
    segmenter._weights = segmenter._build(segmenter._config).get_weights()
    field = effective_receptive_field(segmenter, stack[0], n_pixels=1, random_state=0)
    assert not field.is_exact
    assert "and layers that see the whole image" in str(field)


def test_radii_by_hand():
    weights = np.zeros((5, 5))
    weights[2, 2], weights[1, 2], weights[4, 4] = 0.5, 0.3, 0.2
    field = ReceptiveField(weights, 2, True, 1)
    assert [field.radius(share) for share in (0.4, 0.7, 0.95)] == [0, 1, 2]
    with pytest.raises(InvalidInputError, match="share must be a share, above 0 and below 1"):
        field.radius(1.0)


def test_no_pixels(net, stack):
    with pytest.raises(InvalidInputError, match="n_pixels must be an int of 1 or more"):
        effective_receptive_field(net, stack[0], n_pixels=0)
