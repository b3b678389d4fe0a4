"""Missing and broken files are named, whatever the decoder says."""

import re

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from membseg.exceptions import (
    ImageFileError,
    InvalidInputError,
)
from membseg.io import load_stack, save_stack

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 20, 30), dtype=np.uint8)


def test_missing_file(tmp_path):
    message = f"There is no file {tmp_path / 'a.png'}. Check the path"
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path / "a.png")


def test_a_folder_is_no_file(tmp_path):
    message = f"{tmp_path} is a folder. Read a folder of images with membseg.io.load_image_folder."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path)


def test_unknown_suffix_lists_the_known_ones(tmp_path):
    (tmp_path / "a.txt").write_text("")
    message = (
        "path must end in one of .png, .jpg, .jpeg, .bmp, .tif, .tiff, .npy, .mrc, .mrcs, .rec, "
        ".h5, .hdf5; got 'a.txt'."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.txt")


def test_dataset_is_for_files_that_hold_several(tmp_path):
    np.save(tmp_path / "a.npy", GREY)
    message = "dataset chooses among several arrays in an HDF5 or TIFF file; a.npy holds one."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.npy", dataset="x")


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.ome.tif", "a.npy", "a.h5", "a.mrc"])
def test_files_cut_short_are_named(tmp_path, name, share):
    pytest.importorskip({"a.h5": "h5py", "a.mrc": "mrcfile"}.get(name, "numpy"))
    if name == "a.jpg":
        iio.imwrite(tmp_path / name, GREY[0])
    else:
        save_stack(tmp_path / name, GREY[:1] if name == "a.png" else GREY)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageFileError, match=re.escape(str(tmp_path / name))):
        load_stack(tmp_path / name)


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture at all")
    message = "The file may be cut short, damaged, or of another kind than its suffix says"
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path / "a.png")


def test_pages_that_a_tiff_names_and_does_not_have(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in GREY:
            tif.write(page, photometric="minisblack", metadata=None, contiguous=False)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        second = tif.pages[1].offset
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:second])
    message = "a.tif is cut short: it ends after 1 page(s), and there were more."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path / "a.tif")


def test_images_that_imagej_describes_and_does_not_have(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, imagej=True, metadata={"axes": "ZYX"})
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole.replace(b"images=3", b"images=9"))
    message = "a.tif is cut short: it should hold 9 images and holds 3."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_stack(tmp_path / "a.tif")


def test_memory_errors_stay_what_they_are(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", GREY)

    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(np, "load", fail)
    with pytest.raises(MemoryError):
        load_stack(tmp_path / "a.npy")


def test_a_real_slice(shared_data):
    stack = load_stack(shared_data / "isbi2012" / "image" / "00.png")
    assert stack.shape == (1, 512, 512)
    assert stack.dtype == np.uint8
