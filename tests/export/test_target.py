"""Where exported files go, and what happens if they cannot."""

import os
import sys

import keras
import pytest

from membseg import KerasSegmenter
from membseg.exceptions import (
    InvalidInputError,
    InvalidTypeError,
    MissingDependencyError,
    ModelFileError,
)
from membseg.export import export_litert, export_onnx, export_openvino, export_savedmodel
from membseg.export._target import written_beside

EXPORTS = {
    ".onnx": export_onnx,
    ".xml": export_openvino,
    ".tflite": lambda *args: export_litert(*args, height=8, width=8),
}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", EXPORTS)
def test_another_suffix(net, tmp_path, suffix):
    with pytest.raises(InvalidInputError, match=rf"path must end in {suffix}; got 'net\.h5'"):
        EXPORTS[suffix](net, tmp_path / "net.h5")


def test_no_path(net, export):
    class Folder:
        def __truediv__(self, name):
            return 3

    with pytest.raises(InvalidTypeError, match=r"path must be a string or a path.* got int"):
        export(net, Folder())


def test_no_folder(net, export, tmp_path):
    with pytest.raises(ModelFileError, match=r"no folder .*absent to write into"):
        export(net, tmp_path / "absent")


def test_something_else_is_there(net, tmp_path):
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(ModelFileError, match=r"net\.onnx is a folder, and a file is to be"):
        export_onnx(net, tmp_path / "net.onnx", overwrite=True)
    (tmp_path / "net").write_text("mine")
    with pytest.raises(ModelFileError, match=r"net is a file, and a folder is to be"):
        export_savedmodel(net, tmp_path / "net", overwrite=True)


def test_a_folder_of_other_things_is_kept(net, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "thesis.txt").write_text("mine")
    with pytest.raises(ModelFileError, match="holds other things than a SavedModel"):
        export_savedmodel(net, tmp_path / "net", overwrite=True)


@pytest.mark.parametrize(
    ("suffix", "beside"),
    [(".onnx", "net.onnx"), (".xml", "net.bin"), (".tflite", "net.tflite.json")],
)
def test_nothing_is_replaced_unasked(net, tmp_path, suffix, beside):
    (tmp_path / beside).write_text("mine")
    with pytest.raises(ModelFileError, match=rf"{beside} exists already\. Write overwrite=True"):
        EXPORTS[suffix](net, tmp_path / f"net{suffix}")
    assert (tmp_path / beside).read_text() == "mine"


@pytest.mark.slow
def test_export_again(net, export, tmp_path):
    path = export(net, tmp_path)
    names = names_in(tmp_path)
    with pytest.raises(ModelFileError, match=r"exists already"):
        export(net, tmp_path)
    assert export(net, tmp_path, overwrite=True) == path
    assert names_in(tmp_path) == names


@pytest.mark.slow
def test_a_full_disk_leaves_what_was_there(net, export, tmp_path, monkeypatch):
    export(net, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ModelFileError, match=r"could not be written: .*No space left"):
        export(net, tmp_path, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "net"
    target.mkdir()
    (target / "old").write_text("old")
    replace = os.replace

    def fail_once(source, to, calls=[]):  # noqa: B006  # counts
        calls.append(source)
        if len(calls) == 2:
            raise OSError(13, "Permission denied")
        replace(source, to)

    monkeypatch.setattr(os, "replace", fail_once)
    with (
        pytest.raises(ModelFileError, match="Permission denied"),
        written_beside(target) as folder,
    ):
        (folder / "net").mkdir()
    assert names_in(tmp_path) == ["net"]
    assert names_in(target) == ["old"]


@pytest.mark.parametrize(
    ("module", "extra", "suffix"),
    [
        ("onnx", "onnx", ".onnx"),
        ("tf2onnx.convert", "onnx", ".onnx"),
        ("openvino", "openvino", ".xml"),
    ],
)
def test_a_missing_package(net, tmp_path, monkeypatch, module, extra, suffix):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'membseg\[{extra}\]'"):
        EXPORTS[suffix](net, tmp_path / f"net{suffix}")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("value", [0, -3])
def test_litert_wants_a_size(net, tmp_path, value):
    with pytest.raises(InvalidInputError, match=f"height must be at least 1 pixel; got {value}"):
        export_litert(net, tmp_path / "net.tflite", height=value, width=8)


@pytest.mark.parametrize("value", [8.0, True, None])
def test_litert_wants_whole_sizes(net, tmp_path, value):
    with pytest.raises(InvalidTypeError, match="width must be a whole number of pixels; got"):
        export_litert(net, tmp_path / "net.tflite", height=8, width=value)


class Strange(keras.layers.Layer):
    """A layer that only TensorFlow can compute."""

    def call(self, inputs):
        # Halved, since it is infinite at 1, and tanh is rounded to that.
        return keras.ops.erfinv(keras.ops.tanh(inputs) / 2)


def build_strange(n_channels):
    image = keras.Input((None, None, n_channels))
    x = Strange()(keras.layers.Conv2D(2, 3, padding="same")(image))
    return keras.Model(image, keras.layers.Conv2D(1, 1)(x))


@pytest.mark.parametrize(("suffix", "name"), [(".onnx", "ONNX"), (".tflite", "LiteRT")])
def test_a_network_that_a_format_does_not_know(slices, tmp_path, suffix, name, capsys):
    segmenter = KerasSegmenter(build_strange, max_steps=1, batch_size=1, threshold=0.5)
    segmenter.fit(*slices)
    message = rf"of this KerasSegmenter cannot be converted to {name}\. .*Export it"
    with pytest.raises(InvalidInputError, match=message):
        EXPORTS[suffix](segmenter, tmp_path / f"net{suffix}")
    assert names_in(tmp_path) == []
    assert capsys.readouterr().out == ""


def test_a_converter_that_fails_in_another_way(net, tmp_path, monkeypatch):
    import tensorflow as tf

    def fail(self):
        raise RuntimeError("no reason " * 100)

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_saved_model", fail)
    with pytest.raises(
        InvalidInputError, match=r"The converter says: no reason .{0,300} \.\.\. Exp"
    ):
        export_litert(net, tmp_path / "net.tflite", height=8, width=8)


def test_no_room_for_what_converters_read(net, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(ModelFileError, match=r"exported to LiteRT could not be written"):
        export_litert(net, tmp_path / "net.tflite", height=8, width=8)
