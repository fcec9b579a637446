"""Whitening filters: what they do to the patches they were made of, numbers by hand, scikit-learn's PCA."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.decomposition import PCA
from torch import nn

from striate.architectures.catalogue import create_model
from striate.errors import SettingsError
from striate.layers.whitening import Whitening
from striate.training.whitening import whiten, whitening_filters, whitening_layer


def natural(count, channels=3, side=8, seed=0):
    """Images whose neighbouring pixels are alike, and channels too, as photographs' are."""
    noise = torch.randn(count, channels, side + 2, side + 2, generator=torch.Generator().manual_seed(seed))
    smooth = nn.functional.avg_pool2d(noise, 3, stride=1)
    return smooth + 0.5 * smooth.mean(1, keepdim=True)


def second_moments(maps):
    """The mean product of every two maps over all places."""
    rows = maps.transpose(0, 1).flatten(1)
    return rows @ rows.T / rows.shape[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_the_filters_give_is_uncorrelated_and_of_variance_one(channels):
    layer, images = Whitening(channels, 2), 100 * natural(40, channels).double()  # so that epsilon is nothing beside
    layer.double()
    whiten(layer, images)
    half = len(layer.weight) // 2
    given_out = nn.functional.conv2d(images, layer.weight)
    torch.testing.assert_close(second_moments(given_out[:, :half]), torch.eye(half).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(given_out[:, half:], -given_out[:, :half])


def test_the_filters_of_grey_pairs_are_their_sum_and_their_difference():
    same, opposite = torch.tensor([3.0, 3.0]), torch.tensor([1.0, -1.0])
    images = torch.stack([same, opposite]).view(2, 1, 1, 2)  # moments 5 and 4: along (1, 1) 9, along (1, -1) 1
    filters = whitening_filters(images, (1, 2))
    root = 2**-0.5
    large, small = root / (9 + 5e-4) ** 0.5, root / (1 + 5e-4) ** 0.5
    torch.testing.assert_close(filters[0], torch.tensor([large, large]).double())
    torch.testing.assert_close(filters[1].abs(), torch.tensor([small, small]).double())
    assert filters[1].sum().abs() < 1e-12
    assert torch.equal(filters[2:], -filters[:2])


def test_directions_are_those_of_scikit_learn_from_the_largest_down():
    images = natural(50)
    centred = images - images.mean((0, 2, 3), keepdim=True)
    patches = nn.functional.unfold(centred, 2).transpose(1, 2).flatten(0, 1)
    mirrored = np.concatenate([patches, -patches])  # has no mean, which PCA would take away
    directions = whitening_filters(centred, (2, 2))[:12]
    directions = (directions / directions.norm(dim=1, keepdim=True)).numpy()
    alike = np.abs((PCA().fit(mirrored).components_ * directions).sum(1))
    assert alike == pytest.approx(np.ones(12), abs=1e-4)


def test_real_images_are_whitened_by_their_own_filters_and_the_untrained_network_sees_them(shared):
    mosaic = np.asarray(Image.open(shared / "data/cifar10/train/cat_0.webp").convert("RGB"))
    tiles = mosaic[:320].reshape(10, 32, 40, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
    images = torch.from_numpy(tiles / 255).permute(0, 3, 1, 2).float()
    images = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    network = create_model("airbench94_w16")
    layer = whitening_layer(network)
    whiten(layer, images)
    moments = second_moments(nn.functional.conv2d(images, layer.weight)[:, :12])
    spreads = moments.diagonal()
    assert 0.9 < spreads[0] <= 1
    assert (moments - moments.diag().diag()).abs().max() < 1e-3
    assert network.features(images[:8])[0].maps.std() > 0.3


def test_whitened_filters_are_fixed_and_the_bias_still_learns():
    network = create_model("airbench94_w16")
    layer = whitening_layer(network)
    whiten(layer, natural(4, side=32))
    network(natural(2, side=32)).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias.grad is not None


def test_a_network_without_such_a_layer_has_none():
    assert whitening_layer(create_model("lenet5")) is None


def test_any_convolution_of_the_right_width_can_be_whitened_and_others_are_refused():
    images = natural(4)
    whiten(nn.Conv2d(3, 54, kernel_size=3), images)
    with pytest.raises(SettingsError, match="64 filters of 27 numbers cannot be whitened; expected 54 in one group"):
        whiten(nn.Conv2d(3, 64, kernel_size=3), images)
    with pytest.raises(SettingsError, match="in one group"):
        whiten(nn.Conv2d(2, 8, kernel_size=2, groups=2), natural(4, 2))


def test_images_of_one_colour_have_finite_filters():
    assert whitening_filters(torch.ones(3, 3, 4, 4), (2, 2)).isfinite().all()


@given(st.integers(0, 10**6), st.integers(2, 8))
def test_the_order_of_the_images_changes_nothing(seed, count):
    images = natural(count, 2, 4, seed)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        second_moments_of(whitening_filters(images, (2, 2))),
        second_moments_of(whitening_filters(images[order], (2, 2))),
    )


def second_moments_of(filters):
    """WᵀW, which no choice of an eigenvector's sign changes."""
    return filters.T @ filters
