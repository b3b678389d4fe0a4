"""The next batch, drawn while the network learns from this one."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class DrawnAhead:
    """Draws batches one ahead, in a thread of its own; the same batches in the same order.

    A context manager: the thread ends with it.

    Parameters
    ----------
    sampler : object
        Has ``draw()``, which nobody else may call meanwhile, and ``streams()``, which gives the
        state of the random streams that it draws from.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="membseg-patches")
        self._next: Future[Any] | None = None
        self._streams: Any = None

    def draw(self) -> Any:
        """Give the next batch."""
        drawn = self._sampler.draw() if self._next is None else self._next.result()
        # As they are before the batch that nobody has learnt from yet.
        self._streams = self._sampler.streams()
        self._next = self._thread.submit(self._sampler.draw)
        return drawn

    def streams(self) -> Any:
        """Give the sampler's random streams as they were before the batch that `draw` gives next.

        Returns
        -------
        object
            What the sampler's ``streams()`` gives.
        """
        return self._sampler.streams() if self._next is None else self._streams

    def __enter__(self) -> "DrawnAhead":
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
