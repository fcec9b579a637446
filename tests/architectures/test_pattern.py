"""Networks written as layer patterns: by hand, against the papers' counts, and by what every pattern promises."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

from striate.architectures.catalogue import create_model
from striate.architectures.patterns.pattern import is_pattern, parse
from striate.errors import PatternError, SizeError

LECTURES = [
    "INPUT -> FC",
    "INPUT -> CONV -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> POOL]*2 -> FC -> RELU -> FC",
    "INPUT -> [CONV -> RELU -> CONV -> RELU -> POOL]*3 -> [FC -> RELU]*2 -> FC",
]
LENET5 = """INPUT 1x32x32 -> CONV 6 5x5 pad valid -> TANH -> POOL avg -> CONV 16 5x5 pad valid -> TANH -> POOL avg
            -> FC 120 -> TANH -> FC 84 -> TANH -> FC 10"""
VGG16 = """INPUT 3x224x224 -> [[CONV 64 -> RELU]*2 -> POOL] -> [[CONV 128 -> RELU]*2 -> POOL]
           -> [[CONV 256 -> RELU]*3 -> POOL] -> [[CONV 512 -> RELU]*3 -> POOL]*2
           -> [FC 4096 -> RELU -> DROPOUT]*2 -> FC 1000"""
ALEXNET = """INPUT 3x227x227 -> CONV 96 11x11/4 pad 0 -> RELU -> LRN -> POOL 3x3/2
             -> CONV 256 5x5 groups 2 -> RELU -> LRN -> POOL 3x3/2 -> CONV 384 -> RELU
             -> CONV 384 groups 2 -> RELU -> CONV 256 groups 2 -> RELU -> POOL 3x3/2
             -> [FC 4096 -> RELU -> DROPOUT]*2 -> FC 1000"""


def network(text, classes=10, channels=3, size=(32, 32)):
    with torch.device("meta"):
        return parse(text).build(classes, channels, size)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("text", LECTURES)
def test_a_pattern_of_the_lectures_turns_images_into_scores(text):
    built = parse(text).build(7, 1, (20, 24))
    scores = built(torch.rand(2, 1, 20, 24))
    assert scores.shape == (2, 7)
    assert isinstance(built, nn.Sequential) and scores.isfinite().all()


def test_the_layers_are_named_in_order():
    names = " ".join(name for name, _ in network(LECTURES[2]).named_children())
    assert names == "conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2"


def test_bare_layers_take_their_numbers_from_their_place():
    built = network("INPUT -> [CONV -> POOL]*6 -> [FC]*2 -> FC", classes=5, size=(64, 64))
    assert [layer.out_channels for layer in built if isinstance(layer, nn.Conv2d)] == [32, 64, 128, 256, 512, 512]
    assert [layer.out_features for layer in built if isinstance(layer, nn.Linear)] == [256, 256, 5]


def test_a_bare_convolution_keeps_the_size_and_a_bare_pooling_halves_it():
    built = network("INPUT -> CONV -> POOL -> FC", size=(31, 20))
    conv, pool = built.conv1, built.pool1
    assert (conv.kernel_size, conv.stride, conv.padding, conv.bias is not None) == ((3, 3), (1, 1), (1, 1), True)
    assert isinstance(pool, nn.MaxPool2d) and (pool.kernel_size, pool.stride) == ((2, 2), (2, 2))
    assert built.fc1.in_features == 32 * 15 * 10


def test_the_options_of_a_convolution_are_those_of_torch():
    conv = network("INPUT -> CONV 12 3x5 nobias groups 3 dilation 2 /2 pad 4 -> FC").conv1
    assert (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 5), (2, 2), (4, 4), (2, 2))
    assert (conv.out_channels, conv.groups, conv.bias) == (12, 3, None)


@pytest.mark.parametrize(
    ("options", "padding"),
    [("", (1, 1)), ("3x5", (1, 2)), ("5x5/2", (2, 2)), ("4x4/2", (1, 1)), ("3x3 dilation 3", (3, 3))],
)
def test_same_is_half_of_the_windows_reach(options, padding):
    assert network(f"INPUT -> CONV {options} -> FC").conv1.padding == padding
    assert network(f"INPUT -> CONV {options} pad same -> FC").conv1.padding == padding
    assert network(f"INPUT -> CONV {options} pad valid -> FC").conv1.padding == (0, 0)


@pytest.mark.parametrize(("stride", "left"), [(1, 13), (2, 7), (3, 5), (4, 4)])
def test_same_with_a_stride_leaves_as_many_places_as_begun_strides(stride, left):
    assert network(f"INPUT -> CONV 1 5x5/{stride} -> FC", size=(13, 13)).fc1.in_features == left**2


@pytest.mark.parametrize(
    ("options", "kind", "window", "stride"),
    [
        ("3x3", nn.MaxPool2d, (3, 3), (3, 3)),
        ("2x4", nn.MaxPool2d, (2, 4), (2, 4)),
        ("/3", nn.MaxPool2d, (2, 2), (3, 3)),
        ("max 3x3/2 pad 1", nn.MaxPool2d, (3, 3), (2, 2)),
        ("avg", nn.AvgPool2d, (2, 2), (2, 2)),
    ],
)
def test_a_pooling_steps_by_its_window_unless_a_stride_is_written(options, kind, window, stride):
    pool = network(f"INPUT -> POOL {options} -> FC").pool1
    assert (type(pool), pool.kernel_size, pool.stride) == (kind, window, stride)


@pytest.mark.parametrize(
    ("options", "reduce"), [("global", torch.mean), ("global avg", torch.mean), ("max global", torch.amax)]
)
def test_a_global_pooling_leaves_one_value_of_a_map(options, reduce):
    pool, maps = network(f"INPUT -> POOL {options} -> FC").pool1, torch.rand(2, 3, 5, 4)
    torch.testing.assert_close(pool(maps), reduce(maps, (2, 3), keepdim=True))


def test_normalisation_and_dropout_know_maps_from_values():
    built = network("INPUT -> CONV -> BN -> DROPOUT 0.2 -> FC 20 -> BN -> DROPOUT -> FC")
    assert [type(built.bn1), type(built.bn2)] == [nn.BatchNorm2d, nn.BatchNorm1d]
    assert [type(built.dropout1), type(built.dropout2)] == [nn.Dropout2d, nn.Dropout]
    assert (built.bn2.num_features, built.dropout1.p, built.dropout2.p) == (20, 0.2, 0.5)


def test_lrn_is_the_formula_of_its_paper():
    maps = torch.rand(1, 9, 2, 2)
    sums = torch.stack([(maps[:, max(0, i - 2) : i + 3] ** 2).sum(1) for i in range(9)], dim=1)
    torch.testing.assert_close(network("INPUT -> LRN -> FC").lrn1(maps), maps / (2 + 1e-4 * sums) ** 0.75)


def test_each_function_has_its_word():
    built = network("INPUT -> RELU -> LEAKYRELU -> LEAKYRELU 0.2 -> ELU -> TANH -> SIGMOID -> FC")
    assert [type(layer) for layer in built][:6] == [
        *(nn.ReLU, nn.LeakyReLU, nn.LeakyReLU),
        *(nn.ELU, nn.Tanh, nn.Sigmoid),
    ]
    assert (built.leakyrelu1.negative_slope, built.leakyrelu2.negative_slope) == (0.01, 0.2)


@pytest.mark.parametrize(("text", "count"), [(LENET5, 61_706), (VGG16, 138_357_544), (ALEXNET, 60_965_224)])
def test_a_papers_network_as_a_pattern_has_the_papers_parameters(text, count):
    pattern = parse(text)
    with torch.device("meta"):
        built = pattern.build(pattern.num_classes, pattern.in_channels, pattern.size)
        assert parameters(built) == count
        assert built(torch.rand(1, pattern.in_channels, *pattern.size)).shape == (1, pattern.num_classes)


def test_lenet5_as_a_pattern_gives_the_scores_of_the_catalogues():
    images, ours, catalogues = torch.rand(2, 1, 32, 32), parse(LENET5).build(10, 1, (32, 32)), create_model("lenet5")
    weights = zip(ours.state_dict(), catalogues.state_dict().values(), strict=True)
    ours.load_state_dict(dict(weights))
    assert torch.equal(ours(images), catalogues(images))


@pytest.mark.parametrize(("layer", "scale"), [("RELU", 2), ("TANH", 1)])
def test_weights_start_as_he_where_values_are_rectified_and_as_glorot_elsewhere(layer, scale):
    network = parse(f"INPUT 64x8x8 -> CONV 64 -> {layer} -> FC 64 -> {layer} -> FC 10").build(10, 64, (8, 8))
    inputs = 64 * 9  # and as many outputs: there Glorot's 2 / (inputs + outputs) is 1 / inputs
    assert network.conv1.weight.var().item() == pytest.approx(scale / inputs, rel=0.1)
    assert not network.conv1.bias.any()


@pytest.mark.parametrize(
    "text",
    [
        "input→[conv 7×7/2→relu]×2→pool→fc",
        "Input\n\t-> [ Conv 7 x 7 / 2 -> ReLU ] * 2\n-> Pool\r\n-> Fc\n",
        "[INPUT -> [CONV /2 7x7 -> RELU]*2] -> [BN]*0 -> [[POOL]*1 -> FC]",
    ],
)
def test_case_and_white_space_and_signs_do_not_matter(text):
    plain = "INPUT -> CONV 7x7/2 -> RELU -> CONV 7x7/2 -> RELU -> POOL -> FC"
    assert str(network(text)) == str(network(plain))


def test_a_pattern_says_what_its_text_fixes():
    fixed, bare = parse("INPUT 1x28x30 -> FC 4"), parse("INPUT -> FC 4 -> FC")
    assert (fixed.text, fixed.in_channels, fixed.size, fixed.num_classes) == ("INPUT 1x28x30 -> FC 4", 1, (28, 30), 4)
    assert (bare.in_channels, bare.size, bare.num_classes) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("a -> b", True), ("a→b", True), ("INPUT", True), ("\n input 3x8x8", True), ("inputs", False), ("lenet5", False)],
)
def test_a_pattern_is_told_from_a_name(text, meant):
    assert is_pattern(text) is meant


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("INPUT -> FC 10", "last layer is FC 10, but the data have 2 classes: write FC without a number, or FC 2\n"),
        ("INPUT 3x32x32 -> FC", "INPUT 3x32x32, but the images are 1x28x28: write INPUT .*, or INPUT 1x28x28\n"),
    ],
)
def test_data_that_are_not_as_the_text_says_are_refused(text, sentence):
    with pytest.raises(PatternError, match=sentence):
        parse(text).build(2, 1, (28, 28))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("INPUT -> [CONV -> POOL]*3 -> FC", "the window of pool3 is 2x2, but 2x1 are left there"),
        ("INPUT -> CONV 5x5 pad 0 -> FC", "the window of conv1 is 5x5, but 8x4 are left"),
        (
            "INPUT -> CONV 3x3 dilation 3 pad 1 -> FC",
            "conv1 is 3x3 dilated 3 times, but 8x4 .* padding of 1: take larger",
        ),
        ("INPUT -> CONV groups 2 -> FC", "conv1 has 2 groups, but 3 channels come in: write"),
        ("INPUT -> FC 1000000 -> FC 1000000 -> FC", "fc2 would have 1,000,000,000,000 weights; expected at most"),
    ],
)
def test_a_layer_that_does_not_fit_is_named_with_what_is_left_there(text, sentence):
    with pytest.raises(SizeError, match=sentence):
        network(text, size=(8, 4))


SHAPED = [  # of layers that at most halve a side less 8
    *("CONV", "CONV 8 5x5/2", "CONV 4 3x5 pad valid dilation 2", "CONV 6 1x1/2 nobias", "CONV 8 4x4/2 bias"),
    *("POOL", "POOL 3x3/2", "POOL 3x3/2 ceil", "POOL avg 3x3/2 pad 1 ceil", "POOL max 4x3/2 pad 1 ceil", "pool 2x1 /2"),
]
KEPT = ["RELU", "LEAKYRELU 0.1", "ELU", "TANH", "SIGMOID", "BN", "DROPOUT 0.3", "LRN", "[RELU -> BN]*2", "[CONV]*0"]
FLAT = ["FC 9", "FC", "BN", "DROPOUT", "RELU", "[FC 3 -> RELU]*2"]


def chains(of, most):
    return some.lists(some.sampled_from(of), max_size=most)


@settings(max_examples=60)
@given(
    shaped=chains(SHAPED, 4),
    kept=chains(KEPT, 3),
    flat=chains(FLAT, 3),
    end=some.sampled_from(["", "POOL global"]),
    sides=some.tuples(some.integers(200, 230), some.integers(200, 230)),
)
def test_every_valid_pattern_turns_images_into_scores(shaped, kept, flat, end, sides):
    text = " -> ".join(filter(None, ["INPUT", *shaped[:2], *kept, *shaped[2:], end, "FC 5", *flat, "FC"]))
    with torch.device("meta"):
        assert parse(text).build(3, 2, sides)(torch.rand(2, 2, *sides)).shape == (2, 3)
