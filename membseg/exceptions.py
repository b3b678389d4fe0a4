"""Errors and warnings of membseg, each also the builtin that a caller would expect."""

__all__ = [
    "CheckpointError",
    "DataWarning",
    "ImageFileError",
    "InvalidInputError",
    "InvalidTypeError",
    "MembsegError",
    "MembsegWarning",
    "MissingDependencyError",
    "ModelFileError",
    "ModelFileWarning",
    "OutOfMemoryError",
    "RecordError",
    "RecordWarning",
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


class ModelFileError(MembsegError, OSError):
    """A model file is missing, unreadable, broken or not to be trusted, or cannot be written."""


class RecordError(MembsegError, ValueError):
    """A record of an experiment is broken, or belongs to another experiment."""


class CheckpointError(MembsegError, RuntimeError):
    """A checkpoint belongs to another estimator or other data, or cannot be used."""


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


class ModelFileWarning(MembsegWarning):
    """A model file was written by other versions than those that read it."""


class RecordWarning(MembsegWarning):
    """A record of an experiment was not written, or is not read."""
