"""Forwards that raise, loop, or do what torch refuses: one sentence with the module, and a network left as it was."""

import re
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from striate.description.describing import describe
from striate.errors import SettingsError, SizeError, StriateError


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, maps):
        return self.function(maps)


def inside(function):
    """A network whose second module, `odd`, is the function."""
    return nn.Sequential(OrderedDict(first=nn.Conv2d(3, 4, 3, padding=1), odd=Apply(function)))


def hooks(network):
    return [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in network.modules()]


RAISED = {
    "KeyError": lambda maps: {"maps": maps}["map"],
    "AttributeError": lambda maps: maps.no_such_thing,
    "TypeError": lambda maps: maps + "one",
    "StopIteration": lambda _maps: next(iter(())),
    "ZeroDivisionError": lambda maps: maps / (1 // (len(maps) - 1)),
}


@pytest.mark.parametrize("kind", RAISED)
def test_whatever_a_forward_raises_is_a_sentence_with_the_module(kind):
    network = inside(RAISED[kind])
    with pytest.raises(SizeError, match=f"3 channels and 8×8 pixels: in odd, {kind}: ") as caught:
        describe(network, 8)
    assert "\n" not in str(caught.value)
    assert hooks(network) == [(0, 0)] * 3


def test_an_error_that_comes_of_an_assumed_value_says_what_was_assumed():
    with pytest.raises(
        SizeError, match=r"in odd, ZeroDivisionError: .* \(in odd, the value of a tensor, which was taken"
    ):
        describe(inside(lambda maps: maps / (1 / maps.sum().item())), 8)


def test_what_is_raised_in_training_alone_leaves_the_card_without_training():
    class Fails(nn.Module):
        def forward(self, maps):
            return {}["teacher"] if self.training else maps

    card = describe(nn.Sequential(nn.Conv2d(3, 4, 3), Fails()), 8)
    assert card.multiplies == 108 * 36
    assert (card.memory.inference is None, card.memory.training) == (False, None)
    assert "teacher" in card.memory.why_not
    assert "teacher" in str(card)


def test_after_an_error_that_was_caught_operations_belong_to_the_modules_that_run_them():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.small, self.wrong = nn.Conv2d(4, 4, 1), nn.Conv2d(9, 4, 1)
            self.last = nn.Conv2d(4, 2, 1)

        def forward(self, maps):
            try:
                maps = self.wrong(maps)
            except (RuntimeError, StriateError):
                maps = self.small(maps)
            return self.last(maps @ maps.mT)

    card = describe(nn.Sequential(OrderedDict(first=nn.Conv2d(3, 4, 1), careful=Careful(), end=nn.Conv2d(2, 2, 1))), 8)
    layers = ["input", "first", "careful.small", "careful", "careful.last", "end", "(unused)"]
    assert [row.layer for row in card.rows] == layers
    assert card.unused == ("careful.wrong.weight", "careful.wrong.bias")


def test_an_error_after_one_that_was_caught_names_its_own_module():
    class Caught(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Apply(lambda maps: maps[:, 99])

        def forward(self, maps):
            try:
                return self.inner(maps)
            except IndexError:
                return maps

    network = nn.Sequential(OrderedDict(caught=Caught(), later=Apply(lambda maps: {}["late"])))
    with pytest.raises(SizeError, match="in later, KeyError: 'late'"):
        describe(network, 8)


LOOPS = {
    "until all are positive": lambda maps: _until(maps, lambda x: (x > 0).all()),
    "until one is": lambda maps: _until(maps, lambda x: (x > 0).any()),
    "until the sum is": lambda maps: _until(maps, lambda x: x.sum() > 0),
    "until they are equal": lambda maps: _until(maps, lambda x: torch.equal(x, maps)),
}


def _until(maps, done):
    maps = maps * 2
    while not done(maps):
        maps = maps + 1
    return maps


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_that_waits_for_a_value_ends_and_is_told(loop):
    card = describe(inside(LOOPS[loop]), 8)
    assert "first" in [row.layer for row in card.rows]
    assert any("odd" in sentence for sentence in card.not_followed)
    assert card.not_followed[-1].endswith("what comes after is not in the table")


def test_torchscript_is_refused_and_leaves_no_hooks_behind():
    with pytest.warns(DeprecationWarning):
        script = torch.jit.trace(nn.Conv2d(4, 4, 1), torch.rand(1, 4, 8, 8))
    network = nn.Sequential(OrderedDict(first=nn.Conv2d(3, 4, 1), script=script))
    with pytest.raises(SettingsError, match="script is TorchScript, whose operations cannot be followed"):
        describe(network, 8)
    assert hooks(network) == [(0, 0)] * 3
    assert network.training and network.first.training


REFUSED = {  # torch itself is asked first
    "a padding larger than half of the window": nn.MaxPool2d(2, padding=2),
    "the mean over an axis that is not there": Apply(lambda maps: maps.mean(7)),
    "the sum over one axis twice": Apply(lambda maps: maps.sum((2, 2))),
    "a bias of another length": Apply(lambda maps: F.conv2d(maps, torch.rand(4, 3, 3, 3), torch.rand(5))),
    "float64 into a convolution": nn.Sequential(Apply(torch.Tensor.double), nn.Conv2d(3, 2, 3)),
    "a product of unlike matrices": Apply(lambda maps: maps[0, 0] @ torch.rand(9, 2)),
    "batch norm of other channels": nn.BatchNorm2d(4),
    "maps of unlike sizes": Apply(lambda maps: maps + maps[:, :, 1:]),
    "layer norm of another side": nn.LayerNorm(9),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused(name):
    network = REFUSED[name].eval()
    with pytest.raises((RuntimeError, IndexError)), torch.no_grad():
        network(torch.rand(1, 3, 8, 8))
    with pytest.raises(SizeError, match=re.escape("the network cannot take an image of 3 channels and 8×8 pixels")):
        describe(network, 8)


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def test_the_card_does_not_depend_on_torchs_default_number_format():
    expected = describe(net(), 8), describe("lenet5"), describe(Apply(lambda maps: maps + torch.ones(3, 1, 1)), 8)
    torch.set_default_dtype(torch.float64)
    try:
        found = describe(net(), 8), describe("lenet5"), describe(Apply(lambda maps: maps + torch.ones(3, 1, 1)), 8)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found[:2] == expected[:2]
    assert (found[2].rows, found[2].memory.why_not) == (expected[2].rows, "")
