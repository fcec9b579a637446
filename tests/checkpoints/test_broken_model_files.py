import json
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from striate.architectures.catalogue import Declaration, build
from striate.checkpoints.model_file import Checkpoint, load_checkpoint, save_checkpoint
from striate.errors import ModelFileError
from striate.images.preparation import Geometry, Preparation


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a model file."""
    declaration = Declaration("linear", 2, 1, (2, 2))
    preparation = Preparation(Geometry((2, 2), 1), (0.5,), (0.25,))
    weights, seen = build(declaration).state_dict(), torch.arange(3)
    checkpoint = Checkpoint("classification", declaration, preparation, ("a", "b"), {}, {}, weights, seen)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_checkpoint(path, checkpoint)
    return path.read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("broken") / "model.safetensors"


def refusal(path, content):
    """The one sentence that refuses a file of this content."""
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load_checkpoint(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


def edited(whole, change, **tensors):
    """The model file with `change` made to what its header says, and tensors put in place of its own."""
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(json.loads(whole[8 : 8 + length])["__metadata__"]["striate"])
    change(header)
    return save({**load(whole), **tensors}, {"striate": json.dumps(header)})


@given(st.data())
def test_a_file_cut_off_at_any_byte_is_refused(whole, place, data):
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert "cut off" in refusal(place, whole[:cut])


@given(st.data())
def test_a_file_with_one_wrong_byte_is_loaded_or_refused(whole, place, data):
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    place.write_bytes(content)
    try:
        load_checkpoint(place)
    except ModelFileError as error:
        assert "\n" not in str(error)


class Code:
    """Unpickling this makes the file `ran`."""

    def __init__(self, ran):
        self.ran = ran

    def __reduce__(self):
        return Path.touch, (self.ran,)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_is_refused_and_its_code_does_not_run(place, tmp_path, write):
    with (tmp_path / "pickle").open("wb") as file:
        write(Code(tmp_path / "ran"), file)
    refusal(place, (tmp_path / "pickle").read_bytes())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"striate": "null"}, {"striate": "[]"}])
def test_weights_of_another_program_are_refused_as_such(place, metadata):
    assert "of another program" in refusal(place, save({"weight": torch.ones(2)}, metadata))


def test_a_newer_format_is_refused_with_the_repair(place, whole):
    sentence = refusal(place, edited(whole, lambda header: header.update(format_version=3)))
    assert "format version 3" in sentence
    assert "pip install -U striate" in sentence


@pytest.mark.parametrize("version", [None, "1", 1.5])
def test_a_format_version_that_is_no_number_is_refused(place, whole, version):
    refusal(place, edited(whole, lambda header: header.update(format_version=version)))


def test_a_model_that_is_not_in_the_catalogue_is_refused_with_its_name(place, whole):
    assert "'linaer'" in refusal(place, edited(whole, lambda header: header["declaration"].update(name="linaer")))


@pytest.mark.parametrize("key", ["task", "declaration", "preparation", "classes", "recipe", "measured"])
def test_a_header_without_one_of_its_keys_is_refused_by_that_key(place, whole, key):
    assert key in refusal(place, edited(whole, lambda header: header.pop(key)))


@pytest.mark.parametrize("values", [{"score.weight": torch.ones(2, 5)}, {"more": torch.ones(1)}])
def test_weights_that_do_not_fit_the_declared_network_are_refused_by_name(place, whole, values):
    (name,) = values
    tensors = {f"weights.{key}": value for key, value in values.items()}
    assert name in refusal(place, edited(whole, lambda header: None, **tensors))


def test_a_file_without_a_weight_or_without_what_was_seen_is_refused(place, whole):
    tensors, header = load(whole), json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])["__metadata__"]
    for name in tensors:
        kept = {key: value for key, value in tensors.items() if key != name}
        assert name.removeprefix("weights.") in refusal(place, save(kept, header))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", ["a"]),
        ("classes", ["a", "b", "c"]),
        ("size", [3, 2]),
        ("channels", 3),
        ("mean", [0.5, 0.5]),
        ("std", []),
        ("fit", "bend"),
        ("interpolation", "magic"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(place, whole, key, value):
    def change(header):
        (header if key in header else header["preparation"])[key] = value

    refusal(place, edited(whole, change))


@pytest.mark.parametrize("name", ["nothing.safetensors", "."])
def test_a_missing_file_and_a_folder_without_one_are_refused_with_their_place(tmp_path, name):
    with pytest.raises(ModelFileError, match=r"expected a model file or a run directory") as caught:
        load_checkpoint(tmp_path / name)
    assert str(tmp_path) in str(caught.value)
