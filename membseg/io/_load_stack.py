"""Read a stack of images from one file."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from membseg.io._axes import arrange, check_arranged, resolve_axes
from membseg.io._colour import check_mode, convert_mode
from membseg.io._formats import read_file
from membseg.io._stored import StackInfo


def load_stack(
    path: str | os.PathLike[str],
    *,
    mode: str = "keep",
    axes: str | None = None,
    dataset: str | int | None = None,
    return_info: bool = False,
) -> Any:
    """Read the images of one file as a stack.

    Numbers are never rescaled: 8-bit, 16-bit and float images keep their dtype.

    Parameters
    ----------
    path : str or path-like
        A file that ends in .png, .jpg, .jpeg, .bmp, .tif, .tiff (plain, multi-page, ImageJ and
        OME), .npy, .mrc, .mrcs, .rec, .h5 or .hdf5.
    mode : {"keep", "gray", "rgb", "values"}, default="keep"
        What becomes of colours:

        - ``"keep"``: the channels of the file. A palette (indexed) image is refused, because
          its numbers may be colours, classes or intensities; one of the other modes says which.
        - ``"gray"``: one channel, the luma of ITU-R BT.601, in the dtype of the file. Opacity
          is dropped.
        - ``"rgb"``: three channels; grey is repeated, a palette looked up, opacity dropped.
        - ``"values"``: one stored number a pixel, without arithmetic, as masks need it: grey
          values, palette indices, or colour channels that are all equal. Anything else is
          refused.
    axes : str or None, default=None
        Names of the stored array's axes, one letter a dimension: Y, X, C or S for channels, and
        any letters (Z, T) for the axes of the stack. None takes what the file says, else
        (n_images, height, width) or (n_images, height, width, channels).
    dataset : str, int or None, default=None
        Which array, where a file holds several: the name in an HDF5 file, the number of the
        series in a TIFF file. None takes the only one.
    return_info : bool, default=False
        Whether a :class:`StackInfo` comes along.

    Returns
    -------
    stack : ndarray of shape (n_images, height, width[, channels])
        The images, also for a file of one image. All axes but Y, X and channels are flattened
        into the first (time before depth where the file has it so); one channel has no axis.
    info : StackInfo
        Pixel size in nm (from ImageJ, OME, MRC or HDF5 metadata), axes and source. Only if
        `return_info`.

    Raises
    ------
    ImageFileError
        If the file is missing, cut short or cannot be decoded; the message names it.
    InvalidInputError, InvalidTypeError
        If `mode`, `axes`, `dataset` or the suffix does not fit the file, or if the file holds
        no real images.
    MissingDependencyError
        If the format needs an optional package.

    Warns
    -----
    DataWarning
        If a TIFF file has zero as white, or pixels that are not square.

    See Also
    --------
    load_image_folder : Read a folder with one image a file.
    save_stack : Write a stack.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from membseg.io import load_stack, save_stack
    >>> stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "slices.tif"
    ...     save_stack(path, stack, pixel_size=4.0)
    ...     loaded, info = load_stack(path, return_info=True)
    >>> loaded.shape, loaded.dtype, info.pixel_size, info.unit
    ((2, 3, 4), dtype('uint16'), 4.0, 'nm')
    """
    path = Path(path)
    check_mode(mode)
    stack, info = load_images(path, mode=mode, axes=axes, dataset=dataset)
    return (stack, info) if return_info else stack


def load_images(
    path: Path,
    *,
    mode: str,
    axes: str | None = None,
    dataset: str | int | None = None,
    argument: str = "mode",
) -> tuple[np.ndarray, StackInfo]:
    """Read one file; `argument` is what the caller's parameter for `mode` is called."""
    source = str(path)
    stored = read_file(path, dataset)
    known = resolve_axes(stored.array.shape, stored.axes, axes, source)
    images = arrange(stored.array, known)
    check_arranged(images, source, axes_known=axes is not None or stored.axes is not None)
    colours = None if stored.colours is None else arrange(stored.colours, f"{known}S")
    images = convert_mode(
        images,
        mode,
        colours=colours,
        grey_alpha=stored.grey_alpha,
        source=source,
        argument=argument,
    )
    return images, StackInfo(stored.pixel_size, "nm", known, source)
