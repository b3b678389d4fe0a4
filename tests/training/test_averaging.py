"""The moving average of weights: what it is, and that the loop judges and keeps it."""

import contextlib

import keras
import numpy as np
import pytest

from membseg.training import HostSteps, Schedule, TrainingLoop, WeightAverage


class Network:
    """A trained number, and a statistic that is not trained; a step adds one to both."""

    def __init__(self):
        self.trained = keras.Variable(np.zeros(2), trainable=True)
        self.statistic = keras.Variable(np.zeros(1), trainable=False)
        self.trainable_variables = [self.trained]
        self.weights = [self.trained, self.statistic]
        self.optimizer = self
        self.learning_rate = 0.0

    def get_weights(self):
        return [np.array(keras.ops.convert_to_numpy(weight)) for weight in self.weights]

    def set_weights(self, weights):
        for variable, weight in zip(self.weights, weights, strict=True):
            variable.assign(weight)

    def reset_metrics(self):
        pass

    def train_on_batch(self, x, y):
        self.set_weights([weight + 1 for weight in self.get_weights()])
        return 1.0


class Batches:
    def draw(self):
        return None, None

    def state(self):
        return {}


def expected_averages(momentum, n_steps):
    """The average after each step of weights 1, 2, ..., from its definition."""
    averages, average = [], 0.0
    for step in range(1, n_steps + 1):
        share = min(momentum, (1 + step) / (10 + step))
        average = share * average + (1 - share) * step
        averages.append(average)
    return averages


@pytest.mark.parametrize("momentum", [0.5, 0.99])
def test_it_is_the_moving_average_of_what_is_trained(momentum):
    network = Network()
    average = WeightAverage(network, momentum)
    for expected in expected_averages(momentum, 30):
        network.train_on_batch(None, None)
        average.follow(1)
        np.testing.assert_allclose(average.weights[0], expected, rtol=1e-5)
        np.testing.assert_array_equal(average.weights[1], network.get_weights()[1])


def test_it_is_lent_to_the_network_and_taken_back_even_after_an_error():
    network = Network()
    average = WeightAverage(network, 0.9)
    network.train_on_batch(None, None)
    average.follow(1)
    with average.in_place():
        np.testing.assert_array_equal(network.get_weights()[0], average.weights[0])
    np.testing.assert_array_equal(network.get_weights()[0], [1, 1])
    average.follow(1)
    with contextlib.suppress(ZeroDivisionError), average.in_place():
        raise ZeroDivisionError
    np.testing.assert_array_equal(network.get_weights()[0], [1, 1])


def test_the_loop_judges_and_keeps_the_average():
    network, seen = Network(), []

    class Loop(TrainingLoop):
        def _watch(self):
            seen.append(float(self.network.get_weights()[0][0]))
            return {"val_loss": -seen[-1], "val_iou": 0.5}

    schedule = Schedule(peak=1e-3, n_steps=6, start=0.0, deadline=None)
    Loop(
        network, HostSteps(network, Batches()), [1], schedule, steps_per_epoch=2, monitor="loss",
        patience=9, average=WeightAverage(network, 0.9),
    ).run()  # fmt: skip
    averages = expected_averages(0.9, 6)
    np.testing.assert_allclose(seen, averages[1::2], rtol=1e-5)
    np.testing.assert_allclose(network.get_weights()[0], averages[-1], rtol=1e-5)


def test_a_state_brings_it_back():
    network = Network()
    average = WeightAverage(network, 0.9)
    network.train_on_batch(None, None)
    average.follow(1)
    state = average.state()
    kept = [weight.copy() for weight in state["weights"]]
    network.train_on_batch(None, None)
    average.follow(1)
    later = [weight.copy() for weight in average.weights]
    # A copy, which later steps leave alone.
    for a, b in zip(state["weights"], kept, strict=True):
        np.testing.assert_array_equal(a, b)
    other = WeightAverage(network, 0.9)
    other.restore(state)
    other.follow(1)
    for a, b in zip(other.weights, later, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"arrays of the shapes .* are needed; got \[\]"):
        other.restore({"n_steps": 1, "weights": []})
