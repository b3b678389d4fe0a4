"""Batches that are drawn one ahead are the same batches."""

import threading

import pytest

from membseg.training._ahead import DrawnAhead


class Counter:
    """Draws 1, 2, 3 ... and notes in which thread."""

    def __init__(self, fail_at=None):
        self.n = 0
        self.fail_at = fail_at
        self.threads = []

    def draw(self):
        self.n += 1
        self.threads.append(threading.current_thread())
        if self.n == self.fail_at:
            raise ValueError("no more patches")
        return self.n

    def streams(self):
        return self.n


def test_same_batches_in_the_same_order():
    sampler = Counter()
    with DrawnAhead(sampler) as batches:
        assert [batches.draw() for _ in range(5)] == [1, 2, 3, 4, 5]
    assert sampler.n <= 6
    # The first has nobody to wait for.
    assert sampler.threads[0] is threading.main_thread()
    assert all(thread is not threading.main_thread() for thread in sampler.threads[1:])


def test_next_one_is_drawn_without_being_asked_for():
    sampler, drawn = Counter(), threading.Event()
    draw = sampler.draw
    sampler.draw = lambda: (draw(), drawn.set() if sampler.n == 2 else None)[0]
    with DrawnAhead(sampler) as batches:
        assert batches.draw() == 1
        assert drawn.wait(10)


def test_an_error_comes_with_its_batch():
    with DrawnAhead(Counter(fail_at=2)) as batches:
        assert batches.draw() == 1
        with pytest.raises(ValueError, match="no more patches"):
            batches.draw()


def test_no_thread_is_left():
    with DrawnAhead(Counter()) as batches:
        batches.draw()
        batches.draw()
    assert not [t for t in threading.enumerate() if t.name.startswith("membseg-patches")]


def test_streams_are_those_before_the_next_batch():
    sampler = Counter()
    with DrawnAhead(sampler) as batches:
        assert batches.streams() == 0
        for n in range(1, 4):
            assert batches.draw() == n
            # Whether the next one has been drawn by now or not.
            assert batches.streams() == n
