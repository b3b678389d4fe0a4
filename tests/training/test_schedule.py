"""The schedule: rises, stays, falls to nothing; the clock only chooses the number of steps."""

import itertools

import pytest

from membseg.training import Schedule


def make_schedule(n_steps, deadline=None):
    return Schedule(peak=1.0, n_steps=n_steps, start=0.0, deadline=deadline)


def test_rises_stays_and_falls():
    schedule = make_schedule(500)
    rates = [schedule.learning_rate(step) for step in range(500)]
    assert schedule.decay_start == 300
    assert rates[0] == pytest.approx(1 / 40)
    assert all(a < b for a, b in itertools.pairwise(rates[:40]))
    assert set(rates[40:300]) == {1.0}
    assert all(a > b for a, b in itertools.pairwise(rates[301:]))
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize("step", [1, 2, 3, 40, 41, 333, 1000])
def test_steps_found_by_the_clock_start_to_fall_where_the_clock_was_read(monkeypatch, step):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    schedule = make_schedule(None, deadline=100.0)
    schedule.look_at_clock(1)
    now[0] = 58.0
    schedule.look_at_clock(step)
    assert schedule.n_steps is None
    before = [schedule.learning_rate(s) for s in range(step)]
    now[0] = 58.3
    schedule.look_at_clock(step)
    assert schedule.decay_start == step
    repeat = make_schedule(schedule.n_steps)
    assert before == [repeat.learning_rate(s) for s in range(step)]
    assert [schedule.learning_rate(s) for s in range(schedule.n_steps)] == [
        repeat.learning_rate(s) for s in range(repeat.n_steps)
    ]


def test_reserves_time_at_most_half_of_what_is_left(monkeypatch):
    monkeypatch.setattr("time.perf_counter", lambda: 40.0)
    schedule = make_schedule(None, deadline=100.0)
    schedule.reserve(10.0)
    assert schedule.deadline == 90.0
    schedule.reserve(1000.0)
    assert schedule.deadline == 65.0
    planned = make_schedule(10, deadline=100.0)
    planned.reserve(10.0)
    assert planned.deadline == 100.0


def test_ends_at_the_number_of_steps_or_the_deadline(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    schedule = make_schedule(10, deadline=5.0)
    assert not schedule.is_over(9)
    assert schedule.is_over(10)
    now[0] = 5.0
    assert schedule.is_late()
    assert schedule.is_over(1)
    assert not schedule.is_over(0), "at least one step is taken"


def test_a_state_goes_on_as_if_no_time_had_passed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    schedule = make_schedule(None, deadline=100.0)
    now[0] = 10.0
    schedule.look_at_clock(1)
    schedule.reserve(4.0)
    now[0] = 30.0
    state = schedule.state()
    # Another process, whose clock starts elsewhere; the caller has taken off what was used.
    now[0] = 5000.0
    later = Schedule(peak=1.0, n_steps=None, start=4999.0, deadline=5070.0)
    later.restore(state)
    assert (later.start, later.deadline) == (4970.0, 5066.0)
    shift = 4970.0
    for step, seconds in ((20, 60.0), (30, 64.0)):
        now[0] = seconds
        schedule.look_at_clock(step)
        now[0] = seconds + shift
        later.look_at_clock(step)
        assert later.n_steps == schedule.n_steps
    assert schedule.n_steps == 50
    assert later.state() == schedule.state() | {
        "seconds": later.state()["seconds"],
        "since_first_look": later.state()["since_first_look"],
    }


def test_a_rise_that_others_began_goes_on_and_need_not_fall():
    schedule = Schedule(peak=1.0, n_steps=100, start=0.0, deadline=None, n_before=10, decays=False)
    assert schedule.learning_rate(0) == pytest.approx(11 / 40)
    assert {schedule.learning_rate(step) for step in range(29, 100)} == {1.0}
    assert schedule.decay_start is None
    assert not schedule.has_settled(99)
    assert schedule.is_over(100)
