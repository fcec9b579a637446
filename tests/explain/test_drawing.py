import numpy as np
import pytest

from striate.explain.drawing import draw_filter, draw_heat, draw_image


@pytest.mark.parametrize("channels", [1, 3])
def test_zero_weights_are_mid_grey(channels):
    picture = draw_filter(np.zeros((channels, 2, 5), np.float32))
    assert picture.shape == (2, 5, 3) and picture.dtype == np.uint8
    assert np.isin(picture, (127, 128)).all()


@pytest.mark.parametrize(("weights", "shown"), [([-2, 0, 2], [0, 128, 255]), ([0, 1, 4], [128, 159, 255])])
def test_the_largest_weight_reaches_black_or_white_and_zero_stays_in_the_middle(weights, shown):
    picture = draw_filter(np.array([[weights]], np.float32))
    assert np.abs(picture.astype(int) - np.array(shown)[:, None]).max() <= 1


def test_a_colour_filter_is_drawn_in_its_colours():
    weights = np.array([1, 0, -1], np.float32).reshape(3, 1, 1)
    assert draw_filter(weights)[0, 0].tolist() in ([255, 127, 0], [255, 128, 0])


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_drawn_as_it_is(channels):
    image = np.random.default_rng(0).integers(0, 256, (channels, 2, 3), np.uint8)
    picture = draw_image(image)
    assert picture.shape == (2, 3, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, np.broadcast_to(image.transpose(1, 2, 0), (2, 3, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_heat_glows_where_it_is_most_and_lets_the_image_through_where_it_is_least(channels):
    image = np.full((channels, 1, 3), 100, np.uint8)
    picture = draw_heat(image, np.array([[1, 2, 5]], np.float32))
    assert picture.shape == (1, 3, 3) and picture.dtype == np.uint8
    assert np.ptp(picture[0, 0]) == 0 and 0 < picture[0, 0, 0] < 100  # the image, dimmed
    assert picture[0, 2].tolist() == [252, 255, 164]  # the upper end of matplotlib's inferno


def test_heat_without_differences_lets_the_whole_image_through():
    picture = draw_heat(np.full((1, 2, 2), 100, np.uint8), np.full((2, 2), 3, np.float32))
    assert len(np.unique(picture)) == 1
