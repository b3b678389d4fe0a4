"""Folders of images, and which mask belongs to which image."""

import re

import imageio.v3 as iio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membseg.exceptions import ImageFileError, InvalidInputError
from membseg.io import load_image_folder, save_stack
from membseg.io._pairing import natural_key


def write(folder, names, shape=(6, 7), dtype=np.uint8):
    """Write images whose value is their place in `names`, from 1."""
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names, start=1):
        iio.imwrite(folder / name, np.full(shape, i, dtype=dtype))
    return folder


def test_natural_order_and_names(tmp_path):
    folder = write(tmp_path / "x", ["s10.png", "s9.png", "S1.png", "s2.tif"])
    X, names = load_image_folder(folder, return_names=True)
    assert names == ["S1.png", "s2.tif", "s9.png", "s10.png"]
    assert X[:, 0, 0].tolist() == [3, 4, 2, 1]
    assert (X.shape, X.dtype) == ((4, 6, 7), np.uint8)


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.integers(0, 10**6), unique=True), prefix=st.sampled_from(["", "z_"]))
def test_natural_order_is_the_order_of_the_numbers(numbers, prefix):
    names = [f"{prefix}{number}.png" for number in numbers]
    expected = [f"{prefix}{number}.png" for number in sorted(numbers)]
    assert sorted(names, key=natural_key) == expected


@settings(max_examples=50, deadline=None)
@given(names=st.lists(st.text("aB01²٣._-", max_size=8), unique=True, max_size=10))
def test_natural_order_is_the_same_from_any_start(names):
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)


def test_different_sizes_come_as_a_list(tmp_path):
    folder = write(tmp_path / "x", ["a.png"])
    write(folder, ["b.png"], shape=(8, 9))
    X = load_image_folder(str(folder))
    assert [image.shape for image in X] == [(6, 7), (8, 9)]


def test_colours_stay_and_can_be_converted(tmp_path):
    folder = write(tmp_path / "x", ["a.png"], shape=(6, 7, 3))
    assert load_image_folder(folder).shape == (1, 6, 7, 3)
    assert load_image_folder(folder, mode="gray").shape == (1, 6, 7)


def test_hidden_files_and_other_kinds_are_passed_over(tmp_path):
    folder = write(tmp_path / "x", ["a.png"])
    (folder / "._a.png").write_bytes(b"no picture")
    (folder / "readme.txt").write_text("hello")
    (folder / "sub.png").mkdir()
    assert load_image_folder(folder).shape == (1, 6, 7)


def test_pattern(tmp_path):
    folder = write(tmp_path / "x", ["test1.png", "train1.png"])
    assert load_image_folder(folder, pattern="train*.png")[:, 0, 0].tolist() == [2]


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (["1.png", "2.png"], ["1.tif", "2.tif"]),
        (["1.png", "2.png"], ["1_mask.png", "2_mask.png"]),
        (["1.png", "2.png"], ["label-1.png", "label-2.png"]),
        (["1.png", "2.png"], ["Labels1.png", "Labels2.png"]),
        (["img_1.png", "img_2.png"], ["mask_1.png", "mask_2.png"]),
        (["img_1.png", "img_2.png"], ["img_1_mask.png", "img_2_mask.png"]),
        (["img_1_raw.png", "img_2_raw.png"], ["img_1.seg.png", "img_2.seg.png"]),
        (["image 1.png", "image 2.png"], ["1.png", "2.png"]),
        (["seg_1.png", "seg_2.png"], ["seg_1.png", "seg_2.png"]),
        (["A.png", "B.png"], ["a_GT.png", "b_GT.png"]),
        (["a.ome.tif", "b.ome.tif"], ["a.png", "b.png"]),
        (["a.png", "a_mask.png"], ["a.png", "a_mask.png"]),
    ],
)
def test_pairs_by_name(tmp_path, images, masks):
    image_folder = write(tmp_path / "x", images)
    # Masks are written in the other order: only their names can bring them together.
    mask_folder = write(tmp_path / "y", masks[::-1])
    X, y, names = load_image_folder(image_folder, mask_folder, return_names=True)
    assert names == images
    assert X[:, 0, 0].tolist() == [1, 2]
    assert y[:, 0, 0].tolist() == [2, 1]


def test_both_in_one_folder(tmp_path):
    folder = write(tmp_path / "x", ["a.png", "a_mask.png", "b.png", "b_mask.png"])
    X, y = load_image_folder(folder, folder, mask_pattern="*_mask.png")
    assert X[:, 0, 0].tolist() == [1, 3]
    assert y[:, 0, 0].tolist() == [2, 4]
    message = "mask_pattern must say which files are masks where masks is the folder of the images"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(folder, folder)
    message = "Every image file matches mask_pattern '*.png' too, so no image is left."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(folder, folder, mask_pattern="*.png")


def test_files_without_a_partner_are_named_on_both_sides(tmp_path):
    images = write(tmp_path / "x", ["01.png", "2.png", "3.png"])
    masks = write(tmp_path / "y", ["1.png", "3.png", "4_mask.png"])
    message = (
        "Images without a mask: 01.png, 2.png; masks without an image: 1.png, 4_mask.png. Rename"
    )
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(images, masks)


def test_long_lists_of_names_are_cut(tmp_path):
    images = write(tmp_path / "x", [f"{i}.png" for i in range(15)])
    masks = write(tmp_path / "y", ["0.png"])
    message = "8.png, 9.png, 10.png and 4 more; masks without an image: none."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(images, masks)


def test_two_masks_for_one_image(tmp_path):
    images = write(tmp_path / "x", ["a.png"])
    masks = write(tmp_path / "y", ["a_mask.png", "a_label.png"])
    message = (
        "Each image must have one mask; by their names these belong together: images a.png; masks "
        "a_label.png, a_mask.png."
    )
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(images, masks)


def test_sizes_of_image_and_mask(tmp_path):
    images = write(tmp_path / "x", ["a.png"])
    masks = write(tmp_path / "y", ["a_mask.png"], shape=(7, 6))
    message = "a.png and a_mask.png must agree in height and width"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(images, masks)


def test_colour_masks_are_refused_by_the_name_of_their_parameter(tmp_path):
    images = write(tmp_path / "x", ["a.png"])
    (tmp_path / "y").mkdir()
    colours = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    iio.imwrite(tmp_path / "y" / "a.png", colours)
    message = "Write mask_mode='gray' to convert colours"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(images, tmp_path / "y")
    _, y = load_image_folder(images, tmp_path / "y", mask_mode="gray")
    assert y.shape == (1, 6, 7)


def test_channels_must_agree(tmp_path):
    folder = write(tmp_path / "x", ["a.png"])
    write(folder, ["b.png"], shape=(6, 7, 3))
    message = (
        "All files read together must have the same number of channels; a.png has 1 and b.png has "
        "3. Convert them with mode='gray' or 'rgb'."
    )
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(folder)
    assert load_image_folder(folder, mode="rgb").shape == (2, 6, 7, 3)


def test_dtypes_must_agree(tmp_path):
    folder = write(tmp_path / "x", ["a.png"])
    write(folder, ["b.png"], dtype=np.uint16)
    message = "must have the same dtype; a.png has uint8 and b.png has uint16. Convert them first"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(folder)


@pytest.mark.parametrize("argument", ["path", "masks"])
def test_missing_folder(tmp_path, argument):
    write(tmp_path / "x", ["a.png"])
    arguments = {"path": tmp_path / "x", "masks": tmp_path / "x"} | {argument: tmp_path / "no"}
    message = f"{argument} must be a folder of images; there is no folder {tmp_path / 'no'}."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(**arguments)


def test_empty_folder(tmp_path):
    message = f"No file in {tmp_path} ends in .png, .jpg, .jpeg, .bmp, .tif, .tiff, .npy, .mrc, "
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(tmp_path)


def test_no_file_matches(tmp_path):
    write(tmp_path / "x", ["a.png"])
    message = f"No file in {tmp_path / 'x'} matches '*.tif'. Check path and pattern."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(tmp_path / "x", pattern="*.tif")


@pytest.mark.parametrize("argument", ["mode", "mask_mode"])
def test_unknown_mode(tmp_path, argument):
    message = f"{argument} must be one of ['keep', 'gray', 'rgb', 'values']; got 'L'."
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        load_image_folder(tmp_path, **{argument: "L"})


def test_a_broken_file_is_named(tmp_path):
    folder = write(tmp_path / "x", ["a.png", "b.png"])
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[:45])
    with pytest.raises(ImageFileError, match=re.escape(f"{folder / 'b.png'} cannot be read")):
        load_image_folder(folder)


def test_one_image_a_file(tmp_path):
    save_stack(tmp_path / "a.tif", np.zeros((3, 6, 7), dtype=np.uint8))
    message = f"{tmp_path / 'a.tif'} holds 3 images, and a folder is read with one a file."
    with pytest.raises(ImageFileError, match=re.escape(message)):
        load_image_folder(tmp_path)


def test_real_slices(shared_data):
    folder = shared_data / "isbi2012"
    X, y, names = load_image_folder(
        folder / "image",
        folder / "label",
        pattern="0[0-2].png",
        mask_pattern="0[0-2].png",
        return_names=True,
    )
    assert names == ["00.png", "01.png", "02.png"]
    assert X.shape == y.shape == (3, 512, 512)
    assert np.unique(y).tolist() == [0, 255]
