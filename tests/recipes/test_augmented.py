from dataclasses import replace

import numpy as np
import pytest
import torch

from striate.augmentation.policy import parse_policy
from striate.datasets.supply import Held
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.recipes.augmented import augmented_images
from striate.training.course import Course
from striate.training.recipe import Recipe

CLASSES = ("ant", "bee", "cat")
TARGETS = [0, 0, 0, 1, 1, 2, 0, 1]


@pytest.fixture
def course():
    """Make a course of eight images of noise that undergo what the words say."""
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 3, 12, 12), np.uint8))
    held = Held(Batch(pixels, torch.tensor(TARGETS)))
    preparation = Preparation.measured(Geometry((12, 12)), pixels.numpy())

    def make(words):
        policy = None if words is None else parse_policy(words, num_classes=3)
        return Course(held, held, preparation, policy, None, Recipe(batch_size=3), seed=5)

    return make


def test_a_draw_is_what_the_network_meets_in_that_epoch(course):
    own = course("flip,shift:3,colour")
    shown = augmented_images(own, CLASSES)
    for epoch in range(5):
        step = epoch * own.steps_per_epoch
        met = torch.cat([views.images for views in own.views(step)])[own.order(epoch).argsort()]
        for row, place in enumerate([0, 3, 5, 1, 4, 2]):
            np.testing.assert_array_equal(shown[row].draws[epoch], met[place].float().round().byte().numpy())


def test_every_class_is_shown_before_one_is_shown_twice(course):
    shown = augmented_images(course("flip"), CLASSES)
    assert [own.label for own in shown] == ["ant", "bee", "cat", "ant", "bee", "ant"]
    held = course("flip").train.batch.images
    np.testing.assert_array_equal(np.stack([own.image for own in shown]), held[[0, 3, 5, 1, 4, 2]].numpy())
    assert [own.label for own in augmented_images(course("flip"), CLASSES, images=2)] == ["ant", "bee"]


def test_a_flip_shows_the_image_or_its_mirror_and_both(course):
    seen = set()
    for own in augmented_images(course("flip"), CLASSES):
        for draw in own.draws:
            mirrored = np.array_equal(draw, own.image[:, :, ::-1])
            assert mirrored or np.array_equal(draw, own.image)
            seen.add(mirrored)
    assert seen == {True, False}


def test_mixed_images_are_told_with_their_shares(course):
    told = [told for own in augmented_images(course("mixup:1"), CLASSES) for told in own.told]
    assert any(" % " in text and " + " in text for text in told)


def test_images_with_tags_are_shown_with_all_of_them(course):
    own = course("flip")
    tags = torch.tensor([[1, 0, 1], [0, 0, 0]] * 4, dtype=torch.uint8)
    shown = augmented_images(replace(own, train=Held(Batch(own.train.batch.images, tags))), CLASSES)
    assert [one.label for one in shown] == ["ant, cat", "nothing"] * 3
    np.testing.assert_array_equal(shown[3].image, own.train.batch.images[3].numpy())


def test_images_of_sixteen_bits_are_shown_in_eight(course):
    own = course("flip")
    deep = own.train.batch.images.to(torch.int32).mul(257).to(torch.uint16)
    held, white = Held(Batch(deep, own.train.batch.targets)), replace(own.preparation.geometry, range=(0, 65535))
    shown = augmented_images(replace(own, train=held, preparation=replace(own.preparation, geometry=white)), CLASSES)
    for mine, theirs in zip(shown, augmented_images(own, CLASSES), strict=True):
        np.testing.assert_array_equal(mine.image, theirs.image)
        np.testing.assert_array_equal(mine.draws, theirs.draws)


@pytest.mark.parametrize("words", [None, "none"])
def test_where_nothing_is_varied_there_is_nothing_to_show(course, words):
    assert augmented_images(course(words), CLASSES) == ()


def test_the_images_that_are_learnt_from_are_not_touched(course):
    own = course("flip,colour,erase")
    before = own.train.batch.images.clone()
    augmented_images(own, CLASSES)
    assert torch.equal(own.train.batch.images, before)
