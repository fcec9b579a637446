"""Two processes with five and three images against torch's own batch normalisation of all eight."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from striate.training.synchronised import SynchronisedBatchNorm, synchronise
from tests.training.several import in_processes

SHARES = (5, 3)
CASES = {
    "images": (nn.BatchNorm2d(4), (8, 4, 3, 5)),
    "channels last": (nn.BatchNorm2d(4), (8, 4, 3, 5)),
    "vectors": (nn.BatchNorm1d(6), (8, 6)),
    "cumulative": (nn.BatchNorm2d(2, momentum=None, eps=1e-3), (8, 2, 2, 2)),
    "plain": (nn.BatchNorm2d(2, affine=False), (8, 2, 2, 2)),
    "without memory": (nn.BatchNorm2d(2, track_running_stats=False), (8, 2, 2, 2)),
}
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-14}


def given(name, dtype):
    """A layer with weights of its own, two batches and what is asked of the gradient; the same in every process."""
    layer, shape = deepcopy(CASES[name])
    generator = torch.Generator().manual_seed(len(name))
    if layer.affine:
        with torch.no_grad():
            layer.weight.copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
            layer.bias.copy_(torch.randn(layer.num_features, generator=generator))
    batches, slopes = (3 + 2 * torch.randn(2, *shape, generator=generator, dtype=dtype) for _ in range(2))
    if name == "channels last":
        batches, slopes = (
            each.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3) for each in (batches, slopes)
        )
    return layer.to(dtype), batches, slopes


def trained_on(layer, batches, slopes):
    """Outputs and input gradients of two batches, the parameters' gradients, the statistics, and what a test gives."""
    outputs, gradients = [], []
    for batch, slope in zip(batches, slopes, strict=True):
        images = batch.clone().requires_grad_()
        output = layer(images)
        (output * slope).sum().backward()
        outputs.append(output.detach())
        gradients.append(images.grad)
    layer.eval()
    with torch.no_grad():
        outputs.append(layer(batches[0]))
    learnt = {name: parameter.grad for name, parameter in layer.named_parameters()}
    return torch.stack(outputs), torch.stack(gradients), learnt, dict(layer.named_buffers())


def shares(together):
    answers = {}
    for name in CASES:
        for dtype in TOLERANCE:
            layer, batches, slopes = given(name, dtype)
            layer = synchronise(nn.Sequential(layer))[0]
            assert isinstance(layer, SynchronisedBatchNorm)
            own = [each.split(SHARES, dim=1)[together.rank] for each in (batches, slopes)]
            answers[name, dtype] = trained_on(layer, *own)
    return answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return in_processes(2, shares, folder=tmp_path_factory.mktemp("shares"))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CASES)
def test_outputs_gradients_and_statistics_are_those_of_the_whole_batch(answers, name, dtype):
    near = {"rtol": 10 * TOLERANCE[dtype], "atol": 10 * TOLERANCE[dtype]}
    first, second = (answer[name, dtype] for answer in answers)
    outputs, gradients, learnt, memory = trained_on(*given(name, dtype))
    kept = outputs if CASES[name][0].track_running_stats else outputs[:2]  # else a test, too, looks at its own batch
    torch.testing.assert_close(torch.cat([first[0], second[0]], dim=1)[: len(kept)], kept, **near)
    torch.testing.assert_close(torch.cat([first[1], second[1]], dim=1), gradients, **near)
    torch.testing.assert_close({key: first[2][key] + second[2][key] for key in first[2]}, learnt, **near)
    assert memory.keys() == first[3].keys()
    torch.testing.assert_close(first[3], memory, **near)
    assert all(torch.equal(first[3][key], second[3][key]) for key in memory)


def test_a_network_keeps_its_tensors_and_their_names_and_is_not_wrapped_twice():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    before = network.state_dict(keep_vars=True)
    joined = synchronise(synchronise(network))
    after = joined.state_dict(keep_vars=True)
    assert list(before) == list(after)
    assert all(before[name] is after[name] for name in before)
    assert [type(layer) for layer in joined[1]] == [SynchronisedBatchNorm, nn.ReLU]


def test_in_test_mode_it_is_the_layer_that_it_was():
    layer = nn.BatchNorm2d(3).eval()
    layer.running_mean.uniform_()
    images = torch.randn(2, 3, 4, 4)
    assert torch.equal(synchronise(layer)(images), layer(images))
