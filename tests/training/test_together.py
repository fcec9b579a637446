"""The same course alone and in several processes: the oracle is the run of one process, by the formulas alone."""

from contextlib import nullcontext

import pytest
import torch

from striate.architectures.catalogue import create_model
from striate.augmentation.variation import Variation
from striate.datasets.supply import Held
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import Machine, choose
from striate.tasks.classification import Classification
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.recipe import Recipe
from striate.training.together import ALONE
from tests.training.several import in_processes

RECIPES = {
    "plain": {},
    "parts": {"accumulate": 2},
    "averaged": {"average": 0.9, "clip": 1.0},
    "checkpointed": {"checkpointing": True},
    "adamw": {"optimizer": "adamw", "rate": 0.002},
}
MODELS = {"lenet5": 32, "resnet20": 16}


class Exact(Preparation):
    """Gives numbers of 64 bits, so that what two orders of adding differ by stays small through many steps."""

    def normalise(self, images):
        return super().normalise(images).double()


class Doubled(Machine):
    def place(self, network):
        return super().place(network).double()

    def autocast(self):
        return nullcontext()


class Silent:
    """Sees each epoch and says nothing."""

    step = epoch = say = staticmethod(lambda _: None)


def course(together, size, **recipe):
    """49 images of three classes in batches of 12, of which the last has 13, and 9 to validate on."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.arange(58) % 3
    noise = torch.randint(0, 150, (58, 1, size, size), generator=generator)
    images = (noise + 50 * targets.view(-1, 1, 1, 1)).byte()
    return Course(
        Held(Batch(images[:49], targets[:49])),
        Held(Batch(images[49:], targets[49:])),
        Exact(Geometry((size, size), 1), (0.4,), (0.25,)),
        Variation(),
        Classification(0.1),
        Recipe(**{"epochs": 2, "batch_size": 12, "rate": 0.02} | recipe),
        seed=3,
        together=together,
    )


def trained(together, folder, model="lenet5", **recipe):
    """The weights and the logbook of a course."""
    folder = folder / f"{model} {together.size} {'-'.join(recipe)}"
    torch.manual_seed(0)
    network = create_model(model, num_classes=3, in_channels=1)
    kept = []
    machine = Doubled(**vars(choose("cpu")) | {"threads": 1})
    fit(network, course(together, MODELS[model], **recipe), machine, folder, Silent(), lambda *_: kept.append(1))
    together.wait()
    return network.state_dict(), read_rows(folder), len(kept)


def all_trained(together, folder):
    return {
        (model, recipe): trained(together, folder, model, **RECIPES[recipe])
        for model in MODELS
        for recipe in RECIPES
        if model == "resnet20" or recipe != "checkpointed"
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return in_processes(2, all_trained, folder, folder=folder)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_two_processes_learn_what_one_does_from_the_same_batches(pair, one_thread, model, recipe, tmp_path):
    if (model, recipe) not in pair[0]:
        pytest.skip("lenet5 has no stages")
    weights, rows, kept = pair[0][model, recipe]
    if recipe == "parts" and model == "resnet20":  # then each process's halves share their batch statistics
        pytest.skip("batch statistics are of a part of the batch, and two processes' parts are other ones")
    alone, alone_rows, alone_kept = trained(ALONE, tmp_path, model, **RECIPES[recipe])
    torch.testing.assert_close(weights, alone, rtol=1e-7, atol=1e-9)
    for name in ("epoch", "step", "rate", "train_loss", "validation_loss", "validation_accuracy"):
        assert [row[name] for row in rows] == pytest.approx([row[name] for row in alone_rows], rel=1e-9)
    assert kept == alone_kept


@pytest.mark.parametrize("recipe", RECIPES)
def test_both_processes_have_the_same_weights_and_the_first_alone_keeps_and_writes(pair, recipe):
    (weights, rows, kept), (others, _, none) = (answers["resnet20", recipe] for answers in pair)
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert kept and not none
    assert [row["step"] for row in rows] == [4, 8]
