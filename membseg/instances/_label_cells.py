"""Label images of maps of membrane probability."""

from typing import Any

from membseg.instances._maps import check_proba
from membseg.instances._rules import make_rules
from membseg.utils import restore_layout


def label_cells(
    proba: Any,
    method: str = "watershed",
    *,
    threshold: float = 0.5,
    wall_threshold: float = 0.5,
    closing: int = 0,
    seed_distance: float = 3.0,
    merge_threshold: float = 0.5,
    min_size: int = 20,
    fill_holes: bool = False,
    clear_border: bool = False,
) -> Any:
    """Find the cells of maps of membrane probability.

    Parameters
    ----------
    proba : float array-like of shape (n_images, height, width) or list of (height, width) arrays
        Maps of **membrane** probability in [0, 1], such as ``predict_membrane(X)``.
    method : {"threshold", "watershed", "agglomerate"}, default="watershed"
        "threshold": connected components of what is no membrane. "watershed": cells grow from
        seeds, so that a narrow gap in a wall does not let two cells run together. "agglomerate":
        small regions, grown in the same way, are put together while the wall between them is weak
        on average, so that a gap in a strong wall is no gap.
    threshold : float, default=0.5
        Membrane probability from which a pixel is membrane, in (0, 1): what cells are found by.
    wall_threshold : float, default=0.5
        Membrane probability up to which cells that are found then grow into the membrane, in
        (0, 1): a low `threshold` finds weak walls, but makes all of them too wide. Without effect
        where it is not above `threshold`, and on "threshold".
    closing : int, default=0
        Gaps in walls that are narrower than twice this (px) are closed by a line, before cells
        are looked for.
    seed_distance : float, default=3.0
        Seeds are what lies deeper in a cell than this (px): a neck up to twice as wide parts two
        cells, or small regions. Without effect on "threshold".
    merge_threshold : float, default=0.5
        "agglomerate" puts regions together while the mean membrane probability along their
        boundary is below this, the lowest first; in (0, 1). Without effect on the others.
    min_size : int, default=20
        Cells of fewer pixels are removed.
    fill_holes : bool, default=False
        Whether holes in a cell, with no other cell in them, become a part of it.
    clear_border : bool, default=False
        Whether cells that touch the image's edge are removed, since they are not seen whole.

    Returns
    -------
    ndarray of shape (n_images, height, width), int32, or list of such (height, width) arrays
        Numbers of the cells, from 1 in each image and without gaps; 0 is membrane. Cells of
        different numbers never touch over an edge.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If maps or parameters cannot be used.

    See Also
    --------
    CellSegmenter : A segmenter that does this, whose parameters can be searched.
    membseg.metrics.label_components : The cells of masks.

    Notes
    -----
    Cells are connected over edges. The watershed [1]_ floods the cell pixels from the seeds in the
    order of probability plus one less the distance to membrane, in units of `seed_distance` and at
    most one. Cells then grow into the membrane, in the order of probability in 256 steps, up to
    `wall_threshold`; for "agglomerate" until they meet. There the boundary of two regions is made
    of all pairs of neighbouring pixels on either side, each with the larger probability of the
    two, and means are renewed as regions are put together [2]_. Membrane that no longer touches a
    boundary then belongs to the cell around it,
    and so does membrane below `wall_threshold` beside a boundary, but for a line between cells.

    References
    ----------
    .. [1] F. Meyer, "Topographic distance and watershed lines", Signal Processing 38(1), 1994,
       doi 10.1016/0165-1684(94)90060-4.
    .. [2] J. Nunez-Iglesias et al., "Machine learning of hierarchical clustering to segment 2D and
       3D images", PLOS ONE 8(8), 2013, doi 10.1371/journal.pone.0071715.

    Examples
    --------
    >>> import numpy as np
    >>> from membseg import label_cells
    >>> proba = np.zeros((1, 20, 21))
    >>> proba[:, :, 10] = 0.9
    >>> proba[:, 10, 10] = 0.1  # a gap
    >>> for method in ("threshold", "watershed", "agglomerate"):
    ...     print(method, label_cells(proba, method).max())
    threshold 1
    watershed 2
    agglomerate 2
    """
    maps = check_proba(proba)
    rules = make_rules(
        method=method,
        threshold=threshold,
        wall_threshold=wall_threshold,
        closing=closing,
        seed_distance=seed_distance,
        merge_threshold=merge_threshold,
        min_size=min_size,
        fill_holes=fill_holes,
        clear_border=clear_border,
    )
    as_list = isinstance(proba, list | tuple)
    return restore_layout([rules.label(image) for image in maps], as_list=as_list)
