"""Multiplies against torch's own counter, which counts a multiply-accumulate as two operations."""

from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate.description.describing import describe


def multiplies_by_torch(network, shape):
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(1, *shape))
    return counter.get_total_flops() // 2


@some.composite
def convolutions(draw):
    """A convolution of random shape, perhaps grouped, dilated or transposed, and the channels it takes."""
    groups, inner, outer = draw(some.integers(1, 3)), draw(some.integers(1, 3)), draw(some.integers(1, 3))
    options = {name: draw(some.integers(1, 3)) for name in ("kernel_size", "stride", "dilation")}
    kind = draw(some.sampled_from([nn.Conv2d, nn.ConvTranspose2d]))
    padding, bias = draw(some.integers(0, 1)), draw(some.booleans())
    return kind(groups * inner, groups * outer, groups=groups, padding=padding, bias=bias, **options), groups * inner


@settings(max_examples=40)
@given(convolution=convolutions(), size=some.tuples(some.integers(8, 12), some.integers(8, 12)))
def test_any_convolution_multiplies_as_torch_counts(convolution, size):
    network, channels = convolution
    card = describe(network, in_channels=channels, size=size)
    assert card.multiplies == multiplies_by_torch(network, (channels, *size))
    with torch.no_grad():
        assert card.rows[-1].output == network(torch.randn(1, channels, *size)).shape[1:]


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        return self.convolution(self.convolution(images).relu())


class Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5))

    def forward(self, images):
        rows = images.flatten(0, 1)  # (3, 8, 8)
        products = torch.bmm(rows, rows.mT) + torch.baddbmm(rows, rows, rows) + torch.einsum("nij,nkj->nik", rows, rows)
        return torch.addmm(torch.zeros(5, device=images.device), products[0] @ products[1], self.weight)


NETWORKS = {
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(192, 7), nn.Linear(7, 3, bias=False)),
    "linear over places": nn.Linear(8, 5),
    "one-dimensional": nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 6, 5, stride=2, dilation=2, groups=3)),
    "three-dimensional": nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 4, 3, padding=1)),
    "transposed one-dimensional": nn.Sequential(nn.Flatten(2), nn.ConvTranspose1d(3, 4, 3, stride=2, output_padding=1)),
    "same padding": nn.Conv2d(3, 4, 5, padding="same", padding_mode="circular"),
    "twice": Twice(),
    "products": Products(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_multiplies_as_torch_counts(name):
    network = NETWORKS[name]
    assert describe(network, size=8).multiplies == multiplies_by_torch(network, (3, 8, 8)) > 0


def test_attention_and_recurrence_multiply_as_their_formulas_do():  # on a processor torch's counter passes them over
    attention = nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(64, 4, batch_first=True))  # on 3 places
    projections, products, feedforward = 3 * 64 * 4 * 64, 2 * 3 * 3 * 64, 2 * 3 * 64 * 2048
    assert describe(attention, size=8).multiplies == projections + products + feedforward
    recurrence = nn.Sequential(nn.Flatten(2), nn.LSTM(64, 4, batch_first=True))  # 3 steps, 4 gates
    assert describe(recurrence, size=8).multiplies == 3 * 4 * 4 * (64 + 4)


def test_a_module_used_twice_multiplies_twice_and_has_its_parameters_once():
    card = describe(Twice(), size=8)
    assert [row.parameters for row in card.rows] == [0, 84, 0]
    assert card.parameters == 84
    assert len({row.multiplies for row in card.rows[1:]}) == 1


def test_rows_bear_the_names_of_their_modules():
    inner = nn.Sequential(OrderedDict(first=nn.Conv2d(3, 4, 3), pool=nn.MaxPool2d(2)))
    network = nn.Sequential(OrderedDict(body=inner, flatten=nn.Flatten(), head=nn.Linear(36, 2)))
    assert [row.layer for row in describe(network, size=8).rows] == ["input", "body.first", "body.pool", "head"]


def test_what_runs_between_the_modules_is_functional():
    class Gram(nn.Sequential):
        def forward(self, images):
            maps = super().forward(images)
            return maps @ maps.mT

    assert [row.layer for row in describe(Gram(nn.Conv2d(3, 4, 3)), size=8).rows] == ["input", "0", "(functional)"]


def test_what_is_not_counted_is_listed_by_name():
    class Vector(nn.Module):
        def forward(self, images):
            return (images[0, 0] @ images[0, 0, 0]).sigmoid()[None]

    card = describe(nn.Sequential(Vector(), nn.ReLU()), size=8)
    assert card.multiplies == 64
    assert {"sigmoid", "relu"} == set(card.not_counted)
