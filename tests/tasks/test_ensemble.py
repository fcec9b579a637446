import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gmean
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from striate.architectures.architecture import Declaration
from striate.architectures.catalogue import build
from striate.checkpoints.model_file import Checkpoint
from striate.datasets.loading import ImageSet
from striate.errors import ImageError, SettingsError
from striate.images.geometry import Geometry
from striate.images.preparation import Preparation
from striate.machine.choice import choose
from striate.tasks.classification import Classifier
from striate.tasks.ensemble import Ensemble
from striate.tasks.looks import Looks

SIZE = Geometry((1, 3), 1)


class Pixels(nn.Module):
    """Says that the probabilities of three classes are as the three pixels of an image are bright."""

    def forward(self, images):
        return images.flatten(1).log()


def toy(classes=("a", "b", "c"), network=None, geometry=SIZE, name="linear"):
    """A classifier of three grey pixels, which are not changed before it sees them."""
    preparation = Preparation(geometry, (0.0,), (1.0,))
    declaration = Declaration(name, 3, 1, geometry.size)
    checkpoint = Checkpoint("classification", declaration, preparation, classes, {}, {}, {}, torch.zeros(0))
    return Classifier(network or Pixels(), preparation, classes, choose("cpu"), checkpoint)


def shown(*rows):
    """Images (N, 1, 1, 3) of these pixels, by the geometry of the toys."""
    return {SIZE: np.array(rows, np.uint8)[:, None, None]}


def labelled(stacks, targets):
    images = stacks[SIZE]
    return ImageSet(images, np.array(targets, np.int64), tuple(map(str, range(len(images)))))


def test_a_mirror_image_is_averaged_with_the_image():
    probabilities = Ensemble((toy(),), Looks(flip=True)).probabilities(shown([20, 60, 20], [10, 40, 150]))
    torch.testing.assert_close(probabilities, torch.tensor([[0.2, 0.6, 0.2], [0.4, 0.2, 0.4]]))


def test_members_meet_by_the_names_of_their_classes():
    ensemble = Ensemble((toy(("a", "b", "c")), toy(("c", "a", "b"))))
    probabilities = ensemble.probabilities(shown([100, 60, 40]))  # the second says c 0.5, a 0.3, b 0.2
    assert ensemble.classes == ("a", "b", "c")
    torch.testing.assert_close(probabilities, torch.tensor([[0.4, 0.25, 0.35]]))


def test_members_and_looks_weigh_the_same():
    ensemble = Ensemble((toy(("a", "b", "c")), toy(("c", "a", "b"))), Looks(flip=True))
    first, second = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.2, 0.5])
    mirrored, second_mirrored = np.array([0.2, 0.3, 0.5]), np.array([0.3, 0.5, 0.2])
    expected = np.mean([first, second, mirrored, second_mirrored], axis=0)
    np.testing.assert_allclose(ensemble.probabilities(shown([100, 60, 40]))[0], expected, rtol=1e-5)


class Fixed(nn.Module):
    """Gives the same scores, whatever it is shown."""

    def __init__(self, scores):
        super().__init__()
        self.scores = torch.tensor(scores)

    def forward(self, images):
        return self.scores.expand(len(images), -1)


def test_one_member_that_rules_a_class_out_has_no_veto():
    probabilities = [[0.0, 1.0, 0.0], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]]
    members = tuple(toy(network=Fixed(np.log(np.maximum(row, 1e-30)).astype(np.float32))) for row in probabilities)
    ours = Ensemble(members).probabilities(shown([1, 1, 1]))[0].numpy()
    np.testing.assert_allclose(ours, np.mean(probabilities, axis=0), atol=1e-6)
    assert ours.argmax() == 0
    assert gmean(np.maximum(probabilities, 1e-30), axis=0).argmax() == 1  # the road not taken


def test_a_class_that_all_hold_for_impossible_costs_a_finite_loss():
    ensemble = Ensemble((toy(network=Fixed([0.0, -500.0, 0.0])), toy(network=Fixed([0.0, -300.0, 0.0]))))
    stacks = shown([1, 1, 1])
    loss = ensemble.evaluate(labelled(stacks, [1]), stacks).evaluation.loss
    assert loss == pytest.approx(300 + 2 * np.log(2), rel=1e-5)


def test_counts_losses_and_gains_are_scikit_learns_of_the_mean_of_probabilities():
    generator = np.random.default_rng(0)
    rows, targets = generator.integers(1, 256, (300, 3)), generator.integers(0, 3, 300)
    stacks = shown(*rows)
    found = Ensemble((toy(("a", "b", "c")), toy(("b", "a", "c")), toy(("a", "c", "b")))).evaluate(
        labelled(stacks, targets), stacks
    )
    shares = rows / rows.sum(axis=1, keepdims=True)
    members = [shares, shares[:, [1, 0, 2]], shares[:, [0, 2, 1]]]
    mean = np.mean(members, axis=0)
    assert found.evaluation.loss == pytest.approx(log_loss(targets, mean), rel=1e-5)
    assert found.evaluation.accuracy == pytest.approx(accuracy_score(targets, mean.argmax(axis=1)))
    np.testing.assert_allclose(found.evaluation.probabilities, mean, rtol=1e-5)
    right = [accuracy_score(targets, own.argmax(axis=1), normalize=False) for own in members]
    assert [member.right for member in found.members] == right
    assert [member.loss for member in found.members] == pytest.approx([log_loss(targets, own) for own in members])
    best, average = found.gains
    assert (best.over, best.right, best.other) == ("the best member", found.evaluation.right, max(right))
    assert (average.over, average.other) == ("the mean member", pytest.approx(np.mean(right)))


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(1, 255), min_size=3, max_size=3), min_size=1, max_size=9), st.integers(0, 2))
def test_the_loss_of_the_average_is_never_above_the_mean_of_the_losses(rows, target):
    stacks = shown(*rows)
    ensemble = Ensemble((toy(("a", "b", "c")), toy(("c", "a", "b"))), Looks(flip=True))
    found = ensemble.evaluate(labelled(stacks, [target] * len(rows)), stacks)
    assert found.evaluation.loss <= np.mean([member.loss for member in found.members]) + 1e-5


def test_several_looks_are_compared_with_one():
    stacks = shown([20, 30, 50], [50, 20, 30], [10, 80, 10])
    found = Ensemble((toy(),), Looks(flip=True)).evaluate(labelled(stacks, [2, 2, 1]), stacks)
    (one,) = found.gains  # flipped, the second image is a tie of a and c, which a wins
    assert (one.over, one.right, one.other, one.n) == ("one look", found.evaluation.right, 2.0, 3)


def test_one_model_and_one_look_have_nothing_to_gain():
    stacks = shown([20, 30, 50])
    found = Ensemble((toy(),)).evaluate(labelled(stacks, [2]), stacks)
    assert found.gains == []
    assert found.evaluation.accuracy == toy().evaluate(labelled(stacks, [2])).accuracy == 1


def test_every_look_is_heard_of():
    stacks, heard = shown(*[[20, 30, 50]] * 600), []
    ensemble = Ensemble((toy(), toy()), Looks(flip=True))
    ensemble.evaluate(labelled(stacks, [2] * 600), stacks, heard.append)
    assert sum(heard) == 600 * ensemble.count == 2400


def test_images_are_prepared_once_for_members_that_are_shown_them_alike():
    ensemble = Ensemble((toy(), toy(("c", "b", "a")), toy(geometry=Geometry((1, 3), 1, "stretch"))), Looks(flip=True))
    assert ensemble.geometries == ensemble.shown == (SIZE, Geometry((1, 3), 1, "stretch"))


def test_a_prediction_is_that_of_the_average_and_images_that_cannot_be_read_are_refused(tmp_path):
    ensemble = Ensemble((toy(),), Looks(flip=True))
    prediction = ensemble.predict(np.array([[10, 40, 150]], np.uint8), top=2)
    assert [guess.probability for guess in prediction.top] == pytest.approx([0.4, 0.4])
    with pytest.raises(ImageError, match="no such file"):
        ensemble.predict(tmp_path / "gone.png")
    with pytest.raises(SettingsError, match="top is 0"):
        ensemble.predict(np.ones((1, 3), np.uint8), top=0)
    assert [file.reason for file in ensemble.predict_files([tmp_path / "gone.png"])[1]] == ["no such file"]


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (("a", "b"), "the class 'c' of the first is not known to model 2"),
        (("a", "b", "c", "d"), "the class 'd' of model 2 is not known to the first"),
    ],
)
def test_a_class_that_one_member_lacks_is_refused_by_name(second, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Ensemble((toy(), toy(second)))


def test_no_member_is_refused():
    with pytest.raises(SettingsError, match="no model was given"):
        Ensemble(())


@pytest.mark.parametrize("name", ["linear", "lenet5", "alexnet_owt"])
def test_other_sizes_are_refused_for_a_network_whose_matrices_are_made_for_one(name):
    member = toy(name=name, geometry=Geometry((64, 64), 1))
    with pytest.raises(SettingsError, match=f"{name} takes images of 64×64 alone, and scales shows it 128×128; add"):
        Ensemble((member,), Looks(scales=(1.0, 2.0)))
    assert Ensemble((member,), Looks(crops=True, scales=(1.0, 2.0))).count == 11


def test_a_network_that_pools_over_the_image_is_shown_it_at_several_sizes():
    torch.manual_seed(0)
    geometry, pixels = Geometry((32, 32), 1), np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    network = build(Declaration("resnet20", 3, 1, (32, 32))).eval()
    ensemble = Ensemble((toy(network=network, geometry=geometry, name="resnet20"),), Looks.parse("scales:1,2"))
    small = torch.from_numpy(geometry.prepare(pixels)[0])[None] / 255
    with torch.no_grad():
        expected = (network(small).softmax(1) + network(torch.from_numpy(pixels)[None, None] / 255).softmax(1)) / 2
    found = {guess.label: guess.probability for guess in ensemble.predict(pixels).top}
    assert [found[label] for label in "abc"] == pytest.approx(expected[0].tolist(), rel=1e-4)
