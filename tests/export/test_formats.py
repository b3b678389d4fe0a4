"""Every format, run by its own runtime, gives what the segmenter gives."""

import numpy as np
import pytest

from membseg import UNetSegmenter, make_membranes

# Converters take seconds each; tests of targets and of errors run always.
pytestmark = pytest.mark.slow

#: Two sizes; neither is a multiple of anything that the networks want.
SIZES = [(64, 64), (37, 75)]


def new_images(height, width, n_channels=None):
    """Two images that no net has seen, 8 bits."""
    X, _ = make_membranes(2, height, width, random_state=7)
    X = (180 * X + 40).astype(np.uint8)
    return X if n_channels is None else np.stack([X] + [X[::-1]] * (n_channels - 1), axis=-1)


def as_input(X):
    return (X if X.ndim == 4 else X[..., np.newaxis]).astype(np.float32)


@pytest.fixture(scope="module")
def default(slices):
    """The default U-Net, trained for two steps."""
    segmenter = UNetSegmenter(
        max_steps=2, batch_size=2, threshold=0.5, tta="none", precision="float32", random_state=0
    )
    return segmenter.fit(*slices)


def test_the_default_net_at_two_sizes(run, default, tmp_path, capsys):
    for size in SIZES:
        X = new_images(*size)
        maps, output, metadata = run(default, tmp_path, as_input(X))
        assert output == "probability"
        assert maps.dtype == np.float32
        assert abs(maps - default.predict_proba(X)[:, 1]).max() <= 1e-4
        assert metadata["threshold"] == 0.5
    assert capsys.readouterr() == ("", "")


def test_percentiles(run, small, slices, tmp_path):
    segmenter = small(intensity_norm="percentile").fit(*slices)
    X = new_images(30, 50)
    maps, _, metadata = run(segmenter, tmp_path, as_input(X))
    assert abs(maps - segmenter.predict_membrane(X)).max() <= 1e-4
    assert metadata["intensity_norm"] == "percentile"


def test_channels_and_logits(run, small, slices, tmp_path):
    X, y = np.stack([slices[0], slices[0][::-1]], axis=-1), slices[1]
    segmenter = small(zoom=2).fit(X, y)
    new = new_images(21, 40, n_channels=2)
    maps, output, _ = run(segmenter, tmp_path, as_input(new), output="logits")
    assert output == "logits"
    np.testing.assert_allclose(maps, segmenter.decision_function(new), atol=1e-4)


def test_images_smaller_than_the_margin(run, net, tmp_path):
    X = new_images(32, 32)[:, :1, :5]
    maps, _, _ = run(net, tmp_path, as_input(X))
    assert abs(maps - net.predict_membrane(X)).max() <= 1e-4


def test_onnx_names_its_sizes(net, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    from membseg.export import export_onnx

    session = runtime.InferenceSession(export_onnx(net, tmp_path / "net.onnx"))
    assert session.get_inputs()[0].shape == ["n", 1, "height", "width"]
    assert session.get_outputs()[0].shape == ["n", 1, "height", "width"]
