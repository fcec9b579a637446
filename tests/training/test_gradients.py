import pytest
import torch
from torch import nn

from striate.training.gradients import Averaging
from tests.training.several import in_processes

BUCKETS = (1, 200, 10**9)  # bytes: a parameter each, some, all


class Forked(nn.Module):
    """A network that uses one of its layers in the first process only, and one nowhere."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 3, 3).to(memory_format=torch.channels_last)
        self.frozen = nn.Conv2d(3, 3, 1).requires_grad_(False)
        self.wide = nn.Linear(3, 2, dtype=torch.float64)
        self.sometimes = nn.Linear(3, 2)
        self.never = nn.Linear(3, 2)

    def forward(self, images, rank):
        features = self.frozen(self.first(images).relu()).mean((2, 3))
        return self.wide(features.double()) + (self.sometimes(features) if rank == 0 else 0)


def images_of(rank, part):
    return torch.randn(rank + 2, 1, 5, 5, generator=torch.Generator().manual_seed(10 * rank + part))


def gradients(network):
    return {name: parameter.grad for name, parameter in network.named_parameters()}


def averaged(together):
    answers = []
    for bucket in BUCKETS:
        network = Forked()
        averaging = Averaging(network.parameters(), bucket)
        for _ in range(2):  # the second step finds all as the first one did
            network.zero_grad()
            network(images_of(together.rank, 0), together.rank).sum().backward()
            with averaging.averaged():
                network(images_of(together.rank, 1), together.rank).sum().backward()
        answers.append(gradients(network))
    return answers


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return in_processes(3, averaged, folder=tmp_path_factory.mktemp("averaged"))


@pytest.mark.parametrize("place", range(len(BUCKETS)), ids=map(str, BUCKETS))
def test_gradients_of_two_parts_become_the_mean_of_three_processes(answers, place):
    alone = []
    for rank in range(3):
        network = Forked()
        for part in range(2):
            network(images_of(rank, part), rank).sum().backward()
        alone.append(gradients(network))
    for name, mine in answers[0][place].items():
        theirs = [each[name] for each in alone if each[name] is not None]
        assert (mine is None) == (not theirs)
        if theirs:
            torch.testing.assert_close(mine, sum(theirs) / 3)
            assert mine.stride() == answers[1][place][name].stride() == answers[2][place][name].stride()
            assert torch.equal(mine, answers[1][place][name])
            assert torch.equal(mine, answers[2][place][name])
    assert answers[0][place]["never.weight"] is None
    assert answers[0][place]["frozen.weight"] is None
    assert answers[2][place]["sometimes.weight"] is not None
