"""Where the lecture decks contradict the arithmetic: what is right, and the slip that gives what is printed.

Each slip has its number in docs/errata.md, E1 to E25. `says` is the deck's; the other side is computed.
"""

import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from striate import create_model, describe
from striate.arithmetic.counts import convolution_multiplies, convolution_parameters
from striate.arithmetic.memory import NUMBER_FORMATS, chain_training
from striate.arithmetic.windows import fit, output_size, transposed_output_size

card = cache(describe)


def weights(row):
    return row.parameters - (row.output[0] if row.parameters else 0)


def inside(name, *modules):
    """The rows of some modules, whatever stages they stand in."""
    return [row for row in card(name).rows if set(modules) & set(row.layer.split("."))]


def on_28(window, channels, maps):
    return convolution_multiplies((maps, channels, window, window), (28, 28))


# ---- E1


def test_e1_the_rows_of_vgg16_add_up_to_15_2_million_activations_and_not_24():
    says = 24e6
    activations = sum(row.activations for row in card("vgg16").rows)
    assert activations == 15_237_608
    assert activations < 0.64 * says
    assert round(activations * NUMBER_FORMATS["float32"] / 1e6) == 61  # the deck's 96 is 4 times its 24
    assert round(says * NUMBER_FORMATS["float32"] / 1e6) == 96


# ---- E2


def test_e2_the_60_million_parameters_are_alexnets_and_vgg16_has_138():
    assert round(card("vgg16").parameters_without_biases / 1e6) == 138
    assert round(card("alexnet_two_gpus").parameters / 1e6, -1) == 60


# ---- E3

BOTTLENECKED = [(1, 256, 64), (1, 256, 64), (1, 256, 128), (3, 64, 192), (5, 64, 96), (1, 256, 64)]


def test_e3_the_module_with_bottlenecks_takes_271_million_multiplies():
    assert round(sum(on_28(*row) for row in BOTTLENECKED) / 1e6) == 271


def test_e3_the_three_by_threes_87_million_added_twice_give_the_358_that_is_printed():
    twice = [*BOTTLENECKED, (3, 64, 192)]
    assert round(on_28(3, 64, 192) / 1e6) == 87
    assert round(sum(on_28(*row) for row in twice) / 1e6) == 358


# ---- E4


def test_e4_softmax_of_4_and_minus_1_is_993_to_7_thousandths():
    softmax = torch.tensor([4.0, -1.0], dtype=torch.float64).softmax(0)
    by_hand = [math.exp(score) / (math.exp(4) + math.exp(-1)) for score in (4, -1)]
    assert softmax.tolist() == pytest.approx(by_hand)
    assert [round(share, 4) for share in by_hand] == [0.9933, 0.0067]


def test_e4_with_powers_of_2_in_place_of_e_it_is_what_is_printed():
    assert [round(2**score / (2**4 + 2**-1), 2) for score in (4, -1)] == [0.97, 0.03]


# ---- E5


def test_e5_googlenets_first_convolution_has_9408_weights_and_118_million_multiplies():
    conv1 = inside("googlenet", "conv1")[0]
    assert weights(conv1) == 9408 == convolution_parameters(3, 64, (7, 7), biases=False)
    assert round(conv1.multiplies / 1e6) == 118


def test_e5_a_separable_one_with_8_maps_for_each_colour_has_the_2_7_k_and_34_m_that_are_printed():
    separable = nn.Sequential(
        nn.Conv2d(3, 24, 7, stride=2, padding=3, groups=3, bias=False), nn.Conv2d(24, 64, 1, bias=False)
    )
    described = describe(separable, size=224)
    assert described.rows[-1].output == (64, 112, 112)
    assert round(described.parameters / 1e3, 1) == 2.7
    assert round(described.multiplies / 1e6) == 34


# ---- E6


def test_e6_three_layers_of_c_maps_grow_with_the_square_of_c():
    three = [3 * convolution_parameters(c, c, (3, 3), biases=False) for c in (64, 128)]
    assert three == [27 * 64**2, 27 * 128**2]
    assert three[1] == 4 * three[0]  # with the deck's C³ it were 8 times
    assert three[0] < convolution_parameters(64, 64, (7, 7), biases=False) < 27 * 64**3  # with C³ it would not be fewer


def test_e6_resnets_start_with_hes_variance_and_not_with_xaviers():
    fan = 3 * 3 * 512
    variance = create_model("resnet18").get_parameter("layer4.1.change.conv1.weight").var().item()
    assert variance == pytest.approx(2 / fan, rel=0.02)
    assert variance == pytest.approx(2 * 2 / (fan + fan), rel=0.02)  # twice Xavier's


# ---- E7

HALVES = torch.tensor([10.0, 10, 10, 0, 0, 0]).expand(1, 1, 6, 6)
SOBEL = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def test_e7_the_valid_sobel_of_6_by_6_values_is_4_by_4():
    made = functional.conv2d(HALVES, SOBEL[None, None])[0, 0]
    assert made.tolist() == [[0, 40, 40, 0]] * output_size(6, 3)
    assert output_size(6, 3) == 4


def test_e7_no_padding_gives_six_rows_of_40():
    made = functional.conv2d(HALVES, SOBEL[None, None], padding=(1, 0))[0, 0]
    assert len(made) == 6 == output_size(6, 3, padding=1)
    assert made[0].tolist() == made[-1].tolist() == [0, 30, 30, 0]


# ---- E8


@pytest.mark.parametrize("pool", ["POOL", "POOL avg", "POOL 3x3/2", "POOL global"])
def test_e8_pooling_keeps_the_depth(pool):
    conv, pooled = describe(f"INPUT 3x32x32 -> CONV 20 -> {pool} -> FC").rows[1:3]
    assert conv.output[0] == pooled.output[0] == 20
    assert pooled.parameters == 0


# ---- E9, E10: GoogLeNet's table

STATED = {  # layer: weights in K, multiplies in M; "conv2" is its 1x1 and its 3x3
    "conv1": (2.7, 34),
    "conv2": (112, 360),
    "inception3a": (159, 128),
    "inception3b": (380, 304),
    "inception4a": (364, 73),
    "inception4b": (437, 88),
    "inception4c": (463, 100),
    "inception4d": (580, 119),
    "inception4e": (840, 170),
    "inception5a": (1072, 54),
    "inception5b": (1388, 71),
    "fc": (1000, 1),
}


def rows_of(layer):
    return inside("googlenet", layer, *(["conv3"] if layer == "conv2" else []))


def test_e9_googlenets_own_table_adds_up_to_6_8_million_and_not_5():
    assert round(sum(kilo for kilo, _ in STATED.values()) / 1e3, 1) == 6.8
    assert card("googlenet").parameters_without_biases == 6_990_272
    assert sum(weights(row) for row in card("googlenet").rows) == 6_990_272


def test_e9_it_has_9_times_fewer_than_alexnet_and_20_times_fewer_than_vgg16():
    parameters = card("googlenet").parameters
    assert round(card("alexnet_two_gpus").parameters / parameters) == 9  # D0 and D1: 12
    assert round(card("vgg16").parameters / parameters) == 20  # D2: 27
    assert [round(card(name).parameters / 5e6) for name in ("alexnet_two_gpus", "vgg16")] == [12, 28]


def test_e9_a_seventh_of_them_is_its_fully_connected_layer():  # "no FC layers"
    linear = inside("googlenet", "fc")[0]
    assert linear.kind == "fully connected"
    assert round(card("googlenet").parameters_without_biases / weights(linear)) == 7


def test_e10_the_weights_of_six_inception_modules_are_not_what_their_widths_give():
    counted = {layer: sum(map(weights, rows_of(layer))) for layer in STATED}
    off = {layer: counted[layer] for layer, (kilo, _) in STATED.items() if abs(counted[layer] / 1024 - kilo) > 1}
    assert off == {
        "conv1": 9_408,  # E5
        "inception4a": 375_552,
        "inception4c": 509_440,
        "inception4d": 604_672,
        "inception4e": 867_328,
        "inception5a": 1_042_432,
        "inception5b": 1_442_816,
    }
    kilo = [round(count / 1024, 1) for layer, count in off.items() if layer != "conv1"]
    assert kilo == [366.8, 497.5, 590.5, 847.0, 1018.0, 1409.0]  # the table: 364, 463, 580, 840, 1072, 1388


def test_e10_of_the_multiplies_all_follow_from_the_widths_but_conv1_and_5a():
    counted = {layer: sum(row.multiplies for row in rows_of(layer)) / 1e6 for layer in STATED}
    off = {layer: round(counted[layer]) for layer, (_, mega) in STATED.items() if abs(counted[layer] - mega) >= 1}
    assert off == {"conv1": 118, "inception5a": 51}


@pytest.mark.parametrize(
    ("layer", "places"), [("inception4c", 14), ("inception4d", 14), ("inception4e", 14), ("inception5b", 7)]
)
def test_e10_four_rows_contradict_themselves_since_each_weight_is_used_once_at_each_place(layer, places):
    kilo, mega = STATED[layer]
    assert kilo * 1024 * places**2 / 1e6 < mega - 1
    assert {row.output[1:] for row in rows_of(layer)} == {(places, places)}


# ---- E11


def test_e11_a_bias_is_added_and_multiplies_nothing():
    c1 = inside("lenet5", "c1")[0]
    assert c1.multiplies == 5 * 5 * 1 * 6 * 28 * 28 == 117_600
    assert c1.parameters * 28 * 28 == 122_304  # (F·F·D + 1)·K·W·H, as the deck has it: 4,704 additions too many
    assert c1.parameters * 28 * 28 - c1.multiplies == c1.activations  # one for every value that is made


# ---- E12


@pytest.mark.parametrize("window", [2, 4, 6])
def test_e12_no_padding_on_both_ends_keeps_the_size_under_an_even_window(window):
    assert 32 not in {output_size(32, window, padding=padding) for padding in range(window)}
    assert output_size(32, 2, padding=0) == 31  # "F < 3 ⇒ P = 0"
    assert output_size(32, 1, padding=0) == 32  # meant was F = 1


# ---- E13


def test_e13_a_window_of_3_makes_3_of_5_values_and_30_of_32():
    assert (output_size(5, 3), output_size(32, 3)) == (3, 30)


# ---- E14

PRINTED = torch.tensor([[[1.0, 0, -1], [1, 0, -2], [1, 0, -1]], [[1, 2, -1], [0, 0, 0], [-1, -2, -1]]])
MEANT = torch.tensor([[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]], [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]])
IMAGE = torch.stack([torch.ones(5, 5), functional.pad(torch.ones(1, 1), (2, 2, 2, 2))])
RESULT = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]


def test_e14_the_third_filter_of_example_2_gives_its_map_if_both_kernels_are_sobels():
    assert functional.conv2d(IMAGE[None], MEANT[None])[0, 0].tolist() == RESULT


def test_e14_the_kernels_that_are_printed_give_another_map():
    made = functional.conv2d(IMAGE[None], PRINTED[None])[0, 0].tolist()
    assert made == [[-2, -3, -2], [-1, -1, -1], [-2, 1, 0]]
    assert PRINTED[0].sum() == -1  # no filter for edges: it answers on even grey
    assert MEANT.sum() == 0


# ---- E15


def test_e15_dilation_puts_zeros_between_the_weights():
    line, kernel = torch.arange(12.0)[None, None] ** 2, torch.tensor([[[1.0, 2, 3]]])
    spread = torch.tensor([[[1.0, 0, 2, 0, 3]]])
    dilated = functional.conv1d(line, kernel, dilation=2)
    assert dilated.equal(functional.conv1d(line, spread))
    assert dilated.shape[2] == output_size(12, 3, dilation=2) == output_size(12, 5)


def test_e15_zeros_between_the_inputs_make_a_transposed_convolution():
    line, kernel = torch.arange(1.0, 7)[None, None], torch.tensor([[[1.0, 2, 3]]])
    spread = torch.zeros(1, 1, 11)
    spread[..., ::2] = line
    transposed = functional.conv_transpose1d(line, kernel, stride=2)
    assert transposed.equal(functional.conv1d(spread, kernel.flip(2), padding=2))
    assert transposed.shape[2] == transposed_output_size(6, 3, stride=2) == 13


# ---- E16


def test_e16_a_convolution_of_a_moved_picture_is_moved_and_not_the_same():
    generator = torch.Generator().manual_seed(0)
    picture, kernel = torch.randn(1, 1, 9, 9, generator=generator), torch.randn(1, 1, 3, 3, generator=generator)

    def filtered(picture):
        return functional.conv2d(functional.pad(picture, (1, 1, 1, 1), mode="circular"), kernel)  # without an edge

    before, after = filtered(picture), filtered(picture.roll(2, dims=3))
    assert torch.allclose(after, before.roll(2, dims=3), atol=1e-6)  # equivariant
    assert not torch.allclose(after, before, atol=0.1)  # and not invariant
    assert torch.allclose(after.amax((2, 3)), before.amax((2, 3)))  # global pooling is


# ---- E17


def test_e17_three_layers_of_3_2_million_take_77_mb_with_their_gradients():
    rows = describe("INPUT 3x224x224 -> [CONV 64 3x3]*3 -> FC").rows[1:4]
    values = chain_training([row.activations for row in rows])
    assert (values * NUMBER_FORMATS["float32"]) == 77_070_336
    assert round(values * NUMBER_FORMATS["float32"] / 2**20, 1) == 73.5  # MiB
    assert 72e6 / (2 * NUMBER_FORMATS["float32"]) == 9e6  # what 72 MB would hold: 3 times 3.0 million, not 3.2
    assert sum(row.activations for row in rows) == 9_633_792


# ---- E18


def test_e18_true_colour_has_8_bits_for_each_of_three_components():
    assert 3 * np.iinfo(np.uint8).bits == 24
    assert (np.iinfo(np.uint8).max + 1) ** 3 == 2**24


# ---- E19


def test_e19_lenet_5_has_five_layers_with_weights():
    kinds = [row.kind for row in card("lenet5").rows if row.parameters]
    assert (kinds.count("convolution"), kinds.count("fully connected")) == (2, 3)  # C5 is either, as D1 says
    without_c5 = sum(row.parameters for row in card("lenet5").rows if not row.layer.endswith(".c5"))
    assert (card("lenet5").parameters, without_c5) == (61_706, 13_586)


# ---- E20


def test_e20_numpy_takes_a_shape_as_one_tuple():
    with pytest.raises(TypeError):
        np.zeros(4 + 2 * 1, 5 + 2 * 1)
    padded = np.zeros((4 + 2 * 1, 5 + 2 * 1))
    padded[1 : 4 + 1, 1 : 5 + 1] = 1
    assert padded.sum() == 4 * 5


# ---- E21


def test_e21_max_pooling_is_not_linear():
    left, right = torch.tensor([[[1.0, 0]]]), torch.tensor([[[0.0, 1]]])
    assert functional.max_pool1d(left + right, 2).item() == 1
    assert (functional.max_pool1d(left, 2) + functional.max_pool1d(right, 2)).item() == 2


def test_e21_softmax_is_not_linear():
    scores = torch.tensor([4.0, -1.0])
    assert not torch.allclose((2 * scores).softmax(0), 2 * scores.softmax(0))
    assert torch.allclose((scores + 7).softmax(0), scores.softmax(0))


def test_e21_average_pooling_and_convolution_are():
    generator = torch.Generator().manual_seed(0)
    left, right, kernel = (torch.randn(1, 1, size, generator=generator) for size in (8, 8, 3))
    for layer in (lambda line: functional.avg_pool1d(line, 2), lambda line: functional.conv1d(line, kernel)):
        assert torch.allclose(layer(left + 3 * right), layer(left) + 3 * layer(right), atol=1e-5)


# ---- E22


def test_e22_the_gradient_of_elu_vanishes_far_below_zero_and_that_of_leaky_relu_does_not():
    far = torch.tensor([-10.0], requires_grad=True)
    (elu,) = torch.autograd.grad(functional.elu(far), far)
    (leaky,) = torch.autograd.grad(functional.leaky_relu(far, 0.1), far)
    assert elu.item() == pytest.approx(math.exp(-10), rel=1e-4)
    assert elu.item() < 5e-5
    assert leaky.item() == pytest.approx(0.1)


# ---- E23


def test_e23_two_numbers_tell_the_size_that_pooling_makes():
    assert [fit(32, window, stride=stride).places for window, stride in ((2, 2), (3, 2))] == [16, 15]


# ---- E24


def test_e24_the_vector_with_sigmas_slope_is_the_gradient_by_the_scores():
    scores = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    wanted = torch.tensor([1.0, 0.0, 0.5], dtype=torch.float64)
    shares = torch.sigmoid(scores)
    by_shares, by_scores = torch.autograd.grad(((wanted - shares) ** 2).sum(), (shares, scores))
    printed = -2 * (1 - shares) * shares * (wanted - shares)
    assert torch.allclose(by_scores, printed)
    assert torch.allclose(by_shares, -2 * (wanted - shares))
    assert not torch.allclose(by_shares, printed, rtol=0.5)


# ---- E25


def test_e25_alexnets_first_layer_has_96_filters():
    assert inside("alexnet", "conv1")[0].output[0] == inside("alexnet_two_gpus", "conv1")[0].output[0] == 96
    assert weights(inside("alexnet", "conv1")[0]) == 34_848
    assert convolution_parameters(3, 64, (11, 11), biases=False) == 23_232


# ---- the page


def test_every_slip_of_the_page_has_its_sum_and_its_test():
    page = (Path(__file__).parents[2] / "docs" / "errata.md").read_text(encoding="utf-8")
    listed, summed = re.findall(r"^\| \[(E\d+)\]", page, re.M), re.findall(r"^### (E\d+)$", page, re.M)
    tested = {name.split("_")[1].upper() for name in globals() if re.match(r"test_e\d+_", name)}
    assert listed == summed == sorted(tested, key=lambda name: int(name[1:]))
