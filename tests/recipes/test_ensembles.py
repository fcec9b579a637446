import hashlib
import json
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import striate
from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import build
from striate.checkpoints.model_file import Checkpoint, save_checkpoint
from striate.errors import DataError, SettingsError
from striate.images.geometry import Geometry
from striate.images.preparation import Preparation

CLASSES = ("circle", "fünf Äpfel 苹果", "square")
COLOUR, GREY = Geometry((16, 16), 3), Geometry((8, 12), 1, "stretch", "bicubic")


@pytest.fixture
def save(tmp_path):
    """Write a model file of random weights, and give its path."""

    def make(name, seed, geometry, *, classes=CLASSES, seen=(), model="linear"):
        torch.manual_seed(seed)
        declaration = Declaration(model, len(classes), geometry.channels, geometry.size)
        preparation = Preparation(geometry, (0.5,) * geometry.channels, (0.1,) * geometry.channels)
        weights = build(declaration).state_dict()
        marks = torch.tensor(sorted(seen), dtype=torch.int64)
        path = tmp_path / f"{name}.safetensors"
        save_checkpoint(path, Checkpoint("classification", declaration, preparation, classes, {}, {}, weights, marks))
        return path

    return make


@pytest.fixture
def pair(save):
    """Two models that are shown images in other ways and know their classes in another order."""
    return save("colour", 1, COLOUR), save("grey", 2, GREY, classes=CLASSES[::-1])


@pytest.fixture
def folder(draw, tmp_path):
    """Nine images of two classes."""
    draw(tmp_path / "fresh" / "square", 2, 5)
    draw(tmp_path / "fresh" / "fünf Äpfel 苹果", 1, 4)
    return tmp_path / "fresh"


def chances(model, image):
    """Probabilities that one model gives alone, in the order of CLASSES."""
    found = {guess.label: guess.probability for guess in striate.load(model).predict(image).top}
    return np.array([found[label] for label in CLASSES])


def mark(pixels):
    """The fingerprint of prepared pixels, as decision 0005 says it is made."""
    return int.from_bytes(hashlib.blake2b(pixels.tobytes(), digest_size=8).digest(), "little", signed=True)


def test_the_average_of_several_models_is_the_mean_of_what_each_predicts(pair, folder):
    result = striate.evaluate(list(pair), folder, quiet=True)
    evaluation = result.evaluation
    means = [np.mean([chances(model, folder / name) for model in pair], axis=0) for name in evaluation.images.names]
    np.testing.assert_allclose(evaluation.probabilities, means, rtol=1e-4, atol=1e-6)
    truth = [CLASSES.index((folder / name).parent.name) for name in evaluation.images.names]
    assert (evaluation.n, evaluation.right) == (9, (np.argmax(means, axis=1) == truth).sum())
    alone = [striate.evaluate(model, folder, quiet=True).evaluation for model in pair]
    assert [(one.model, one.right, one.n) for one in result.members] == [
        (str(model), one.right, 9) for model, one in zip(pair, alone, strict=True)
    ]
    assert [one.loss for one in result.members] == pytest.approx([one.loss for one in alone])
    assert [(one.over, one.other) for one in result.gains] == [
        ("the best member", max(one.right for one in alone)),
        ("the mean member", np.mean([one.right for one in alone])),
    ]


def test_a_flip_is_the_mean_over_the_image_and_pillows_mirror_image(pair, folder):
    evaluation = striate.evaluate(pair[0], folder, looks="flip", quiet=True).evaluation
    for name, ours in zip(evaluation.images.names, evaluation.probabilities, strict=True):
        with Image.open(folder / name) as image:
            size = min(image.size)
            square = ImageOps.fit(image.convert("RGB"), (size, size), centering=(0.5, 0.5))
        means = (chances(pair[0], folder / name) + chances(pair[0], ImageOps.mirror(square))) / 2
        np.testing.assert_allclose(ours, means, atol=0.1)


@pytest.mark.parametrize("looks", ["flip", "ten", "flip,crops,scales:1,1.25"])
def test_an_evaluation_answers_for_each_image_as_a_prediction_with_the_same_looks(pair, folder, looks):
    evaluation = striate.evaluate(pair, folder, looks=looks, quiet=True).evaluation
    ensemble = striate.load(pair, looks=looks)
    for name, ours in zip(evaluation.images.names, evaluation.probabilities, strict=True):
        found = {guess.label: guess.probability for guess in ensemble.predict(folder / name).top}
        np.testing.assert_allclose(ours, [found[label] for label in CLASSES], rtol=1e-4, atol=1e-6)


def test_an_image_that_any_model_has_seen_is_left_out_for_all(save, folder):
    names = sorted(folder.rglob("*.*"))
    first = save("first", 1, COLOUR, seen=[mark(COLOUR.prepare(names[place])[0]) for place in (0, 1)])
    second = save("second", 2, GREY, seen=[mark(GREY.prepare(names[place])[0]) for place in (1, 6)])
    result = striate.evaluate((first, second), folder, looks="crops", quiet=True)
    left = [str(names[place].relative_to(folder)) for place in (2, 3, 4, 5, 7, 8)]
    assert (list(result.evaluation.images.names), result.seen) == (left, 3)
    assert [member.seen for member in result.members] == [2, 2]
    alone = [chances(model, folder / left[0]) for model in (first, second)]
    assert striate.evaluate((first, second), folder, quiet=True).evaluation.probabilities[0] == pytest.approx(
        np.mean(alone, axis=0), rel=1e-4
    )


def test_when_every_image_was_seen_by_one_or_another_there_is_nothing_to_say(save, folder):
    names = sorted(folder.rglob("*.*"))
    first = save("first", 1, COLOUR, seen=[mark(COLOUR.prepare(name)[0]) for name in names[:5]])
    second = save("second", 2, GREY, seen=[mark(GREY.prepare(name)[0]) for name in names[5:]])
    with pytest.raises(DataError, match=r"of the 9 readable images .* used to train one of these models or another"):
        striate.evaluate((first, second), folder, quiet=True)


def test_images_are_read_once_for_all_models_that_are_shown_them_alike(save, folder, monkeypatch):
    models = [save("a", 1, COLOUR), save("b", 2, COLOUR), save("c", 3, GREY)]
    reads, prepare = Counter(), Geometry.prepare

    def counted(geometry, source):
        reads[geometry] += 1
        return prepare(geometry, source)

    monkeypatch.setattr(Geometry, "prepare", counted)
    striate.evaluate(models, folder, quiet=True)
    assert reads == {COLOUR: 9, GREY: 9}
    reads.clear()
    striate.evaluate(models, folder, looks="ten", quiet=True)
    assert sorted(reads.values()) == [9, 9, 9, 9]


def test_an_image_that_one_model_cannot_be_shown_is_left_out_for_all_and_named_once(save, draw, folder):
    (folder / "square" / "broken.png").write_bytes(b"")
    bright = save("bright", 3, Geometry((8, 8), 1, range=(0.0, 100.0)))
    for number in range(2):
        Image.new("L", (9, 9), 60 + number).save(folder / "square" / f"dark{number}.png")
    result = striate.evaluate((save("a", 1, COLOUR), bright), folder, quiet=True)
    assert list(result.evaluation.images.names) == ["square/dark0.png", "square/dark1.png"]
    assert len(result.skipped) == len({file.name for file in result.skipped}) == 10
    with pytest.raises(DataError, match=r"square/broken\.png: the file is empty"):
        striate.evaluate((save("b", 1, COLOUR), bright), folder, strict=True, quiet=True)


def test_a_class_that_one_model_lacks_is_refused_by_name(save, folder):
    models = save("a", 1, COLOUR), save("b", 2, COLOUR, classes=CLASSES[:2])
    with pytest.raises(SettingsError, match="the class 'square' of the first is not known to model 2"):
        striate.evaluate(models, folder, quiet=True)


def test_the_answer_is_plain_and_says_what_was_averaged(pair, folder):
    result = striate.evaluate(pair, folder, looks="ten", quiet=True)
    answer = json.loads(json.dumps(result.to_dict()))
    assert (answer["looks"], answer["n"], answer["left_out_as_seen"]) == ("flip,crops", 9, 0)
    assert [one["model"] for one in answer["members"]] == list(map(str, pair))
    assert [one["over"] for one in answer["gains"]] == ["the best member", "the mean member", "one look"]
    assert all(one["right"] == answer["right"] and one["n"] == 9 for one in answer["gains"])


def test_one_model_alone_answers_as_it_did(pair, folder):
    result = striate.evaluate(pair[0], folder, quiet=True)
    assert (str(result.looks), result.gains, len(result.members)) == ("one", (), 1)
    assert result.members[0].accuracy == result.evaluation.accuracy


@pytest.fixture
def cifar(shared):
    """The 2,000 test images (N, H, W, C) and the name of the class of each."""
    pixels, labels = [], []
    for mosaic in sorted((shared / "data" / "cifar10" / "test").glob("*.webp")):
        with Image.open(mosaic) as image:
            tiles = np.asarray(image.convert("RGB").crop((0, 0, 1280, 160)))
        pixels.append(tiles.reshape(5, 32, 40, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3))
        labels += [mosaic.stem.removesuffix("_0")] * 200
    return np.concatenate(pixels), labels


@pytest.mark.slow
def test_of_two_published_networks_and_their_flips_as_many_are_right_as_torch_counts(cifar, shared, tmp_path):
    pixels, labels = cifar
    names, models, expected = sorted(set(labels)), [], []
    images = (torch.from_numpy(pixels) / 255 - torch.tensor(_MEAN)) / torch.tensor(_STD)
    batches = images.permute(0, 3, 1, 2).split(250)
    for model, file in (("resnet20", "resnet20-12fca82f.th"), ("resnet56", "resnet56-4bfd9763.th")):
        weights, out = shared / "weights" / file, tmp_path / f"{model}.safetensors"
        striate.import_weights(weights, model, classes=names, out=out)
        models.append(out)
        network = striate.create_model(model, weights=weights).eval()
        with torch.no_grad():
            expected += [torch.cat([network(one).softmax(1) for one in batches])]
            expected += [torch.cat([network(one.flip(3)).softmax(1) for one in batches])]
    dataset = striate.from_arrays(pixels, labels)
    targets = torch.tensor([names.index(label) for label in labels])
    result = striate.evaluate(models, dataset, looks="flip", quiet=True)
    assert result.evaluation.right == (sum(expected).argmax(1) == targets).sum()
    assert [member.right for member in result.members] == [
        (sum(expected[place : place + 2]).argmax(1) == targets).sum() for place in (0, 2)
    ]
    assert result.gains[-1].other == ((expected[0] + expected[2]).argmax(1) == targets).sum()


_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
