"""Validation of a BioImage.IO package by the makers' own package, without a network."""

from copy import deepcopy
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from membseg.exceptions import InvalidInputError
from membseg.utils import import_optional

#: What needs the extra.
PURPOSE = "Exporting a BioImage.IO package"

#: What the validation of files would look up on the internet: web addresses and user names.
_LOOKED_UP = ("authors", "cite", "maintainers", "packaged_by")


def load_spec() -> Any:
    """Import the package that defines the format."""
    return import_optional("bioimageio.spec", extra="bioimageio", purpose=PURPOSE)


def check_license(license: Any) -> None:
    """Refuse what is no licence of the SPDX list.

    Parameters
    ----------
    license : str
        Its identifier.

    Raises
    ------
    InvalidInputError
        If it is not on the list.
    MissingDependencyError
        If bioimageio.spec is not installed.
    """
    generic = import_optional("bioimageio.spec.generic.v0_3", extra="bioimageio", purpose=PURPOSE)
    try:
        generic.LicenseId(license)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            "license must be an identifier of the SPDX list (https://spdx.org/licenses/), such as "
            f"'CC-BY-4.0', 'CC0-1.0' or 'MIT'; got {license!r}."
        ) from error


def check_package(path: Path, description: dict[str, Any]) -> None:
    """Let bioimageio.spec judge a package: its description, its files, its test tensors.

    Nothing is downloaded or looked up.

    Parameters
    ----------
    path : Path
        The package.
    description : dict
        What its rdf.yaml says.

    Raises
    ------
    InvalidInputError
        If it is refused; the message holds the reasons.
    """
    spec = load_spec()
    quiet = {"log_warnings": False, "progressbar": False}
    local = {key: value for key, value in description.items() if key not in _LOOKED_UP}
    # Opened here, since what is given as a path is left open there.
    with ZipFile(path) as archive:
        with spec.ValidationContext(perform_io_checks=False, **quiet):
            _refuse(spec.load_description(archive, perform_io_checks=False), spec)
        files = spec.ValidationContext(
            root=archive, file_name="rdf.yaml", perform_io_checks=True, **quiet
        )
        _refuse(spec.build_description(deepcopy(local), context=files), spec)


def _refuse(found: Any, spec: Any) -> None:
    if not isinstance(found, spec.InvalidDescr):
        return
    errors = [error for detail in found.validation_summary.details for error in detail.errors]
    reasons = [f"{'.'.join(map(str, error.loc))}: {error.msg}" for error in errors]
    raise InvalidInputError(
        "The package must be one that bioimageio.spec accepts; it refuses it: "
        f"{'; '.join(dict.fromkeys(reasons))}. Change the argument of that name."
    )
