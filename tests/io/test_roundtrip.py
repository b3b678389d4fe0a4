"""What is written comes back: shape, dtype, values and pixel size, format by format."""

import tempfile
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.io import StackInfo, load_image_folder, load_stack, save_stack

FEW = settings(max_examples=25, deadline=None)
TIFF_DTYPES = ["uint8", "uint16", "float32", "int8", "int16", "int32", "uint32", "float64"]
ANY_DTYPES = [*TIFF_DTYPES, "int64", "uint64", "float16"]
MRC_DTYPES = ["int8", "int16", "uint16", "float16", "float32"]


def stacks(dtypes, channels=(1, 2, 3, 4, 5)):
    """Small stacks (n_images, height, width[, channels]) of the given dtypes."""
    sizes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(5, 12))
    tails = st.sampled_from([() if c == 1 else (c,) for c in channels])
    shapes = st.tuples(sizes, tails).map(lambda parts: parts[0] + parts[1])
    return st.tuples(st.sampled_from(dtypes), shapes).flatmap(
        lambda kind: hnp.arrays(
            kind[0], kind[1], elements=hnp.from_dtype(np.dtype(kind[0]), allow_infinity=False)
        )
    )


def roundtrip(name, stack, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        save_stack(path, stack, **options)
        assert [p.name for p in Path(folder).iterdir()] == [name]  # no temporary files stay
        loaded, info = load_stack(path, return_info=True)
        assert info.source == str(path)
        assert info.unit == "nm"
        return loaded, info


def assert_same(loaded, stack):
    assert loaded.dtype == stack.dtype
    assert loaded.dtype.isnative
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, stack)


@FEW
@given(stack=stacks(TIFF_DTYPES), size=st.none() | st.floats(0.1, 1e4))
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tiff"])
def test_tiff(name, stack, size):
    loaded, info = roundtrip(name, stack, pixel_size=size)
    assert_same(loaded, stack)
    assert info.pixel_size == (None if size is None else pytest.approx(size, rel=1e-5))


@FEW
@given(stack=stacks(ANY_DTYPES), size=st.none() | st.floats(0.1, 1e4))
def test_hdf5(stack, size):
    pytest.importorskip("h5py")
    loaded, info = roundtrip("a.h5", stack, pixel_size=size)
    assert_same(loaded, stack)
    assert info.pixel_size == size


@FEW
@given(stack=stacks(MRC_DTYPES, channels=(1,)), size=st.none() | st.floats(0.1, 1e4))
@pytest.mark.filterwarnings("ignore:Data array contains NaN values:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_mrc(stack, size):
    pytest.importorskip("mrcfile")
    loaded, info = roundtrip("a.mrc", stack, pixel_size=size)
    assert_same(loaded, stack)
    assert info.pixel_size == (None if size is None else pytest.approx(size, rel=1e-5))


def test_mrc_has_no_unsigned_bytes_and_keeps_their_values_in_uint16(tmp_path):
    pytest.importorskip("mrcfile")
    stack = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    save_stack(tmp_path / "a.mrc", stack)
    assert_same(load_stack(tmp_path / "a.mrc"), stack.astype(np.uint16))


@FEW
@given(stack=stacks(ANY_DTYPES))
def test_npy(stack):
    loaded, info = roundtrip("a.npy", stack)
    assert_same(loaded, stack)
    assert info == StackInfo(None, "nm", "ZYX" if stack.ndim == 3 else "ZYXC", info.source)


@FEW
@given(stack=stacks(["uint8"], channels=(1, 2, 3, 4)) | stacks(["uint16"], channels=(1,)))
def test_png_files_and_folders(stack):
    loaded, info = roundtrip("a.png", stack[:1])
    assert_same(loaded, stack[:1])
    assert info.pixel_size is None
    with tempfile.TemporaryDirectory() as folder:
        save_stack(Path(folder) / "slices", stack)
        assert_same(load_image_folder(Path(folder) / "slices"), stack)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.npy", "a.h5", "a.mrc", "a.png"])
def test_boolean_masks_become_0_and_255_in_every_format(tmp_path, name):
    pytest.importorskip({"a.h5": "h5py", "a.mrc": "mrcfile"}.get(name, "numpy"))
    mask = np.eye(6, dtype=bool)[np.newaxis]
    save_stack(tmp_path / name, mask)
    loaded = load_stack(tmp_path / name)
    assert loaded.dtype == (np.uint16 if name == "a.mrc" else np.uint8)
    np.testing.assert_array_equal(loaded, mask * 255)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif", "a.npy", "a.h5", "a.mrc"])
def test_one_channel_has_no_axis(tmp_path, name):
    pytest.importorskip({"a.h5": "h5py", "a.mrc": "mrcfile"}.get(name, "numpy"))
    stack = np.arange(60, dtype=np.float32).reshape(2, 5, 6, 1)
    save_stack(tmp_path / name, stack)
    assert_same(load_stack(tmp_path / name), stack[..., 0])


def test_units_of_the_pixel_size(tmp_path):
    stack = np.zeros((2, 6, 6), dtype=np.uint8)
    save_stack(tmp_path / "a.tif", stack, pixel_size=0.004, unit="um")
    _, info = load_stack(str(tmp_path / "a.tif"), return_info=True)
    assert info.pixel_size == pytest.approx(4.0)
    assert info.axes == "ZYX"


def test_names_of_a_folder_come_back(tmp_path):
    images = [np.full((4, 5 + i), i, dtype=np.uint8) for i in range(3)]
    save_stack(tmp_path / "out", images, names=["b2.tif", "b10.png", "b1"])
    loaded, names = load_image_folder(tmp_path / "out", return_names=True)
    assert names == ["b1.png", "b2.png", "b10.png"]
    assert [image.shape for image in loaded] == [(4, 7), (4, 5), (4, 6)]
    assert [int(image[0, 0]) for image in loaded] == [2, 0, 1]


def test_more_than_a_thousand_files_stay_in_order(tmp_path):
    stack = np.arange(1001, dtype=np.uint16).reshape(-1, 1, 1) + np.zeros((1, 1, 5), np.uint16)
    save_stack(tmp_path / "out", stack)
    assert (tmp_path / "out" / "0007.png").is_file()
    assert_same(load_image_folder(tmp_path / "out"), stack)
