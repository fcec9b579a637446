"""What every layer must do as torch's own do: the same questions to each."""

import copy

import pytest
import torch
from torch import nn

import striate
from striate.errors import SettingsError, SizeError
from striate.layers.activations import Maxout, Softmax
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.pooling import L2Pool2d, MinPool2d
from striate.layers.separable import DepthwiseSeparableConv2d, SpatiallySeparableConv2d
from striate.layers.squeeze import SqueezeExcitation
from striate.layers.unpooling import BedOfNails, SwitchPool2d, SwitchUnpool2d

CHANNELS, HEIGHT, WIDTH = 4, 5, 6


class ThereAndBack(nn.Module):
    """Pooling an odd height, and unpooling it by the switches."""

    def __init__(self, window):
        super().__init__()
        self.pool, self.unpool = SwitchPool2d(window, 2, 1), SwitchUnpool2d()

    def forward(self, maps):
        return self.unpool(*self.pool(maps))


LAYERS = {
    "maxout": Maxout,
    "softmax": lambda: Softmax(base=2),
    "locally connected": lambda: LocallyConnected2d(CHANNELS, 3, (HEIGHT, WIDTH), 3, stride=2, padding=1),
    "L2 pooling": lambda: L2Pool2d(3, 2, 1),
    "min pooling": lambda: MinPool2d(3, 2, 1),
    "bed of nails": lambda: BedOfNails(2),
    "switches": lambda: ThereAndBack(2),
    "switches of windows that overlap": lambda: ThereAndBack(3),
    "spatially separable": lambda: SpatiallySeparableConv2d(CHANNELS, 3, 3, padding=1, rank=2),
    "depthwise separable": lambda: DepthwiseSeparableConv2d(CHANNELS, 3, 3, stride=2, padding=1),
    "squeeze and excitation": lambda: SqueezeExcitation(CHANNELS, reduction=2),
}
each_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
EVERY_TIME = ("softmax", "switches of windows that overlap", "squeeze and excitation")
a_few_layers = pytest.mark.parametrize(  # the others when there is time
    "name", [pytest.param(name, marks=() if name in EVERY_TIME else pytest.mark.slow) for name in LAYERS]
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def maps():
    return torch.randn(2, CHANNELS, HEIGHT, WIDTH)


def outcome(layer, maps):
    """What it makes of the maps, and the gradients of a sum of that, weighted so that its parts differ."""
    maps = maps.clone().requires_grad_()
    made = layer(maps)
    weights = torch.linspace(-1, 1, made.numel()).view(made.shape)
    return made, *torch.autograd.grad((made * weights).sum(), (maps, *layer.parameters()))


@each_layer
def test_the_memory_layout_stays_as_it_came(make, maps):
    layer = make()
    plain = layer(maps)
    assert plain.is_contiguous()
    layer.to(memory_format=torch.channels_last)
    last = layer(maps.to(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain)


@each_layer
def test_the_maps_are_not_written_to(make, maps):
    before = maps.clone()
    make()(maps)
    assert torch.equal(maps, before)


@each_layer
def test_images_of_one_batch_do_not_touch_each_other(make, maps):
    layer = make()
    torch.testing.assert_close(layer(maps)[1:], layer(maps[1:]))


@each_layer
def test_the_gradient_is_that_of_small_differences(make, maps):
    layer = make().double()
    inputs = (maps.double().requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(lambda maps, *_: layer(maps), inputs)


@a_few_layers
def test_compiled_in_one_graph_it_does_the_same(name, maps):
    layer = LAYERS[name]()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(outcome(compiled, maps), outcome(layer, maps))


@pytest.mark.slow
@each_layer
def test_compiled_for_any_size_it_does_the_same(make, maps):
    layer = make()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    torch.testing.assert_close(outcome(compiled, maps), outcome(layer, maps))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # torch's own use
@each_layer
def test_compiled_to_machine_code_it_does_the_same(make, maps):
    layer = make()
    compiled = torch.compile(layer, fullgraph=True)
    torch.testing.assert_close(outcome(compiled, maps), outcome(layer, maps))


@a_few_layers
def test_exported_for_any_batch_it_does_the_same(name, maps):
    layer = LAYERS[name]()
    exported = torch.export.export(layer, (maps,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    more = torch.randn(5, CHANNELS, HEIGHT, WIDTH)
    torch.testing.assert_close(exported.module()(more), layer(more))


@each_layer
@pytest.mark.parametrize("number_format", [torch.float64, torch.bfloat16])
def test_other_number_formats_come_out_as_they_came(make, maps, number_format):
    layer = make()
    expected = layer(maps)
    made = layer.to(number_format)(maps.to(number_format))
    assert made.dtype is number_format
    torch.testing.assert_close(made.float(), expected, atol=0.05, rtol=0.05)


@each_layer
def test_a_copy_does_the_same_and_stands_alone(make, maps):
    layer = make()
    expected = layer(maps)
    copied = copy.deepcopy(layer)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(copied(maps), expected)


@pytest.mark.parametrize("make", [make for make in LAYERS.values() if list(make().parameters())])
def test_a_new_layer_with_the_same_state_does_the_same(make, maps):
    layer, other = make(), make()
    assert not torch.equal(other(maps), layer(maps))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(maps), layer(maps))


@each_layer
def test_it_can_be_described(make):
    layer = make()
    network = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), layer)
    card = striate.describe(network, (HEIGHT, WIDTH))
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.not_followed == ()


@pytest.mark.parametrize(
    "name", ["locally connected", "squeeze and excitation", "maxout", "spatially separable", "depthwise separable"]
)
def test_maps_of_other_channels_are_refused_with_both_numbers(name):
    layer = nn.Sequential(LAYERS[name]())
    with pytest.raises(SizeError, match=r"\b7\b.*\b(4|2)\b"):
        layer(torch.zeros(2, 7, HEIGHT, WIDTH))


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"maxout", "bed of nails", "min pooling", "switches"}))
def test_whole_numbers_are_refused_by_what_cannot_take_them(name):
    with pytest.raises(
        SettingsError, match=r"^the input is of torch.int64; expected floating point numbers: convert it"
    ):
        LAYERS[name]()(torch.ones(2, CHANNELS, HEIGHT, WIDTH, dtype=torch.int64))


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"maxout", "softmax"}))
def test_one_image_may_come_without_a_batch(name, maps):
    layer = LAYERS[name]()
    torch.testing.assert_close(layer(maps[1]), layer(maps)[1])


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Maxout(3), "Maxout(pieces=3, dim=1)"),
        (Softmax(base=2), "Softmax(base=2, dim=1)"),
        (MinPool2d(3, 2, 1), "MinPool2d(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))"),
        (BedOfNails(2), "BedOfNails(scale=2)"),
        (
            LocallyConnected2d(1, 2, 5, 3, bias=False),
            "LocallyConnected2d(1, 2, size=(5, 5), kernel_size=(3, 3), stride=(1, 1), padding=(0, 0), bias=False)",
        ),
    ],
)
def test_printed_it_says_how_to_build_it(layer, text):
    assert repr(layer) == text
