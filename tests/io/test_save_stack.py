"""What a format cannot hold is refused, and files appear whole or not at all."""

import re
import sys

import numpy as np
import pytest
import tifffile

from membseg.exceptions import ImageFileError, InvalidInputError, MissingDependencyError
from membseg.io import _save_stack, load_stack, save_stack
from membseg.io._tiff_write import choose_tiff_metadata

STACK = np.arange(60, dtype=np.uint8).reshape(2, 5, 6)


@pytest.mark.parametrize("dtype", ["float32", "int16", "int64"])
@pytest.mark.parametrize("name", ["a.png", "folder"])
def test_png_refuses_what_it_would_round(tmp_path, name, dtype):
    message = (
        f"PNG holds uint8 or uint16 with 1 channel(s); stack is {dtype} and would lose values. "
        "Save it as .tif, .h5 or .npy, or convert it yourself, e.g. probabilities with "
        "np.rint(255 * stack).astype(np.uint8)."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / name, STACK[:1].astype(dtype))
    assert list(tmp_path.iterdir()) == []


def test_png_refuses_16_bit_colours_and_many_channels(tmp_path):
    colours = np.zeros((1, 5, 6, 3), dtype=np.uint16)
    message = "PNG holds uint8 with 3 channel(s); stack is uint16 and would lose values."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.png", colours)
    message = "PNG holds 1 to 4 channels; stack has 5. Save it as .tif, .h5 or .npy."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.png", np.zeros((1, 5, 6, 5), dtype=np.uint8))


def test_one_png_holds_one_image(tmp_path):
    message = "A PNG file holds one image; stack has 2. Give a folder (a path without suffix)"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.png", STACK)


@pytest.mark.parametrize(("name", "what"), [("a.png", "PNG"), ("folder", "PNG"), ("a.npy", ".npy")])
def test_pixel_size_is_not_lost_in_silence(tmp_path, name, what):
    message = f"pixel_size cannot be kept in {what} files. Save as .tif, .h5 or .mrc"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / name, STACK[:1], pixel_size=4.0)


@pytest.mark.parametrize("name", ["a.jpg", "a.txt", "a.png2"])
def test_unknown_suffix(tmp_path, name):
    message = (
        "path must end in one of .png, .tif, .tiff, .npy, .mrc, .h5, .hdf5, or have no suffix (a "
        f"folder of PNG files); got '{name}'."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / name, STACK)


def test_one_file_holds_one_size(tmp_path):
    images = [STACK[0], STACK[0, :4]]
    message = "One file (a.tif) holds images of one shape and dtype; stack has [((4, 6), 'uint8')"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", images)
    save_stack(tmp_path / "folder", images)
    save_stack(tmp_path / "same.tif", [STACK[0], STACK[1]])
    np.testing.assert_array_equal(load_stack(tmp_path / "same.tif"), STACK)


def test_the_judge_of_images_is_asked(tmp_path):
    with pytest.raises(InvalidInputError, match=re.escape("write stack[np.newaxis]")):
        save_stack(tmp_path / "a.tif", STACK[0])


def test_tiff_metadata_by_name(tmp_path):
    for name, metadata, kind in [
        ("a.tif", "auto", "is_imagej"),
        ("b.ome.tif", "auto", "is_ome"),
        ("c.tif", "ome", "is_ome"),
        ("d.ome.tif", "imagej", "is_imagej"),
    ]:
        save_stack(tmp_path / name, STACK, tiff_metadata=metadata)
        with tifffile.TiffFile(tmp_path / name) as tif:
            assert getattr(tif, kind)


def test_imagej_reads_the_pixel_size_and_the_axes(tmp_path):
    save_stack(tmp_path / "a.tif", np.zeros((2, 5, 6, 2), np.uint16), pixel_size=4)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.imagej_metadata["unit"] == "nm"
        assert tif.imagej_metadata["slices"] == 2
        assert tif.imagej_metadata["channels"] == 2
        assert tif.pages[0].tags["XResolution"].value == (1, 4)


def test_what_is_too_big_for_imagej_goes_to_ome(tmp_path):
    kinds = [
        choose_tiff_metadata(tmp_path / "a.tif", np.dtype("uint8"), n_bytes, "auto")
        for n_bytes in (2**31, 2**33)
    ]
    assert kinds == ["imagej", "ome"]


@pytest.mark.parametrize(
    ("metadata", "dtype", "known"),
    [
        ("imagej", "float64", "uint8, uint16, float32"),
        ("auto", "int64", "uint8, uint16, float32, int8, int16, int32, uint32, float64"),
    ],
)
def test_dtypes_that_tiff_does_not_hold(tmp_path, metadata, dtype, known):
    kind = "ome" if metadata == "auto" else metadata
    message = f"TIFF with {kind} metadata holds {known}; stack is {dtype}."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", STACK.astype(dtype), tiff_metadata=metadata)


def test_unknown_tiff_metadata(tmp_path):
    message = "tiff_metadata must be one of ['auto', 'imagej', 'ome']; got 'fiji'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", STACK, tiff_metadata="fiji")


def test_what_mrc_does_not_hold(tmp_path):
    message = "MRC holds one channel; stack has 3. Save it as .tif, .h5 or .npy"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.mrc", np.zeros((2, 5, 6, 3)))
    message = "MRC holds int8, int16, uint8, uint16, float16, float32; stack is float64."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.mrc", STACK.astype(float))


def test_hdf5_dataset_by_name(tmp_path):
    pytest.importorskip("h5py")
    save_stack(tmp_path / "a.h5", STACK, dataset="volumes/raw")
    np.testing.assert_array_equal(load_stack(tmp_path / "a.h5", dataset="volumes/raw"), STACK)


@pytest.mark.parametrize(
    ("name", "package", "purpose"),
    [("a.h5", "h5py", "Writing HDF5 files"), ("a.mrc", "mrcfile", "Writing MRC files")],
)
def test_missing_packages(tmp_path, monkeypatch, name, package, purpose):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"{purpose} needs the package '{package}', which is not installed. "
    with pytest.raises(MissingDependencyError, match=re.escape(message)):
        save_stack(tmp_path / name, STACK)
    assert list(tmp_path.iterdir()) == []


# Files and folders that exist, or do not


def test_files_are_replaced_only_if_asked(tmp_path):
    save_stack(tmp_path / "a.npy", STACK)
    message = f"{tmp_path / 'a.npy'} exists already. Write overwrite=True to replace a file"
    with pytest.raises(ImageFileError, match=re.escape(message)):
        save_stack(tmp_path / "a.npy", STACK + 1)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.npy"), STACK)
    save_stack(tmp_path / "a.npy", STACK + 1, overwrite=True)
    np.testing.assert_array_equal(load_stack(tmp_path / "a.npy"), STACK + 1)


def test_a_folder_must_be_new_or_empty(tmp_path):
    (tmp_path / "out").mkdir()
    save_stack(tmp_path / "out", STACK)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["000.png", "001.png"]
    message = f"{tmp_path / 'out'} is a folder that exists already. Give a new one, or delete it"
    with pytest.raises(ImageFileError, match=re.escape(message)):
        save_stack(tmp_path / "out", STACK, overwrite=True)


def test_a_file_is_never_replaced_by_a_folder(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(ImageFileError, match=re.escape("out exists already.")):
        save_stack(tmp_path / "out", STACK, overwrite=True)


def test_the_folder_above_must_exist(tmp_path):
    message = f"There is no folder {tmp_path / 'no'} to write into. Create it first."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        save_stack(tmp_path / "no" / "a.tif", STACK)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "names must hold one name an image, each different without its suffix; got 1"),
        (["a.png", "a.tif"], "got 1 different name(s) for 2 image(s)."),
        (["a", "../b"], "names must be plain file names; got '../b'."),
        (["a", ""], "names must be plain file names; got ''."),
    ],
)
def test_names_that_do_not_fit(tmp_path, names, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "out", STACK, names=names)


def test_names_are_for_folders(tmp_path):
    message = "names are for a folder of files; 'a.tif' is one file. Leave names out."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        save_stack(tmp_path / "a.tif", STACK, names=["a", "b"])


def test_an_interrupted_call_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    save_stack(tmp_path / "a.npy", STACK)

    def half_way(path, stack):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(_save_stack, "write_npy", half_way)
    with pytest.raises(KeyboardInterrupt):
        save_stack(tmp_path / "a.npy", STACK + 1, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]
    np.testing.assert_array_equal(load_stack(tmp_path / "a.npy"), STACK)


def test_the_stack_is_left_as_it_was(tmp_path):
    mask = np.eye(5, dtype=bool)[np.newaxis]
    save_stack(tmp_path / "a.tif", mask)
    np.testing.assert_array_equal(mask, np.eye(5, dtype=bool)[np.newaxis])
