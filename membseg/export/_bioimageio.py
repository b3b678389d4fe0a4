"""A segmenter as a BioImage.IO package, for ilastik, Fiji and napari."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from membseg.exceptions import InvalidInputError
from membseg.export._bioimageio_check import check_license
from membseg.export._bioimageio_sample import make_sample_pair
from membseg.export._bioimageio_text import UNET_PAPER, write_readme
from membseg.export._bioimageio_write import write_package
from membseg.export._graph import build_graph
from membseg.export._target import check_target, written_beside
from membseg.utils import check_images

#: Tags that hold for every package; those of the zoo's own categories where it has them.
_TAGS = ("membseg", "2d", "semantic-segmentation", "cell-membrane")

#: Names that the format takes.
_NAME = re.compile(r"[A-Za-z0-9_+() -]{5,128}")


def export_bioimageio(
    segmenter: Any,
    path: str | os.PathLike[str],
    X_sample: Any,
    *,
    name: str,
    description: str,
    authors: Sequence[str | Mapping[str, str]],
    license: str,
    tags: Sequence[str] = (),
    cite: Sequence[Mapping[str, str]] | None = None,
    documentation: str | os.PathLike[str] | None = None,
    covers: Sequence[str | os.PathLike[str]] | None = None,
    fixed_intensity: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a BioImage.IO model package, which ilastik, Fiji (deepImageJ) and napari open.

    The package holds the network as ONNX, a test image with its map, a cover, a README and a
    description, which says how images are normalised, which sizes tiles may have, and how much of
    their edges is cut off. It is checked by the format's own package before it is put in place, and
    nothing is looked up on the internet.

    Parameters
    ----------
    segmenter : segmenter
        A fitted segmenter around a Keras network, perhaps calibrated or with a tuned threshold.
    path : str or path-like
        A file that ends in .zip.
    X_sample : array-like of shape (n_images, height, width[, channels]) or list of arrays
        Images as in fit. The middle of the first one becomes the test image; it is published with
        the package.
    name : str
        Name of the model: 5 to 128 letters, digits, spaces and ``_+-()``.
    description : str
        What it is for, in a sentence or two, at most 1024 characters.
    authors : sequence of (str or dict)
        Names of people, or dicts with "name" and perhaps "affiliation", "email", "orcid" and
        "github_user".
    license : str
        SPDX identifier of the licence that the weights and the test image are given under, such as
        "CC-BY-4.0".
    tags : sequence of str, default=()
        Words to be found by, such as "electron-microscopy"; those that hold for every network of
        membseg are added.
    cite : sequence of dict or None, default=None
        What users should cite: dicts with "text" and "doi" (or "url"). None cites the paper of the
        U-Net.
    documentation : str, path-like or None, default=None
        A page about the model in Markdown: the text, or the :class:`pathlib.Path` of a file with
        it. None writes one.
    covers : sequence of path-like or None, default=None
        Pictures that show what the model does. None shows the test image beside its map.
    fixed_intensity : bool, default=False
        Whether every image is normalised with the numbers of the first image of `X_sample`, instead
        of its own. For tools that normalise tile by tile (ilastik), and images that are all
        recorded alike.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    NotFittedError
        Before fit.
    InvalidInputError, InvalidTypeError
        If the segmenter cannot be exported, `X_sample` does not fit it, or the format's package
        refuses what is said about it; the message says what.
    ModelFileError
        If the file cannot be written, or is there already.
    MissingDependencyError
        If bioimageio.spec, onnx or tf2onnx is not installed.

    See Also
    --------
    export_onnx : The network alone, which normalises images itself.

    Notes
    -----
    ``tta="none"`` is what the package does, in float32; other views are left out, since the format
    cannot say them. The graph continues images by reflection itself, as `predict_proba` does, so
    that a tool that gives the whole image at once gets the same map up to its edges.

    References
    ----------
    Ouyang et al. (2022), "BioImage Model Zoo: A Community-Driven Resource for Accessible Deep
    Learning in BioImage Analysis", bioRxiv 2022.06.07.495102.

    Examples
    --------
    >>> import tempfile
    >>> from membseg import UNetSegmenter, make_membranes
    >>> from membseg.export import export_bioimageio
    >>> X, y = make_membranes(2, 64, 64, random_state=0)
    >>> segmenter = UNetSegmenter(
    ...     depth=1, base_filters=4, max_steps=2, threshold=0.5, random_state=0
    ... ).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_bioimageio(
    ...         segmenter,
    ...         f"{folder}/membranes.zip",
    ...         X,
    ...         name="Synthetic membranes",
    ...         description="Made-up slices.",
    ...         authors=["Ada Lovelace"],
    ...         license="CC0-1.0",
    ...     )
    ...     path.name
    'membranes.zip'
    """
    target = check_target(path, ".zip", overwrite=overwrite)
    check_license(license)
    said = {
        "name": _check_name(name),
        "description": description,
        "authors": _list_authors(authors),
        "license": license,
        "tags": _list_tags(tags),
        "cite": [UNET_PAPER] if cite is None else [dict(entry) for entry in cite],
    }
    pictures = [] if covers is None else [_check_cover(cover) for cover in covers]
    page = _read_page(documentation)
    graph = build_graph(segmenter, normalise=False, channels_first=True)
    stack = check_images(X_sample, name="X_sample", n_channels=graph.metadata["n_channels"])
    pair = make_sample_pair(graph, stack.images[0], fixed=fixed_intensity)
    if page is None:
        page = write_readme(graph.metadata, name, description, fixed=fixed_intensity)
    with written_beside(target) as folder:
        write_package(folder / target.name, graph, pair, page, pictures, said)
    return target


def _check_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            "name must be 5 to 128 letters, digits, spaces and _+-(), such as 'Membranes of the "
            f"fly'; got {name!r}."
        )
    return name


def _list_authors(authors: Any) -> list[dict[str, str]]:
    people = [authors] if isinstance(authors, str | Mapping) else list(authors or [])
    if not people or not all(_name_of(person) for person in people):
        raise InvalidInputError(
            "authors must name at least one person, as in ['Ada Lovelace'] or "
            f"[{{'name': 'Ada Lovelace', 'affiliation': 'London'}}]; got {authors!r}."
        )
    return [{"name": one} if isinstance(one, str) else dict(one) for one in people]


def _name_of(person: Any) -> Any:
    return person.get("name") if isinstance(person, Mapping) else person


def _list_tags(tags: Sequence[str]) -> list[str]:
    if isinstance(tags, str):
        raise InvalidInputError(f"tags must be a list of words, as in [{tags!r}]; got one string.")
    return list(dict.fromkeys([*tags, *_TAGS]))


def _check_cover(cover: str | os.PathLike[str]) -> Path:
    path = Path(cover)
    if not path.is_file():
        raise InvalidInputError(f"covers must be pictures that exist; there is no file {path}.")
    return path


def _read_page(documentation: str | os.PathLike[str] | None) -> str | None:
    if documentation is None or isinstance(documentation, str):
        return documentation
    try:
        return Path(documentation).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            "documentation must be Markdown, or the path of a file with it in UTF-8; "
            f"{documentation} cannot be read: {error}."
        ) from error
