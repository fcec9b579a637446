import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from striate.augmentation.maps import about_centre, sheared, turned
from striate.augmentation.moving import move_images
from striate.augmentation.operations import CHANGES, MOVES
from striate.augmentation.randaugment import RandAugment
from striate.augmentation.views import Views
from striate.errors import SettingsError

MANY = 2800
PAPERS_TABLE = {
    "identity", "autocontrast", "equalise", "rotate", "solarise", "colour", "posterise", "contrast", "brightness",
    "sharpness", "shear x", "shear y", "translate x", "translate y",
}  # fmt: skip
PILLOWS_AT_FULL = {
    "autocontrast": ImageOps.autocontrast,
    "equalise": ImageOps.equalize,
    "solarise": lambda image: ImageOps.solarize(image, 0),
    "posterise": lambda image: ImageOps.posterize(image, 4),
    "colour": lambda image: ImageEnhance.Color(image).enhance(1.9),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.9),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.9),
    "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(1.9),
}


@pytest.fixture
def drawn(draws):
    """The numbers of the operations in the table, and the directions, that images draw."""

    def drawn(count, operations):
        chances = draws(count).uniform("randaugment", 2 * operations).view(count, operations, 2)
        return (chances[..., 0] * 14).long(), torch.where(chances[..., 1] < 0.5, -1, 1)

    return drawn


def test_the_table_is_the_papers():
    assert set(MOVES) | set(CHANGES) == PAPERS_TABLE
    assert len(MOVES) + len(CHANGES) == 14


def test_every_operation_is_drawn_equally_often_either_way(drawn):
    numbers, directions = drawn(MANY, 2)
    counts = np.zeros((14, 2))
    np.add.at(counts, (numbers.flatten().numpy(), (directions.flatten().numpy() + 1) // 2), 1)
    expected = 2 * MANY / 28
    assert ((counts - expected) ** 2 / expected).sum() < 55.5  # 27 degrees of freedom, 1 of 1,000


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_that_drew_a_change_at_full_strength_is_as_pillow_makes_it(drawn, draws, photographs, name):
    numbers, directions = drawn(200, 1)
    chosen = (numbers[:, 0] == len(MOVES) + list(CHANGES).index(name)) & (directions[:, 0] == 1)
    image = Image.fromarray(photographs[0].numpy().transpose(1, 2, 0))
    expected = np.asarray(PILLOWS_AT_FULL[name](image)).transpose(2, 0, 1)
    after = RandAugment(1, 10).apply(Views(photographs[:1].repeat(200, 1, 1, 1), 255), draws(200)).images[chosen]
    assert len(after) > 2
    assert np.abs(np.floor(after.numpy() + 1e-3) - expected).max() <= 1


@pytest.mark.parametrize(
    ("name", "matrix"),
    [
        ("rotate", [[math.cos(math.pi / 6), math.sin(math.pi / 6)], [-math.sin(math.pi / 6), math.cos(math.pi / 6)]]),
        ("shear x", [[1, 0.3], [0, 1]]),
        ("shear y", [[1, 0], [0.3, 1]]),
        ("identity", [[1, 0], [0, 1]]),
    ],
)
def test_an_image_that_drew_a_move_at_full_strength_carries_its_keypoint_there(drawn, draws, coordinates, name, matrix):
    numbers, directions = drawn(200, 1)
    chosen = (numbers[:, 0] == list(MOVES).index(name)) & (directions[:, 0] == 1)
    points = torch.tensor([[19.0, 14.0]], dtype=torch.float64).repeat(200, 1, 1)
    after = RandAugment(1, 10).apply(coordinates(200, keypoints=points), draws(200))
    expected = np.array(matrix) @ [3, 2] + [16, 12]
    assert chosen.sum() > 2
    np.testing.assert_allclose(after.keypoints[chosen, 0], np.tile(expected, (int(chosen.sum()), 1)), atol=1e-9)


@pytest.mark.parametrize(("name", "axis", "shift"), [("translate x", 0, 0.45 * 32), ("translate y", 1, 0.45 * 24)])
def test_a_shift_at_full_strength_is_a_share_of_the_side(drawn, draws, coordinates, name, axis, shift):
    numbers, directions = drawn(200, 1)
    chosen = numbers[:, 0] == list(MOVES).index(name)
    after = RandAugment(1, 10).apply(coordinates(200), draws(200)).images[chosen]
    middle = after[:, axis, 12, 16]
    expected = (16.5, 12.5)[axis] - shift * directions[chosen, 0]
    torch.testing.assert_close(middle, expected.clamp(0.5, (31.5, 23.5)[axis]).float(), rtol=0, atol=1e-3)
    torch.testing.assert_close(after[:, 1 - axis, 12, 16], torch.full((len(after),), (16.5, 12.5)[1 - axis]))


def test_changes_and_moves_come_in_the_order_drawn(drawn, draws):
    """A white image solarised and then turned, its corners black, or turned first and then solarised, corners white."""
    numbers, _ = drawn(3000, 2)
    solarised = len(MOVES) + list(CHANGES).index("solarise")
    turned = list(MOVES).index("rotate")
    first = ((numbers[:, 0] == solarised) & (numbers[:, 1] == turned)).nonzero()[:, 0]
    last = ((numbers[:, 1] == solarised) & (numbers[:, 0] == turned)).nonzero()[:, 0]
    white = torch.full((3000, 1, 9, 9), 255, dtype=torch.uint8)
    after = RandAugment(2, 10, border="zero").apply(Views(white, 255), draws(3000)).images[:, 0]
    assert len(first) > 3 and len(last) > 3
    assert (after[first] == 0).all()  # white becomes black, and what comes into the frame is black as well
    assert (after[last][:, 0, 0] > 200).all() and (after[last][:, 4, 4] == 0).all()  # the black corner becomes white


def test_two_moves_that_an_image_drew_are_one(drawn, draws, coordinates):
    """The image is read once, by the product of both maps."""
    numbers, directions = drawn(400, 2)
    names = list(MOVES)
    chosen = ((numbers[:, 0] == names.index("rotate")) & (numbers[:, 1] == names.index("shear x"))).nonzero()[:, 0]
    noise = torch.rand(400, 1, 24, 32, generator=torch.Generator().manual_seed(0)) * 255
    after = RandAugment(2, 5).apply(Views(noise, 255), draws(400)).images
    for place in chosen.tolist():
        degrees, slant = math.radians(15) * directions[place, 0], 0.15 * directions[place, 1]
        maps = about_centre(sheared(slant[None], torch.zeros(1)) @ turned(degrees[None].double()), (24, 32))
        expected = move_images(noise[place : place + 1], maps, (24, 32), "edge")
        torch.testing.assert_close(after[place : place + 1], expected, rtol=0, atol=1e-2)
    assert len(chosen) > 0


def test_no_magnitude_changes_nothing_but_for_what_has_none(drawn, draws, photographs):
    numbers, _ = drawn(100, 2)
    table = [*MOVES, *CHANGES]
    fixed = torch.isin(numbers, torch.tensor([table.index("autocontrast"), table.index("equalise")])).any(1)
    images = photographs[:1].repeat(100, 1, 1, 1)
    after = RandAugment(2, 0).apply(Views(images, 255), draws(100)).images
    torch.testing.assert_close(after[~fixed], images[~fixed].float(), rtol=0, atol=1e-4)
    assert not torch.equal(after[fixed], images[fixed].float())


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"operations": 15}, "number of operations is 15; expected a whole number from 1 to 14"),
        ({"magnitude": 11}, "magnitude is 11; expected a number, 0 to 10"),
        ({"border": "grey"}, "border is 'grey'"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        RandAugment(**knobs)
