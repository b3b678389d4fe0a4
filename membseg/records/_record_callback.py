"""A record of every fit that scikit-learn's callbacks hear of."""

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import sklearn

from membseg.base import SegmenterMixin
from membseg.exceptions import MissingDependencyError, RecordWarning
from membseg.records._files import make_folder, save_record
from membseg.records._make import check_pair, describe_fit_fields, fingerprint_for, new_identity
from membseg.records._record import ExperimentRecord
from membseg.records._scoring import score, scoring_names
from membseg.utils import warn_user


class RecordCallback:
    """Write a record of each fit of a segmenter, also in searches and cross-validations.

    One of scikit-learn's callbacks, which it has since 1.9: ``segmenter.set_callbacks(
    RecordCallback(folder))``, or ``search.set_callbacks(...)`` for every candidate in every fold.
    Processes (``n_jobs``) write to the same folder. A record that cannot be written is a warning:
    the fit is worth more.

    Parameters
    ----------
    folder : str or path-like
        Where records go, as :func:`membseg.records.save_record` writes them.
    X_test : array-like of shape (n_images, height, width[, channels]) or list, default=None
        Images to score each segmenter on. None: records have the history, whose validation part
        is scored each epoch, and no scores.
    y_test : array-like of shape (n_images, height, width) or list of arrays, default=None
        Their masks.
    scoring : str, sequence of str, or None, default=None
        Names in :data:`membseg.metrics.SCORERS`, as in :func:`membseg.record_experiment`.
    name, notes : str or None, default=None
        What each record says.
    tags : sequence of str, default=()
        The same.
    markdown : bool, default=False
        Whether to write model cards, ``<id>.md``, too.

    Attributes
    ----------
    max_propagation_depth : None
        Tells scikit-learn that searches and pipelines hand it on to the segmenter inside.

    Raises
    ------
    MissingDependencyError
        If scikit-learn has no callbacks.
    InvalidInputError, InvalidTypeError
        If an argument cannot be used.
    RecordError
        If `folder` cannot be written to.

    Notes
    -----
    A callback hears of images and masks, not of what else fit was given (weights, groups,
    validation data). In a pipeline they are those that the segmenter gets, and the record is of
    the segmenter alone; scikit-learn warns of each step before it that hears no callbacks.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, list_records, make_membranes
    >>> from membseg.records import RecordCallback
    >>> X, y = make_membranes(3, 48, 48, random_state=0)
    >>> segmenter = UNetSegmenter(depth=1, base_filters=4, max_steps=2, batch_size=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = segmenter.set_callbacks(RecordCallback(folder)).fit(X, y)
    ...     found = list_records(folder)
    >>> found[0].n_steps, len(found[0].history)
    (2, 1)
    """

    max_propagation_depth = None

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        X_test: Any = None,
        y_test: Any = None,
        scoring: str | Sequence[str] | None = None,
        name: str | None = None,
        notes: str | None = None,
        tags: Sequence[str] = (),
        markdown: bool = False,
    ) -> None:
        if importlib.util.find_spec("sklearn.callback") is None:
            raise MissingDependencyError(
                f"RecordCallback needs scikit-learn 1.9 or newer, which has callbacks; got "
                f"{sklearn.__version__}. Upgrade it, or call record_experiment after fit."
            )
        check_pair(X_test, y_test)
        # Absolute, since other processes may work elsewhere.
        self.folder = make_folder(folder).resolve()
        self.X_test, self.y_test = X_test, y_test
        self.scoring = scoring_names(scoring)
        self.name, self.notes = name, notes
        self.tags = [tags] if isinstance(tags, str) else list(tags)
        self.markdown = markdown

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that records can be written, before anything is fitted.

        Parameters
        ----------
        estimator : estimator
            The one that the callback was set on.
        context : sklearn.callback.CallbackContext
            Its fit.
        """
        make_folder(self.folder)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing; scikit-learn asks for the method.

        Parameters
        ----------
        estimator : estimator
            The one that the callback was set on.
        context : sklearn.callback.CallbackContext
            Its fit.
        """

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing; scikit-learn asks for the method.

        Parameters
        ----------
        estimator : estimator
            The one that begins a task.
        context : sklearn.callback.CallbackContext
            The task.
        """

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None
    ) -> bool:
        """Write the record of a segmenter whose fit has ended.

        Parameters
        ----------
        estimator : estimator
            The one that ended a task.
        context : sklearn.callback.CallbackContext
            The task.
        X, y : array-like or list, default=None
            What it was fitted on.

        Returns
        -------
        bool
            False: training goes on.
        """
        if context.task_name == "fit" and isinstance(estimator, SegmenterMixin):
            try:
                record = self._make(estimator, context, X, y)
                save_record(record, self.folder, markdown=self.markdown)
            except Exception as error:  # whatever it is, the fit is worth more
                warn_user(f"The fit is not recorded: {error}", RecordWarning)
        return False

    def _make(self, segmenter: Any, context: Any, X: Any, y: Any) -> ExperimentRecord:
        content = describe_fit_fields(segmenter)
        data = {"train": fingerprint_for(segmenter, X, y, ("X", "y"))}
        scores: dict[str, dict[str, float]] = {}
        if self.X_test is not None:
            names = ("X_test", "y_test")
            data["test"] = fingerprint_for(segmenter, self.X_test, self.y_test, names)
            scores["test"], seconds = score(segmenter, self.X_test, self.y_test, self.scoring)
            content["timings"]["predict"] = seconds
        return ExperimentRecord(
            **new_identity(),
            **content,
            name=self.name,
            notes=self.notes,
            tags=self.tags,
            data=data,
            scores=scores,
            origin=_origin(context),
        )


def _origin(context: Any) -> dict[str, Any]:
    """Tell which fit of which search it was: the tasks from the outermost one in."""
    path: list[dict[str, Any]] = []
    task: Any = context
    while task is not None:
        own = task.source_task_name or task.task_name
        path.insert(0, {"estimator": task.estimator_name, "task": own, "number": task.task_id})
        task = task.parent
    return {"kind": path[0]["estimator"], "group": context.root_uuid.hex[:8], "path": path}
