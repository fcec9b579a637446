"""What every augmentation promises, asked of each in POLICY_NAMES."""

import dataclasses

import numpy as np
import pytest
import torch

from striate.augmentation.lighting import Components
from striate.augmentation.policy import POLICY_NAMES, parse_policy
from striate.augmentation.views import Views
from striate.images.keyed import Draws

NAMES = sorted(POLICY_NAMES)
KEEP_INTEGERS = {"flip", "shift", "erase", "cutmix"}
TAKE_A_PARTNER = {"mixup", "cutmix"}
KINDS = [(torch.uint8, 255), (torch.uint16, 65535), (torch.float32, 255)]


def make(name, channels=3):
    colours = np.random.default_rng(0).uniform(size=(4, channels, 8, 8))
    components = Components.measured(colours, white=1)
    return parse_policy(name, num_classes=5, components=components).steps[0]


def batch(count=6, channels=3, kind=torch.uint8, white=255, height=20, width=28):
    generator = torch.Generator().manual_seed(1)
    levels = (torch.rand(count, channels, height, width, generator=generator) * (white + 1)).floor()
    targets = torch.arange(count) % 5
    return Views(levels.to(torch.int32).to(kind), white, targets)


def keyed(*indices, seed=3, epoch=2):
    return Draws(seed, epoch, np.array(indices, np.int64))


def same(one, other):
    return one.dtype == other.dtype and np.array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_an_augmentation_is_a_frozen_dataclass(name):
    step = make(name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(step, dataclasses.fields(step)[0].name, 1)


@pytest.mark.parametrize("height_width", [(20, 28), (28, 20), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(("kind", "white"), KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_shape_kind_range_and_device_are_kept(name, kind, white, channels, height_width):
    height, width = height_width
    views = batch(5, channels, kind, white, height, width)
    after = make(name, channels).apply(views, keyed(0, 1, 2, 3, 4))
    assert after.images.shape == views.images.shape
    assert after.images.dtype == (kind if name in KEEP_INTEGERS else torch.float32)
    assert after.images.device == views.images.device
    values = after.images.double()
    assert values.min() >= 0 and values.max() <= white
    assert after.white == white


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_is_not_changed(name):
    views = batch()
    before = views.images.clone()
    make(name).apply(views, keyed(*range(6)))
    assert same(views.images, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_alone_decides(name):
    views, state = batch(), torch.get_rng_state()
    first, again, seed, epoch = (
        make(name).apply(views, keyed(*range(6), **other)).images for other in ({}, {}, {"seed": 4}, {"epoch": 3})
    )
    assert same(first, again)
    assert not same(first, seed)
    assert not same(first, epoch)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("kind", "white"), KINDS)
@pytest.mark.parametrize("name", sorted(set(NAMES) - TAKE_A_PARTNER))
def test_a_batch_in_two_parts_gives_the_same_bits(name, kind, white, photographs):
    views = Views((photographs.to(torch.int32) * (int(white) // 255)).to(kind), white)
    step = make(name)
    whole = step.apply(views, keyed(7, 1, 4, 0, 9, 3)).images
    parts = [
        step.apply(views.at(torch.tensor(places)), keyed(*keys)).images
        for places, keys in (([0], [7]), ([1, 2], [1, 4]), ([3, 4, 5], [0, 9, 3]))
    ]
    assert same(whole, torch.cat(parts))


@pytest.mark.parametrize("name", sorted(TAKE_A_PARTNER))
def test_of_a_mixed_image_only_the_partner_depends_on_the_batch(name):
    """Six classes for six images: the share of an image's own class is the share that is its own."""
    views = dataclasses.replace(batch(6), targets=torch.arange(6))
    step = parse_policy(name, num_classes=6)
    whole = step.apply(views, keyed(*range(6))).targets.diagonal()
    order = torch.tensor([4, 1, 5])
    part = step.apply(views.at(order), keyed(*order.tolist())).targets
    assert same(part[torch.arange(3), order], whole[order])
    assert len(set(whole.tolist())) == 6


@pytest.mark.parametrize("name", NAMES)
def test_no_images_give_no_images(name):
    views = batch(0)
    after = make(name).apply(views, keyed())
    assert after.images.shape == (0, 3, 20, 28)


@pytest.mark.parametrize("name", NAMES)
def test_one_image_alone_is_augmented(name):
    after = make(name).apply(batch(1), keyed(5))
    assert after.images.shape == (1, 3, 20, 28)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_that_is_no_block_of_memory_is_augmented_like_a_copy(name):
    views = batch(4, height=28, width=20)
    channels_last = dataclasses.replace(views, images=views.images.contiguous(memory_format=torch.channels_last))
    turned = dataclasses.replace(views, images=views.images.transpose(2, 3))
    turned_copy = dataclasses.replace(turned, images=turned.images.contiguous())
    step, keys = make(name), keyed(0, 1, 2, 3)
    assert same(step.apply(channels_last, keys).images, step.apply(views, keys).images)
    assert same(step.apply(turned, keys).images, step.apply(turned_copy, keys).images)


@pytest.mark.parametrize("name", sorted(set(NAMES) - TAKE_A_PARTNER))
def test_what_is_known_of_the_images_keeps_its_shape(name):
    views = dataclasses.replace(
        batch(4),
        masks=torch.zeros(4, 20, 28, dtype=torch.uint8),
        boxes=torch.tensor([[2.0, 3, 20, 15], [torch.nan] * 4]).repeat(4, 1, 1),
        keypoints=torch.tensor([[5.0, 6.0]]).repeat(4, 1, 1),
    )
    after = make(name).apply(views, keyed(0, 1, 2, 3))
    for known in ("targets", "masks", "boxes", "keypoints"):
        before, now = getattr(views, known), getattr(after, known)
        assert now.shape == before.shape and now.dtype == before.dtype
    assert after.boxes[:, 1].isnan().all()
    assert torch.equal(after.targets, views.targets)
