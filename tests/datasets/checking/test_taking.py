import os

import numpy as np
import pytest
from PIL import Image

from striate.datasets.checking.survey import upright_sizes
from striate.datasets.checking.taking import look_of, take_survey
from striate.datasets.dataset import Dataset
from striate.datasets.names import Names
from striate.datasets.opening import open_dataset
from striate.datasets.targets import IGNORED, Classes, Masks
from striate.errors import DataError, ImageError


class Counting:
    """A watch that counts."""

    done = 0

    def advance(self, count=1):
        self.done += count

    def slow(self, name, seconds): ...
    def say(self, text): ...


@pytest.fixture
def photos(tmp_path, scene):
    for number in range(9):
        folder = tmp_path / "photos" / ("ant", "bee")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(number, 40, 60)).save(folder / f"{number}.png")
    return tmp_path / "photos"


def test_means_are_those_of_the_pixels_and_the_thumbnail_is_pillows(scene):
    picture = scene(0)
    look = look_of(picture)
    assert np.allclose(look.means, picture.mean(axis=(0, 1)) / 255)
    assert np.allclose(look.squares, ((picture / 255) ** 2).mean(axis=(0, 1)))
    grey = Image.fromarray(picture).convert("L").resize((32, 32), Image.Resampling.BOX)
    assert np.array_equal(look.thumbnail, np.asarray(grey))


def test_grey_has_the_same_mark_in_one_channel_and_in_three(scene):
    grey = scene(0)[:, :, :1]
    one, three = look_of(grey), look_of(np.repeat(grey, 3, axis=2))
    assert one.mark == three.mark
    assert np.allclose(one.means, three.means)


def test_marks_differ_with_a_pixel_and_with_the_shape(scene):
    picture = scene(0)
    other = picture.copy()
    other[3, 5, 1] ^= 1
    assert len({look_of(own).mark for own in (picture, other, picture.reshape(160, 120, 3))}) == 3


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_image_is_looked_at_once_whatever_the_workers(photos, workers):
    watch = Counting()
    dataset = open_dataset(photos)
    survey = take_survey(dataset, workers=workers, watch=watch)
    assert watch.done == len(survey) == 9
    assert survey.readable().all()
    assert upright_sizes(survey.facts).tolist() == [[60, 40]] * 9
    for place in range(9):
        assert survey.marks[place] == look_of(dataset.read(place)).mark


def test_what_cannot_be_decoded_is_told_with_its_reason(photos):
    (photos / "ant" / "0.png").write_bytes(b"")
    (photos / "ant" / "2.png").write_bytes((photos / "ant" / "4.png").read_bytes()[:300])
    survey = take_survey(open_dataset(photos))
    reasons = {survey.names[place]: reason for place, reason in survey.reasons.items()}
    assert sorted(reasons) == ["ant/0.png", "ant/2.png"]
    assert "0 bytes" in reasons["ant/0.png"]
    assert survey.readable().sum() == 7


def test_equal_bytes_and_one_file_under_two_names_are_known(photos):
    (photos / "ant" / "copy.png").write_bytes((photos / "ant" / "0.png").read_bytes())
    os.link(photos / "ant" / "0.png", photos / "ant" / "hard.png")
    (photos / "ant" / "soft.png").symlink_to(photos / "ant" / "0.png")
    survey = take_survey(open_dataset(photos))
    at = {name: place for place, name in enumerate(survey.names)}
    own, copy, hard, soft = (at[f"ant/{name}.png"] for name in ("0", "copy", "hard", "soft"))
    contents, files = survey.origins.contents, survey.origins.files
    assert contents[own] == contents[copy] == contents[hard] == contents[soft]
    assert files[own] == files[hard] == files[soft] != files[copy]


def test_images_that_are_no_files_have_no_origin(scene):
    pictures = [scene(0), scene(1)]
    names, targets = Names(["a", "b"]), Classes(np.zeros(2, np.int32))
    survey = take_survey(Dataset("made", ("a",), names, targets, np.zeros(2, np.uint8), pictures.__getitem__))
    assert not survey.origins.contents.any()
    assert not survey.origins.files.any()


def test_masks_are_counted_and_those_that_cannot_be_read_are_told(scene):
    masks = [np.zeros((40, 60), np.uint8), np.full((40, 60), IGNORED, np.uint8), None]
    masks[0][:10] = 1

    def read(place):
        if masks[place] is None:
            raise ImageError("it holds the value 7, which is no class")
        return masks[place]

    data = Dataset(
        "made",
        ("ground", "sky"),
        Names("abc"),
        Masks(read, np.arange(3)),
        np.array([2, 0, 1], np.uint8),
        lambda place: scene(place, 40, 60),
    )
    found = take_survey(data).masks
    assert found.pixels[[0, 1, IGNORED]].tolist() == [1800, 600, 2400]
    assert found.images[:, [0, 1, IGNORED]].tolist() == [[0, 0, 1], [0, 0, 0], [1, 1, 0]]
    assert found.sizes.tolist() == [[40, 60], [40, 60], [0, 0]]
    assert found.reasons == {2: "it holds the value 7, which is no class"}


def test_an_image_costs_little_memory_whatever_its_size(photos):
    survey = take_survey(open_dataset(photos))
    arrays = (*vars(survey.looks).values(), *vars(survey.origins).values(), survey.marks)
    assert sum(array.nbytes for array in arrays) / len(survey) == 32 * 32 + 24 + 24


def test_an_error_of_the_data_set_is_not_swallowed(scene):
    def fetch(place):
        raise DataError("the shard is gone")

    data = Dataset("made", ("a",), Names("a"), Classes(np.zeros(1, np.int32)), np.zeros(1, np.uint8), fetch)
    with pytest.raises(DataError, match="the shard is gone"):
        take_survey(data)
