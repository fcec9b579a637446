import io

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import read_image


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3)])
def test_an_array_of_bytes_is_an_image_as_it_is(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(read_image(array), array.reshape(2, 3, -1))


def test_an_array_of_sixteen_bits_is_scaled():
    assert read_image(np.array([[0, 128, 129, 32768, 65535]], np.uint16))[:, :, 0].tolist() == [[0, 0, 1, 128, 255]]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_an_array_of_floats_is_scaled_by_255(kind):
    assert read_image(np.array([[0, 0.5, 1]], kind))[:, :, 0].tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("array", [[[0.0, 1.1]], [[-0.1, 0.5]], [[0.5, float("nan")]]])
def test_an_array_of_other_floats_is_refused(array):
    with pytest.raises(ImageError, match="expected 0 to 1"):
        read_image(np.array(array))


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2), (2, 2, 4), (1, 2, 2, 3), (0, 4), (4, 0, 3), (2, 2, 0)])
def test_an_array_of_a_wrong_shape_is_refused_with_its_shape(shape):
    with pytest.raises(ImageError, match="is not an image; expected"):
        read_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    "array",
    [np.array([[True, False]]), np.array([[0, 255]]), np.array([[0, 127]], np.int8)],
    ids=lambda array: str(array.dtype),
)
def test_an_array_whose_white_is_not_known_is_refused_and_not_read_as_black(array):
    with pytest.raises(ImageError):
        read_image(array)


@pytest.mark.parametrize("array", [np.array([["a"]]), np.array([[None]]), np.array([[1j]])], ids=str)
def test_an_array_without_real_numbers_is_refused(array):
    with pytest.raises(ImageError):
        read_image(array)


def test_bytes_and_a_pillow_image_read_as_the_file_does(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    image.save(tmp_path / "image.png")
    from_file = read_image(tmp_path / "image.png")
    np.testing.assert_array_equal(read_image((tmp_path / "image.png").read_bytes()), from_file)
    np.testing.assert_array_equal(read_image(image), from_file)


def test_a_pillow_image_is_left_as_it_was():
    exif = Image.Exif()
    exif[274] = 6
    file = io.BytesIO()
    Image.new("RGBA", (3, 2), (1, 2, 3, 0)).save(file, "PNG", exif=exif)
    with Image.open(file) as image:
        assert read_image(image).shape == (3, 2, 3)
        assert (image.size, image.mode, image.getexif()[274]) == ((3, 2), "RGBA", 6)
