"""Read a folder with one image a file, and its masks."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io._colour import check_mode
from membseg.io._formats import FOLDER_SUFFIXES
from membseg.io._load_stack import load_images
from membseg.io._pairing import natural_key, pair_masks
from membseg.utils import check_same_sizes


def load_image_folder(
    path: str | os.PathLike[str],
    masks: str | os.PathLike[str] | None = None,
    *,
    pattern: str | None = None,
    mask_pattern: str | None = None,
    mode: str = "keep",
    mask_mode: str = "values",
    return_names: bool = False,
) -> Any:
    """Read a folder of images, with their masks from a second folder if given.

    Files are taken in natural order (``slice2`` before ``slice10``). Numbers are never
    rescaled: 8-bit, 16-bit and float images keep their dtype, masks keep their values.

    Parameters
    ----------
    path : str or path-like
        Folder with one image a file; hidden files and subfolders are passed over.
    masks : str, path-like or None, default=None
        Folder with one mask for each image. It may be the folder of the images if
        `mask_pattern` tells them apart. Partners are found by name; see Notes.
    pattern : str or None, default=None
        Which files are images, such as ``"*.png"`` or ``"train*.tif"``. None takes all picture,
        TIFF, NumPy and MRC files.
    mask_pattern : str or None, default=None
        Which files of `masks` are masks, such as ``"*_mask.png"``. None takes all as above.
    mode : {"keep", "gray", "rgb", "values"}, default="keep"
        What becomes of colours and palettes of images, as in :func:`load_stack`.
    mask_mode : {"keep", "gray", "rgb", "values"}, default="values"
        The same of masks. "values" keeps palette indices and refuses real colours.
    return_names : bool, default=False
        Whether the image files' names come along.

    Returns
    -------
    X : ndarray of shape (n_images, height, width[, channels]) or list of ndarray
        The images; a list if their sizes differ.
    y : ndarray of shape (n_images, height, width) or list of ndarray
        The masks. Only if `masks` is given.
    names : list of str
        Names of the image files, without their folder. Only if `return_names`.

    Raises
    ------
    ImageFileError
        If a folder is missing or has no matching file, if a file cannot be read, holds several
        images, or if an image or a mask has no partner; the message names the files.
    InvalidInputError
        If channels or dtypes differ between files, if a mask's size is not its image's, or if a
        parameter does not fit.

    See Also
    --------
    load_stack : Read one file that holds many images.
    save_stack : Write masks to a folder, under the same names if asked.

    Notes
    -----
    A mask belongs to the image of the same name without suffix, in any case of letters. Names
    that find no such partner are compared again with one word taken off the end, the front, or
    both; the pair that needs the fewest words off is made first. The words are, for masks,
    mask(s), label(s), lbl, seg, segmentation, membrane(s), annotation(s), gt, groundtruth, truth
    and target, and, for images, image(s), img, im and raw. A word must be set off by a space,
    dot, hyphen or underscore, or stand in front of a digit: ``03.png`` finds ``03_mask.tif``,
    ``label_03.png`` or ``Labels03.png``; ``img-03.png`` finds ``mask-03.png`` or
    ``img-03_mask.png``. Numbers must be written alike: ``3`` is not ``03``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from membseg.io import load_image_folder, save_stack
    >>> images = np.zeros((2, 8, 8), dtype=np.uint8)
    >>> masks = np.ones((2, 8, 8), dtype=bool)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folder = pathlib.Path(folder)
    ...     save_stack(folder / "images", images, names=["a2", "a10"])
    ...     save_stack(folder / "masks", masks, names=["a2_mask", "a10_mask"])
    ...     X, y, names = load_image_folder(
    ...         folder / "images", folder / "masks", return_names=True
    ...     )
    >>> X.shape, y.shape, int(y.max()), names
    ((2, 8, 8), (2, 8, 8), 255, ['a2.png', 'a10.png'])
    """
    check_mode(mode)
    check_mode(mask_mode, "mask_mode")
    image_files = _list_files(Path(path), pattern, "path", "pattern")
    if masks is None:
        X = _read_all(image_files, mode, "mode")
        return (_stack_if_same(X), _names(image_files)) if return_names else _stack_if_same(X)
    mask_files = _list_files(Path(masks), mask_pattern, "masks", "mask_pattern")
    if Path(masks).resolve() == Path(path).resolve():
        image_files = _without_masks(image_files, mask_files, mask_pattern)
    mask_files = pair_masks(image_files, mask_files)
    X = _read_all(image_files, mode, "mode")
    y = _read_all(mask_files, mask_mode, "mask_mode")
    for i, (image, mask) in enumerate(zip(X, y, strict=True)):
        check_same_sizes(
            [image.shape[:2]],
            [mask.shape[:2]],
            names=(image_files[i].name, mask_files[i].name),
        )
    results = (_stack_if_same(X), _stack_if_same(y))
    return (*results, _names(image_files)) if return_names else results


def _names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def _list_files(
    folder: Path, pattern: str | None, argument: str, pattern_argument: str
) -> list[Path]:
    if not folder.is_dir():
        raise ImageFileError(
            f"{argument} must be a folder of images; there is no folder {folder}. A single file "
            "is read with membseg.io.load_stack."
        )
    found = folder.iterdir() if pattern is None else folder.glob(pattern)
    files = [f for f in found if f.is_file() and not f.name.startswith(".")]
    if pattern is None:
        files = [f for f in files if f.suffix.lower() in FOLDER_SUFFIXES]
    if not files:
        wanted = f"matches {pattern!r}" if pattern else f"ends in {', '.join(FOLDER_SUFFIXES)}"
        raise ImageFileError(
            f"No file in {folder} {wanted}. Check {argument} and {pattern_argument}."
        )
    return sorted(files, key=lambda file: natural_key(file.relative_to(folder).as_posix()))


def _without_masks(images: list[Path], masks: list[Path], mask_pattern: str | None) -> list[Path]:
    if mask_pattern is None:
        raise InvalidInputError(
            "mask_pattern must say which files are masks where masks is the folder of the images; "
            "got None. Write e.g. mask_pattern='*_mask.png'."
        )
    kept = [file for file in images if file not in set(masks)]
    if not kept:
        raise ImageFileError(
            f"Every image file matches mask_pattern {mask_pattern!r} too, so no image is left. "
            "Give a mask_pattern that only masks match."
        )
    return kept


def _read_all(files: list[Path], mode: str, argument: str) -> list[np.ndarray]:
    images = []
    for file in files:
        stack, _ = load_images(file, mode=mode, argument=argument)
        if len(stack) != 1:
            raise ImageFileError(
                f"{file} holds {len(stack)} images, and a folder is read with one a file. Read "
                "it with membseg.io.load_stack."
            )
        images.append(stack[0])
    channels = [1 if image.ndim == 2 else image.shape[2] for image in images]
    _require_equal(
        channels, files, "number of channels", f"Convert them with {argument}='gray' or 'rgb'."
    )
    dtypes = [image.dtype.name for image in images]
    _require_equal(dtypes, files, "dtype", "Convert them first, or read them apart with a pattern.")
    return images


def _require_equal(values: list[Any], files: list[Path], what: str, way_out: str) -> None:
    first = values[0]
    for value, file in zip(values, files, strict=True):
        if value != first:
            raise InvalidInputError(
                f"All files read together must have the same {what}; {files[0].name} has {first} "
                f"and {file.name} has {value}. {way_out}"
            )


def _stack_if_same(images: list[np.ndarray]) -> Any:
    same = len({image.shape for image in images}) == 1
    return np.stack(images) if same else images
