"""An estimator before it is fitted, in plain values, and back."""

from typing import Any

from membseg.exceptions import ModelFileError
from membseg.persistence._codec import Decoder, Encoder


def describe_estimator(estimator: Any) -> dict[str, Any]:
    """Give class and parameters of an estimator as what JSON can hold.

    Parameters
    ----------
    estimator : estimator
        A segmenter of membseg's, or a pipeline of its steps, fitted or not.

    Returns
    -------
    dict
        Dicts, lists, str, int, finite float, bool and None; :func:`build_estimator` reads it.

    Raises
    ------
    InvalidTypeError
        If a class or a parameter is of a kind that is code rather than values, or a parameter is
        fitted.

    Examples
    --------
    >>> from membseg import ThresholdSegmenter
    >>> from membseg.persistence._describe import build_estimator, describe_estimator
    >>> build_estimator(describe_estimator(ThresholdSegmenter(sigma=2.0)))
    ThresholdSegmenter(sigma=2.0)
    """
    return Encoder(None, with_state=False).encode_estimator(estimator)


def build_estimator(description: Any) -> Any:
    """Make an estimator from its description, which may come from anybody.

    Parameters
    ----------
    description : dict
        From :func:`describe_estimator`.

    Returns
    -------
    estimator
        Not fitted.

    Raises
    ------
    ModelFileError
        If it describes no estimator of membseg's.

    Examples
    --------
    >>> from membseg.persistence._describe import build_estimator
    >>> build_estimator({"type": "object", "class": "os.system", "parameters": {}})
    Traceback (most recent call last):
    ...
    membseg.exceptions.ModelFileError: The estimator cannot be built: it names a class that no ...
    """
    try:
        return Decoder(None).decode_estimator(description)
    except Exception as error:  # whatever a constructor makes of parameters that are none
        raise ModelFileError(f"The estimator cannot be built: {error}.") from error
