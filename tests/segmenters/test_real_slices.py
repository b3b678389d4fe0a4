"""The main job on real slices; minutes, so only with -m slow."""

import numpy as np
import pytest

from membseg import ThresholdSegmenter, UNetSegmenter, load_image_folder
from membseg.metrics import score_table


@pytest.fixture(scope="module")
def isbi(shared_data):
    """Slices 00-18 to train on and 20-24 to test on; 0 is membrane."""
    X, y = load_image_folder(shared_data / "isbi2012/image", shared_data / "isbi2012/label")
    return X[:19], y[:19], X[20:], y[20:]


@pytest.mark.slow
def test_real_slices_are_learnt_and_beat_the_baseline(isbi):
    X, y, X_test, y_test = isbi
    unet = UNetSegmenter(max_steps=240, membrane_label=0, random_state=0).fit(X, y)
    otsu = ThresholdSegmenter(membrane_label=0).fit(X, y)
    tables = [
        score_table(y_test, s.predict_membrane(X_test), threshold=s.threshold_, membrane_label=0)
        for s in (unet, otsu)
    ]
    for metric in ("v_rand", "v_info", "dice", "iou", "average_precision", "boundary_f1"):
        assert tables[0][metric] > tables[1][metric]
    assert tables[0]["v_rand"] >= 0.955
    assert tables[0]["v_info"] >= 0.970
    assert tables[0]["dice"] >= 0.80


@pytest.mark.slow
def test_tiles_of_a_real_slice_equal_the_whole(isbi):
    X, y, X_test, _ = isbi
    unet = UNetSegmenter(max_steps=2, membrane_label=0, random_state=0, precision="float32")
    unet.fit(X[:4], y[:4])
    whole = unet.decision_function(X_test[:1])
    tiled = unet.set_params(tile_size=304).decision_function(X_test[:1])
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


@pytest.mark.slow
def test_weights_from_synthetic_slices_find_real_membranes(isbi):
    *_, X_test, y_test = isbi
    from membseg import make_membranes

    # One tiny step: what is scored are the weights that come with the package.
    X, y = make_membranes(2, 256, 256, random_state=0)
    unet = UNetSegmenter(
        initial_weights="synthetic",
        depth=3,
        stem_stride=2,
        max_steps=1,
        learning_rate=1e-9,
        random_state=0,
    ).fit(X, y)
    table = score_table(
        y_test, unet.predict_membrane(X_test), threshold=unet.threshold_, membrane_label=0
    )
    assert table["v_rand"] >= 0.80
