import numpy as np
import pytest
from PIL import Image

from striate.errors import SettingsError
from striate.images.preparation import Geometry, Preparation


def resized_and_cropped(image, side=224, shorter=256):
    """What torchvision's Resize(256) and CenterCrop(224) do, by Pillow: the longer side is rounded down."""
    scale = shorter / min(image.size)
    width, height = (shorter if length == min(image.size) else int(length * scale) for length in image.size)
    left, top = round((width - side) / 2), round((height - side) / 2)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + side, top + side))).astype(int)


def cropped(image, **options):
    planes = Geometry((224, 224), 3, share=0.875, **options).apply(np.asarray(image))
    return planes.transpose(1, 2, 0).astype(int)


NAMES = ["n04118538_rugby_ball", "n01990800_isopod", "n04355933_sunglass", "n01698640_American_alligator"]


@pytest.mark.parametrize("name", [*NAMES, "n03874293_paddlewheel", "n02091635_otterhound"])
def test_seven_eighths_of_a_photograph_are_the_usual_resize_to_256_and_crop_of_224_to_a_pixel(shared, name):
    image = Image.open(shared / "data" / "imagenet_sample" / f"{name}.JPEG").convert("RGB")
    usual = resized_and_cropped(image)
    # half a pixel of the photograph and half a pixel of the usual crop, which rounds elsewhere
    one_pixel = max(np.abs(np.diff(usual, axis=axis)).mean() for axis in (0, 1))
    assert np.abs(cropped(image) - usual).mean() < one_pixel


@pytest.mark.parametrize("shape", [(64, 64), (64, 96), (96, 64)])
def test_a_half_is_the_middle_half_of_the_largest_square(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    top, left = (shape[0] - 32) // 2, (shape[1] - 32) // 2
    expected = pixels[top : top + 32, left : left + 32].transpose(2, 0, 1)
    np.testing.assert_array_equal(Geometry((32, 32), share=0.5).apply(pixels), expected)


def test_a_stretched_image_keeps_the_middle_share_of_both_sides():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    expected = Image.fromarray(pixels).crop((24, 16, 72, 48)).resize((32, 32), Image.Resampling.BILINEAR)
    ours = Geometry((32, 32), fit="stretch", share=0.5).apply(pixels)
    assert np.abs(ours.transpose(1, 2, 0).astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("share", [0.0, -0.5, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(SettingsError, match="expected more than 0, and 1 at the most"):
        Geometry((8, 8), share=share)


def test_a_share_of_a_padded_image_is_refused_with_the_repair():
    with pytest.raises(SettingsError, match="pad shows the whole image: leave share at 1, or crop"):
        Geometry((8, 8), fit="pad", share=0.5)


def test_a_share_survives_a_preparation_and_an_old_one_without_it_keeps_all():
    measured = Preparation.measured(Geometry((4, 4), share=0.5), np.zeros((1, 3, 4, 4), np.uint8))
    assert measured.geometry == Geometry((4, 4), 3, share=0.5)
    values = measured.to_dict()
    assert Preparation.from_dict(values) == measured
    del values["share"]
    assert Preparation.from_dict(values).geometry.share == 1
