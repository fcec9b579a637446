"""Cards against the tables of papers and lectures."""

import json

import pytest
import torch
from torch import nn

from striate.description.describing import describe

# layer: output, parameters, multiplies, activations; sizes and parameters as in LeCun et al. 1998, section II.B
LENET = {
    "input": ((1, 32, 32), 0, 0, 1024),
    "stage1.c1": ((6, 28, 28), 156, 117_600, 4704),
    "stage1.s2": ((6, 14, 14), 0, 0, 1176),
    "stage2.c3": ((16, 10, 10), 2416, 240_000, 1600),
    "stage2.s4": ((16, 5, 5), 0, 0, 400),
    "head.c5": ((120,), 48_120, 48_000, 120),
    "head.f6": ((84,), 10_164, 10_080, 84),
    "head.output": ((10,), 850, 840, 10),
}


def vgg16():
    layers, channels = [], 3
    for maps in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(channels, maps, 3, padding=1), nn.ReLU()] if maps else [nn.MaxPool2d(2)]
        channels = maps or channels
    dense = [nn.Flatten(), nn.Linear(25_088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, *dense)


def test_lenet_has_the_table_of_its_paper():
    card = describe("lenet5")
    table = {row.layer: (row.output, row.parameters, row.multiplies, row.activations) for row in card.rows}
    assert table == LENET
    assert list(table) == list(LENET)
    assert (card.parameters, card.parameters_without_biases, card.multiplies) == (61_706, 61_470, 416_520)
    assert card.activations == sum(activations for *_, activations in LENET.values()) == 9118
    assert card.not_counted == ("tanh",)


def test_the_two_layer_network_multiplies_once_for_every_weight():
    card = describe("mlp")
    assert card.parameters_without_biases == card.multiplies == 3072 * 100 + 100 * 10
    assert card.parameters == card.multiplies + 110


def test_vgg16_has_the_totals_that_its_table_adds_up_to():
    with torch.device("meta"):
        card = describe(vgg16(), size=224)
    assert card.parameters_without_biases == 138_344_128
    assert round(card.activations / 1e6, 1) == 15.2  # the lecture's 24 M does not add up (errata E1)
    assert round(card.multiplies / 1e9, 2) == 15.47
    most = max(card.rows, key=lambda row: row.parameters)
    assert (most.parameters, most.output) == (102_760_448 + 4096, (4096,))


@pytest.mark.parametrize(
    ("layers", "image", "output", "weights", "multiplies"),
    [
        ([nn.Conv2d(3, 96, 11, stride=4)], (3, 227), (96, 55, 55), 34_848, 105_415_200),  # AlexNet's first
        ([nn.Conv2d(3, 64, 7, stride=2, padding=3)], (3, 224), (64, 112, 112), 9408, 118_013_952),  # GoogLeNet's first
        ([nn.Conv2d(192, 32, 5, padding=2)], (192, 28), (32, 28, 28), 153_600, 120_422_400),  # Inception's 5x5
        ([nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2)], (192, 28), (32, 28, 28), 15_872, 12_443_648),
        ([nn.Conv2d(2, 4, 3)], (2, 6), (4, 4, 4), 72, 1152),
        ([nn.Conv2d(2, 2, 3, groups=2), nn.Conv2d(2, 4, 1)], (2, 6), (4, 4, 4), 26, 416),  # the same, separable
    ],
)
def test_layers_count_as_the_lectures_count_them(layers, image, output, weights, multiplies):
    channels, side = image
    card = describe(nn.Sequential(*layers), in_channels=channels, size=side)
    assert card.rows[-1].output == output
    assert sum(layer.weight.numel() for layer in layers) == card.parameters_without_biases == weights
    assert card.multiplies == multiplies


@pytest.mark.parametrize(
    ("pool", "kind", "output"),
    [
        (nn.AvgPool2d(2), "average pooling", (3, 4, 4)),
        (nn.MaxPool2d(3, stride=2), "max pooling", (3, 3, 3)),
        (nn.AdaptiveAvgPool2d(2), "average pooling", (3, 2, 2)),
        (nn.AdaptiveAvgPool2d(1), "average pooling", (3, 1, 1)),
        (nn.AdaptiveMaxPool2d(2), "max pooling", (3, 2, 2)),
    ],
    ids=str,
)
def test_every_pooling_has_a_row_and_counts_its_activations(pool, kind, output):
    rows = [(row.kind, row.output) for row in describe(pool, size=8).rows]
    assert rows == [("image", (3, 8, 8)), (kind, output)]


def test_a_layer_over_places_counts_the_activations_of_all_places():
    network = nn.Sequential(nn.Flatten(2), nn.Linear(64, 5))  # three places of 64 values each
    row = describe(network, size=8).rows[-1]
    assert (row.output, row.activations, row.multiplies) == ((3, 5), 15, 960)


def test_a_product_in_several_heads_counts_the_activations_of_all_heads():
    class Products(nn.Module):
        def forward(self, images):
            return images @ images.transpose(2, 3)

    row = describe(Products(), size=8).rows[-1]
    assert (row.output, row.activations, row.multiplies) == ((3, 8, 8), 192, 1536)


@pytest.mark.parametrize("layers", [[], [nn.BatchNorm2d(4)]], ids=["convolution", "convolution and batch norm"])
def test_the_parameters_of_the_rows_add_up_to_the_total(layers):
    card = describe(nn.Sequential(nn.Conv2d(3, 4, 3), *layers), size=8)
    assert sum(row.parameters for row in card.rows) == card.parameters


def test_a_card_is_plain_values_ready_for_json():
    values = describe("lenet5", size=28, num_classes=3).to_dict()
    again = json.loads(json.dumps(values))
    assert again["rows"][-1] == {
        "layer": "head.output",
        "kind": "fully connected",
        "input": [84],
        "output": [3],
        "window": None,
        "parameters": 255,
        "multiplies": 252,
        "activations": 3,
        "field": {"size": [28, 28], "stride": [0, 0], "offset": [0, 0], "whole": True},
    }
    assert again["multiplies"] == sum(row["multiplies"] for row in again["rows"])


def test_describing_allocates_no_weights():
    assert describe("mlp", size=16_000).parameters == 3 * 16_000**2 * 100 + 1110  # 307 GB
