"""HRNet and DeepMedic's two paths: resolutions, fusions, counts, names, reach."""

import re

import keras
import numpy as np
import pytest

from membseg.exceptions import InvalidInputError
from membseg.networks import build_multipath, network_reach
from membseg.networks._bilinear import BilinearUpsampling

HRNET = {"mode": "hrnet", "n_paths": 2, "base_filters": 1}
TWO_PATH = {"mode": "two_path", "base_filters": 1}


def factor_of(options):
    """What height and width must be multiples of."""
    coarse = 2 ** (options.get("n_paths", 3) - 1)
    if options.get("mode") == "two_path":
        coarse = 3 if options.get("layout") == "paper" else 4
    return options.get("stem_stride", 2) * coarse


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
@pytest.mark.parametrize("options", [HRNET, TWO_PATH, TWO_PATH | {"layout": "paper"}])
def test_logits_have_the_size_of_the_image(stem_stride, options):
    options = options | {"stem_stride": stem_stride}
    network = build_multipath(3, **options)
    shape = (2, 3 * factor_of(options), 2 * factor_of(options))
    logits = network.predict_on_batch(np.zeros((*shape, 3), dtype=np.float32))
    assert logits.shape == (*shape, 1)
    assert logits.dtype == np.float32


def outputs_of(network, names, image):
    """What layers give for an image."""
    tensors = [network.get_layer(name).output for name in names]
    values = keras.Model(network.inputs, tensors).predict_on_batch(image)
    return dict(zip(names, values, strict=True))


def test_each_path_keeps_its_resolution_and_its_channels():
    network = build_multipath(n_paths=3, base_filters=1, norm_layer="none")
    names = [f"stage{s}_module0_path{p}" for s in (1, 2) for p in range(s + 1)]
    names += [f"{name}_block0" for name in names]
    found = outputs_of(network, names, np.zeros((1, 64, 32, 1), dtype=np.float32))
    for name in names:
        path = int(re.search(r"path(\d)", name)[1])
        assert found[name].shape == (1, 32 // 2**path, 16 // 2**path, 2**path), name


def test_both_paths_keep_their_resolution():
    network = build_multipath(norm_layer="none", **TWO_PATH)
    names = [f"{path}_block{k}" for path in ("fine", "coarse") for k in (1, 2, 3)]
    found = outputs_of(network, names, np.zeros((1, 64, 32, 1), dtype=np.float32))
    assert {found[f"fine_block{k}"].shape for k in (1, 2, 3)} == {(1, 32, 16, 1)}
    assert {found[f"coarse_block{k}"].shape for k in (1, 2, 3)} == {(1, 8, 4, 1)}


def positive(**options):
    """Build a network in which no signal can die: all its weights are positive."""
    network = build_multipath(norm_layer="none", **options)
    for weight in network.weights:
        weight.assign(np.abs(weight.numpy()) + 0.01)
    return network


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        (HRNET | {"n_paths": 3}, [f"stage{s}_module0_path{p}_block0_conv1"
                                  for s in (1, 2) for p in range(s + 1)]),
        (TWO_PATH, ["fine_block3_conv1", "coarse_block3_conv1", "coarse_block0_conv0"]),
    ],
    ids=["hrnet", "two_path"],
)  # fmt: skip
def test_every_path_reaches_the_logits(options, layers):
    network = positive(**options)
    image = np.ones((1, 32, 32, 1), dtype=np.float32)
    before = network.predict_on_batch(image)
    for name in layers:
        kernel = network.get_layer(name).kernel
        kept = kernel.numpy()
        kernel.assign(1.5 * kept)
        assert (network.predict_on_batch(image) > before).all(), name
        kernel.assign(kept)


def strided_conv(image, layer):
    """A 3 x 3 convolution with stride 2 of an image with even sides, from its definition."""
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)))
    height, width, _ = image.shape
    total = np.zeros((height // 2, width // 2, kernel.shape[-1])) + bias
    for row in range(3):
        for column in range(3):
            taken = padded[row : row + height : 2, column : column + width : 2]
            total += taken[: height // 2, : width // 2] @ kernel[row, column]
    return total


def enlarged(image, n_times):
    """Pixels repeated, and the mean of each one's 3 x 3 neighbours, `n_times` over."""
    for _ in range(n_times):
        image = image.repeat(2, axis=0).repeat(2, axis=1)
        height, width, _ = image.shape
        image = np.stack(
            [
                [
                    image[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].mean((0, 1))
                    for j in range(width)
                ]
                for i in range(height)
            ]
        )
    return image


def test_a_fusion_is_the_sum_of_its_parts():
    network = build_multipath(n_paths=3, base_filters=2, norm_layer="none", seed=2)
    module = "stage2_module0"
    ins = [f"{module}_path{p}_block0" for p in range(3)]
    outs = [f"{module}_path{p}" for p in range(3)]
    image = np.random.default_rng(0).normal(size=(1, 32, 48, 1)).astype(np.float32)
    found = {name: value[0] for name, value in outputs_of(network, ins + outs, image).items()}
    fine, middle, coarse = (found[name] for name in ins)

    def up(x, here, to):
        layer = network.get_layer(f"{module}_from{here}_to{to}")
        return enlarged(x @ layer.kernel.numpy()[0, 0] + layer.bias.numpy(), here - to)

    def down(x, here, to, k=0):
        return strided_conv(x, network.get_layer(f"{module}_from{here}_to{to}_conv{k}"))

    expected = [
        fine + up(middle, 1, 0) + up(coarse, 2, 0),
        down(fine, 0, 1) + middle + up(coarse, 2, 1),
        down(np.maximum(down(fine, 0, 2), 0), 0, 2, 1) + down(middle, 1, 2) + coarse,
    ]
    for name, total in zip(outs, expected, strict=True):
        np.testing.assert_allclose(found[name], np.maximum(total, 0), rtol=1e-4, atol=1e-4)


def test_the_coarse_path_gets_means_of_blocks():
    network = build_multipath(stem_stride=1, layout="paper", **TWO_PATH)
    image = np.random.default_rng(0).normal(size=(1, 6, 9, 1)).astype(np.float32)
    found = outputs_of(network, ["coarse_image", "logits"], image)["coarse_image"]
    assert found.shape == (1, 2, 3, 1)
    np.testing.assert_allclose(found[0, 1, 2, 0], image[0, 3:6, 6:9, 0].mean(), rtol=1e-5)


def test_the_coarse_path_is_enlarged_linearly():
    image = np.random.default_rng(0).normal(size=(1, 5, 7, 2)).astype(np.float32)
    expected = keras.ops.image.resize(image, (15, 21), data_format="channels_last")
    got = BilinearUpsampling(3)(image)
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), atol=1e-5)


def conv(kernel_size, n_in, n_out):
    """Weights of a convolution with batch normalisation: no bias, four numbers a channel."""
    return kernel_size**2 * n_in * n_out + 4 * n_out


def basic(n_in, n_out):
    shortcut = conv(1, n_in, n_out) if n_in != n_out else 0
    return conv(3, n_in, n_out) + conv(3, n_out, n_out) + shortcut


def fusion(widths):
    """Every path into every other: up by 1 x 1, down by as many 3 x 3 as there are halvings."""
    total = 0
    for here, n in enumerate(widths):
        for to, m in enumerate(widths):
            if here > to:
                total += conv(1, n, m)
            elif here < to:
                total += (to - here - 1) * conv(3, n, n) + conv(3, n, m)
    return total


def count_hrnet(first, n_first, base, modules, n_blocks):
    """Weights of an HRNet's stages by hand, after a first one of `n_first` channels."""
    total, n_before = first, n_first
    for stage, n_modules in enumerate(modules, 1):
        widths = [base * 2**p for p in range(stage + 1)]
        total += conv(3, n_before, widths[0]) if n_before != widths[0] else 0
        total += conv(3, n_before if stage == 1 else widths[-2], widths[-1])
        blocks = sum(n_blocks * basic(n, n) for n in widths)
        total += n_modules * (blocks + fusion(widths))
        n_before = widths[0]
    return total


def paper_first_stage(n_channels):
    """A stem of 64 filters and four bottlenecks that give 256 channels."""
    stem = conv(3, n_channels, 64) + conv(3, 64, 64)
    first = conv(1, 64, 64) + conv(3, 64, 64) + 2 * conv(1, 64, 256)
    return stem + first + 3 * (conv(1, 256, 64) + conv(3, 64, 64) + conv(1, 64, 256))


def test_parameter_count_of_the_compact_hrnet():
    stages = count_hrnet(conv(3, 1, 16) + conv(3, 16, 16), 16, 16, (1, 1), 1)
    head = conv(1, 32, 16) + conv(1, 64, 16) + conv(1, 3 * 16, 16) + 16 + 1
    assert build_multipath().count_params() == stages + head


@pytest.mark.slow
def test_parameter_count_of_the_papers_hrnet():
    def by_hand(base):
        stages = count_hrnet(paper_first_stage(3), 256, base, (1, 4, 3), 4)
        return stages + conv(1, 15 * base, 15 * base) + 15 * base + 1

    options = {"layout": "paper", "n_paths": 4, "stem_stride": 4}
    assert build_multipath(3, base_filters=2, **options).count_params() == by_hand(2)
    # HRNetV2-W48. Without means and variances, with 19 classes and a bias in the head it is
    # 65_859_379; the authors name 65.8 M.
    assert by_hand(48) == 65_931_217


def test_parameter_count_of_two_paths():
    expected = conv(3, 1, 16) + 16 + 1
    for n_in in (16, 1):
        expected += conv(3, n_in, 16) + conv(3, 16, 16) + 3 * basic(16, 16)
    expected += conv(1, 32, 32) + conv(1, 32, 32) + 16
    assert build_multipath(mode="two_path").count_params() == expected


def test_parameter_count_of_the_papers_two_paths():
    path = conv(3, 1, 30) + conv(3, 30, 30) + basic(30, 40) + basic(40, 40) + basic(40, 50)
    expected = 2 * path + conv(1, 100, 150) + conv(1, 150, 150) + 150 + 1
    options = {"mode": "two_path", "layout": "paper", "base_filters": 30, "stem_stride": 1}
    assert build_multipath(**options).count_params() == expected == 254_271


@pytest.mark.parametrize(
    "options",
    [
        HRNET,
        HRNET | {"stem_stride": 1, "n_paths": 3},
        TWO_PATH,
        TWO_PATH | {"layout": "paper", "stem_stride": 1},
    ],
    ids=["hrnet", "hrnet of three", "two_path", "deepmedic"],
)
def test_no_pixel_beyond_the_reach_changes_a_logit(extent, options):
    network = build_multipath(**options)
    reach = network_reach(network)
    factor = factor_of(options)
    assert (reach.factor, reach.is_exact) == (factor, True)
    measured = extent(network, factor, 2 * reach.radius + 8 * factor, 2 * factor)
    assert reach.radius - factor < measured <= reach.radius


def test_layer_names_are_stable():
    names = [layer.name for layer in build_multipath(**HRNET | {"n_paths": 3}).layers]
    assert names[0] == "image"
    assert {"stem_conv0", "stem_conv1", "stage1_enter1", "stage2_enter2", "head_path2"} < set(names)
    assert {"stage2_module0_path1_block0", "stage2_module0_from0_to2_conv1"} < set(names)
    assert {"stage2_module0_from2_to0_up1_smooth", "stage1_module0_path0", "score"} < set(names)
    assert names[-1] == "logits"
    names = [layer.name for layer in build_multipath(stem_stride=1, **TWO_PATH).layers]
    assert {"fine_block0_conv0", "coarse_image", "coarse_block3", "head_conv1"} < set(names)
    assert names[-1] == "logits"


@pytest.mark.parametrize("options", [HRNET, TWO_PATH])
def test_same_seed_same_weights_and_configuration(options):
    keras.utils.set_random_seed(5)
    expected = np.random.random(3)
    keras.utils.set_random_seed(5)
    first, second = (build_multipath(seed=7, dropout=0.1, **options) for _ in range(2))
    np.testing.assert_array_equal(np.random.random(3), expected)
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    twin = keras.Model.from_config(first.get_config())
    twin.set_weights(first.get_weights())
    image = np.random.default_rng(0).normal(size=(1, 32, 16, 1)).astype(np.float32)
    np.testing.assert_array_equal(twin.predict_on_batch(image), first.predict_on_batch(image))


def test_dropout_is_active_in_training_only():
    network = positive(dropout=0.5, **(TWO_PATH | {"base_filters": 4}))
    image = np.ones((1, 32, 32, 1), dtype=np.float32)
    quiet = np.asarray(network(image, training=False))
    np.testing.assert_array_equal(quiet, np.asarray(network(image, training=False)))
    assert not np.array_equal(quiet, np.asarray(network(image, training=True)))


@pytest.mark.parametrize("stem_stride", [1, 2])
@pytest.mark.parametrize("options", [HRNET, TWO_PATH])
def test_penalties_and_precision(options, stem_stride):
    options = options | {"stem_stride": stem_stride}
    network = build_multipath(l1=0.1, l2=0.2, dtype="mixed_bfloat16", **options)
    convolutions = [v for v in network.layers if isinstance(v, keras.layers.Conv2D)]
    assert len(network.losses) == len(convolutions)
    assert network.get_layer("head_bridge").compute_dtype == "bfloat16"
    assert network.output.dtype == "float32"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"mode": "unet"}, "mode must be one of hrnet, two_path; got 'unet'."),
        ({"layout": "w48"}, "layout must be one of compact, paper; got 'w48'."),
        ({"n_paths": 5}, "n_paths must be one of 2, 3, 4; got 5."),
        ({"stem_stride": 3}, "stem_stride must be one of 1, 2, 4; got 3."),
        ({"norm_layer": "layer"}, "norm_layer must be one of none, batch, group; got 'layer'."),
    ],
)
def test_what_is_not_known_is_refused(bad, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        build_multipath(**bad)
