"""The numbers that five lecture decks print, each against what striate computes.

The literal is the lecture's, the other side is ours. D0: MLP, CNN, four case studies. D1: convolution examples, LeNet
to ResNet, sizing rules. D2: downsampling, receptive fields. D3: layers and architectures. D4: optimisation. The letter
and number in an id or a comment is the row of the mission: A1, B2, B3, B5, C1, C2, C3, C4, C7. Where a deck
contradicts the sum, the number is in test_errata.py. K, M and MB are as the decks round them.
"""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import nn

from striate import describe
from striate.arithmetic.counts import (
    convolution_multiplies,
    convolution_parameters,
    fully_connected_parameters,
    locally_connected_parameters,
    matrix_multiplies,
)
from striate.arithmetic.fields import Field
from striate.arithmetic.memory import NUMBER_FORMATS, OPTIMIZER_STATES, chain_training, parameter_values
from striate.arithmetic.windows import fit, output_size

card = cache(describe)


def row_of(name, layer):
    return next(row for row in card(name).rows if row.layer.split(".")[-1] == layer)


def module_of(name, module):
    """The module of that name, in whatever stage it stands."""
    return next(seen for path, seen in card(name).modules.items() if path.split(".")[-1] == module)


def weights(row):
    """A row's parameters without its biases, of which there is one for each map or unit."""
    return row.parameters - (row.output[0] if row.parameters else 0)


# ---- A1: scores (D0, D3, D4)


def test_an_image_of_32_by_32_in_colour_is_stretched_to_3072_numbers():
    assert row_of("linear", "input").activations == 3072
    assert card("linear").parameters_without_biases == 3072 * 10


def test_the_two_layer_network_goes_from_3072_over_100_to_10():
    assert [row.output for row in card("mlp").rows[1:]] == [(100,), (10,)]
    assert row_of("mlp", "hidden").input == (3072,)
    assert [weights(row) for row in card("mlp").rows[1:]] == [3072 * 100, 100 * 10]


def test_a_three_layer_network_is_two_more_matrices_after_the_first():
    rows = card("INPUT 3x32x32 -> FC 100 -> RELU -> FC 50 -> RELU -> FC 10").rows[1:]
    assert [(row.input, row.output) for row in rows] == [((3072,), (100,)), ((100,), (50,)), ((50,), (10,))]


# ---- B2: a convolution as one matrix product (D0)


def test_the_columns_of_alexnets_first_convolution_are_363_by_3025():
    unfolded = nn.functional.unfold(torch.empty(1, 3, 227, 227, device="meta"), 11, stride=4)
    assert convolution_parameters(3, 1, (11, 11), biases=False) == 363 == unfolded.shape[1]
    assert output_size(227, 11, stride=4) ** 2 == 3025 == unfolded.shape[2]


def test_its_rows_are_96_by_363_and_the_product_has_the_convolutions_multiplies():
    assert convolution_parameters(3, 96, (11, 11), biases=False) == 96 * 363
    conv1 = row_of("alexnet", "conv1")
    assert matrix_multiplies(96, 363, 3025) == conv1.multiplies
    assert convolution_multiplies((96, 3, 11, 11), (55, 55)) == 96 * 363 * 3025
    assert conv1.output == (96, 55, 55)
    assert conv1.activations == 96 * 3025


# ---- B3: depthwise separable (D1)

REGULAR = ((2, 4, 1),)
SEPARABLE = ((2, 2, 2), (2, 4, 1))  # channels in, maps, groups


@pytest.mark.parametrize(
    ("layers", "kernels", "parameters", "multiplies"),
    [(REGULAR, (3,), 72, 1152), (SEPARABLE, (3, 1), 26, 416)],
    ids=["D1-regular", "D1-separable"],
)
def test_a_separable_convolution_takes_26_weights_for_72_and_416_multiplies_for_1152(
    layers, kernels, parameters, multiplies
):
    network = nn.Sequential(
        *(nn.Conv2d(c, k, kernel, groups=g, bias=False) for (c, k, g), kernel in zip(layers, kernels, strict=True))
    )
    described = describe(network, in_channels=2, size=6)
    assert described.rows[-1].output == (4, 4, 4)
    assert (described.parameters, described.multiplies) == (parameters, multiplies)
    by_hand = zip(layers, kernels, strict=True)
    assert parameters == sum(
        convolution_parameters(c, k, (kernel, kernel), groups=g, biases=False) for (c, k, g), kernel in by_hand
    )


# ---- B5: fully, locally connected, convolution (D3)


def test_40k_hidden_units_on_a_200_by_200_image_take_1_6_billion_weights():
    # D3 prints "~2B": 1.6 rounded to a whole number of billions
    assert fully_connected_parameters(200 * 200, 40_000, biases=False) == 1_600_000_000
    assert round(fully_connected_parameters(200 * 200, 40_000, biases=False) / 1e9) == 2
    described = describe("INPUT 1x200x200 -> FC 40000 -> RELU -> FC 10")
    assert weights(described.rows[1]) == 1_600_000_000


def test_connected_to_10_by_10_pixels_each_they_take_4_million():
    assert locally_connected_parameters(1, 1, (10, 10), (200, 200), biases=False) == 4_000_000 == 40_000 * 100


def test_sharing_them_leaves_the_weights_of_one_window():
    assert convolution_parameters(1, 1, (10, 10), biases=False) == 100


def test_lenets_c5_is_a_convolution_over_all_it_sees_or_a_fully_connected_layer():
    assert convolution_parameters(16, 120, (5, 5)) == fully_connected_parameters(400, 120) == 48_120  # D1
    assert output_size(5, 5) == 1


@pytest.mark.parametrize(("side", "channels", "maps", "kernel"), [(8, 3, 4, 3), (28, 1, 6, 5)])
def test_a_layer_counts_its_weights_as_d2s_two_formulas(side, channels, maps, kernel):
    units = side * side * maps
    assert fully_connected_parameters(side * side * channels, units) == units * (side * side * channels + 1)
    assert convolution_parameters(channels, maps, (kernel, kernel)) == maps * (kernel * kernel * channels + 1)


# ---- C1: output sizes


@pytest.mark.parametrize(("stride", "exact"), [(1, "5.00"), (2, "3.00"), (3, "2.33")], ids=lambda value: f"D0-{value}")
def test_a_window_of_3_fits_on_7_values_as_often_as_the_lectures_say(stride, exact):
    assert f"{float(fit(7, 3, stride=stride).exact):.2f}" == exact


def test_at_stride_3_the_rightmost_column_is_not_processed():  # D1
    here = fit(7, 3, stride=3)
    assert (here.places, here.dropped) == (2, 1)
    assert "the last 1 of 7 values are dropped" in str(here)


@pytest.mark.parametrize(
    ("length", "window", "stride", "padding", "made"),
    [
        pytest.param(7, 3, 1, 1, 7, id="D0 D3 D4-padding of 1 keeps 7"),
        pytest.param(7, 3, 3, 1, 3, id="D1-padding of 1 lets stride 3 fit"),
        pytest.param(32, 5, 1, 0, 28, id="D1-example 5"),
        pytest.param(28, 5, 1, 0, 24, id="D4-shrinking further"),
        pytest.param(32, 5, 1, 2, 32, id="D0 D1-example 6"),
        pytest.param(5, 3, 1, 0, 3, id="D1-example 1"),
        pytest.param(5, 3, 1, 1, 5, id="D1-example 2"),
        pytest.param(5, 3, 2, 1, 3, id="D1-example 3"),
        pytest.param(56, 1, 1, 0, 56, id="D1-pointwise"),
        pytest.param(6, 3, 1, 0, 4, id="D1-vertical edges"),
        pytest.param(4, 2, 2, 0, 2, id="D0-max pooling"),
        pytest.param(5, 3, 2, 0, 2, id="D3-overlapping pooling"),
        pytest.param(224, 3, 1, 1, 224, id="D1-VGG"),
        pytest.param(224, 2, 2, 0, 112, id="D1-VGG pooling"),
    ],
)
def test_the_examples_have_the_sizes_that_the_lectures_give(length, window, stride, padding, made):
    assert output_size(length, window, stride=stride, padding=padding) == made


@pytest.mark.parametrize(("window", "padding"), [(1, 0), (3, 1), (5, 2), (7, 3)])
def test_same_padding_is_half_of_an_odd_window(window, padding):  # D0, D1, D3, D4
    assert output_size(32, window, padding=padding) == output_size(32, window, padding="same") == 32


def test_overlapping_pooling_at_stride_1_takes_two_values_off():  # D1
    assert all(output_size(side, 3) == side - 2 for side in range(3, 100))


def test_alexnet_goes_from_227_over_55_27_27_13_13_13_to_6():  # D0
    conv_and_pool = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool3"]
    sides = [row_of("alexnet", layer).output[1] for layer in conv_and_pool]
    assert [227, *sides] == [227, 55, 27, 27, 13, 13, 13, 13, 6]
    walked = [227]
    for window, stride, padding in [(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), *[(3, 1, 1)] * 3, (3, 2, 0)]:
        walked.append(output_size(walked[-1], window, stride=stride, padding=padding))
    assert walked == [227, *sides]


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        ("conv1", (96, 55, 55)),
        ("pool1", (96, 27, 27)),
        ("norm1", (96, 27, 27)),
        ("conv2", (256, 27, 27)),
        ("pool2", (256, 13, 13)),
        ("norm2", (256, 13, 13)),
        ("conv3", (384, 13, 13)),
        ("conv4", (384, 13, 13)),
        ("conv5", (256, 13, 13)),
        ("pool3", (256, 6, 6)),
        ("fc6", (4096,)),
        ("fc7", (4096,)),
        ("fc8", (1000,)),
    ],
)
def test_alexnets_layers_have_the_volumes_of_d0(layer, output):
    assert module_of("alexnet", layer).output == output


# ---- C2: parameters and multiplies


def test_alexnets_first_convolution_has_34848_weights_and_96_biases():  # D0: 35K
    conv1 = row_of("alexnet", "conv1")
    assert (weights(conv1), conv1.parameters - weights(conv1)) == (34_848, 96)
    assert row_of("alexnet", "pool1").parameters == 0


def test_alexnet_has_60_million_parameters_on_its_two_gpus():  # D1
    assert card("alexnet_two_gpus").parameters // 10**6 == 60


def test_one_value_of_a_filter_of_5_by_5_by_3_takes_75_multiplies():  # D1
    assert convolution_multiplies((1, 3, 5, 5), (1, 1)) == 75


@pytest.mark.parametrize(
    ("pattern", "output", "parameters"),
    [
        pytest.param("INPUT 3x32x32 -> CONV 10 5x5 pad valid -> FC", (10, 28, 28), 760, id="D1-example 5"),
        pytest.param("INPUT 3x32x32 -> CONV 10 5x5 pad 2 -> FC", (10, 32, 32), 760, id="D0 D1-example 6"),
        pytest.param("INPUT 64x56x56 -> CONV 32 1x1 -> FC", (32, 56, 56), 2080, id="D1-pointwise"),
        pytest.param("INPUT 3x32x32 -> CONV 6 5x5 pad valid -> FC", (6, 28, 28), 456, id="D1 D3 D4-six filters"),
    ],
)
def test_a_layer_has_the_volume_and_parameters_of_its_example(pattern, output, parameters):
    row = describe(pattern).rows[1]
    assert (row.output, row.parameters) == (output, parameters)
    assert convolution_parameters(row.input[0], output[0], row.window.kernel) == parameters


LENET = [  # D1's table: output and parameters
    ("c1", (6, 28, 28), 156),
    ("s2", (6, 14, 14), 0),
    ("c3", (16, 10, 10), 2416),
    ("s4", (16, 5, 5), 0),
    ("c5", (120,), 48_120),
    ("f6", (84,), 10_164),
    ("output", (10,), 850),
]


@pytest.mark.parametrize(("layer", "output", "parameters"), LENET)
def test_lenets_layers_have_the_volumes_and_parameters_of_d1(layer, output, parameters):
    row = row_of("lenet5", layer)
    assert (row.output, row.parameters) == (output, parameters)


def test_lenet_has_61706_parameters():
    assert card("lenet5").parameters == 61_706 == sum(parameters for _, _, parameters in LENET)


VGG = [  # D0 and D3: kind and channels, side, activations as rounded there, weights
    ("INPUT", 3, 224, "150K", 0),
    ("CONV3-64", 64, 224, "3.2M", 1_728),
    ("CONV3-64", 64, 224, "3.2M", 36_864),
    ("POOL2", 64, 112, "800K", 0),
    ("CONV3-128", 128, 112, "1.6M", 73_728),
    ("CONV3-128", 128, 112, "1.6M", 147_456),
    ("POOL2", 128, 56, "400K", 0),
    ("CONV3-256", 256, 56, "800K", 294_912),
    ("CONV3-256", 256, 56, "800K", 589_824),
    ("CONV3-256", 256, 56, "800K", 589_824),
    ("POOL2", 256, 28, "200K", 0),
    ("CONV3-512", 512, 28, "400K", 1_179_648),
    ("CONV3-512", 512, 28, "400K", 2_359_296),
    ("CONV3-512", 512, 28, "400K", 2_359_296),
    ("POOL2", 512, 14, "100K", 0),
    ("CONV3-512", 512, 14, "100K", 2_359_296),
    ("CONV3-512", 512, 14, "100K", 2_359_296),
    ("CONV3-512", 512, 14, "100K", 2_359_296),
    ("POOL2", 512, 7, "25K", 0),
    ("FC", 4096, 1, "4096", 102_760_448),
    ("FC", 4096, 1, "4096", 16_777_216),
    ("FC", 1000, 1, "1000", 4_096_000),
]
KINDS = {"INPUT": "image", "CONV3": "convolution", "POOL2": "max pooling", "FC": "fully connected"}


def rounded_as(text, value):
    """Whether a deck's 3.2M, 150K or 4096 is the value, to the two digits that it prints."""
    number = float(text.rstrip("KM")) * {"K": 1e3, "M": 1e6}.get(text[-1], 1)
    return abs(value - number) <= (0.005 * number if text[-1] in "KM" else 0)


@pytest.mark.parametrize("place", range(len(VGG)), ids=lambda place: f"D0 D3-{place}-{VGG[place][0]}")
def test_vgg16_has_the_rows_of_d0_and_d3(place):
    kind, channels, side, activations, without_biases = VGG[place]
    row = card("vgg16").rows[place]
    assert row.kind == KINDS[kind.partition("-")[0]]
    assert row.output == ((channels, side, side) if side > 1 else (channels,))
    assert weights(row) == without_biases
    assert rounded_as(activations, row.activations)


def test_vgg16_has_16_layers_with_weights_and_138_million_of_them():
    vgg = card("vgg16")
    assert len(vgg.rows) == len(VGG)
    assert sum(weights(row) > 0 for row in vgg.rows) == 16
    assert vgg.parameters_without_biases == 138_344_128 == sum(weights for *_, weights in VGG)


@pytest.mark.parametrize(
    ("name", "layers"), [("vgg11", 11), ("vgg11_lrn", 11), ("vgg13", 13), ("vgg16_c", 16), ("vgg16", 16), ("vgg19", 19)]
)
def test_each_column_of_vggs_table_has_its_weight_layers(name, layers):  # D1
    assert sum(row.parameters > 0 for row in card(name).rows) == layers


@pytest.mark.parametrize("channels", [1, 3, 64, 512])
def test_three_three_by_threes_take_27_c_squared_and_one_seven_by_seven_49(channels):  # D0, D1
    three = 3 * convolution_parameters(channels, channels, (3, 3), biases=False)
    one = convolution_parameters(channels, channels, (7, 7), biases=False)
    assert (three, one) == (27 * channels**2, 49 * channels**2)


def test_the_same_stack_described_as_a_network_counts_27_c_squared():
    rows = describe("INPUT 64x32x32 -> [CONV 64 3x3]*3 -> FC").rows[1:4]
    assert sum(weights(row) for row in rows) == 27 * 64**2


# GoogLeNet's table in D1: output, weights in K, multiplies in M. K is 1024 here: 64·64 + 9·64·192 = 112·1024. None
# where table and widths disagree: see test_errata.py, E5 and E10.
GOOGLENET = {
    "conv1": ((64, 112, 112), None, None),
    "pool1": ((64, 56, 56), 0, 0),
    "conv2": ((192, 56, 56), 112, 360),
    "pool2": ((192, 28, 28), 0, 0),
    "inception3a": ((256, 28, 28), 159, 128),
    "inception3b": ((480, 28, 28), 380, 304),
    "pool3": ((480, 14, 14), 0, 0),
    "inception4a": ((512, 14, 14), None, 73),
    "inception4b": ((512, 14, 14), 437, 88),
    "inception4c": ((512, 14, 14), None, 100),
    "inception4d": ((528, 14, 14), None, 119),
    "inception4e": ((832, 14, 14), None, 170),
    "pool4": ((832, 7, 7), 0, 0),
    "inception5a": ((832, 7, 7), None, None),
    "inception5b": ((1024, 7, 7), None, 71),
    "avgpool": ((1024, 1, 1), 0, 0),
    "fc": ((1000,), 1000, 1),
}


@pytest.mark.parametrize("layer", GOOGLENET)
def test_googlenet_has_the_rows_of_d1s_table(layer):
    output, kilo, mega = GOOGLENET[layer]
    both = [layer, "conv3"] if layer == "conv2" else [layer]  # its row is of the 1x1 before the 3x3, too
    parts = [row for row in card("googlenet").rows if set(both) & set(row.layer.split("."))]
    whole = module_of("googlenet", both[-1])
    assert whole.output == output
    if kilo is not None:
        assert abs(sum(map(weights, parts)) / 1024 - kilo) <= 1  # some rows are rounded, some cut off
    if mega is not None:
        assert abs(sum(row.multiplies for row in parts) / 1e6 - mega) < 1


def test_googlenet_has_22_layers_with_weights_one_after_the_other():  # D0, D2
    one_after_the_other = Counter()
    for row in card("googlenet").rows:
        if row.parameters:
            _, module, *branch = row.layer.split(".")
            one_after_the_other[module, *branch[:1]] += 1
    longest = {}
    for (module, *_), layers in one_after_the_other.items():
        longest[module] = max(layers, longest.get(module, 0))
    assert sum(longest.values()) == 22


# ---- C3: memory


def test_vgg16_makes_15_2_million_activations_or_61_mb_an_image():  # D0
    activations = card("vgg16").activations
    assert round(activations / 1e6, 1) == 15.2
    assert round(activations * NUMBER_FORMATS["float32"] / 1e6) == 61


def test_its_memory_goes_early_and_its_parameters_come_late():  # D0, D3
    vgg = card("vgg16")
    order = [row.layer for row in vgg.rows]
    assert order.index(vgg.half_of_activations.layer) <= 4
    assert vgg.half_of_parameters.layer == vgg.most_parameters.layer == "head.fc6"


def test_three_layers_of_64_maps_on_224_pixels_make_10_million_activations_and_77_mb():  # D1 prints 72: see errata
    rows = describe("INPUT 3x224x224 -> [CONV 64 3x3]*3 -> FC").rows[1:4]
    values = [row.activations for row in rows]
    assert [row.output for row in rows] == [(64, 224, 224)] * 3
    assert round(sum(values) / 1e6) == 10
    assert round(chain_training(values) * NUMBER_FORMATS["float32"] / 1e6) == 77
    assert 72 <= chain_training(values) * NUMBER_FORMATS["float32"] / 1e6 < 78


def test_parameters_gradients_and_a_step_cache_take_three_times_the_parameters():  # D1
    with_cache = [name for name, states in OPTIMIZER_STATES.items() if states]
    assert min(parameter_values(1, optimizer=name) for name in with_cache) == 3


@pytest.mark.parametrize(("name", "size"), [("float32", 4), ("float64", 8)])
def test_a_number_takes_4_bytes_and_in_double_precision_8(name, size):  # D1
    assert NUMBER_FORMATS[name] == size


# ---- C4: receptive fields


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 10])
def test_stacked_three_by_threes_see_1_plus_2_l(layers):  # D0, D1, D3: 2 see 5x5, 3 see 7x7
    seen = describe(f"INPUT 3x32x32 -> [CONV 8 3x3]*{layers} -> FC").rows[layers].field
    assert seen.size == (1 + 2 * layers,) * 2


def test_a_five_by_five_after_a_five_by_five_sees_nine_by_nine():  # D0
    assert Field().window(5).window(5).size == 9
    assert describe("INPUT 1x32x32 -> [CONV 4 5x5]*2 -> FC").rows[2].field.size == (9, 9)


def test_pooling_with_stride_and_dilation_enlarge_the_field():  # D2
    plain = describe("INPUT 1x32x32 -> CONV 4 3x3 -> CONV 4 3x3 -> FC").rows[2].field
    pooled = describe("INPUT 1x32x32 -> CONV 4 3x3 -> POOL -> CONV 4 3x3 -> FC").rows[3].field
    dilated = describe("INPUT 1x32x32 -> CONV 4 3x3 -> CONV 4 3x3 dilation 2 -> FC").rows[2].field
    assert (plain.size, pooled.size, dilated.size) == ((5, 5), (8, 8), (7, 7))


def test_a_unit_of_a_fully_connected_layer_sees_the_whole_image():  # D1
    assert describe("INPUT 3x32x32 -> CONV 8 3x3 -> FC 10").rows[2].field.whole


# ---- C7: inception

NAIVE = {(1, 128): 256, (3, 192): 256, (5, 96): 256}  # window and maps: channels in


def on_28(window, channels, maps):
    return convolution_multiplies((maps, channels, window, window), (28, 28))


def test_the_naive_module_makes_28_by_28_by_672():  # D0
    maps = [maps for _, maps in NAIVE] + [256]  # pooling keeps the depth
    assert sum(maps) == 672
    assert [output_size(28, window, padding="same") for window in (1, 3, 5, 3)] == [28] * 4


def test_the_naive_module_takes_854_million_multiplies():  # D0
    assert round(sum(on_28(window, channels, maps) for (window, maps), channels in NAIVE.items()) / 1e6) == 854


def test_described_as_a_network_it_is_the_same():
    class Naive(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList(nn.Conv2d(256, k, f, padding=f // 2) for f, k in NAIVE)
            self.pool = nn.MaxPool2d(3, stride=1, padding=1)

        def forward(self, maps):
            return torch.cat([*(branch(maps) for branch in self.branches), self.pool(maps)], dim=1)

    naive = describe(Naive(), in_channels=256, size=28)
    assert round(naive.multiplies / 1e6) == 854
    assert sum(row.output[0] for row in naive.rows[1:]) == 672


def test_the_bottleneck_of_the_five_by_five_takes_12_4_million_multiplies_for_120():  # D1
    assert round(on_28(5, 192, 32) / 1e6) == 120
    assert round((on_28(1, 192, 16) + on_28(5, 16, 32)) / 1e6, 1) == 12.4


def test_and_15872_parameters_for_153600():  # D1
    assert convolution_parameters(192, 32, (5, 5), biases=False) == 153_600
    reduce = convolution_parameters(192, 16, (1, 1), biases=False)
    assert reduce + convolution_parameters(16, 32, (5, 5), biases=False) == 15_872
    in_googlenet = [row for row in card("googlenet").rows if "inception3a.branch3." in row.layer and row.parameters]
    assert sum(map(weights, in_googlenet)) == 15_872  # the example is inception 3a's


# ---- The ResNet's bottleneck (D0, D3)


def test_resnets_bottleneck_goes_from_256_over_64_back_to_256_maps():
    block = [
        row for row in card("resnet50").rows if row.layer.startswith("layer1.1.change.") and row.kind == "convolution"
    ]
    assert [(row.input[0], row.output[0], row.window.kernel) for row in block] == [
        (256, 64, (1, 1)),
        (64, 64, (3, 3)),
        (64, 256, (1, 1)),
    ]


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_a_resnet_has_as_many_layers_with_weights_as_its_name_says(depth):
    kinds = [row for row in card(f"resnet{depth}").rows if row.kind in ("convolution", "fully connected")]
    assert sum("shortcut" not in row.layer for row in kinds) == depth


def test_twice_the_maps_at_half_the_sides_are_half_the_activations():  # D3
    rows = card("resnet34").grouped(1).rows
    stages = [next(row for row in rows if row.layer == f"layer{number}") for number in (1, 2, 3, 4)]
    volumes = [torch.Size(stage.output).numel() for stage in stages]
    assert [before / after for before, after in pairwise(volumes)] == [2, 2, 2]
