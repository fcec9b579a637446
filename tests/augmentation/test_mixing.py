"""mixup and cutmix: images of one level each tell whose pixels are where, and how much of each."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy import stats

from striate.augmentation.beta import beta_quantiles
from striate.augmentation.cutmix import CutMix
from striate.augmentation.mixing import partners
from striate.augmentation.mixup import Mixup
from striate.augmentation.views import Views
from striate.errors import SettingsError

COUNT = 64


def levels(kind=torch.uint8):
    """Image i has the level i everywhere, and the class i."""
    images = torch.arange(COUNT).view(-1, 1, 1, 1).expand(-1, 3, 20, 30)
    return Views(images.to(kind), 255, torch.arange(COUNT))


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 1.0, 2.0, 8.0])
def test_beta_quantiles_are_scipys(alpha):
    chances = np.linspace(0, 1, 2001, endpoint=False)
    ours = beta_quantiles(torch.from_numpy(chances), alpha).numpy()
    np.testing.assert_allclose(ours, stats.beta(alpha, alpha).ppf(chances), atol=2e-6)


def test_partners_are_all_others_alike(draws):
    partner = partners(draws(5000), "mixup partner")
    assert (partner != torch.arange(5000)).all()
    steps = np.sort(((partner - torch.arange(5000)) % 5000).numpy() / 5000)
    assert np.abs(steps - (np.arange(5000) + 0.5) / 5000).max() < 1.95 / math.sqrt(5000)
    assert partners(draws(2), "mixup partner").tolist() == [1, 0]
    assert partners(draws(1), "mixup partner").tolist() == [0]


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16, torch.float32])
def test_mixup_mixes_images_and_targets_by_the_same_share(draws, kind):
    mixed = Mixup(COUNT, alpha=1).apply(levels(kind), draws(COUNT))
    assert mixed.targets.shape == (COUNT, COUNT)
    torch.testing.assert_close(mixed.targets.sum(1), torch.ones(COUNT))
    expected = (mixed.targets * torch.arange(COUNT)).sum(1)  # the level is the mixture of the classes' numbers
    torch.testing.assert_close(mixed.images, expected.view(-1, 1, 1, 1).expand_as(mixed.images), rtol=0, atol=1e-3)
    assert ((mixed.targets > 0).sum(1) == 2).all()


def test_mixups_shares_have_the_beta_distribution(draws):
    count = 3000
    views = Views(torch.zeros(count, 1, 1, 1), 255, torch.arange(count) % 2)
    views = dataclasses.replace(views, targets=torch.eye(count))
    own = Mixup(count, alpha=0.4).apply(views, draws(count)).targets.diagonal().double().numpy()
    assert stats.kstest(own, stats.beta(0.4, 0.4).cdf).pvalue > 0.001


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16, torch.float32])
def test_cutmixs_shares_are_the_areas_of_a_whole_rectangle(draws, kind):
    mixed = CutMix(COUNT).apply(levels(kind), draws(COUNT))
    assert mixed.images.dtype == kind
    images = mixed.images.long().numpy()
    for number, (image, target) in enumerate(zip(images, mixed.targets.numpy(), strict=True)):
        assert (image == image[:1]).all()
        own = image[0] == number
        assert target[number] == pytest.approx(own.mean(), abs=1e-6)
        assert target.sum() == pytest.approx(1, abs=1e-6)
        if not own.all():
            rows, columns = np.nonzero(~own)
            assert len(rows) == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
            (partner,) = set(image[0][~own].tolist())
            assert target[partner] == pytest.approx(1 - own.mean(), abs=1e-6)


def test_a_cutmix_rectangle_has_the_papers_sides_and_a_uniform_middle(draws):
    """For α = 1 the share 1 - λ is uniform: where no side is cut off, the area of the rectangle tells it."""
    count = 4000
    rectangles = CutMix(2).rectangles((1000, 1000), draws(count)).double().numpy()
    chances = draws(count).uniform("cutmix", 4).numpy()
    whole = (rectangles[:, :2] > 0).all(1) & (rectangles[:, 2:] < 1000).all(1)
    sides = rectangles[whole, 2:] - rectangles[whole, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], atol=1)
    np.testing.assert_allclose(sides[:, 0], 1000 * np.sqrt(1 - chances[whole, 1]), atol=1.1)
    middles = (rectangles[:, :2] + rectangles[:, 2:])[whole] / 2000
    np.testing.assert_allclose(middles, chances[whole, 2:], atol=1e-3)
    assert whole.sum() > 500
    assert (rectangles >= 0).all() and (rectangles <= 1000).all()


def test_cutmix_pastes_masks_where_it_pastes_images(draws):
    masks = torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1).expand(-1, 20, 30)
    mixed = CutMix(COUNT).apply(dataclasses.replace(levels(), masks=masks), draws(COUNT))
    assert torch.equal(mixed.masks, mixed.images[:, 0])


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_probability_decides_who_is_mixed_and_the_rest_is_untouched(draws, kind):
    count = 1000
    views = Views(torch.rand(count, 1, 8, 8) * 255, 255, torch.arange(count))
    mixed = kind(count, alpha=1, probability=0.4).apply(views, draws(count))
    pure = mixed.targets.diagonal() == 1
    assert torch.equal(mixed.images[pure], views.images[pure])
    assert 1 - pure.double().mean() == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / count) + 0.02)  # some are too small
    untouched = kind(count, probability=0).apply(views, draws(count))
    assert torch.equal(untouched.images, views.images) and torch.equal(untouched.targets, torch.eye(count))


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_shares_are_mixed_again_and_no_targets_are_none(draws, kind):
    once = CutMix(COUNT).apply(levels(), draws(COUNT))
    twice = kind(COUNT).apply(once, draws(COUNT, seed=1))
    torch.testing.assert_close(twice.targets.sum(1), torch.ones(COUNT))
    assert (twice.targets > 0).sum(1).max() > 2
    assert kind(COUNT).apply(dataclasses.replace(levels(), targets=None), draws(COUNT)).targets is None


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_what_has_no_mixture_is_refused(draws, kind):
    views = levels()
    for known in ({"boxes": torch.zeros(COUNT, 1, 4)}, {"keypoints": torch.zeros(COUNT, 1, 2)}):
        with pytest.raises(SettingsError, match=f"there is no mixture of {next(iter(known))}; leave it out"):
            kind(COUNT).apply(dataclasses.replace(views, **known), draws(COUNT))
    with pytest.raises(SettingsError, match="targets are classes 0 to 63; expected 0 to 9"):
        kind(10).apply(views, draws(COUNT))
    with pytest.raises(SettingsError, match="targets have shares of 64 classes; expected 10"):
        kind(10).apply(dataclasses.replace(views, targets=torch.eye(COUNT)), draws(COUNT))
    with pytest.raises(SettingsError, match="number of classes is 0; expected a whole number from 1"):
        kind(0)
    with pytest.raises(SettingsError, match=r"alpha is 0; expected a number, 0\.01 to 100"):
        kind(10, alpha=0)


def test_masks_have_no_mixture(draws):
    with pytest.raises(SettingsError, match="there is no mixture of masks"):
        Mixup(COUNT).apply(dataclasses.replace(levels(), masks=torch.zeros(COUNT, 20, 30)), draws(COUNT))
