"""Transfer: what is frozen stays to the last bit; a head learns from features what it would learn from images."""

import shutil

import numpy as np
import pytest
import torch

import striate
from striate.architectures.catalogue import create_model
from striate.checkpoints.model_file import load_checkpoint, save_checkpoint
from striate.datasets.supply import Held
from striate.errors import ModelFileError, RunError, SettingsError, WeightsError
from striate.machine.choice import choose
from striate.recipes.data import read_run_data
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.recipes.start import start_of
from striate.training.together import ALONE

QUICK = {"epochs": 2, "batch_size": 4, "quiet": True}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A ResNet-20 that has seen the digits for an epoch, and the photos of ten classes that it did not see."""
    folder = tmp_path_factory.mktemp("learnt")
    run = striate.train("digits", model="resnet20", size=16, epochs=1, batch_size=256, out=folder / "run", quiet=True)
    return run.folder


def weights_of(folder):
    return load_checkpoint(folder).weights


def stage_of(name):
    return name.split(".")[0]


@pytest.mark.parametrize(("freeze", "kept"), [("none", 0), ("stages:2", 2), ("all", 4)])
def test_frozen_stages_keep_every_bit_and_the_others_learn(learnt, photos, tmp_path, freeze, kept):
    run = striate.train(photos, weights=learnt, freeze=freeze, out=tmp_path / "run", **QUICK)
    before, after = weights_of(learnt), weights_of(run.folder)
    names = [name for name, _ in create_model("resnet20").stages.named_children()]
    assert len(names) == 4
    frozen = set(names[:kept])
    for name, tensor in after.items():
        if stage_of(name) in frozen:
            assert torch.equal(tensor, before[name]), name  # batch statistics too
    learning = {stage_of(name) for name in after if name in before and not torch.equal(after[name], before[name])}
    assert learning >= set(names[kept:])


def test_the_preparation_comes_with_the_weights(learnt, photos, tmp_path):
    run = striate.train(photos, weights=learnt, freeze="all", out=tmp_path / "run", **QUICK)
    ours, theirs = run.model.preparation, load_checkpoint(learnt).preparation
    assert (ours.mean, ours.std) == (theirs.mean, theirs.std)
    assert ours.geometry.size == (16, 16)
    assert ours.geometry.channels == 1


def test_a_head_learns_from_features_what_it_learns_from_images(learnt, photos, tmp_path):
    """The usual way, by hand: all but the head frozen in test mode, images shown as they are in every epoch."""
    settings = Settings(str(photos), weights=str(learnt), freeze="all", epochs=2, batch_size=4, seed=3)
    display, machine = Display(quiet=True), choose("cpu")
    data = read_run_data(settings, display)
    start = start_of(data, settings, machine, ALONE, display)
    network = start.network.eval()
    assert isinstance(start.course.train, Held)
    step = next(start.course.batches(0)), next(start.shown.batches(0))
    assert torch.equal(step[0].targets, step[1].targets)
    with torch.no_grad():
        torch.testing.assert_close(start.learner.eval()(step[0].images), network(step[1].images), rtol=1e-4, atol=1e-5)


def test_images_that_the_weights_learnt_from_count_as_seen(learnt, photos, tmp_path):
    run = striate.train(photos, weights=learnt, freeze="all", out=tmp_path / "run", **QUICK)
    assert set(load_checkpoint(learnt).seen.tolist()) <= set(load_checkpoint(run.folder).seen.tolist())


def test_a_training_of_a_head_is_repeated_and_resumed_to_the_same_bytes(learnt, photos, tmp_path):
    run = striate.train(photos, weights=learnt, freeze="all", out=tmp_path / "whole", **QUICK)
    again = striate.train(config=run.folder / "run.toml", out=tmp_path / "again", quiet=True)
    resumed = striate.train(resume=again.folder, quiet=True)
    assert (resumed.folder / "model.safetensors").read_bytes() == (run.folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"freeze": "all"}, SettingsError, "without --weights there is nothing learnt to keep"),
        ({"weights": "nothing.safetensors"}, ModelFileError, "there is no file nothing.safetensors"),
        ({"weights": True, "freeze": "stages:9"}, SettingsError, "stages:N with N from 1 to 3"),
        ({"weights": True, "freeze": "all", "augment": "flip"}, SettingsError, "leave out --augment"),
        ({"weights": True, "model": "resnet18"}, SettingsError, "holds the weights of resnet20, not of resnet18"),
        ({"weights": True, "recipe": "fastest"}, striate.StriateError, "recipe 'fastest'"),
    ],
)
def test_what_cannot_be_begun_with_is_refused_in_a_sentence(learnt, photos, tmp_path, settings, error, words):
    given = {**settings, "weights": learnt} if settings.get("weights") is True else settings
    with pytest.raises(error, match=words):
        striate.train(photos, out=tmp_path / "run", **given, **QUICK)
    assert not (tmp_path / "run").exists()


def test_weights_of_others_need_the_name_of_their_network(photos, tmp_path):
    torch.save(create_model("resnet20").state_dict(), tmp_path / "theirs.pt")
    with pytest.raises(SettingsError, match="does not say which network its weights are of; name it by --model"):
        striate.train(photos, weights=tmp_path / "theirs.pt", out=tmp_path / "run", **QUICK)
    with pytest.raises(WeightsError, match="does not fit resnet32"):
        striate.train(photos, weights=tmp_path / "theirs.pt", model="resnet32", out=tmp_path / "run", **QUICK)
    run = striate.train(photos, weights=tmp_path / "theirs.pt", model="resnet20", out=tmp_path / "run", **QUICK)
    assert run.model.preparation.mean == pytest.approx((0.485, 0.456, 0.406))


@pytest.mark.parametrize(("smallest", "freeze"), [(99, "all"), (100, "stages:2"), (999, "stages:2"), (1000, "none")])
def test_advice_goes_by_the_rarest_class(learnt, smallest, freeze):
    labels = np.array(["few"] * smallest + ["many"] * 1200 + ["few", "many"])
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 2, 2), np.uint8)
    parts = ["train"] * (smallest + 1200) + ["validation"] * 2
    data = striate.from_arrays(images, labels, parts=parts)
    advice = striate.advise_training(data, weights=learnt)
    assert advice.smallest == smallest
    assert [way.freeze for way in advice.ways if way.advised] == [freeze]


def test_advice_without_weights_asks_for_them():
    with pytest.raises(SettingsError, match="give one"):
        striate.advise_training("digits")


def test_the_suggested_rate_trains(tmp_path):
    found = striate.find_rate("digits", size=8, model="linear", quiet=True, batch_size=128)
    assert 1e-4 < found.found.suggestion < 1
    assert found.save_picture(tmp_path / "rate.png").stat().st_size > 5_000


def test_weights_that_have_changed_since_a_run_began_are_not_gone_on_with(learnt, photos, tmp_path):
    file = tmp_path / "weights.safetensors"
    shutil.copy(learnt / "model.safetensors", file)
    run = striate.train(photos, weights=file, freeze="all", out=tmp_path / "run", **QUICK)
    checkpoint = load_checkpoint(file)
    save_checkpoint(file, checkpoint.with_measured(note="another"))
    with pytest.raises(RunError, match="or the --weights changed since"):
        striate.train(resume=run.folder, quiet=True)


def test_fit_and_range_come_with_the_weights_too(photos, tmp_path):
    first = striate.train(photos, fit="pad", model="resnet20", size=16, out=tmp_path / "first", **QUICK)
    second = striate.train(photos, weights=first.folder, out=tmp_path / "second", **QUICK)
    assert second.model.preparation.geometry.fit == "pad"
    third = striate.train(photos, weights=first.folder, fit="stretch", out=tmp_path / "third", **QUICK)
    assert third.model.preparation.geometry.fit == "stretch"


def test_test_images_that_the_weights_learnt_from_are_called_leaked(photos, tmp_path):
    """Another seed divides the folder anew: most of what is tested on was trained on before."""
    first = striate.train(photos, model="resnet20", size=16, seed=0, out=tmp_path / "first", **QUICK)
    second = striate.train(photos, weights=first.folder, seed=1, out=tmp_path / "second", **QUICK)
    assert second.leaked


def test_what_is_for_images_is_left_out_where_a_head_learns_alone(learnt, photos, tmp_path):
    options = {"progressive": 0.5, "checkpointing": True}
    run = striate.train(photos, weights=learnt, freeze="all", out=tmp_path / "run", **options, **QUICK)
    assert run.evaluation.n > 0


def test_checkpointing_a_pattern_is_refused_before_anything_is_made(photos, tmp_path):
    with pytest.raises(SettingsError, match="leave out --checkpointing"):
        striate.train(photos, model="INPUT -> FC", checkpointing=True, out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_the_advised_command_can_be_typed(photos, tmp_path):
    torch.save(create_model("resnet20").state_dict(), tmp_path / "theirs.pt")
    advice = striate.advise_training(photos, weights=tmp_path / "theirs.pt", model="resnet20", size=16)
    for words in (f"--weights {tmp_path / 'theirs.pt'}", "--model resnet20", "--size 16", "--freeze all"):
        assert words in advice.command
