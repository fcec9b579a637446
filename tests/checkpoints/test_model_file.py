from dataclasses import fields, replace

import pytest
import torch
from safetensors import safe_open

from striate.architectures.catalogue import Declaration, build
from striate.checkpoints.model_file import Checkpoint, load_checkpoint, save_checkpoint
from striate.images.preparation import Geometry, Preparation


@pytest.fixture
def checkpoint():
    declaration = Declaration("mlp", 3, 3, (4, 5))
    return Checkpoint(
        task="classification",
        declaration=declaration,
        preparation=Preparation(Geometry((4, 5), 3, "pad"), (0.1, 1 / 3, 0.5), (0.2, 0.25, 1 / 255)),
        classes=("cat", "fünf Äpfel 苹果", '<b>&"'),
        recipe={"epochs": 3, "rate": 0.1 + 0.2, "model": "mlp"},
        measured={"epoch": 2, "validation": {"loss": 1 / 7, "accuracy": 1.0}},
        weights=build(declaration).state_dict(),
        seen=torch.tensor([-(2**63), 0, 2**63 - 1]),
    )


@pytest.fixture
def file(checkpoint, tmp_path):
    save_checkpoint(tmp_path / "model.safetensors", checkpoint)
    return tmp_path / "model.safetensors"


def test_what_is_saved_is_loaded_field_by_field(checkpoint, file):
    loaded = load_checkpoint(file)
    for field in fields(Checkpoint):
        before, after = getattr(checkpoint, field.name), getattr(loaded, field.name)
        if field.name == "weights":
            assert before.keys() == after.keys()
            assert all(torch.equal(before[name], after[name]) for name in before)
        elif field.name == "seen":
            assert torch.equal(before, after)
        else:
            assert before == after, field.name


def test_equal_checkpoints_give_equal_bytes(checkpoint, file, tmp_path):
    weights = {name: checkpoint.weights[name].clone() for name in reversed(checkpoint.weights)}
    save_checkpoint(tmp_path / "again", replace(checkpoint, weights=weights))
    save_checkpoint(tmp_path / "loaded", load_checkpoint(file))
    assert file.read_bytes() == (tmp_path / "again").read_bytes() == (tmp_path / "loaded").read_bytes()


def test_another_weight_gives_other_bytes(checkpoint, file, tmp_path):
    with torch.no_grad():
        next(iter(checkpoint.weights.values()))[0, 0] += 1
    save_checkpoint(tmp_path / "other", checkpoint)
    assert file.read_bytes() != (tmp_path / "other").read_bytes()


def test_plain_safetensors_opens_the_file(checkpoint, file):
    with safe_open(file, framework="np") as content:
        assert set(content.keys()) == {"seen", *(f"weights.{name}" for name in checkpoint.weights)}
        assert (content.get_tensor("weights.head.score.bias") == checkpoint.weights["head.score.bias"].numpy()).all()
        assert list(content.metadata()) == ["striate"]


def test_the_file_holds_no_pickle(file):
    content = file.read_bytes()
    assert int.from_bytes(content[:8], "little") < len(content)
    assert content[8:9] == b"{"  # a safetensors header is JSON, after its length
    assert not any(sign in content for sign in (b"torch._utils", b"_rebuild_tensor", b"data.pkl", b"PK\x03\x04"))


def test_a_run_directory_stands_for_its_model_file(file):
    assert load_checkpoint(file.parent).classes == load_checkpoint(str(file)).classes


def test_the_network_answers_as_before_and_is_in_test_mode(checkpoint, file):
    network = build(checkpoint.declaration)
    network.load_state_dict(checkpoint.weights)
    loaded = load_checkpoint(file).network()
    images = torch.rand(2, 3, 4, 5)
    assert torch.equal(network.eval()(images), loaded(images))
    assert not any(module.training for module in loaded.modules())


def test_figures_are_added_and_the_earlier_ones_stay(checkpoint):
    more = checkpoint.with_measured(test={"accuracy": 0.5})
    assert more.measured == {"epoch": 2, "validation": {"loss": 1 / 7, "accuracy": 1.0}, "test": {"accuracy": 0.5}}
    assert "test" not in checkpoint.measured


def test_loading_draws_no_random_numbers(file):
    before = torch.get_rng_state()
    load_checkpoint(file)
    assert torch.equal(torch.get_rng_state(), before)
