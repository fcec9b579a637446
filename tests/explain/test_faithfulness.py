import pytest
import torch
from torch import nn

from striate.errors import SettingsError
from striate.explain.faithfulness import blur, curves, random_heat
from striate.explain.masks import box_around, hottest
from striate.explain.randomisation import randomised, rank_correlation
from striate.explain.saliency import saliency


class TwoPixels(nn.Module):
    """The score of class 0 is the sum of the pixels times `weights`, that of class 1 is 0."""

    def __init__(self, *weights):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, images):
        score = images.flatten(1) @ self.weights
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def _sigmoid(value):
    return float(torch.sigmoid(torch.tensor(value)))


def test_deletion_takes_the_hottest_pixels_first_by_hand():
    """Scores 3·1 + 1·1 = 4; without the first pixel 1, without both 0: their sigmoids are the curve."""
    network, image = TwoPixels(3.0, 1.0), torch.ones(1, 1, 1, 2)
    found = curves(network, image, torch.tensor([0]), torch.tensor([[[9.0, 2.0]]]), steps=2)
    expected = torch.tensor([[_sigmoid(4.0), _sigmoid(1.0), 0.5]])
    torch.testing.assert_close(found.deletion, expected)
    area = (expected[0, 0] / 2 + expected[0, 1] + expected[0, 2] / 2) / 2
    torch.testing.assert_close(found.deletion_area, area[None])


def test_insertion_gives_pixels_back_to_a_blurred_image():
    network, image = TwoPixels(3.0, 1.0), torch.arange(1.0, 257.0).view(1, 1, 16, 16)[..., :1, :2] / 256
    heat = torch.tensor([[[1.0, 2.0]]])
    found = curves(network, image, torch.tensor([0]), heat, steps=2)
    half = blur(image).clone()
    half[0, 0, 0, 1] = image[0, 0, 0, 1]
    pictures = torch.cat([blur(image), half, image])
    torch.testing.assert_close(found.insertion, network(pictures).softmax(1)[:, 0][None].detach())


def test_the_true_order_deletes_faster_and_inserts_sooner_than_a_drawn_one():
    torch.manual_seed(0)
    network = TwoPixels(*(0.1 * torch.rand(64).square()).tolist())
    images, targets = torch.ones(1, 1, 8, 8), torch.tensor([0])
    true = network.weights.detach().view(1, 8, 8)
    drawn = curves(network, images, targets, random_heat(true, seed=7))
    assert curves(network, images, targets, true).deletion_area < drawn.deletion_area
    assert curves(network, images, targets, -true).deletion_area > drawn.deletion_area


def test_curves_begin_and_end_with_the_image_and_the_empty_one():
    torch.manual_seed(0)
    network, images = nn.Sequential(nn.Flatten(), nn.Linear(75, 4)), torch.randn(3, 3, 5, 5)
    targets, told = torch.tensor([0, 3, 1]), []
    found = curves(network, images, targets, torch.rand(3, 5, 5), steps=5, watch=told.append)
    asked = network(images).softmax(1)[torch.arange(3), targets].detach()
    torch.testing.assert_close(found.deletion[:, 0], asked)
    torch.testing.assert_close(found.insertion[:, -1], asked)
    empty = network(torch.zeros_like(images)).softmax(1)[torch.arange(3), targets].detach()
    torch.testing.assert_close(found.deletion[:, -1], empty)
    assert told == [1] * 6


def test_steps_that_make_no_sense_are_refused():
    with pytest.raises(SettingsError, match="steps is 0"):
        curves(TwoPixels(1.0), torch.ones(1, 1, 1, 1), torch.tensor([0]), torch.ones(1, 1, 1), steps=0)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 1.0),
        ([4.0, 3.0, 2.0, 1.0], -1.0),
        ([1.0, 4.0, 2.0, 3.0], 0.4),
        ([5.0, 5.0, 5.0, 5.0], 0.0),
    ],
)
def test_spearmans_correlation_by_hand(other, expected):
    """1 - 6 Σd² / n(n² - 1): for the third, d = 0, 2, -1, -1, so 1 - 36 / 60."""
    found = rank_correlation(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor(other).view(1, 2, 2))
    torch.testing.assert_close(found, torch.tensor([expected], dtype=torch.float64))


def _three_layers():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 3)
    )


def test_layers_are_drawn_anew_from_the_last_and_the_network_is_left_alone():
    network, images, targets = _three_layers(), torch.randn(2, 1, 10, 10), torch.tensor([0, 1])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = []

    def explain(looked_at):
        drawn.append([not torch.equal(looked_at[place].weight, network[place].weight) for place in (0, 2, 5)])
        return saliency(looked_at, images, targets)

    found = randomised(network, explain, shares=(0.0, 0.67, 1.0))
    assert drawn == [[False] * 3, [False, False, True], [False, True, True], [True] * 3]
    assert [likeness.layers for likeness in found] == [1, 2, 3]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_method_that_does_not_look_at_the_network_is_found_out():
    images = torch.rand(2, 1, 10, 10)
    found = randomised(_three_layers(), lambda _: images[:, 0])
    assert all(torch.allclose(likeness.correlation, torch.ones(2, dtype=torch.float64)) for likeness in found)


def test_the_box_around_what_is_hottest():
    heat = torch.zeros(1, 10, 10)
    heat[0, 2:4, 5:9] = 1
    mask = hottest(heat, 0.08, smoothing=0)[0]
    assert mask.sum() == 8 and box_around(mask) == (5, 2, 9, 4)


def test_smoothing_lets_a_patch_win_over_a_lone_pixel():
    heat = torch.zeros(1, 40, 40)
    heat[0, 5, 5], heat[0, 20:28, 20:28] = 3.0, 1.0
    assert hottest(heat, 0.001, smoothing=0)[0, 5, 5]
    smooth = hottest(heat, 0.01, smoothing=0.05)[0]
    assert not smooth[:10, :10].any() and smooth[23, 23]


@pytest.mark.parametrize("share", [0.0, 1.0, 7.0])
def test_a_share_that_makes_no_sense_is_refused(share):
    with pytest.raises(SettingsError, match="between 0 and 1"):
        hottest(torch.ones(1, 2, 2), share)
