"""A quick network is the network: the same names, numbers, answers, modes and hooks, in fewer steps."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from striate.architectures.catalogue import create_model
from striate.machine import normalised as module
from striate.machine.choice import choose
from striate.machine.compiled import kernels
from striate.machine.quickening import quickened

pytestmark = pytest.mark.skipif(kernels() is None, reason="this machine has no C compiler")

SLOW = pytest.mark.slow
NETWORKS = [
    ("resnet18", 32),
    ("vgg11_bn", 32),
    ("mobilenet_v2", 96),
    ("shufflenet_v2_x0_5", 32),
    ("resnet20", 16),
    ("resnetv2_18", 32),
    *(
        pytest.param(name, side, marks=SLOW)
        for name, side in (("resnet50", 64), ("densenet121", 64), ("efficientnet_b0", 64), ("resnext50_32x4d", 64))
    ),
    *(
        pytest.param(name, side, marks=SLOW)
        for name, side in (("seresnext50_32x4d", 64), ("googlenet_aux", 96), ("inception_v3", 107), ("xception", 64))
    ),
]


class Unit(nn.Module):
    """ReLU(BN(conv(x)) + x), whose last sum it remembers."""

    def __init__(self, width=16):
        super().__init__()
        self.change = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        self.relu = nn.ReLU()
        self.shortcut = nn.Identity()

    def forward(self, maps):
        return self.relu(self.change(maps) + self.shortcut(maps))


class Odd(Unit):
    """As long as it trains it adds twice; it counts its runs, and looks at a part of its change."""

    runs = 0

    def forward(self, maps):
        self.runs += 1
        changed = self.change[1](self.change[0](maps))
        return self.relu(changed + (2 * maps if self.training else maps))


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch):
    monkeypatch.setattr(module, "_WORTH", 1)


@pytest.fixture
def images():
    drawn = torch.randn(4, 16, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return drawn.contiguous(memory_format=torch.channels_last)


def placed(network):
    torch.manual_seed(0)
    return network.double().to(memory_format=torch.channels_last)


def answers(network, images, run=None):
    """Outputs, gradients by name, and buffers by name."""
    every = tree_leaves((run or network)(images))
    sum((one * torch.linspace(-1, 1, one.numel(), dtype=one.dtype).view_as(one)).sum() for one in every).backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    outputs = {f"outputs {number}": one.detach() for number, one in enumerate(every)}
    return outputs | gradients | {f"kept {name}": kept for name, kept in network.named_buffers()}


def assert_same(ours, theirs, tolerance=1e-11):
    assert ours.keys() == theirs.keys()
    largest = max(float(one.abs().max()) for name, one in theirs.items() if not name.startswith(("kept", "outputs")))
    for name, one in ours.items():
        scale = float(theirs[name].abs().max()) if name.startswith(("kept", "outputs")) else largest
        torch.testing.assert_close(one, theirs[name], rtol=0, atol=tolerance * max(scale, 1e-3))


def fused(network):
    return {type(vars(part).get("forward")).__name__ for part in network.modules()}


@pytest.mark.parametrize(("name", "side"), NETWORKS)
def test_a_network_of_the_catalogue_has_the_same_outputs_gradients_and_statistics(name, side):
    torch.manual_seed(1)
    plain = placed(create_model(name, num_classes=7, in_channels=3, size=side))
    for layer in plain.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    other = copy.deepcopy(plain)
    quick = quickened(other)
    images = torch.randn(4, 3, side, side, dtype=torch.float64)
    images = images.contiguous(memory_format=torch.channels_last)
    assert list(quick.state_dict()) == list(plain.state_dict())
    assert type(quick) is type(plain)
    torch.manual_seed(2)
    theirs = answers(plain, images)
    torch.manual_seed(2)
    assert_same(answers(other, images, quick), theirs, 1e-9)


def test_a_residual_unit_is_one_operation_and_a_forward_of_another_kind_is_not():
    assert "_Residual" in fused(quickened(nn.Sequential(Unit())))
    assert "_Residual" not in fused(quickened(nn.Sequential(Odd())))
    assert "_Residual" in fused(quickened(create_model("resnet50", num_classes=2)))


def test_a_network_without_batch_norm_is_returned_itself():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    assert quickened(network) is network


@pytest.mark.parametrize("kind", [Unit, Odd])
@pytest.mark.parametrize("training", [True, False])
def test_either_mode_is_that_of_the_network_and_what_a_forward_sets_is_set(kind, training, images):
    plain = placed(nn.Sequential(kind(), kind()))
    other = copy.deepcopy(plain)
    quick = quickened(other)
    plain.train(training)
    other.train(training)
    assert_same(answers(other, images, quick), answers(plain, images))
    if kind is Odd:
        assert [part.runs for part in other] == [part.runs for part in plain] == [1, 1]


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_may_be_set_on_the_quick_network_too(training, images):
    plain = placed(nn.Sequential(Odd(), Unit())).train(training)
    other = copy.deepcopy(plain).train(not training)
    quick = quickened(other)
    quick.train(training)
    assert other[0].change[1].training == other[0].training == training
    assert_same(answers(other, images, quick), answers(plain, images))


def test_frozen_batch_norm_stays_frozen_within_a_network_that_trains(images):
    plain = placed(nn.Sequential(Unit(), Unit()))
    plain[0].change[1].eval()
    plain[0].change[1].requires_grad_(False)
    other = copy.deepcopy(plain)
    before = other[0].change[1].running_mean.clone()
    assert_same(answers(other, images, quickened(other)), answers(plain, images))
    assert torch.equal(other[0].change[1].running_mean, before)


def test_steps_of_an_optimizer_on_the_network_are_steps_of_the_quick_one(images):
    plain = placed(nn.Sequential(Unit(), Unit(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3)))
    other = copy.deepcopy(plain)
    losses = []
    for network, forward in ((plain, plain), (other, quickened(other))):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        row = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = functional.cross_entropy(forward(images), torch.tensor([0, 1, 2, 0]))
            loss.backward()
            optimizer.step()
            row.append(loss.item())
        losses.append(row)
    assert losses[1] == pytest.approx(losses[0], rel=1e-10)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("hooked", ["change.1", "relu", "change", "", "shortcut"])
def test_hooks_see_what_they_have_always_seen(hooked, images):
    seen = {"plain": [], "quick": []}
    plain = placed(Unit())
    other = copy.deepcopy(plain)
    quick = quickened(other)
    for name, network in (("plain", plain), ("quick", other)):
        watched = network.get_submodule(hooked)
        watched.register_forward_hook(lambda _, given, made, name=name: seen[name].append((given[0], made)))
    assert_same(answers(other, images, quick), answers(plain, images))
    assert len(seen["quick"]) == len(seen["plain"]) == 1
    torch.testing.assert_close(seen["quick"], seen["plain"])


def test_hooks_on_a_norm_within_an_ordinary_forward_run_once(images):
    plain = placed(Odd())
    seen = []
    plain.change[1].register_forward_hook(lambda *_: seen.append(1))
    quickened(plain)(images)
    assert seen == [1]


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_gives_the_same(images, reentrant):
    plain = placed(nn.Sequential(Unit(), Unit()))
    other = copy.deepcopy(plain)
    quick = quickened(other)

    def run(network):
        given = images.clone().requires_grad_()
        return network[1](checkpoint(network[0], given, use_reentrant=reentrant))

    assert_same(answers(other, images, lambda _: run(quick)), answers(plain, images, lambda _: run(plain)))


def test_under_autocast_the_outputs_are_as_near_to_the_exact_ones_as_torchs():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(64, 64, 1), Unit(64), Unit(64)).to(memory_format=torch.channels_last)
    images = torch.randn(4, 64, 16, 16).contiguous(memory_format=torch.channels_last)
    exact = copy.deepcopy(plain).double()(images.double())
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = quickened(copy.deepcopy(plain))(images), copy.deepcopy(plain)(images)
    assert ours.dtype == theirs.dtype == torch.bfloat16
    distances = [float((made.double() - exact).detach().norm() / exact.detach().norm()) for made in (ours, theirs)]
    assert distances[0] <= 1.05 * distances[1]
    assert distances[0] < 0.02


def test_two_runs_are_equal_to_the_last_bit(images):
    networks = [placed(nn.Sequential(Unit(), Unit())) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    one, other = (answers(network, images, quickened(network)) for network in networks)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_normalisation_over_several_processes_is_left_alone():
    network = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(Unit()))
    assert quickened(network) is network


def test_the_network_itself_stays_as_it_was(images):
    network = placed(nn.Sequential(Unit(), Unit()))
    before = [(part, dict(vars(part))) for part in network.modules()]
    quickened(network)(images)
    assert all(vars(part).keys() == kept.keys() for part, kept in before)
    assert not any("forward" in vars(part) for part in network.modules())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_of_a_quick_network_has_numbers_of_its_own(copied, images):
    network = placed(nn.Sequential(Unit(), Unit()))
    quick = quickened(network)
    other = copied(quick)
    expected = quick(images).detach()
    with torch.no_grad():
        for numbers in network.parameters():
            numbers.zero_()
    torch.testing.assert_close(other(images).detach(), expected)


def test_the_machine_gives_it():
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    assert "_Chain" in fused(choose("cpu").quicken(network))
