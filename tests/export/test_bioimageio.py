"""BioImage.IO packages, read by what they say about themselves and by nothing else."""

import io
import socket
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from membseg import (
    CalibratedSegmenter,
    KerasSegmenter,
    RidgeSegmenter,
    TunedThresholdSegmenter,
    UNetSegmenter,
    make_membranes,
)
from membseg.exceptions import (
    InvalidInputError,
    InvalidTypeError,
    MissingDependencyError,
    ModelFileError,
)
from membseg.export import export_bioimageio

# Converters take seconds each; tests of targets and of errors run always.
pytestmark = pytest.mark.slow

spec = pytest.importorskip("bioimageio.spec")
ort = pytest.importorskip("onnxruntime")
yaml = pytest.importorskip("yaml")

ABOUT = {
    "name": "Synthetic membranes",
    "description": "Membranes of made-up slices.",
    "authors": ["Ada Lovelace"],
    "license": "CC0-1.0",
}
NORMS = ("image", "percentile", "stack", "none")
AXES = ("batch", "channel", "y", "x")


def make_unet(**params):
    """A U-Net that learns for two steps."""
    quick = {
        "depth": 1,
        "base_filters": 4,
        "stem_stride": 1,
        "zoom": 1,
        "max_steps": 2,
        "batch_size": 2,
        "threshold": 0.5,
        "tta": "none",
        "precision": "float32",
        "initial_weights": "random",
        "random_state": 0,
    }
    return UNetSegmenter(**(quick | params))


def one_layer(n_channels):
    """A network that looks at one pixel only."""
    import keras

    image = keras.Input((None, None, n_channels))
    return keras.Model(image, keras.layers.Conv2D(1, 1)(image))


@pytest.fixture(scope="module")
def slices():
    """Grey slices of 60 x 72 pixels, 0 to 255."""
    X, y = make_membranes(3, 60, 72, random_state=0)
    assert X.dtype == np.uint8
    return X, y


@pytest.fixture(scope="module")
def fitted(slices):
    """One small U-Net, not to be changed."""
    return make_unet().fit(*slices)


@pytest.fixture(scope="module")
def exported(fitted, slices, tmp_path_factory):
    """The package of that U-Net."""
    path = tmp_path_factory.mktemp("package") / "membranes.zip"
    export_bioimageio(fitted, path, slices[0], **ABOUT)
    return Package(path)


@pytest.fixture
def reuse(monkeypatch):
    """Spare conversions: write weights that are known already."""

    def give(package):
        weights = package.rdf["weights"]["onnx"]
        known = package.files[weights["source"]], weights["opset_version"]
        monkeypatch.setattr("membseg.export._bioimageio_write._convert", lambda graph: known)

    return give


@pytest.fixture
def known(reuse, exported):
    """Spare the conversion of the small U-Net."""
    reuse(exported)


class Package:
    """A tool that knows the format and nothing of membseg."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.rdf = yaml.safe_load(self.files["rdf.yaml"])
        self.image, self.map = self.rdf["inputs"][0], self.rdf["outputs"][0]
        source = self.rdf["weights"]["onnx"]["source"]
        self.session = ort.InferenceSession(self.files[source], providers=["CPUExecutionProvider"])

    def load(self, tensor):
        return np.load(io.BytesIO(self.files[tensor["test_tensor"]["source"]]))

    def preprocess(self, pixels):
        pixels = pixels.astype(np.float32)
        for step in self.image["preprocessing"]:
            pixels = STEPS[step["id"]](pixels, **step.get("kwargs", {})).astype(np.float32)
        return pixels

    def run(self, normalised):
        return self.session.run(None, {self.session.get_inputs()[0].name: normalised})[0]

    def predict(self, pixels):
        """Give the whole image to the network at once."""
        return self.run(self.preprocess(pixels))

    def size(self, n, axis):
        size = next(entry for entry in self.image["axes"] if entry.get("id") == axis)["size"]
        return size["min"] + n * size["step"]

    def halo(self, axis):
        entry = next(entry for entry in self.map["axes"] if entry.get("id") == axis)
        assert entry["size"] == {"tensor_id": self.image["id"], "axis_id": axis}
        return entry.get("halo", 0)

    def predict_tiles(self, pixels, n, halo=None):
        """Normalise the image as a whole, cut it into tiles, and cut their halos off."""
        normalised = self.preprocess(pixels)
        halo = self.halo("y") if halo is None else halo
        size = self.size(n, "y")
        stride = size - 2 * halo
        height, width = pixels.shape[2:]
        rest = [(halo, halo + -length % stride) for length in (height, width)]
        padded = np.pad(normalised, [(0, 0), (0, 0), *rest], mode="reflect")
        found = np.empty((1, 1, height + stride, width + stride), np.float32)
        for top in range(0, height, stride):
            for left in range(0, width, stride):
                tile = padded[:, :, top : top + size, left : left + size]
                kept = self.run(tile)[:, :, halo : size - halo, halo : size - halo]
                found[:, :, top : top + stride, left : left + stride] = kept
        return found[:, :, :height, :width]


def over(axes):
    return tuple(AXES.index(axis) for axis in axes)


def standardise(pixels, axes, eps):
    mean, spread = (f(pixels, axis=over(axes), keepdims=True) for f in (np.mean, np.std))
    return (pixels - mean) / (spread + float(eps))


def scale_range(pixels, axes, min_percentile, max_percentile, eps):
    percentiles = (min_percentile, max_percentile)
    low, high = np.percentile(pixels, percentiles, axis=over(axes), keepdims=True)
    return (pixels - low) / (high - low + float(eps))


def along(numbers, axis):
    return numbers if axis is None else np.reshape(numbers, (1, -1, 1, 1))


def scale_linear(pixels, gain, offset, axis=None):
    return pixels * along(gain, axis) + along(offset, axis)


def standardise_fixed(pixels, mean, std, axis=None):
    return (pixels - along(mean, axis)) / along(std, axis)


STEPS = {
    "zero_mean_unit_variance": standardise,
    "fixed_zero_mean_unit_variance": standardise_fixed,
    "scale_range": scale_range,
    "scale_linear": scale_linear,
}


def as_tensor(image):
    """(height, width[, channels]) to (1, channels, height, width)."""
    return np.moveaxis(np.atleast_3d(image), -1, 0)[np.newaxis]


# ------------------------------------------------------------------------- what the package says


def test_it_is_a_model_of_the_format_and_complete(exported, fitted):
    rdf = exported.rdf
    assert rdf["format_version"] == "0.5.4"
    assert rdf["type"] == "model"
    named = {
        *rdf["covers"],
        rdf["documentation"],
        rdf["weights"]["onnx"]["source"],
        exported.image["test_tensor"]["source"],
        exported.map["test_tensor"]["source"],
    }
    assert {*named, "rdf.yaml"} == set(exported.files)
    assert [axis["type"] for axis in exported.image["axes"]] == [
        "batch",
        "channel",
        "space",
        "space",
    ]
    assert [axis.get("id") for axis in exported.image["axes"]][2:] == ["y", "x"]
    assert exported.map["axes"][1]["channel_names"] == ["membrane"]
    assert exported.map["data"] == {"type": "float32", "range": [0.0, 1.0]}
    about = rdf["config"]["membseg"]
    assert about["threshold"] == fitted.threshold_
    assert about["classes"] == fitted.classes_.tolist()
    assert about["segmenter"] == "UNetSegmenter"
    assert rdf["authors"] == [{"name": "Ada Lovelace"}]
    assert rdf["license"] == "CC0-1.0"
    assert {"membseg", "semantic-segmentation"} <= set(rdf["tags"])


def test_the_makers_of_the_format_accept_it(fitted, slices, tmp_path, known):
    path = tmp_path / "membranes.zip"
    export_bioimageio(fitted, path, slices[0], **ABOUT)
    with zipfile.ZipFile(path) as package, spec.ValidationContext(log_warnings=False):
        model = spec.load_description(package, perform_io_checks=False)
    assert isinstance(model, spec.ModelDescr)
    assert model.validation_summary.status == "valid-format"


def test_sizes_are_those_that_the_network_can_take(exported, fitted):
    from membseg.export._source import open_segmenter

    source = open_segmenter(fitted)
    assert exported.size(0, "y") == exported.size(0, "x") == 2 * source.halo + source.factor
    # Java tools take any multiple of the step that is large enough.
    assert exported.size(0, "y") % source.factor == 0
    assert exported.size(1, "y") - exported.size(0, "y") == source.factor
    assert exported.halo("y") == exported.halo("x") == source.halo


def test_the_graph_takes_slices_of_any_size_and_number(exported):
    shape = exported.session.get_inputs()[0].shape
    assert shape[1] == 1
    assert not any(isinstance(length, int) for length in (shape[0], *shape[2:]))
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(exported.files["weights.onnx"])
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    assert opsets[""] == exported.rdf["weights"]["onnx"]["opset_version"]
    # Fiji's runtimes are older than Python's.
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import)


def test_the_cover_shows_image_and_map(exported):
    import imageio.v3 as iio

    cover = iio.imread(exported.files["cover.png"])
    assert cover.shape[1] == 2 * cover.shape[0]
    side = len(cover)
    expected = exported.load(exported.map)[0, 0, :side, :side]
    np.testing.assert_allclose(cover[:, side:] / 255, expected, atol=0.5 / 255 + 1e-6)
    assert len(exported.files["cover.png"]) < 500_000


def test_the_readme_says_what_a_user_must_know(exported, fitted):
    page = exported.files["README.md"].decode()
    for part in ("# Synthetic membranes", "## Validation", "zero mean", "UNetSegmenter"):
        assert part in page
    assert f"{exported.size(0, 'y')} pixels a side" in page
    assert f"from a probability of {fitted.threshold_:.6g} on" in page


# ------------------------------------------------------------------------------ what it computes


def fixed_numbers(package, image):
    """Tell whether another image is moved and scaled by the very same numbers."""
    other = image // 2
    moved = package.preprocess(as_tensor(other)) - package.preprocess(as_tensor(image))
    wide = as_tensor(other).astype(float) - as_tensor(image)
    return np.ptp(moved[wide != 0] / wide[wide != 0]) < 1e-4


@pytest.mark.parametrize("norm", NORMS)
def test_the_description_alone_gives_the_test_map_and_the_segmenters(norm, slices, tmp_path, reuse):
    X, y = slices
    X = X / np.float32(255) if norm == "none" else X
    segmenter = make_unet(intensity_norm=norm).fit(X, y)
    path = tmp_path / "membranes.zip"
    expected = segmenter.predict_proba(X)[:, 1]
    for fixed in (False, True):
        export_bioimageio(segmenter, path, X, fixed_intensity=fixed, overwrite=True, **ABOUT)
        package = Package(path)
        reuse(package)
        pixels = package.load(package.image)
        # The slices have a size that tiles may have, so that they are test images as they are.
        assert np.array_equal(pixels, as_tensor(X[0]))
        found = package.predict(pixels)
        np.testing.assert_allclose(found, package.load(package.map), atol=1e-4)
        np.testing.assert_allclose(found[0], expected[:1], atol=1e-4)
        steps = [step["id"] for step in package.image["preprocessing"]]
        if norm == "none":
            assert steps == []
        elif fixed or norm == "stack":
            assert steps == ["fixed_zero_mean_unit_variance"]
            assert fixed_numbers(package, X[0])
        else:
            assert not fixed_numbers(package, X[0])
            other = package.predict(as_tensor(X[1]))
            np.testing.assert_allclose(other[0], expected[1:2], atol=1e-4)


@pytest.mark.parametrize("norm", ["image", "stack"])
def test_images_of_several_channels(norm, slices, tmp_path):
    X, y = slices
    X = np.stack([X, 255 - X // 3], axis=-1)
    segmenter = make_unet(intensity_norm=norm).fit(X, y)
    export_bioimageio(segmenter, tmp_path / "m.zip", X, **ABOUT)
    package = Package(tmp_path / "m.zip")
    assert package.image["axes"][1]["channel_names"] == ["channel0", "channel1"]
    found = package.predict(as_tensor(X[2]))
    np.testing.assert_allclose(found[:, 0], segmenter.predict_proba(X[2:])[:, 1], atol=1e-4)


@pytest.mark.parametrize("scale", [1e-5, 1e4])
def test_intensities_of_any_magnitude(scale, slices, tmp_path, fitted, known):
    X = (slices[0] * scale + 3 * scale).astype(np.float32)
    for fixed in (False, True):
        export_bioimageio(
            fitted, tmp_path / "m.zip", X, fixed_intensity=fixed, overwrite=True, **ABOUT
        )
        found = Package(tmp_path / "m.zip").predict(as_tensor(X[0]))
        np.testing.assert_allclose(found[:, 0], fitted.predict_proba(X[:1])[:, 1], atol=1e-4)


def test_images_that_are_next_to_nothing_are_refused_by_the_format(fitted, slices, tmp_path, known):
    X = slices[0] * np.float32(1e-9)
    match = "refuses it: .*too small for reliable testing"
    refused(InvalidInputError, match, fitted, X, tmp_path / "m.zip")


def test_fixed_numbers_for_which_the_format_has_no_word_become_a_gain():
    from membseg.export._bioimageio_steps import preprocessing_steps
    from membseg.utils import Intensity

    intensity = Intensity(np.array([3e-8, 0.0]), np.array([2e7, 0.0]))
    (step,) = preprocessing_steps("stack", intensity)
    assert step["id"] == "scale_linear"
    pixels = np.array([[3e-8, 8e-8], [5.0, 7.0]]).reshape(1, 2, 1, 2)
    expected = np.array([[0.0, 1.0], [0.0, 0.0]]).reshape(1, 2, 1, 2)
    np.testing.assert_allclose(scale_linear(pixels, **step["kwargs"]), expected, atol=1e-9)


@pytest.mark.parametrize("params", [{}, {"stem_stride": 2}, {"zoom": 2}, {"depth": 2}], ids=str)
def test_tiles_with_their_halo_cut_off_give_the_whole_image(params, slices, tmp_path):
    segmenter = make_unet(**params).fit(*slices)
    image = make_membranes(1, 110, 130, random_state=5)[0][0]
    export_bioimageio(segmenter, tmp_path / "m.zip", image[np.newaxis], **ABOUT)
    package = Package(tmp_path / "m.zip")
    pixels, halo = as_tensor(image), package.halo("y")
    whole = segmenter.predict_membrane(image[np.newaxis])
    inside = (slice(None), slice(halo, -halo), slice(halo, -halo))
    step = package.size(1, "y") - package.size(0, "y")
    for kept in (16, 48):
        n = kept // step - 1
        found = package.predict_tiles(pixels, n)[:, 0]
        # Along the edges of the image tools continue it in their own way.
        np.testing.assert_allclose(found[inside], whole[inside], atol=1e-5)
        # Where a network works at all, tiles without a halo would show.
    bare = package.predict_tiles(pixels, 0, halo=0)[:, 0]
    assert np.abs(bare - whole)[inside].max() > 1e-4


def test_a_network_that_looks_at_one_pixel_has_no_halo(slices, tmp_path):
    segmenter = KerasSegmenter(one_layer, max_steps=2, batch_size=2, random_state=0).fit(*slices)
    export_bioimageio(segmenter, tmp_path / "m.zip", slices[0], **ABOUT)
    package = Package(tmp_path / "m.zip")
    assert package.size(0, "y") == 1
    assert all("halo" not in axis for axis in package.map["axes"])
    expected = segmenter.set_params(tta="none").predict_membrane(slices[0][:1])
    np.testing.assert_allclose(
        package.predict_tiles(as_tensor(slices[0][0]), 30)[:, 0], expected, atol=1e-4
    )


def test_a_network_that_looks_at_everything_says_so(slices, tmp_path):
    segmenter = make_unet(norm_layer="group").fit(*slices)
    export_bioimageio(segmenter, tmp_path / "m.zip", slices[0], **ABOUT)
    package = Package(tmp_path / "m.zip")
    assert not package.rdf["config"]["membseg"]["tile_exact"]
    assert "Tiles differ slightly" in package.files["README.md"].decode()
    found = package.predict(as_tensor(slices[0][1]))[:, 0]
    np.testing.assert_allclose(found, segmenter.predict_membrane(slices[0][1:2]), atol=1e-4)


def test_calibrated_probabilities_and_tuned_thresholds_go_out(fitted, slices, tmp_path):
    X = slices[0]
    calibrated = CalibratedSegmenter(FrozenEstimator(fitted), method="temperature")
    calibrated.fit(*make_membranes(2, 60, 72, random_state=7))
    tuned = TunedThresholdSegmenter(FrozenEstimator(calibrated), scoring="iou")
    tuned.fit(*make_membranes(2, 60, 72, random_state=8))
    export_bioimageio(tuned, tmp_path / "m.zip", X, **ABOUT)
    package = Package(tmp_path / "m.zip")
    assert package.rdf["config"]["membseg"]["threshold"] == pytest.approx(tuned.threshold_)
    found = package.predict(as_tensor(X[0]))[:, 0]
    np.testing.assert_allclose(found, tuned.predict_membrane(X[:1]), atol=1e-4)
    assert np.abs(found - fitted.predict_membrane(X[:1])).max() > 1e-3


# -------------------------------------------------------------------------------- the test image


def test_the_test_image_is_the_middle_of_the_sample(exported, fitted, tmp_path, known):
    step = exported.size(1, "y") - exported.size(0, "y")
    image = make_membranes(1, 71, 700, random_state=1)[0]
    export_bioimageio(fitted, tmp_path / "m.zip", image, **ABOUT)
    package = Package(tmp_path / "m.zip")
    pixels = package.load(package.image)[0, 0]
    height, width = pixels.shape
    assert 71 - step < height <= 71
    assert 512 - step < width <= 512
    top, left = (71 - height) // 2, (700 - width) // 2
    assert np.array_equal(pixels, image[0, top : top + height, left : left + width])


def test_a_sample_that_is_smaller_than_a_tile_is_continued(fitted, slices, tmp_path, known):
    export_bioimageio(fitted, tmp_path / "m.zip", slices[0][:, :9, :9], **ABOUT)
    package = Package(tmp_path / "m.zip")
    assert package.load(package.image).shape == (1, 1, package.size(0, "y"), package.size(0, "x"))


# ------------------------------------------------------------------------------ what is said of it


def test_people_papers_pages_and_pictures(fitted, slices, tmp_path, known):
    import imageio.v3 as iio

    picture = tmp_path / "mine.png"
    iio.imwrite(picture, np.zeros((20, 40), np.uint8))
    page = tmp_path / "page.md"
    page.write_text("# Mine\n\n## Validation\n\nÅ.\n", encoding="utf-8")
    people = [{"name": "Ada Lovelace", "affiliation": "London"}, "Charles Babbage"]
    paper = {"text": "Notes (1843)", "doi": "10.1000/notes"}
    export_bioimageio(
        fitted,
        tmp_path / "m.zip",
        slices[0],
        **ABOUT | {"authors": people},
        tags=["electron-microscopy", "2d"],
        cite=[paper],
        documentation=page,
        covers=[picture, picture],
    )
    package = Package(tmp_path / "m.zip")
    assert package.rdf["authors"] == [people[0], {"name": "Charles Babbage"}]
    assert package.rdf["cite"] == [paper]
    assert package.rdf["tags"][0] == "electron-microscopy"
    assert package.rdf["tags"].count("2d") == 1
    assert package.files["README.md"] == page.read_bytes()
    assert package.rdf["covers"] == ["cover0.png", "cover1.png"]
    assert package.files["cover1.png"] == picture.read_bytes()


def test_a_page_may_be_given_as_text(fitted, slices, tmp_path, known):
    text = "# Mine\n\n## Validation\n"
    export_bioimageio(fitted, tmp_path / "m.zip", slices[0], **ABOUT, documentation=text)
    assert Package(tmp_path / "m.zip").files["README.md"].decode() == text


def test_without_a_paper_that_of_the_unet_is_cited(exported):
    assert exported.rdf["cite"][0]["doi"] == "10.1007/978-3-319-24574-4_28"


def test_nothing_is_looked_up_and_nothing_written_to_the_screen(
    fitted, slices, tmp_path, monkeypatch, capsys
):
    def refuse(*args, **kwargs):
        raise AssertionError("a look at the internet")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    export_bioimageio(
        fitted,
        tmp_path / "m.zip",
        slices[0],
        **ABOUT | {"authors": [{"name": "Ada Lovelace", "github_user": "no-one-of-this-name"}]},
        cite=[{"text": "Notes", "url": "https://nowhere.invalid/notes"}],
    )
    assert capsys.readouterr() == ("", "")


def test_the_segmenter_is_left_as_it_is(slices, tmp_path):
    segmenter = make_unet().fit(*slices)
    before = segmenter.predict_proba(slices[0])
    state = {key: value for key, value in vars(segmenter).items() if key != "_weights"}
    export_bioimageio(segmenter, tmp_path / "m.zip", slices[0], **ABOUT)
    after = {key: value for key, value in vars(segmenter).items() if key != "_weights"}
    assert after.keys() == state.keys()
    assert np.array_equal(segmenter.predict_proba(slices[0]), before)


# -------------------------------------------------------------------------------------- bad input


def refused(error, match, segmenter, X, path, **changes):
    with pytest.raises(error, match=match):
        export_bioimageio(segmenter, path, X, **ABOUT | changes)
    assert isinstance(path, int) or not path.is_file()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"license": "my own"}, "license must be an identifier of the SPDX list"),
        ({"license": None}, "license must be an identifier of the SPDX list.*got None"),
        ({"authors": []}, r"authors must name at least one person.*got \[\]"),
        ({"authors": None}, "authors must name at least one person"),
        ({"authors": [""]}, "authors must name at least one person"),
        ({"authors": [{"affiliation": "London"}]}, "authors must name at least one person"),
        ({"authors": [{"name": "a/b"}]}, r"refuses it: authors\.0\.name: "),
        ({"name": "x"}, "name must be 5 to 128 letters.*got 'x'"),
        ({"name": "mem/branes"}, "name must be 5 to 128 letters.*got 'mem/branes'"),
        ({"name": None}, "name must be 5 to 128 letters.*got None"),
        ({"description": "x" * 1025}, "refuses it: description: .*1024.*Change the argument"),
        ({"cite": [{"text": "no address"}]}, r"refuses it: cite\.0.*'doi' or 'url'"),
        ({"tags": "em"}, r"tags must be a list of words, as in \['em'\]"),
        ({"documentation": Path("none.md")}, "documentation must be Markdown.*none.md cannot be"),
        ({"covers": ["none.png"]}, "covers must be pictures that exist.*none.png"),
    ],
    ids=str,
)
def test_what_is_said_must_be_right(changes, match, fitted, slices, tmp_path, known):
    refused(InvalidInputError, match, fitted, slices[0], tmp_path / "m.zip", **changes)
    assert list(tmp_path.iterdir()) == []


def test_covers_must_be_pictures(fitted, slices, tmp_path, known):
    text = tmp_path / "cover.txt"
    text.write_text("no picture")
    path = tmp_path / "m.zip"
    refused(InvalidInputError, r"refuses it: covers\.0", fitted, slices[0], path, covers=[text])


def test_the_sample_must_fit_the_segmenter(fitted, slices, tmp_path):
    X, path = slices[0], tmp_path / "m.zip"
    refused(
        InvalidInputError, r"X_sample must have 1 channel\(s\)", fitted, np.stack([X, X], -1), path
    )
    refused(InvalidInputError, r"X_sample\[np.newaxis\]", fitted, X[0], path)


def test_the_segmenter_must_be_fitted_and_have_a_network(slices, tmp_path):
    X, y = slices
    path = tmp_path / "m.zip"
    refused(NotFittedError, "not fitted", make_unet(), X, path)
    refused(InvalidTypeError, "one Keras network", RidgeSegmenter().fit(X, y), X, path)


def test_the_path_must_be_one_that_can_be_written(fitted, slices, tmp_path, monkeypatch):
    X = slices[0]
    refused(InvalidInputError, "path must end in .zip; got 'm.tar'", fitted, X, tmp_path / "m.tar")
    refused(ModelFileError, "There is no folder", fitted, X, tmp_path / "none" / "m.zip")
    refused(InvalidTypeError, "path must be a string or a path.*got int", fitted, X, 3)
    (tmp_path / "folder.zip").mkdir()
    refused(ModelFileError, "is a folder, and a file", fitted, X, tmp_path / "folder.zip")

    def deny(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", deny)
    match = "m.zip could not be written: .*Permission denied"
    refused(ModelFileError, match, fitted, X, tmp_path / "m.zip")


def test_a_full_disk_leaves_the_old_file(fitted, slices, tmp_path, monkeypatch, known):
    path = tmp_path / "m.zip"
    path.write_bytes(b"old")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.writestr", full)
    with pytest.raises(ModelFileError, match="No space left on device"):
        export_bioimageio(fitted, path, slices[0], overwrite=True, **ABOUT)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_file_is_replaced_only_where_asked_and_by_an_accepted_package(
    fitted, slices, tmp_path, known
):
    path = tmp_path / "m.zip"
    path.write_bytes(b"old")
    with pytest.raises(ModelFileError, match=r"exists already\. Write overwrite=True"):
        export_bioimageio(fitted, path, slices[0], **ABOUT)
    long = ABOUT | {"description": 1025 * "x"}
    with pytest.raises(InvalidInputError, match="refuses it: description"):
        export_bioimageio(fitted, path, slices[0], overwrite=True, **long)
    assert path.read_bytes() == b"old"
    assert export_bioimageio(fitted, path, slices[0], overwrite=True, **ABOUT) == path
    assert zipfile.is_zipfile(path)
    assert list(tmp_path.iterdir()) == [path]


def test_the_missing_package_is_named(fitted, slices, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "bioimageio.spec.generic.v0_3", None)
    refused(
        MissingDependencyError,
        r"pip install 'membseg\[bioimageio\]'",
        fitted,
        slices[0],
        tmp_path / "m.zip",
    )
