"""Variables are read and written whole: the generators of dropout and an optimizer's too."""

import numpy as np
import pytest

from membseg.networks import build_unet
from membseg.training import assign_values, compile_network, values_of


def test_values_come_back_and_are_copies():
    network = build_unet(depth=1, base_filters=2, dropout=0.5, norm_layer="batch")
    compile_network(network, loss="bce", weight_decay=0.0)
    variables = network.variables + network.optimizer.variables
    assert len(network.variables) > len(network.get_weights())
    before = values_of(variables)
    batch = np.zeros((1, 8, 8, 1), np.float32), np.ones((1, 8, 8, 2), np.float32)
    network.train_on_batch(*batch)
    after = values_of(variables)
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assign_values(variables, before)
    network.train_on_batch(*batch)
    for a, b in zip(values_of(variables), after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_values_of_something_else_are_refused():
    variables = build_unet(depth=1, base_filters=2).variables
    values = values_of(variables)
    with pytest.raises(ValueError, match=r"arrays of the shapes .* are needed; got "):
        assign_values(variables, values[1:])
    with pytest.raises(ValueError, match=r"are needed; got \[\(7,\), "):
        assign_values(variables, [np.zeros(7), *values[1:]])
