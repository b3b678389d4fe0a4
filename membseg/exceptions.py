"""Errors and warnings of membseg, each also the builtin that a caller would expect."""

__all__ = [
    "DataWarning",
    "ImageFileError",
    "InvalidInputError",
    "InvalidTypeError",
    "MembsegError",
    "MembsegWarning",
    "MissingDependencyError",
    "OutOfMemoryError",
    "TrainingError",
    "TrainingWarning",
]


class MembsegError(Exception):
    """Base class of every error that membseg raises on purpose."""


class InvalidInputError(MembsegError, ValueError):
    """An argument has a value, shape or content that cannot be used."""


class InvalidTypeError(MembsegError, TypeError):
    """An argument is of a kind that cannot be used."""


class MissingDependencyError(MembsegError, ImportError):
    """A feature needs an optional package that is not installed."""


class ImageFileError(MembsegError, OSError):
    """An image file or folder is missing, unreadable or broken."""


class TrainingError(MembsegError, RuntimeError):
    """Training could not go on (a loss that is not finite, for example)."""


class OutOfMemoryError(TrainingError, MemoryError):
    """The machine has too little memory for the smallest possible training step."""


class MembsegWarning(UserWarning):
    """Base class of every warning that membseg gives."""


class DataWarning(MembsegWarning):
    """The images or masks look wrong in a way that can still be worked with."""


class TrainingWarning(MembsegWarning):
    """Training went on, but not quite as asked."""
