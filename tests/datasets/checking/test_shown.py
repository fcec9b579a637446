import numpy as np
import pytest

from striate.datasets.checking.shown import View
from striate.datasets.checking.taking import look_of, take_survey
from striate.datasets.dataset import Dataset
from striate.datasets.names import Names
from striate.datasets.targets import Classes
from striate.errors import ImageError

BANDS = np.arange(6 * 4 * 5, dtype=np.uint16).reshape(6, 4, 5) * 30  # 0 to 3570


def made(*arrays):
    names, count = Names(map(str, range(len(arrays)))), len(arrays)
    targets = Classes(np.zeros(count, np.int32))
    return Dataset("made", ("a",), names, targets, np.zeros(count, np.uint8), arrays.__getitem__)


def test_low_is_black_high_is_white_and_three_bands_are_shown():
    shown = View(5, (0.0, 4080.0)).read(BANDS)[1]
    assert shown.dtype == np.uint8
    assert np.array_equal(shown, np.rint(BANDS[:, :, :3] / 16))
    assert View(2, (-10.0, 1.0)).read(np.zeros((3, 3, 2), np.float32))[1].shape == (3, 3, 1)
    assert View(2, (-10.0, 1.0)).read(np.zeros((3, 3, 2), np.float32))[1].max() == 232  # 255 · 10/11


def test_without_a_range_white_is_what_the_kind_of_number_says():
    assert np.array_equal(View(5).read(BANDS)[1], np.rint(BANDS[:, :, :3] / 257))


def test_another_number_of_bands_and_values_outside_the_range_are_refused_as_in_training():
    with pytest.raises(ImageError, match="it has 5 channels; expected 4: give --channels 5"):
        View(4).read(BANDS)
    with pytest.raises(ImageError, match="its values reach from 0 to 3570; --range says 0:1000"):
        View(5, (0.0, 1000.0)).read(BANDS)


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_grey_and_colour_without_a_range_are_read_as_ever(channels, scene):
    data = made(scene(0), scene(1)[:, :, :1])
    view = View(channels)
    assert view.of(data) is data
    assert take_survey(data, view).marks.tolist() == [look_of(data.read(place)).mark for place in range(2)]


def test_images_that_differ_in_a_band_that_is_not_shown_are_no_copies():
    other = BANDS.copy()
    other[0, 0, 4] += 1
    survey = take_survey(made(BANDS, BANDS.copy(), other), View(5, (0.0, 4095.0)))
    assert survey.marks[0] == survey.marks[1] != survey.marks[2]
    assert np.allclose(survey.looks.means[0], np.rint(BANDS[:, :, :3] / 4095 * 255).mean(axis=(0, 1)) / 255)
