"""Training steps of networks that recompute, learn odd things or help themselves, and of those that cannot be trained.

By contract: a figure or a reason, and the user's network as it was. The figures are held by torch's own rules: what is
computed again is not kept, and a parameter that learns has a gradient and a state.
"""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from striate.description.describing import describe
from striate.description.memory import Conditions, inference_bytes, memory_of, training_bytes

REENTRANT = pytest.mark.parametrize("reentrant", [True, False], ids=["reentrant", "not reentrant"])
pytestmark = pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad:UserWarning")  # torch's, in eval


class Checkpointed(nn.Module):
    """A layer that keeps nothing, and computes its maps again when the backward pass asks for them."""

    def __init__(self, layers, reentrant):
        super().__init__()
        self.layers, self.reentrant = layers, reentrant

    def forward(self, maps):
        return checkpoint(self.layers, maps, use_reentrant=self.reentrant)


def stage(channels):
    layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()] * 3
    return nn.Sequential(*(type(layer)(*arguments(layer)) for layer in layers))


def arguments(layer):
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.out_channels, 3, 1, 1
    return (layer.num_features,) if isinstance(layer, nn.BatchNorm2d) else ()


def network_of(wrap):
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *(wrap(stage(8)) for _ in range(4)))


@REENTRANT
def test_what_is_computed_again_is_not_kept(reentrant):
    conditions = Conditions((3, 32, 32), 8)
    plain = memory_of(network_of(lambda layers: layers), conditions)
    again = memory_of(network_of(lambda layers: Checkpointed(layers, reentrant)), conditions)
    assert again.why_not == ""
    assert again.inference == plain.inference
    one_map = 4 * 8 * 8 * 32 * 32
    assert again.training < plain.training - 4 * one_map


@REENTRANT
def test_a_network_that_recomputes_is_left_as_it_was(reentrant):
    network = network_of(lambda layers: Checkpointed(layers, reentrant))
    values = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    assert describe(network, 16, batch=4).memory.training > 0
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(tensor, values[name]) for name, tensor in network.state_dict().items())
    assert {int(module.num_batches_tracked) for module in network.modules() if isinstance(module, nn.BatchNorm2d)} == {
        0
    }
    assert torch.equal(torch.get_rng_state(), random)
    assert all(tensor.device.type == "cpu" for tensor in network.state_dict().values())


class WithLearntBias(nn.Module):
    """Attention to whose scores a learnt bias is added, as Swin's."""

    def __init__(self, *, learnt):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 2, 16, 16), requires_grad=learnt)

    def forward(self, tokens):  # (N, 2, 16, D)
        return F.scaled_dot_product_attention(tokens, tokens, tokens, attn_mask=self.bias)


def test_a_learnt_bias_of_attention_has_a_gradient_and_a_state():
    learnt, fixed = (
        memory_of(nn.Sequential(nn.Linear(8, 8), WithLearntBias(learnt=on)), Conditions((2, 16, 8), 4))
        for on in (True, False)
    )
    assert (learnt.why_not, fixed.why_not) == ("", "")
    assert learnt.training >= fixed.training + 2 * 4 * (2 * 16 * 16)  # gradient and momentum, of 4 bytes


def test_the_step_with_a_learnt_bias_is_one_that_torch_can_take():
    network = nn.Sequential(nn.Linear(8, 8), WithLearntBias(learnt=True))
    network(torch.rand(2, 2, 16, 8)).sum().backward()
    assert network[1].bias.grad.abs().sum() >= 0


@pytest.mark.parametrize("number", ["float32", "float64"])
def test_bytes_do_not_depend_on_torchs_default_number_format(number):
    def bytes_now():
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        conditions = Conditions((3, 16, 16), 4, number)
        return inference_bytes(network, conditions), training_bytes(network, conditions)

    expected = bytes_now()
    torch.set_default_dtype(torch.float64)
    try:
        assert bytes_now() == expected
    finally:
        torch.set_default_dtype(torch.float32)


SIGNALS = nn.Sequential(  # as EEGNet (arXiv:1611.08024): electrodes by time, one after the other
    OrderedDict(
        time=nn.Conv2d(1, 4, (1, 7), padding="same", bias=False),
        space=nn.Conv2d(4, 8, (6, 1), groups=4, bias=False),
        pool=nn.AvgPool2d((1, 4)),
        flat=nn.Flatten(),
        scores=nn.Linear(8 * 8, 2),
    )
)


class OfSignals(nn.Module):
    """Takes (N, electrodes, time), and puts the axis of channels there itself."""

    def __init__(self):
        super().__init__()
        self.layers = SIGNALS

    def forward(self, signals):
        return self.layers(signals[:, None])


def test_convolutions_over_two_axes_of_a_one_dimensional_image_keep_their_rows():
    card = describe(OfSignals(), (32,), in_channels=6)
    rows = {row.layer: (row.kind, row.output, row.multiplies) for row in card.rows[1:]}
    assert rows == {
        "layers.time": ("convolution", (4, 6, 32), 7 * 4 * 6 * 32),
        "layers.space": ("depthwise convolution", (8, 1, 32), 6 * 8 * 32),  # each map has 6 weights, of its own channel
        "layers.pool": ("average pooling", (8, 1, 8), 0),
        "layers.scores": ("fully connected", (2,), 64 * 2),
    }
    assert sum(row.parameters for row in card.rows) == card.parameters == 28 + 48 + 130
    assert card.memory.training > 0


class Volumes(nn.Module):
    """Takes flat images for volumes of one slice after another, and slides the same window over them twice."""

    def __init__(self):
        super().__init__()
        self.twice = nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, images):
        return self.twice(self.twice(images[:, None]).relu())


def test_a_volumes_convolution_used_twice_on_flat_images_multiplies_twice():
    card = describe(Volumes(), (8, 10), in_channels=5)
    assert [(row.layer, row.multiplies, row.parameters) for row in card.rows[1:]] == [
        ("twice", 3 * 5 * 80, 4),
        ("twice", 3 * 5 * 80, 0),
    ]
    cube = describe(nn.Sequential(*[nn.Conv3d(1, 1, 3, 1, 1)] * 2), (4, 4, 4), in_channels=1)
    assert [row.multiplies for row in cube.rows[1:]] == [27 * 64] * 2


def test_a_step_that_ends_in_an_error_of_any_kind_gives_a_reason():
    class Never(nn.Module):
        def forward(self, maps):
            return maps if not self.training else maps.no_such_thing

    memory = memory_of(nn.Sequential(nn.Conv2d(3, 4, 1), Never()), Conditions((3, 8, 8)))
    assert memory.inference > 0
    assert memory.training is None
    assert "no_such_thing" in memory.why_not
