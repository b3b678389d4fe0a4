"""scikit-learn's callbacks (since 1.9): told of a fit and of each of its epochs."""

from collections.abc import Callable
from typing import Any


class FitCallbacks:
    """The callbacks of one fit.

    Parameters
    ----------
    segmenter : object
        With scikit-learn's ``CallbackSupportMixin``, or with its stand-in where that does not
        exist.
    X, y : object
        What fit was given.
    n_epochs : int or None
        Number of epochs; None where it is not known.
    """

    def __init__(self, segmenter: Any, X: Any, y: Any, n_epochs: int | None) -> None:
        self._told = {"estimator": segmenter, "X": X, "y": y}
        self._fit: Any = None
        self._epoch: Any = None
        self._n_epochs, self._n_told = n_epochs, 0
        if hasattr(segmenter, "_init_callback_context"):
            self._fit = segmenter._init_callback_context(task_name="fit", max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self) -> None:
        """Tell that an epoch begins."""
        # A training that starts again with smaller batches has more epochs than were announced.
        if self._fit is None or self._n_told == self._n_epochs:
            self._epoch = None
            return
        self._n_told += 1
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, fitted: Callable[[], dict[str, Any]]) -> bool:
        """Tell that an epoch ended; whether a callback wants training to stop.

        Parameters
        ----------
        fitted : callable
            Gives the fitted attributes as they would be if training stopped here. Called only
            where a callback looks at them.
        """
        if self._epoch is None:
            return False
        return bool(
            self._epoch.call_on_fit_task_end(**self._told, reconstruction_attributes=fitted)
        )

    def end(self) -> None:
        """Tell that the fit ended."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes=dict)
