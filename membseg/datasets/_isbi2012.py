"""The slices of the ISBI 2012 challenge."""

from os import PathLike

from sklearn.utils import Bunch

from membseg.datasets._archive import ArchiveRecord, StackRecord, fetch_stacks

_SHAPE = (30, 512, 512)

_RECORD = ArchiveRecord(
    url="https://downloads.imagej.net/ISBI-2012-challenge.zip",
    folder="isbi2012",
    filename="ISBI-2012-challenge.zip",
    stacks=(
        StackRecord(
            "images",
            "train-volume.tif",
            _SHAPE,
            "200da3d452d726e6c9ca1ce04b869d4edb727320d23b516d01cce707dc8c4760",
        ),
        StackRecord(
            "masks",
            "train-labels.tif",
            _SHAPE,
            "a7cb64000a1a7e542682927e19c91339f58f9f178e0bcce4e207371116f0ca36",
        ),
        StackRecord(
            "test_images",
            "test-volume.tif",
            _SHAPE,
            "1b58fa7ec1d0ff9d39a855622db3ff66a97863036339b0d04be51b2f5a99b0e9",
        ),
        # Published only after the challenge server closed; no checksum is known.
        StackRecord("test_masks", "test-labels.tif", _SHAPE, None, optional=True),
    ),
)

_DESCR = """\
ISBI 2012 challenge: segmentation of neuronal structures in EM stacks
----------------------------------------------------------------------
Serial-section transmission electron micrographs of the ventral nerve cord of a first-instar
Drosophila larva: 30 training and 30 test slices of 512x512 uint8 pixels, 4 x 4 nm in the plane,
sections 50 nm thick, in z order.

Masks are an expert's: 0 is membrane and 255 is cell, so pass membrane_label=0.
Neighbouring slices are alike: split the stack in blocks (train_val_test_split), never at random.
The first half of the training slices was low-pass filtered, the second half was not.

Terms: free for non-commercial research; cite
  Cardona A, Saalfeld S, Preibisch S, et al. (2010). An integrated micro- and macroarchitectural
  analysis of the Drosophila brain by computer-assisted serial section electron microscopy.
  PLoS Biology 8(10): e1000502. doi:10.1371/journal.pbio.1000502
  Arganda-Carreras I, Turaga SC, Berger DR, et al. (2015). Crowdsourcing the creation of image
  segmentation algorithms for connectomics. Frontiers in Neuroanatomy 9:142.
  doi:10.3389/fnana.2015.00142
"""


def fetch_isbi2012(
    data_home: str | PathLike[str] | None = None,
    *,
    download_if_missing: bool = True,
    url: str | None = None,
) -> Bunch:
    """Load the slices of the ISBI 2012 challenge, downloading them the first time.

    30 serial-section electron micrographs with expert masks, and the challenge's test slices.
    For non-commercial research; see `DESCR` for the terms and what to cite.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of downloaded data. None takes the environment variable ``MEMBSEG_DATA_HOME``, or
        ``~/membseg_data``. The archive is kept in its subfolder ``isbi2012``.
    download_if_missing : bool, default=True
        Whether to download the archive where it is not there yet.
    url : str or None, default=None
        Address (https, http or file) to use instead of the official one. The pixels are compared
        with the official checksums all the same.

    Returns
    -------
    sklearn.utils.Bunch
        With the entries

        - images : ndarray of shape (30, 512, 512), uint8; membranes are dark
        - masks : ndarray of shape (30, 512, 512), uint8; 0 is membrane, 255 is cell
        - test_images : ndarray of shape (30, 512, 512), uint8
        - test_masks : ndarray of shape (30, 512, 512); only where the archive has them
        - membrane_label : int, 0
        - DESCR : str, the description, terms and citations

    Raises
    ------
    ImageFileError
        If the archive is missing and may not be downloaded, or is unreachable, too large, broken,
        or has pixels other than the official ones.
    InvalidInputError
        If `url` is of another scheme.

    References
    ----------
    Cardona et al. (2010), PLoS Biology 8(10): e1000502.
    Arganda-Carreras et al. (2015), Frontiers in Neuroanatomy 9:142.

    Examples
    --------
    >>> from membseg.datasets import fetch_isbi2012
    >>> isbi = fetch_isbi2012()  # doctest: +SKIP
    >>> isbi.images.shape  # doctest: +SKIP
    (30, 512, 512)
    """
    stacks = fetch_stacks(_RECORD, data_home, download_if_missing=download_if_missing, url=url)
    return Bunch(**stacks, membrane_label=0, DESCR=_DESCR)
