"""The oracle is the plain forward pass: the same loss, gradients and buffers, bit for bit."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from striate.architectures.architecture import Declaration
from striate.architectures.auxiliary import Scores, WithAuxiliary
from striate.architectures.blocks import layers
from striate.architectures.catalogue import create_model
from striate.architectures.network import Network
from striate.architectures.unet import unet
from striate.errors import SettingsError
from striate.training.checkpointing import run_checkpointed


def stage(channels, width):
    convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    return layers(conv=convolution, bn=nn.BatchNorm2d(width), relu=nn.ReLU(), drop=nn.Dropout(0.3))


def chain():
    torch.manual_seed(1)
    stages = layers(one=stage(3, 8), two=stage(8, 8), three=stage(8, 8))
    return Network(stages, head=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 5)))


def with_auxiliary():
    network = chain()
    heads = {"two": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))}
    return WithAuxiliary(network.stages, network.head, heads)


def built(name, **options):
    def build():
        torch.manual_seed(1)
        return create_model(name, **options)

    return build


def small_unet():
    torch.manual_seed(1)
    return unet(Declaration("small", 2, 3, (32, 32)), (4, 8, 8, 8), padded=True, batch_norm=True)


def total(outputs):
    every = [outputs.scores, *outputs.auxiliary] if isinstance(outputs, Scores) else [outputs]
    return sum(scores.square().mean() for scores in every)


def pass_both_ways(network, forward, images):
    """The loss of two steps' passes, the gradients and the buffers."""
    losses = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        loss = total(forward(network, images))
        loss.backward()
        losses.append(loss.detach())
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return losses, gradients, dict(network.named_buffers())


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (chain, 12),
        (with_auxiliary, 12),
        (built("resnet20"), 16),
        (small_unet, 32),
        (built("segnet_basic", size=32), 32),
        pytest.param(built("nasnet_a_6_768"), 32, marks=pytest.mark.slow),
        pytest.param(built("googlenet_aux", size=96), 96, marks=pytest.mark.slow),
    ],
)
def test_loss_gradients_and_buffers_are_those_of_the_plain_pass(build, size, one_thread):
    network = build()
    other = deepcopy(network)
    images = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(2))
    losses, gradients, buffers = pass_both_ways(network, lambda module, given: module(given), images)
    again, other_gradients, other_buffers = pass_both_ways(other, run_checkpointed, images)
    assert all(map(torch.equal, losses, again))
    assert gradients.keys() == other_gradients.keys()
    for name, gradient in gradients.items():
        assert gradient is None if other_gradients[name] is None else torch.equal(gradient, other_gradients[name]), name
    assert buffers.keys() == other_buffers.keys()
    for name, buffer in buffers.items():
        assert torch.equal(buffer, other_buffers[name]), name


def test_batch_norm_counts_each_step_once():
    network = chain()
    run_checkpointed(network, torch.randn(4, 3, 8, 8)).sum().backward()
    assert network.one.bn.num_batches_tracked == 1


def test_dropout_differs_from_step_to_step():
    network = chain()
    images = torch.randn(4, 3, 8, 8)
    assert not torch.equal(run_checkpointed(network, images), run_checkpointed(network, images))


def kept_bytes(network, forward, images):
    """Memory that is held between the two passes for the gradient, parameters aside."""
    parameters = {parameter.data_ptr() for parameter in network.parameters()}
    kept = {}

    def note(values):
        if values.data_ptr() not in parameters:
            kept[values.untyped_storage().data_ptr()] = values.untyped_storage().nbytes()
        return values

    with saved_tensors_hooks(note, lambda values: values):
        loss = total(forward(network, images))
    loss.backward()
    return sum(kept.values())


def test_a_map_between_the_stages_is_all_that_is_kept_of_them():
    images = torch.randn(16, 3, 16, 16)
    plain = kept_bytes(chain(), lambda module, given: module(given), images)
    lean = kept_bytes(chain(), run_checkpointed, images)
    given = (3 + 8 + 8) * 16 * 16 * 16 * 4  # bytes of what the three stages are given
    assert given <= lean < given + 20_000  # and a few numbers of the head
    assert plain > 4 * lean


def test_the_network_is_left_as_it_was():
    network = chain()
    run_checkpointed(network, torch.randn(2, 3, 8, 8)).sum().backward()
    assert all("forward" not in vars(stage) for stage in network.stages)
    with pytest.raises(RuntimeError):
        run_checkpointed(network, torch.randn(2, 4, 8, 8))
    assert all("forward" not in vars(stage) for stage in network.stages)


def test_a_module_without_stages_is_refused_in_one_sentence():
    with pytest.raises(SettingsError, match="Sequential has no stages; expected a striate Network"):
        run_checkpointed(nn.Sequential(nn.Linear(2, 2)), torch.randn(2, 2))
