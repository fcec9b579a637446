import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from striate.augmentation.lighting import Components, Lighting
from striate.augmentation.views import Views
from striate.errors import SettingsError
from striate.images.keyed import Draws

MANY = 4000
UNIT = Components(directions=((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), spreads=(0.3, 0.2, 0.1))


@pytest.fixture(scope="module")
def cifar(shared):
    """1,200 training images of three classes (N, 3, 32, 32) in uint8, read off their mosaics."""
    folder = shared / "data" / "cifar10" / "train"
    tiles = []
    for name in ("airplane", "frog", "ship"):
        mosaic = np.asarray(Image.open(folder / f"{name}_0.webp").convert("RGB"))[:320]
        tiles.append(mosaic.reshape(10, 32, 40, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3))
    return np.concatenate(tiles).transpose(0, 3, 1, 2)


def test_components_are_numpys_eigenvectors_of_the_pixels_covariance(cifar):
    components = Components.measured(cifar)
    colours = cifar.transpose(1, 0, 2, 3).reshape(3, -1) / 255
    variances, vectors = np.linalg.eigh(np.cov(colours, bias=True))
    np.testing.assert_allclose(components.spreads, np.sqrt(variances[::-1]), rtol=1e-9)
    for ours, theirs in zip(components.directions, vectors.T[::-1], strict=True):
        assert abs(np.dot(ours, theirs)) == pytest.approx(1, abs=1e-9)  # either may point the other way
    assert components.spreads[0] > 5 * components.spreads[2]  # colours vary most from dark to bright
    np.testing.assert_allclose(np.abs(components.directions[0]), 3**-0.5, atol=0.1)


def test_what_is_added_varies_as_the_training_pixels_do_but_sigma_as_far(cifar, draws):
    components = Components.measured(cifar)
    added = Lighting(components, sigma=0.1).strengths(draws(MANY)).numpy()
    covariance = np.cov(cifar.transpose(1, 0, 2, 3).reshape(3, -1) / 255, bias=True)
    np.testing.assert_allclose(np.cov(added.T), 0.01 * covariance, atol=0.01 * covariance.max() * 0.1)
    assert np.abs(added.mean(0)).max() < 4 * added.std() / np.sqrt(MANY)


def test_the_strengths_are_normal(draws):
    added = Lighting(UNIT, sigma=0.5).strengths(draws(MANY)).numpy()
    for channel, spread in enumerate(UNIT.spreads):
        assert stats.kstest(added[:, channel], stats.norm(scale=0.5 * spread).cdf).pvalue > 0.001


def test_the_least_number_that_can_be_drawn_is_no_infinite_light(draws, monkeypatch):
    monkeypatch.setattr(Draws, "uniform", lambda self, purpose, count: torch.zeros(1, count, dtype=torch.float64))
    assert Lighting(UNIT).strengths(draws(1)).isfinite().all()


def test_every_pixel_of_an_image_gets_the_same_and_stays_in_range(photographs, draws):
    added = Lighting(UNIT, sigma=1).strengths(draws(6)).numpy()[:, :, None, None] * 255
    lit = Lighting(UNIT, sigma=1).apply(Views(photographs, 255), draws(6)).images.numpy()
    np.testing.assert_allclose(lit, np.clip(photographs.numpy() + added, 0, 255), atol=1e-3)


def test_16_bits_are_lit_like_8(photographs, draws):
    shallow = Lighting(UNIT).apply(Views(photographs, 255), draws(6)).images
    deep = Lighting(UNIT).apply(Views((photographs.int() * 257).to(torch.uint16), 65535), draws(6)).images
    torch.testing.assert_close(deep / 257, shallow, rtol=0, atol=0.01)


def test_no_sigma_is_the_identity(photographs, draws):
    assert torch.equal(Lighting(UNIT, 0).apply(Views(photographs, 255), draws(6)).images, photographs.float())


def test_grey_images_have_one_component():
    grey = np.random.default_rng(0).integers(0, 256, (9, 1, 5, 5))
    components = Components.measured(grey)
    assert abs(components.directions[0][0]) == 1
    assert components.spreads[0] == pytest.approx((grey / 255).std())


def test_images_of_other_channels_and_no_images_are_refused(photographs, draws):
    with pytest.raises(SettingsError, match="measured on images of 3 channels, and meets one of 1; measure it on"):
        Lighting(UNIT).apply(Views(photographs[:, :1], 255), draws(6))
    with pytest.raises(SettingsError, match="there are none; expected at least one"):
        Components.measured(np.zeros((0, 3, 4, 4)))
    with pytest.raises(SettingsError, match="sigma is -1; expected a number, 0 or more"):
        Lighting(UNIT, -1)
