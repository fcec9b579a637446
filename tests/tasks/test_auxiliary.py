"""Auxiliary heads in training: Szegedy et al. 2014, section 5, adds their losses with a weight of 0.3."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from striate.architectures.auxiliary import Scores
from striate.architectures.catalogue import create_model
from striate.datasets.supply import Held
from striate.errors import SettingsError
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import choose
from striate.tasks.classification import Classification
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.recipe import Recipe

SIDE = 79  # the smallest of which 5x5 are left for the auxiliary poolings


class Nobody:
    """Watches nothing."""

    def step(self, step):
        pass

    def epoch(self, epoch):
        pass


@pytest.fixture
def network():
    torch.manual_seed(0)
    return create_model("googlenet_aux", num_classes=2, in_channels=1, size=SIDE)


@pytest.fixture
def batch():
    """Eight images of noise, dark and bright."""
    targets = torch.arange(8) % 2
    noise = torch.randint(0, 120, (8, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    return Batch((noise + 100 * targets.view(-1, 1, 1, 1)).byte(), targets)


def test_the_loss_adds_three_tenths_of_each_auxiliary_heads():
    chance = torch.Generator().manual_seed(0)
    scores, early, late = torch.randn(3, 5, 4, generator=chance)
    targets = torch.tensor([0, 1, 2, 3, 0])
    whole = Classification(0.1).loss(Scores(scores, (early, late)), targets)
    parts = [cross_entropy(part, targets, label_smoothing=0.1) for part in (scores, early, late)]
    assert whole.item() == pytest.approx(parts[0].item() + 0.3 * (parts[1] + parts[2]).item())


def test_in_training_there_are_scores_of_every_head_and_afterwards_of_the_last_alone(network, batch):
    images = batch.images.float()
    given = network(images)
    assert given.scores.shape == (8, 2)
    assert [scores.shape for scores in given.auxiliary] == [(8, 2), (8, 2)]
    assert network.eval()(images).shape == (8, 2)


def test_the_gradient_reaches_every_parameter_and_every_auxiliary_head(network, batch):
    Classification().loss(network(batch.images / 128 - 1), batch.targets).backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_stages_are_called_as_they_are_so_that_they_may_be_watched_wrapped_and_copied(network, batch):
    images, seen = batch.images / 128 - 1, []
    network.stage4a.register_forward_hook(lambda *_: seen.append("stage4a"))
    for layer in network.modules():
        layer.p = 0.0  # of dropout, which would draw anew
    expected = network(images)
    network.stage4a, network.stage5 = nn.Sequential(network.stage4a), nn.Sequential(network.stage5)
    for again in (network, deepcopy(network)):
        torch.testing.assert_close(again(images), expected)
    assert len(seen) == 3


def test_a_head_whose_stage_is_gone_is_an_error_that_names_it(network, batch):
    del network.stage4d
    with pytest.raises(SettingsError, match="an auxiliary head after stage4d, but no stage of this name"):
        network(batch.images / 128 - 1)


@pytest.mark.slow
def test_in_training_it_compiles_to_one_graph(network, batch):
    explained = torch._dynamo.explain(network)(batch.images / 128 - 1)
    assert explained.graph_break_count == 0


def test_training_lowers_the_loss(network, batch, tmp_path):
    task, preparation = Classification(), Preparation(Geometry((SIDE, SIDE), 1), (0.5,), (0.25,))
    with torch.no_grad():
        before = task.loss(network.eval()(preparation.normalise(batch.images)), batch.targets).item()
    recipe, held = Recipe(epochs=3, batch_size=4, rate=0.0005), Held(batch)
    course = Course(held, held, preparation, None, task, recipe, seed=0)
    fit(network, course, replace(choose("cpu"), threads=1), tmp_path, Nobody(), lambda _network, _epoch: None)
    assert read_rows(tmp_path)[-1]["validation_loss"] < before
