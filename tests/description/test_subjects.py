"""What may be described, and the ways to write its size; whatever makes no sense gets one sentence."""

import re

import pytest
import torch
from torch import nn

from striate.architectures.catalogue import Declaration, build
from striate.checkpoints.model_file import Checkpoint, save_checkpoint
from striate.description.comparison import compare
from striate.description.describing import describe
from striate.description.fitting import fit_memory
from striate.errors import ModelFileError, PatternError, SettingsError, SizeError, UnknownNameError
from striate.images.preparation import Geometry, Preparation

EXPECTED = "expected pixels from 1 to 16,384, as 224, or 240x320 with the height first, without the channels"


def layer():
    return nn.Conv2d(3, 2, 3)


@pytest.mark.parametrize("size", ["64x96", "64X96", " 64 × 96 ", (64, 96), [64, 96]], ids=str)
def test_height_and_width_are_written_in_any_of_these_ways(size):
    assert describe(layer(), size).size == (64, 96)
    assert compare(layer(), size=size).rows[0].size == (64, 96)
    assert fit_memory(layer(), "1GB", size, batch=1).size == (64, 96)


@pytest.mark.parametrize("size", ["64", 64])
def test_one_number_is_a_square(size):
    assert describe(layer(), size).size == describe("resnet18", size).size == (64, 64)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("resnet18@64", (64, 64)),
        ("resnet18@64x96", (64, 96)),
        ("INPUT -> CONV 4 -> POOL global -> FC 2@40", (40, 40)),
        ("torch.nn:Identity@48x40", (48, 40)),
    ],
)
def test_a_size_may_stand_behind_a_name(text, size):
    card = describe(text)
    assert (card.size, card.name) == (size, text.partition("@")[0])


def test_the_size_behind_a_name_is_its_own_in_a_comparison():
    compared = compare("resnet18@64", "resnet18", "resnet18@96", size=128)
    assert [row.size for row in compared.rows] == [(64, 64), (128, 128), (96, 96)]


@pytest.mark.parametrize("size", ["big", "240x", "x", "", "0", "-5", "1x2x3x4", "16385", "2.5", "1e2", "２２４", "²"])
def test_a_text_that_is_no_size_is_refused_with_an_example(size):
    for given in (layer(), "resnet18"):
        with pytest.raises(SettingsError) as caught:
            describe(given, size)
        assert str(caught.value) == f"size is {size!r}; {EXPECTED}"


@pytest.mark.parametrize(
    "size", [0, -1, 16_385, True, 2.5, (), (0, 3), (1, 2, 3, 4), (8.0, 8.0), {}, [8, "8"]], ids=str
)
def test_other_values_that_are_no_size_are_refused_too(size):
    with pytest.raises(SettingsError, match=re.escape(EXPECTED)):
        describe(layer(), size)


@pytest.mark.parametrize("text", ["lenet5@0", "resnet18@big", "resnet18@64x", "torch.nn:Identity@no"])
def test_a_wrong_size_behind_a_name_is_refused_as_any_other(text):
    with pytest.raises(SettingsError, match=f"size is '{text.partition('@')[2]}'; {EXPECTED}"):
        describe(text)


def test_a_name_of_the_catalogue_takes_height_and_width_alone():
    with pytest.raises(SettingsError, match="expected height and width, or one number for both"):
        describe("resnet18", (8, 8, 8))


@pytest.mark.parametrize("text", ["nonsense@64", "resnet@64"])
def test_an_unknown_name_is_told_without_its_size(text):
    with pytest.raises(UnknownNameError, match=f"unknown model '{text[:-3]}'; did you mean "):
        describe(text)


@pytest.mark.parametrize(
    ("thing", "what"),
    [(nn.ReLU, "a type"), ([layer()], "a list"), (None, "a NoneType"), (b"lenet5", "a bytes"), ("", "an empty text")],
    ids=str,
)
def test_what_is_no_network_is_refused(thing, what):
    for ask in (describe, compare):
        with pytest.raises(SettingsError, match=f"{what} is no network; expected a module, a name, a pattern"):
            ask(thing)


@pytest.mark.parametrize("given", [layer(), "resnet18"], ids=["module", "name"])
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        *(({"in_channels": value}, f"in_channels is {value!r}; expected a whole") for value in (0, -1, "3", 2.0, True)),
        *(({"num_classes": value}, f"num_classes is {value!r}; expected a whole") for value in ("a", 0, -2, 1.5)),
        *(({"batch": value}, f"batch is {value!r}; expected a whole") for value in (2.5, "8", None, True, 0)),
        ({"number_format": None}, "number_format is None; expected one of float64, float32"),
        ({"number_format": torch.float32}, "number_format is torch.float32; expected one of"),
        ({"optimizer": ["sgd"]}, re.escape("optimizer is ['sgd']; expected one of sgd, momentum, adamw")),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused(given, asked, sentence):
    with pytest.raises(SettingsError, match=sentence):
        describe(given, 64, **asked)
    with pytest.raises(SettingsError, match=sentence):
        fit_memory(given, "1GB", 64, **asked)


def test_a_module_has_its_classes_already():
    with pytest.raises(SettingsError, match="a module has its classes already; leave num_classes out"):
        describe(layer(), 8, num_classes=3)


def test_a_pattern_with_its_channels_last_is_told_how_to_write_them():
    with pytest.raises(PatternError) as caught:
        describe("INPUT 224x224x3 -> CONV 4 -> FC 2")
    said, _, caret = str(caught.value).split("\n")
    assert said == "INPUT 224x224x3 has its channels last; write channels x height x width: INPUT 3x224x224"
    assert caret.index("^") == 2 + len("INPUT ")


def written(path, declaration, preparation, classes):
    weights, seen = build(declaration).state_dict(), torch.zeros(0, dtype=torch.int64)
    save_checkpoint(path, Checkpoint("classification", declaration, preparation, classes, {}, {}, weights, seen))
    return path


@pytest.fixture
def file(tmp_path):
    """A trained resnet18 of 2 classes for images of 64x64."""
    declaration = Declaration("resnet18", 2, 3, (64, 64))
    preparation = Preparation(Geometry((64, 64), 3, "pad"), (0.5,) * 3, (0.25,) * 3)
    return written(tmp_path / "model.safetensors", declaration, preparation, ("cat", "dog"))


def test_a_model_file_may_be_given_a_size_and_nothing_else(file):
    assert describe(file).size == (64, 64)
    assert describe(file, "96x80").size == (96, 80)
    assert describe(file, 96).parameters == describe("resnet18", num_classes=2).parameters
    for other in ({"num_classes": 2}, {"in_channels": 3}):
        with pytest.raises(SettingsError, match="a model file has its classes and channels; give neither with it"):
            describe(file, **other)


def test_a_model_file_whose_layers_are_for_one_size_names_the_layer(tmp_path):
    declaration = Declaration("lenet5", 10, 1, (32, 32))
    preparation = Preparation(Geometry((32, 32), 1, "pad"), (0.5,), (0.25,))
    written(tmp_path / "lenet.safetensors", declaration, preparation, tuple("0123456789"))
    with pytest.raises(SizeError, match="c5 takes 400 values and is given 576"):  # 16·5·5, and 16·6·6
        describe(tmp_path / "lenet.safetensors", 36)
    with pytest.raises(ModelFileError, match="there is no file"):
        describe(str(tmp_path / "gone.safetensors"))
