"""What has been trained already, as a table."""

import copy
from dataclasses import asdict
from typing import Any

from membseg.persistence._pretrained_registry import REGISTRY


def list_pretrained() -> list[dict[str, Any]]:
    """List the segmenters that :func:`load_pretrained` knows.

    Returns
    -------
    list of dict
        A row each: name, segmenter (its class), good_for, not_for, terms, n_bytes, source
        ("package" or an address), filename, sha256, and record, a dict that says how it was
        trained and what it scored. ``pandas.DataFrame`` takes the list.

    See Also
    --------
    load_pretrained : Load one of them.

    Examples
    --------
    >>> from membseg import list_pretrained
    >>> [(row["name"], row["source"], row["terms"]) for row in list_pretrained()]
    [('synthetic_unet', 'package', 'BSD-3-Clause')]
    """
    # Copies, since the registry is everybody's.
    return [copy.deepcopy(asdict(REGISTRY[name])) for name in sorted(REGISTRY)]
