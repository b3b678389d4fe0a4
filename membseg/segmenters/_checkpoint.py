"""The file in which a fit keeps its state after each epoch."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from membseg.exceptions import CheckpointError, InvalidInputError, MembsegError, TrainingWarning
from membseg.io._container import load_container, save_container
from membseg.segmenters._fit_identity import Identity, differences, identity_key
from membseg.segmenters._state_tree import join_state, split_state
from membseg.utils import make_rng, warn_user

#: The layout of the document; goes up when an older membseg could not go on from it.
_LAYOUT = 1

_KIND, _SUFFIX = "checkpoint", ".checkpoint"

#: Files of other fits that are looked at, the newest, for the one that differs least.
_MOST_OTHERS = 5

#: Age in seconds at which a file that is not complete cannot be one that somebody is writing.
_OLD = 3600.0


class FitCheckpoint:
    """The state of one fit in a folder, under a name that tells fits apart.

    Without a folder it keeps nothing, and all that it is asked for is as in a fresh fit.

    Parameters
    ----------
    folder : str, path-like or None
        Made where it does not exist.
    identity : dict or None, default=None
        What the fit is, as from :func:`fit_identity`.

    Attributes
    ----------
    saved : dict or None
        The state to go on from, if there is one.

    Raises
    ------
    InvalidInputError
        If there is no such folder and none can be made.
    CheckpointError
        If the file of this fit is damaged or belongs to another one.
    """

    def __init__(self, folder: Any = None, identity: Identity | None = None) -> None:
        self.saved: dict[str, Any] | None = None
        self._path: Path | None = None
        self._identity = identity or {}
        self._rng_state: Any = None
        self._has_warned = False
        if folder is not None:
            self._path = _make_folder(folder) / f"{identity_key(self._identity)}{_SUFFIX}"
            _remove_leftovers(self._path.parent)
            self.saved = self._load(self._path)

    @property
    def is_kept(self) -> bool:
        """Whether there is a folder."""
        return self._path is not None

    @property
    def seconds(self) -> float:
        """Seconds that fit took before it was interrupted."""
        return 0.0 if self.saved is None else float(self.saved["seconds"])

    @property
    def batch_size(self) -> int | None:
        """Patches a step, which may have been halved; None in a fresh fit."""
        return None if self.saved is None else int(self.saved["batch_size"])

    @property
    def history(self) -> list[dict[str, float]]:
        """The rows of the history so far; until :meth:`restore`."""
        if self.saved is None:
            return []
        return [dict(row) for row in self.saved["loop"]["progress"]["history"]]

    def start_rng(self, random_state: Any) -> np.random.Generator:
        """Give the generator from which all seeds of the fit come, as the fit first got it.

        Parameters
        ----------
        random_state : int, Generator, RandomState or None
            The segmenter's. A generator that has moved on since is left alone.

        Returns
        -------
        numpy.random.Generator
            The stream.

        Raises
        ------
        CheckpointError
            If the state that was kept is none.
        """
        rng = make_rng(random_state)
        if self._path is None:
            return rng
        if self.saved is not None and not _is_same(rng.bit_generator.state, self.saved["rng"]):
            try:
                rng = _rng_of(self.saved["rng"])
            except (ValueError, KeyError, TypeError) as error:
                raise CheckpointError(
                    f"{self._path} holds no state of a random generator. {self._way_out()}"
                ) from error
        self._rng_state = rng.bit_generator.state
        return rng

    def keep(self, loop_state: dict[str, Any], *, batch_size: int, seconds: float) -> None:
        """Write a state. Where that fails, the fit goes on, with a warning.

        Parameters
        ----------
        loop_state : dict
            The loop's.
        batch_size : int
            Patches a step.
        seconds : float
            Seconds that fit took so far.
        """
        if self._path is None:
            return
        state = {
            "layout": _LAYOUT,
            "identity": self._identity,
            "rng": self._rng_state,
            "batch_size": batch_size,
            "seconds": seconds,
            "loop": loop_state,
        }
        try:
            document, arrays = split_state(state)
            save_container(self._path, _KIND, document, arrays)
        except (MembsegError, MemoryError) as error:
            if not self._has_warned:
                warn_user(
                    f"checkpoint_dir could not take the state of epoch "
                    f"{len(loop_state['progress']['history'])}, and training goes on without: "
                    f"{str(error) or 'there is too little memory.'}",
                    TrainingWarning,
                )
            self._has_warned = True

    def restore(self, loop: Any) -> None:
        """Let a loop go on from the state, if there is one.

        Parameters
        ----------
        loop : TrainingLoop
            Made as the one whose state was kept.

        Raises
        ------
        CheckpointError
            If the state is not one of such a loop.
        """
        if self.saved is None:
            return
        try:
            # Nobody needs it twice, and it is several times the weights.
            loop.restore(self.saved.pop("loop"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{self._path} does not fit the training that these parameters and data ask for "
                f"({error}). {self._way_out()}"
            ) from error

    def forget(self) -> None:
        """Start afresh; the file stays until the first epoch replaces it."""
        self.saved = None

    def remove(self) -> None:
        """Remove the file: nothing is left to go on with."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _load(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            self._tell_of_others(path.parent)
            return None
        try:
            state = join_state(*load_container(path, _KIND))
            _check_state(state)
        except (MembsegError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"The checkpoint of this fit cannot be used: {error} {self._way_out()}"
            ) from error
        other = differences(self._identity, state["identity"])
        if other:
            raise CheckpointError(
                f"{path} belongs to another fit than its name says; it differs in "
                f"{', '.join(other)}. {self._way_out()}"
            )
        return state

    def _tell_of_others(self, folder: Path) -> None:
        """Say that a training in the folder was not finished, and why this is not it."""
        nearest: tuple[list[str], Path] | None = None
        for path in _newest(folder):
            try:
                document, _ = load_container(path, _KIND)
                points = differences(self._identity, document["identity"])
            except (MembsegError, KeyError, AttributeError):
                continue  # somebody else's file, or one that was just removed
            if nearest is None or len(points) < len(nearest[0]):
                nearest = points, path
        if nearest is not None:
            warn_user(
                f"checkpoint_dir holds the unfinished training of another fit, which differs in "
                f"{', '.join(nearest[0]) or 'its name'}. This fit starts anew and leaves it as it "
                f"is. To go on with it, give fit its parameters and data again; if nobody needs "
                f"it, delete {nearest[1]}.",
                TrainingWarning,
            )

    def _way_out(self) -> str:
        return f"Delete {self._path} to start anew, or give checkpoint_dir another folder."


def _check_state(state: dict[str, Any]) -> None:
    """Refuse what was not written here, before anything is taken from it."""
    if state["layout"] != _LAYOUT:
        raise ValueError(f"its layout is {state['layout']}, and this membseg knows {_LAYOUT}.")
    plain = {"seconds": int | float, "batch_size": int, "rng": dict, "identity": dict, "loop": dict}
    for name, kind in plain.items():
        if not isinstance(state[name], kind):
            raise ValueError(f"it holds no {name}.")
    if not isinstance(state["loop"]["progress"]["history"], list):
        raise ValueError("it holds no history.")


def _make_folder(folder: Any) -> Path:
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"checkpoint_dir must be a folder, or the path of one to make; got "
            f"{os.fspath(folder)!r}, and: {error}. Give another path."
        ) from error
    return path


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left; not what is being written.

    Another process may just be writing a file of its own there.
    """
    with suppress(OSError):
        for part in folder.glob(".membseg-*.part"):
            if time.time() - part.stat().st_mtime > _OLD:
                part.unlink(missing_ok=True)


def _newest(folder: Path) -> list[Path]:
    ages = {}
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            ages[path] = path.stat().st_mtime
    return sorted(ages, key=lambda path: -ages[path])[:_MOST_OTHERS]


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two states of generators are the same; some hold arrays."""
    (plain, arrays), (other_plain, other_arrays) = split_state(one), split_state(other)
    return plain == other_plain and all(
        np.array_equal(array, other_arrays[name]) for name, array in arrays.items()
    )


def _rng_of(state: Any) -> np.random.Generator:
    """Make a generator that is in a state."""
    kinds = {
        kind.__name__: kind
        for kind in (
            np.random.PCG64,
            np.random.PCG64DXSM,
            np.random.MT19937,
            np.random.Philox,
            np.random.SFC64,
        )
    }
    bits = kinds[state["bit_generator"]](0)
    bits.state = state
    return np.random.Generator(bits)
