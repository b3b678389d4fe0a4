"""Arrays in NumPy, HDF5 and MRC files, and their axes."""

import re
import struct
import sys

import numpy as np
import pytest

from membseg.exceptions import (
    InvalidInputError,
    InvalidTypeError,
    MissingDependencyError,
)
from membseg.io import load_stack

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 20, 30), dtype=np.uint8)


def test_axes_by_name(tmp_path):
    data = RNG.random((2, 3, 20, 30))
    np.save(tmp_path / "a.npy", data)
    stack, info = load_stack(tmp_path / "a.npy", axes="czyx", return_info=True)
    assert info.axes == "CZYX"
    np.testing.assert_array_equal(stack, data.transpose(1, 2, 3, 0))


def test_one_image_without_axes(tmp_path):
    np.save(tmp_path / "a.npy", GREY[0])
    np.testing.assert_array_equal(load_stack(tmp_path / "a.npy"), GREY[:1])


def test_five_dimensions_need_names(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((1, 2, 3, 20, 30)))
    message = "holds an array of shape (1, 2, 3, 20, 30) and does not say what its axes are."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.npy")
    assert load_stack(tmp_path / "a.npy", axes="TZCYX").shape == (2, 20, 30, 3)


@pytest.mark.parametrize("axes", ["YX", "ZZZ", "ZYY", ""])
def test_axes_that_do_not_fit(tmp_path, axes):
    np.save(tmp_path / "a.npy", GREY)
    message = f"a.npy has shape (3, 20, 30), which axes='{axes}' must fit: one letter a dimension"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.npy", axes=axes)


def test_axes_of_the_file_that_do_not_fit(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = GREY
        file["x"].attrs["axes"] = "YX"
    with pytest.raises(InvalidInputError, match=re.escape("which its axes 'YX' must fit")):
        load_stack(tmp_path / "a.h5")


@pytest.mark.parametrize(("shape", "axes"), [((40, 50, 3), "YXC"), ((3, 2, 40, 50), "ZCYX")])
def test_the_judge_of_images_is_asked_and_the_way_out_named(tmp_path, shape, axes):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    message = "a.npy does not hold a stack of images as it stands: stack must have"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_stack(tmp_path / "a.npy")
    assert load_stack(tmp_path / "a.npy", axes=axes).shape[-3:-1] == (40, 50)


def test_complex_numbers_are_no_images(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 5), dtype=complex))
    with pytest.raises(InvalidTypeError, match=re.escape("stack must hold real numbers")):
        load_stack(tmp_path / "a.npy")


def test_hdf5_datasets_by_name(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["volumes/raw"] = GREY
        file["volumes/labels"] = GREY + 1
        file["volumes/raw"].attrs["element_size_um"] = [0.05, 0.004, 0.004]
    stack, info = load_stack(tmp_path / "a.h5", dataset="/volumes/raw", return_info=True)
    np.testing.assert_array_equal(stack, GREY)
    assert info.pixel_size == pytest.approx(4.0)
    present = "{'volumes/labels': (3, 20, 30), 'volumes/raw': (3, 20, 30)}."
    with pytest.raises(InvalidInputError, match=re.escape("got 'raw'. Present, with")) as error:
        load_stack(tmp_path / "a.h5", dataset="raw")
    assert str(error.value).endswith(present)
    with pytest.raises(InvalidInputError, match=re.escape("it holds no single image dataset")):
        load_stack(tmp_path / "a.h5")


def test_hdf5_takes_the_only_image_beside_tables(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["image"] = GREY
        file["image"].attrs.update({"pixel_size": [4.0, 4.0], "unit": "furlong"})
        file["times"] = np.arange(3)
    stack, info = load_stack(tmp_path / "a.hdf5", return_info=True)
    np.testing.assert_array_equal(stack, GREY)
    assert info.pixel_size is None


def test_mrc_bytes_of_imod_are_unsigned_unless_the_flag_says_signed(tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    for name, flags, dtype in [("old.mrc", 0, np.uint8), ("new.mrc", 1, np.int8)]:
        with mrcfile.new(tmp_path / name) as mrc:
            mrc.set_data(GREY.view(np.int8))
        with (tmp_path / name).open("r+b") as file:
            file.seek(152)  # words 39 and 40 of the header: IMOD's stamp and its flags
            file.write(struct.pack("<ii", 1146047817, flags))
        stack = load_stack(tmp_path / name)
        assert stack.dtype == dtype
        np.testing.assert_array_equal(stack, GREY.view(dtype))


def test_mrc_volumes_in_a_row_are_flattened(tmp_path):
    mrcfile = pytest.importorskip("mrcfile")
    data = RNG.random((2, 3, 20, 30), dtype=np.float32)
    with mrcfile.new(tmp_path / "a.mrc") as mrc:
        mrc.set_data(data)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.mrc"), data.reshape(6, 20, 30))


@pytest.mark.parametrize(
    ("name", "package", "purpose"),
    [("a.h5", "h5py", "Reading HDF5 files"), ("a.mrc", "mrcfile", "Reading MRC files")],
)
def test_missing_packages(tmp_path, monkeypatch, name, package, purpose):
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    message = f"{purpose} needs the package '{package}', which is not installed. "
    with pytest.raises(MissingDependencyError, match=re.escape(message)):
        load_stack(tmp_path / name)
