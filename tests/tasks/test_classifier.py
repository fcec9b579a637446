import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix, log_loss

from striate.architectures.catalogue import Declaration, build
from striate.checkpoints.model_file import Checkpoint
from striate.datasets.loading import ImageSet
from striate.errors import ImageError
from striate.images.preparation import Geometry, Preparation
from striate.tasks.classification import Classifier

CLASSES = ("cat", "dog", "fünf Äpfel 苹果")


@pytest.fixture(scope="module")
def checkpoint():
    declaration = Declaration("lenet5", 3, 3, (16, 20))
    preparation = Preparation(Geometry((16, 20), 3), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    weights = build(declaration).state_dict()
    return Checkpoint("classification", declaration, preparation, CLASSES, {}, {}, weights, torch.arange(1))


@pytest.fixture
def classifier(checkpoint):
    return Classifier.of(checkpoint, "cpu")


@pytest.fixture
def picture(tmp_path):
    """A colour photograph of noise, and its file."""
    pixels = np.random.default_rng(0).integers(0, 256, (33, 47, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "two words.png")
    return pixels, tmp_path / "two words.png"


def test_a_prediction_is_a_plain_forward_of_the_prepared_image(checkpoint, classifier, picture):
    pixels, path = picture
    box = (3, 0, 44, 33)  # the middle 41 of 47 columns: 33 · 20 / 16 = 41.25
    small = Image.fromarray(pixels).resize((20, 16), Image.Resampling.BILINEAR, box=box)
    image = torch.from_numpy(np.asarray(small) / 255).permute(2, 0, 1)[None].float()
    mean, std = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1), torch.tensor([0.2, 0.25, 0.3]).view(3, 1, 1)
    network = build(checkpoint.declaration)
    network.load_state_dict(checkpoint.weights)
    expected = network((image - mean) / std).softmax(1)[0]
    prediction = classifier.predict(path)
    assert [guess.label for guess in prediction.top] == [CLASSES[place] for place in expected.argsort(descending=True)]
    ours = {guess.label: guess.probability for guess in prediction.top}
    assert [ours[label] for label in CLASSES] == pytest.approx(
        expected.tolist(), abs=1e-3
    )  # a grey level here and there


def test_probabilities_sum_to_one_and_fall(classifier, picture):
    chances = [guess.probability for guess in classifier.predict(picture[1]).top]
    assert sum(chances) == pytest.approx(1)
    assert chances == sorted(chances, reverse=True)


def test_a_path_its_text_its_bytes_a_pillow_image_and_an_array_give_one_answer(classifier, picture):
    pixels, path = picture
    sources = [path, str(path), path.read_bytes(), Image.open(io.BytesIO(path.read_bytes())), pixels]
    first, *others = [classifier.predict(source) for source in sources]
    assert all(other.top == first.top for other in others)
    assert [first.path, *(other.path for other in others)] == [str(path), str(path), "", "", ""]


@pytest.mark.parametrize(("top", "count"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_top_says_how_many_guesses_are_given_at_the_most(classifier, picture, top, count):
    prediction = classifier.predict(picture[1], top=top)
    assert prediction.top == classifier.predict(picture[1]).top[:count]
    assert (prediction.label, prediction.probability) == (prediction.top[0].label, prediction.top[0].probability)


def test_a_grey_image_is_answered_by_a_network_of_colours(classifier):
    assert classifier.predict(np.zeros((20, 20), np.uint8)).top == classifier.predict(np.zeros((9, 9, 3), np.uint8)).top


def test_the_dictionary_is_plain(classifier, picture):
    prediction = classifier.predict(picture[1])
    answer = json.loads(json.dumps(prediction.to_dict()))
    assert list(answer) == ["path", "label", "probability", "top"]
    assert answer["top"][0] == {"label": prediction.label, "probability": prediction.probability}


def test_files_and_folders_are_answered_in_order_and_what_cannot_be_read_is_named(classifier, picture):
    _, path = picture
    folder = path.parent / "folder"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.png", "a.png", ".hidden.png", "deep/c.png"):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "deep" / "d.png").write_bytes(path.read_bytes()[:200])
    (folder / "notes.txt").write_text("not an image")
    predictions, skipped = classifier.predict_files([str(path), folder, path.parent / "gone.png"], top=2)
    assert [prediction.path for prediction in predictions] == [
        str(path),
        *(str(folder / name) for name in ("a.png", "b.png", "deep/c.png")),
    ]
    assert {prediction.top for prediction in predictions} == {classifier.predict(path, top=2).top}
    assert [file.name for file in skipped] == [
        str(place) for place in (folder / "deep" / "d.png", folder / "notes.txt", path.parent / "gone.png")
    ]
    assert "truncated" in skipped[0].reason
    assert [file.reason for file in skipped[1:]] == ["not an image of a known format", "no such file"]


def test_one_image_that_cannot_be_read_is_an_image_error(classifier, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        classifier.predict(tmp_path / "gone.png")


@pytest.mark.parametrize("training", [True, False])
def test_predicting_changes_neither_the_networks_mode_nor_its_weights(classifier, picture, training):
    classifier.network.train(training)
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    classifier.predict(picture[1])
    classifier.probabilities(torch.zeros(2, 3, 16, 20, dtype=torch.uint8))
    assert all(module.training == training for module in classifier.network.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.network.state_dict().items())


def test_more_images_than_a_batch_holds_are_answered_as_one_by_one(classifier):
    images = torch.randint(0, 256, (300, 3, 16, 20), dtype=torch.uint8)
    together = classifier.probabilities(images)
    assert together.shape == (300, 3)
    for place in (0, 255, 256, 299):
        torch.testing.assert_close(together[place], classifier.probabilities(images[place : place + 1])[0])


def test_an_evaluation_counts_what_scikit_learn_counts(classifier):
    generator = np.random.default_rng(0)
    pixels, targets = generator.integers(0, 256, (40, 3, 16, 20), np.uint8), generator.integers(0, 3, 40)
    one = classifier.evaluate(ImageSet(pixels, targets, tuple(map(str, range(40)))))
    said = classifier.probabilities(torch.from_numpy(pixels)).argmax(dim=1).numpy()
    np.testing.assert_array_equal(one.confusion, confusion_matrix(targets, said, labels=range(3)))
    assert one.loss == pytest.approx(log_loss(targets, one.probabilities), rel=1e-5)
    assert one.mistakes[0] == max(np.flatnonzero(said != targets), key=lambda place: one.probabilities[place].max())
