"""Import of packages that only some features need."""

import importlib
from types import ModuleType

from membseg.exceptions import MissingDependencyError


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a module, or say which extra brings it.

    Parameters
    ----------
    module : str
        Dotted name, such as ``"matplotlib.pyplot"``.
    extra : str
        The extra of membseg that installs it.
    purpose : str
        What needs it, as the subject of a sentence, such as ``"Reading HDF5 files"``.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingDependencyError(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'membseg[{extra}]'"
        ) from error
