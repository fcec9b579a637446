import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from striate.datasets.loading import Skipped, fingerprints, load_images
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.images.preparation import Geometry

SMALL = Geometry((4, 4))


def load(root, **options):
    dataset = open_dataset(root)
    return load_images(dataset, range(len(dataset.names)), SMALL, ["cat", "dog"], **options)


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
    images, _ = load_images(dataset, [4, 1], SMALL, ["dog", "cat"])
    assert images.names == ("dog/001.png", "cat/001.png")
    assert images.targets.tolist() == [0, 1]


def test_a_broken_file_is_left_out_and_named(plant):
    root = plant({"cat": 3, "dog": 3})
    (root / "cat/001.png").write_bytes(b"")
    images, skipped = load(root)
    assert skipped == (Skipped("cat/001.png", "the file is empty (0 bytes)"),)
    assert images.names == ("cat/000.png", "cat/002.png", "dog/000.png", "dog/001.png", "dog/002.png")
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
    told = []
    load(root, advance=lambda: told.append(1))
    assert len(told) == 6


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
