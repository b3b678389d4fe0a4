"""Timings that may be compared: medians, and contenders that take turns."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median time of a call, after two that compile."""
    call(), call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


@contextmanager
def timed_method(owner: type, name: str) -> Iterator[list[float]]:
    """Note the seconds of every call of a method while the context lasts."""
    original = getattr(owner, name)
    seconds: list[float] = []

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            seconds.append(time.perf_counter() - start)

    setattr(owner, name, timed)
    try:
        yield seconds
    finally:
        setattr(owner, name, original)


class Contender:
    """A step that is timed in a process of its own, so that its threads disturb no other's.

    Parameters
    ----------
    maker : str
        ``"module:function"``; the function gives a callable without arguments, and a dict of
        what is worth knowing of it.
    options : dict
        Keyword arguments of the function.
    """

    def __init__(self, maker: str, options: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, maker, options), daemon=True)
        self._process.start()
        # Else the pipe would stay open when the process ends, and recv would wait for ever.
        other.close()
        self.details: dict[str, Any] = self._receive()

    def run(self, n_steps: int) -> float:
        """Take some steps; give the median seconds of one."""
        self._pipe.send(n_steps)
        return self._receive()

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()

    def _receive(self) -> Any:
        try:
            kind, value = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"a contender ended with {self._process.exitcode}") from None
        if kind == "failed":
            raise RuntimeError(value)
        return value


def _serve(pipe: Any, maker: str, options: dict[str, Any]) -> None:
    """Answer one :class:`Contender` until it says None."""
    module, _, function = maker.partition(":")
    try:
        step, details = getattr(import_module(module), function)(**options)
        # Twice: Keras and PyTorch both change something after the first step.
        step(), step()
        pipe.send(("ready", details))
        while (n_steps := pipe.recv()) is not None:
            times = []
            for _ in range(n_steps):
                start = time.perf_counter()
                step()
                times.append(time.perf_counter() - start)
            pipe.send(("seconds", float(np.median(times))))
    except Exception as error:
        # Whatever it was, the other process must hear of it instead of waiting.
        pipe.send(("failed", f"{maker}: {type(error).__name__}: {error}"))


def take_turns(
    contenders: dict[str, tuple[str, dict[str, Any]]], *, repeats: int, n_steps: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """Time contenders in turns, A B A B, so that a slow moment of the machine hits all of them.

    Parameters
    ----------
    contenders : dict of str to (str, dict)
        Name -> arguments of :class:`Contender`.
    repeats : int
        Turns of each.
    n_steps : int
        Steps a turn.

    Returns
    -------
    (dict of str to list of float, dict of str to dict)
        Seconds a step, one entry a turn; and each one's details.
    """
    started: dict[str, Contender] = {}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        for name, (maker, options) in contenders.items():
            started[name] = Contender(maker, options)
        for _ in range(repeats):
            for name, contender in started.items():
                seconds[name].append(contender.run(n_steps))
    finally:
        for contender in started.values():
            contender.close()
    return seconds, {name: contender.details for name, contender in started.items()}


def ratio(first: list[float], second: list[float]) -> dict[str, float]:
    """Ratio of two contenders' seconds, turn by turn: median, and the least and the largest."""
    ratios = np.array(first) / np.array(second)
    return {
        "median": float(np.median(ratios)),
        "low": float(ratios.min()),
        "high": float(ratios.max()),
    }
