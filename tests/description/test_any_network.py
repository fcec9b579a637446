"""Networks as people write them: nothing is missed, and what cannot be followed is said.

Two oracles: torch's own counter, 2 operations for a multiply, and, for what it passes over, sums by hand.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from striate.description.describing import describe

SIZE = 8


class Network(nn.Module):
    """A forward pass as a function of the network and the images, over modules and parameters by name."""

    def __init__(self, forward, **parts):
        super().__init__()
        self._forward = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, images):
        return self._forward(self, images)


def conv(channels=3, maps=4, size=3, **options):
    return nn.Conv2d(channels, maps, size, padding="same", **options)


def weight(*shape):
    return nn.Parameter(torch.randn(*shape))


def tied():
    one, other = nn.Linear(8, 5), nn.Linear(8, 5)
    other.weight = one.weight
    return Network(lambda net, images: net.one(images) + net.other(images), one=one, other=other)


def branches(net, images):
    left, right = net.left(images), net.right(images)
    return net.meet(torch.cat([left, right], 1)) + left


def in_place(net, images):
    maps = net.first(images)
    maps[:, :2] *= 2
    return net.second(maps.relu_().add_(1))


def scaled(net, images):
    return net.first((images - net.mean) / net.spread) + net.plain


def with_statistics():
    net = Network(scaled, first=conv())
    net.register_buffer("mean", torch.zeros(3, 1, 1))
    net.register_buffer("spread", torch.ones(3, 1, 1), persistent=False)
    net.plain = torch.zeros(4, 1, 1)  # no buffer: it stays on the processor
    return net


COUNTED = {
    "functional pooling": Network(lambda net, x: net.a(F.max_pool2d(net.b(x), 2)).mean((2, 3)), a=conv(4), b=conv()),
    "a module used twice": Network(lambda net, x: net.a(net.a(x).relu()), a=conv(3, 3)),
    "a functional convolution": Network(lambda net, x: F.conv2d(x, net.kernel, stride=2), kernel=weight(5, 3, 3, 3)),
    "branches": Network(branches, left=conv(), right=conv(3, 2, 5), meet=conv(6, 4, 1)),
    "einsum": Network(lambda net, x: torch.einsum("nchw,ck,hl->nklw", x, net.a, net.b), a=weight(3, 5), b=weight(8, 2)),
    "einsum over itself": Network(lambda _net, x: torch.einsum("nchw,ndhw->ncd", x, x)),
    "matmul": Network(lambda net, x: (x @ net.a) @ net.b, a=weight(8, 6), b=weight(3, 6, 2)),
    "grouped, dilated": nn.Sequential(conv(3, 6, groups=3), conv(6, 4, dilation=2, groups=2)),
    "transposed": nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1, groups=1),
    "transposed, grouped": nn.ConvTranspose2d(3, 6, 4, stride=3, padding=1, groups=3),
    "signals": nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 6, 5, padding="same"), nn.ConvTranspose1d(6, 2, 3, stride=2)),
    "volumes": nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2)),
    "tied weights": tied(),
    "weight normalisation": nn.Sequential(parametrizations.weight_norm(conv()), nn.Flatten(), nn.Linear(256, 2)),
    "in place": Network(in_place, first=conv(), second=conv(4)),
    "buffers and a plain tensor": with_statistics(),
    "a tuple": Network(lambda net, x: (net.a(x), [net.b(x)]), a=conv(), b=conv(3, 2)),
    "a dictionary": Network(lambda net, x: {"scores": net.a(x), "maps": net.b(x)}, a=conv(), b=conv(3, 2)),
    "lists of modules": Network(
        lambda net, x: sum(part(x) for part in net.parts), parts=nn.ModuleList([conv(), conv()])
    ),
    "unfold": Network(lambda net, x: net.a(F.unfold(x, 3).mT), a=nn.Linear(27, 4)),
    "a batch of one put aside": Network(lambda net, x: net.a(x[0])[None], a=conv()),
    "another number format inside": Network(lambda net, x: F.linear(x.double(), net.a.double()), a=weight(5, 8)),
    "channels last": conv().to(memory_format=torch.channels_last),
}


def counted_by_torch(network, shape=(3, SIZE, SIZE)):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.randn(1, *shape))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", COUNTED)
def test_multiplies_are_torchs_and_no_parameter_is_missed(name):
    network = COUNTED[name]
    card = describe(network, size=SIZE)
    assert card.multiplies == counted_by_torch(network) > 0
    assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert card.parameters == sum(row.parameters for row in card.rows)
    assert (card.unused, card.not_followed) == ((), ())


T, E = 3, 64  # tokens of so many values: the three channels of an image
BY_HAND = {
    "attention": (nn.MultiheadAttention(E, 4, batch_first=True), 4 * T * E * E + 2 * T * T * E),
    "recurrence": (nn.RNN(E, 5, batch_first=True), T * 5 * (E + 5)),
    "recurrence, gated": (nn.GRU(E, 5, batch_first=True), T * 3 * 5 * (E + 5)),
    "recurrence, two ways": (nn.LSTM(E, 5, bidirectional=True, batch_first=True), 2 * T * 4 * 5 * (E + 5)),
    "recurrence, two layers": (nn.LSTM(E, 5, 2, batch_first=True), T * 4 * 5 * (E + 5) + T * 4 * 5 * (5 + 5)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_attention_and_recurrence_are_the_sum_of_their_matrices(name):
    layer, multiplies = BY_HAND[name]
    inputs = 3 if name == "attention" else 1
    network = Network(lambda net, x: net.layer(*(x.flatten(2),) * inputs)[0], layer=layer)
    card = describe(network, size=SIZE)
    assert card.multiplies == multiplies
    assert sum(row.parameters for row in card.rows) == card.parameters == sum(p.numel() for p in layer.parameters())


def test_a_vector_is_a_matrix_of_one_column():
    card = describe(Network(lambda net, x: x.flatten(2) @ net.a, a=weight(E)), size=SIZE)
    assert (card.multiplies, card.rows[-1].parameters) == (T * E, E)


def test_a_bilinear_layer_multiplies_by_its_matrix_and_by_the_other_vector():
    network = Network(lambda net, x: net.layer(x.flatten(2), x.flatten(2)), layer=nn.Bilinear(E, E, 5))
    card = describe(network, size=SIZE)
    assert card.parameters == sum(row.parameters for row in card.rows) == 5 * E * E + 5
    assert card.multiplies == T * 5 * (E * E + E)


def depends_on_a_sum(net, images):
    maps = net.first(images)
    return net.second(maps) if maps.sum() > 0 else maps


def depends_on_an_item(net, images):
    return net.second(net.first(images) * images.amax().item())


@pytest.mark.parametrize(("forward", "layers"), [(depends_on_a_sum, 1), (depends_on_an_item, 2)])
def test_the_value_of_a_tensor_is_assumed_and_said(forward, layers):
    card = describe(Network(forward, first=conv(), second=conv(4)), size=SIZE)
    assert card.not_followed == (card.not_followed[0],)
    assert "the value of a tensor, which was taken for" in card.not_followed[0]
    assert [row.layer for row in card.rows] == ["input", "first", "second" if layers == 2 else "(unused)"]
    assert card.unused == ("second.weight", "second.bias")[: 2 * (2 - layers)]


@pytest.mark.parametrize(
    "choose", [torch.nonzero, lambda maps: maps[maps > 0], torch.unique], ids=["nonzero", "mask", "unique"]
)
def test_where_shapes_depend_on_values_the_table_ends_and_says_so(choose):
    network = Network(lambda net, x: net.second(choose(net.first(x)).float()), first=conv(), second=nn.Linear(4, 4))
    card = describe(network, size=SIZE)
    assert [row.layer for row in card.rows] == ["input", "first", "(unused)"]
    assert card.multiplies == 4 * 3 * 9 * SIZE**2
    assert card.parameters == 112 + 20
    assert "in its own forward, the shape that" in card.not_followed[0]
    assert card.not_followed[0].endswith("what comes after is not in the table")


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # from torch's own import of its compiler
def test_a_compiled_network_is_described_as_it_is():
    network = nn.Sequential(conv(), nn.ReLU(), conv(4))
    assert describe(torch.compile(network), size=SIZE).to_dict() == describe(network, size=SIZE).to_dict()


def test_weights_made_in_inference_mode_are_described_too():
    with torch.inference_mode():
        network = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(256, 2))
    card = describe(network, size=SIZE)
    assert (card.multiplies, card.parameters) == (108 * 64 + 512, 112 + 8 + 514)


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16], ids=str)
def test_weights_of_half_the_precision_are_cast_to_the_images_and_found(number):
    network = Network(lambda net, x: F.linear(x, net.a.to(x.dtype), net.b.to(x.dtype)), a=weight(5, 8), b=weight(5))
    card = describe(network.to(number), size=SIZE)
    assert [(row.kind, row.parameters, row.multiplies) for row in card.rows[1:]] == [("fully connected", 45, 960)]


def test_a_class_token_is_used_by_what_puts_it_beside_the_others():
    network = Network(
        lambda net, x: net.a(torch.cat([net.token, x.flatten(2)], 1)), token=weight(1, 1, E), a=nn.Linear(E, 2)
    )
    card = describe(network, size=SIZE)
    assert [(row.kind, row.parameters) for row in card.rows[1:]] == [("cat", 64), ("fully connected", 130)]
    assert card.unused == ()


def test_parameters_that_no_image_needs_are_named():
    network = Network(lambda net, x: net.a(x), a=conv(), b=conv(3, 2), spare=weight(7))
    card = describe(network, size=SIZE)
    assert set(card.unused) == {"b.weight", "b.bias", "spare"}
    assert card.parameters == 112 + 56 + 7
    last = card.rows[-1]
    assert (last.layer, last.parameters, last.multiplies, last.activations) == ("(unused)", 56 + 7, 0, 0)
