import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.loading import Loading, Skipped, Unwatched, fingerprints, load_images
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.images.preparation import Geometry

SMALL = Geometry((4, 4))


class Told(Unwatched):
    """Counts what it is told."""

    done = 0

    def advance(self, count=1):
        self.done += count


def load(root, **options):
    return load_images(open_dataset(root), SMALL, ["cat", "dog"], Loading(**options))


def test_images_targets_and_names_stand_side_by_side(plant):
    images, skipped = load(plant({"cat": 20, "dog": 30}))  # image k of a class has the grey value k
    assert skipped == ()
    assert len(images) == 50
    assert images.images.shape == (50, 1, 4, 4)
    assert images.targets.tolist() == [0] * 20 + [1] * 30
    for pixels, target, name in zip(images.images, images.targets, images.names, strict=True):
        assert name == f"{['cat', 'dog'][target]}/{pixels[0, 0, 0]:03d}.png"


def test_only_the_members_asked_for_are_loaded_in_their_order(plant):
    dataset = open_dataset(plant({"cat": 3, "dog": 3}))
    images, _ = load_images(dataset.at([4, 1]), SMALL, ["dog", "cat"])
    assert list(images.names) == ["dog/001.png", "cat/001.png"]
    assert images.targets.tolist() == [0, 1]


def test_a_broken_file_is_left_out_and_named(plant):
    root = plant({"cat": 3, "dog": 3})
    (root / "cat/001.png").write_bytes(b"")
    images, skipped = load(root)
    assert skipped == (Skipped("cat/001.png", "the file is empty (0 bytes)"),)
    assert list(images.names) == ["cat/000.png", "cat/002.png", "dog/000.png", "dog/001.png", "dog/002.png"]
    assert images.images[:, 0, 0, 0].tolist() == [0, 2, 0, 1, 2]
    assert images.targets.tolist() == [0, 0, 1, 1, 1]


def test_strictness_turns_a_broken_file_into_an_error(plant):
    root = plant({"cat": 3, "dog": 3})
    (root / "cat/001.png").write_text("no image")
    with pytest.raises(DataError, match=r"cat/001.png: not an image of a known format; repair or remove it"):
        load(root, strict=True)


def test_one_colour_image_makes_the_set_colour(plant):
    root = plant({"cat": 3, "dog": 3})
    assert load(root)[0].images.shape == (6, 1, 4, 4)
    Image.new("RGB", (4, 4), (9, 8, 7)).save(root / "dog/001.png")
    images, _ = load(root)
    assert images.images[:, :, 0, 0].tolist() == [[k, k, k] for k in range(3)] + [[0, 0, 0], [9, 8, 7], [2, 2, 2]]


def test_progress_is_told_of_every_image_also_of_a_broken_one(plant):
    root = plant({"cat": 3, "dog": 3})
    (root / "cat/001.png").write_bytes(b"")
    watch = Told()
    load(root, watch=watch)
    assert watch.done == 6


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_number_of_workers_changes_nothing(plant, workers):
    root = plant({"cat": 30, "dog": 41})
    (root / "dog/007.png").write_bytes(b"broken")
    one, skipped = load(root, workers=0)
    other, also = load(root, workers=workers)
    assert skipped == also
    assert one.names == other.names
    assert one.images.tobytes() == other.images.tobytes()
    assert one.marks.tolist() == other.marks.tolist() == fingerprints(one.images).tolist()


def test_fingerprints_are_those_of_the_pixels_also_of_grey_images_among_coloured_ones(plant):
    root = plant({"cat": 3, "dog": 3})
    Image.new("RGB", (4, 4), (9, 8, 7)).save(root / "dog/001.png")
    images, _ = load(root)
    assert images.marks.tolist() == fingerprints(images.images).tolist()


def test_facts_are_those_of_the_images_that_are_there(plant):
    root = plant({"cat": 2, "dog": 2})
    (root / "cat/000.png").write_bytes(b"broken")
    Image.new("RGB", (7, 5)).save(root / "dog/001.png")
    images, _ = load(root)
    assert [(facts.width, facts.height, facts.mode) for facts in images.facts] == [(4, 4, "L")] * 2 + [(7, 5, "RGB")]


def test_a_range_is_kept_in_sixteen_bits(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        Image.fromarray(np.full((4, 4), 300 if label == "cat" else 4000, np.uint16)).save(tmp_path / label / "a.png")
    images, _ = load_images(open_dataset(tmp_path), Geometry((4, 4), range=(0, 4095)), ["cat", "dog"])
    assert images.images.dtype == np.uint16
    assert images.images[:, 0, 0, 0].tolist() == [round(300 / 4095 * 65535), round(4000 / 4095 * 65535)]


def test_a_set_of_broken_files_is_empty(plant):
    root = plant({"cat": 1, "dog": 1})
    for path in root.glob("*/*.png"):
        path.write_bytes(b"")
    images, skipped = load(root)
    assert len(images) == len(images.images) == 0
    assert len(skipped) == 2


@given(some.lists(some.binary(min_size=4, max_size=4), min_size=2, max_size=8))
def test_fingerprints_are_equal_if_and_only_if_the_pixels_are(contents):
    images = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, 1, 2, 2)
    marks = fingerprints(images)
    assert marks.shape == (len(contents),)
    for one, first in enumerate(contents):
        for other, second in enumerate(contents):
            assert (marks[one] == marks[other]) == (first == second)
