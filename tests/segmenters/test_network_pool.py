"""Networks that serve again leave no trace of whom they served before."""

import ctypes
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes
from membseg.segmenters import _network_pool
from membseg.segmenters._network_pool import NetworkPool, PooledNetwork

TINY = {
    "depth": 1,
    "base_filters": 4,
    "stem_stride": 2,
    "batch_size": 2,
    "patch_size": 32,
    "max_steps": 3,
    "steps_per_epoch": 3,
    "tta": "none",
    "initial_weights": "random",
}


@pytest.fixture
def pool(monkeypatch) -> NetworkPool:
    """A pool of this test's own."""
    own = NetworkPool()
    monkeypatch.setattr(_network_pool, "POOL", own)
    monkeypatch.setattr("membseg.segmenters._keras_training.POOL", own)
    return own


@pytest.fixture(scope="module")
def slices() -> tuple[np.ndarray, np.ndarray]:
    return make_membranes(4, 48, 48, random_state=0)


@pytest.mark.parametrize("options", [{"dropout": 0.3}, {"norm_layer": "batch"}, {"l2": 1e-3}])
def test_a_used_network_is_as_good_as_new(pool, slices, options):
    X, y = slices
    new = UNetSegmenter(**TINY, **options, random_state=1).fit(X, y).decision_function(X)
    entry = pool.waiting[0]
    UNetSegmenter(**TINY, **options, random_state=2).fit(X[::-1], y[::-1])
    again = UNetSegmenter(**TINY, **options, random_state=1).fit(X, y)
    assert pool.waiting == [entry]
    np.testing.assert_array_equal(again.decision_function(X), new)


def test_another_loss_and_weight_decay_are_used(pool, slices):
    X, y = slices
    first = UNetSegmenter(**TINY, random_state=0).fit(X, y)
    other = UNetSegmenter(**TINY, random_state=0, loss="dice", weight_decay=0.1).fit(X, y)
    assert len(pool.waiting) == 1
    pool.waiting.clear()
    expected = UNetSegmenter(**TINY, random_state=0, loss="dice", weight_decay=0.1).fit(X, y)
    np.testing.assert_array_equal(other.decision_function(X), expected.decision_function(X))
    assert (first.decision_function(X) != other.decision_function(X)).any()


def test_segmenters_that_share_a_network_predict_in_turns(pool, slices):
    X, y = slices
    a = UNetSegmenter(**TINY, random_state=1).fit(X, y)
    of_a = a.decision_function(X)
    b = UNetSegmenter(**TINY, random_state=2).fit(X, y)
    of_b = b.decision_function(X)
    assert (of_a != of_b).any()
    for segmenter, expected in [(a, of_a), (b, of_b), (a, of_a)]:
        np.testing.assert_array_equal(segmenter.decision_function(X), expected)
    assert len(pool.waiting) == 1


def test_threads_do_not_mix_weights_up(pool, slices):
    X, y = slices
    fitted = [UNetSegmenter(**TINY, random_state=seed).fit(X, y) for seed in (1, 2)]
    expected = [segmenter.decision_function(X) for segmenter in fitted]
    wrong = []

    def predict(i: int) -> None:
        maps = [fitted[i].decision_function(X) for _ in range(5)]
        wrong.extend(i for logits in maps if (logits != expected[i]).any())

    threads = [threading.Thread(target=predict, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_network_that_a_user_asked_for_is_the_segmenters_own(pool, slices):
    X, y = slices
    a = UNetSegmenter(**TINY, random_state=1).fit(X, y)
    own = a.network_
    assert all(entry.network is not own for entry in pool.waiting)
    UNetSegmenter(**TINY, random_state=2).fit(X, y)
    for value, expected in zip(own.get_weights(), a._weights, strict=True):
        np.testing.assert_array_equal(value, expected)
    own.set_weights([np.zeros_like(value) for value in own.get_weights()])
    assert (a.decision_function(X) == 0).all()


def test_a_network_of_an_interrupted_fit_does_not_come_back(pool, slices, monkeypatch):
    X, y = slices
    monkeypatch.setattr(
        "membseg.training._loop.TrainingLoop.run",
        lambda self: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        UNetSegmenter(**TINY, random_state=1).fit(X, y)
    assert pool.waiting == []


def test_the_oldest_make_room(monkeypatch):
    class Network:
        def __init__(self, n: int) -> None:
            self.n = n

        def count_params(self) -> int:
            return self.n

    pool = NetworkPool()
    entries = [PooledNetwork(Network(10), (Network, {"i": i})) for i in range(6)]
    for entry in entries:
        pool.put_back(entry)
    assert pool.waiting == entries[-4:]
    monkeypatch.setattr(_network_pool, "_MOST_VALUES", 100)
    large = PooledNetwork(Network(95), (Network, {}))
    pool.put_back(large)
    assert pool.waiting == [large]
    assert pool.take({"i": 5, "seed": 3}, Network) is None
    assert pool.take({"seed": 3}, Network) is large
    assert pool.waiting == []


#: Fits again and again; prints the MiB in use after each.
FITS = """
import ctypes, gc, json, resource
from pathlib import Path
from membseg import UNetSegmenter, make_membranes

X, y = make_membranes(4, 256, 256, random_state=0)
used = []
for seed in range(16):
    UNetSegmenter(max_steps=4, steps_per_epoch=4, random_state=seed).fit(X, y).predict(X)
    gc.collect()
    # What is free goes back to the system: how much the allocator keeps changes by chance.
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    used.append(pages * resource.getpagesize() / 2**20)
print(json.dumps(used))
"""


@pytest.mark.slow
def test_memory_does_not_grow_from_fit_to_fit():
    if not Path("/proc/self/statm").exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("the memory in use is read from Linux's /proc, with glibc's allocator")
    # In a process of its own: where other tests have run, memory grows by what they left.
    done = subprocess.run([sys.executable, "-c", FITS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    used = json.loads(done.stdout)
    slope = np.polyfit(np.arange(12), used[4:], 1)[0]
    assert slope < 2.0, f"{slope:.2f} MiB a fit: {used}"
