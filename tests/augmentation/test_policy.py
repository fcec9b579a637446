"""Steps in order, and moves that follow each other as one."""

import dataclasses
import json

import numpy as np
import pytest
import tomli_w
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augmentation.colour import Colour
from striate.augmentation.flip import Flip
from striate.augmentation.lighting import Components, Lighting
from striate.augmentation.policy import POLICY_NAMES, Policy, parse_policy
from striate.augmentation.randaugment import RandAugment
from striate.augmentation.resized_crop import ResizedCrop
from striate.augmentation.rotation import Rotation
from striate.augmentation.shift import Shift
from striate.augmentation.variation import Variation
from striate.augmentation.views import Views
from striate.errors import SettingsError
from striate.images.keyed import Draws

MOVES = [
    Flip(0.5, 0.5),
    Rotation(25),
    Variation(10, 0.05, 0.1),
    ResizedCrop(0.4, 1.0),
    ResizedCrop(0.5, 0.9, size=40),
]


def one_by_one(steps, views, keys):
    for step in steps:
        views = step.apply(views, keys)
    return views


@pytest.fixture
def middles(coordinates):
    """A frame of coordinates with a box and three keypoints about its middle; in float64, to compare exactly."""
    box = torch.tensor([[14.0, 10, 20, 14]], dtype=torch.float64)
    points = torch.tensor([[16.0, 12], [14, 10], [20, 11]], dtype=torch.float64)
    return coordinates(8, boxes=box.repeat(8, 1, 1), keypoints=points.repeat(8, 1, 1))


@given(
    steps=st.lists(st.sampled_from(MOVES), min_size=2, max_size=4, unique_by=type).filter(
        lambda steps: any(not isinstance(step, Flip) for step in steps)
    ),
    seed=st.integers(0, 1000),
)
def test_moves_as_one_are_the_moves_one_after_the_other(coordinates, steps, seed):
    """Compared where no step has shown its border: there the one map shows more of the image, rightly."""
    points = torch.tensor([[16.0, 12], [14, 10], [20, 11]], dtype=torch.float64)
    views, keys = coordinates(8, keypoints=points.repeat(8, 1, 1)), Draws(seed, 0, np.arange(8))
    joined = Policy(tuple(steps)).apply(views, keys)
    apart = one_by_one(steps, views, keys)
    inside = one_by_one(steps, dataclasses.replace(views, masks=torch.zeros(8, 24, 32, dtype=torch.uint8)), keys).masks
    deep = (apart.images > 2).all(1) & (apart.images[:, 0] < 30) & (apart.images[:, 1] < 22) & (inside == 0)
    compared = _eroded(deep)
    difference = (joined.images - apart.images).abs().amax(1)
    assert joined.images.shape == apart.images.shape
    assert compared.float().mean() > 0.05 and difference[compared].max() < 0.01
    both = ~(joined.keypoints.isnan() | apart.keypoints.isnan())
    torch.testing.assert_close(joined.keypoints[both], apart.keypoints[both], rtol=0, atol=1e-9)


def _eroded(inside):
    """Pixels whose neighbourhood of 9×9 is inside as well, and within the frame."""
    outside = torch.nn.functional.pad(1 - inside.float()[:, None], [4] * 4, value=1)
    return torch.nn.functional.max_pool2d(outside, 9, stride=1)[:, 0] == 0


def test_boxes_under_upright_moves_are_the_same_as_one_and_one_after_the_other(middles, draws):
    steps = (Flip(0.5, 0.5), Variation(0, 0.05, 0.1), ResizedCrop(0.7, 1.0))
    joined, apart = Policy(steps).apply(middles, draws(8)), one_by_one(steps, middles, draws(8))
    torch.testing.assert_close(joined.boxes, apart.boxes, rtol=0, atol=1e-9)


def test_a_box_turned_twice_as_one_is_that_of_its_corners_and_tighter(middles, draws):
    steps = (Rotation(25), Variation(20, 0, 0))
    joined, apart = Policy(steps).apply(middles, draws(8)), one_by_one(steps, middles, draws(8))
    corners = torch.tensor([[14.0, 10], [20, 10], [20, 14], [14, 14]], dtype=torch.float64).repeat(8, 1, 1)
    carried = one_by_one(steps, dataclasses.replace(middles, keypoints=corners), draws(8)).keypoints
    expected = torch.cat([carried.amin(1), carried.amax(1)], dim=1)[:, None]
    torch.testing.assert_close(joined.boxes, expected, rtol=0, atol=1e-9)
    assert (joined.boxes[..., :2] >= apart.boxes[..., :2] - 1e-9).all()
    assert (joined.boxes[..., 2:] <= apart.boxes[..., 2:] + 1e-9).all()


def test_moves_as_one_keep_the_image_sharper(draws):
    """Read once, a fine pattern loses less than read twice."""
    chess_board = torch.from_numpy(np.indices((64, 80)).sum(0) % 2 * 255).to(torch.uint8)
    views = Views(chess_board.repeat(6, 1, 1, 1), 255)
    steps = (Rotation(5), Variation(5, 0.02, 0.05))
    joined, apart = Policy(steps).apply(views, draws(6)), one_by_one(steps, views, draws(6))
    assert joined.images[..., 16:48, 20:60].std() > 1.15 * apart.images[..., 16:48, 20:60].std()


def test_moves_with_other_borders_are_not_joined(coordinates, draws):
    steps = (Rotation(25, "zero"), Variation(10, 0.05, 0.1, "edge"))
    joined, apart = Policy(steps).apply(coordinates(8), draws(8)), one_by_one(steps, coordinates(8), draws(8))
    assert torch.equal(joined.images, apart.images)


def test_a_step_that_is_no_move_comes_after_the_moves_before_it(photographs, draws):
    steps = (Rotation(20), Colour(), Variation(10, 0.05, 0.1))
    views = Views(photographs, 255)
    assert torch.equal(Policy(steps).apply(views, draws(6)).images, one_by_one(steps, views, draws(6)).images)


def test_randaugments_own_moves_are_joined_to_a_crop_before_it(coordinates, draws):
    """With moves alone drawn, the two steps are one map: a keypoint goes the same way, and the image is read once."""
    steps = (ResizedCrop(0.6, 1.0, size=30), RandAugment(2, 5))
    points = torch.tensor([[16.0, 12.0]], dtype=torch.float64).repeat(60, 1, 1)
    views = coordinates(60, keypoints=points)
    joined, apart = Policy(steps).apply(views, draws(60)), one_by_one(steps, views, draws(60))
    both = ~(joined.keypoints.isnan() | apart.keypoints.isnan())
    assert both.any(2).float().mean() > 0.8
    torch.testing.assert_close(joined.keypoints[both], apart.keypoints[both], rtol=0, atol=1e-9)


@pytest.mark.parametrize("border", ["zero", "reflect", "edge"])
@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16, torch.float32])
def test_a_flip_and_a_shift_in_one_copy_are_the_same_as_one_after_the_other(photographs, draws, border, kind):
    views = Views(
        photographs.to(torch.int32).to(kind),
        255,
        masks=photographs[:, 0].clamp_max(254),
        boxes=torch.tensor([[10.0, 20, 30, 50], [0, 0, 3, 3]]).repeat(6, 1, 1),
        keypoints=torch.tensor([[11.0, 12.0]]).repeat(6, 1, 1),
    )
    for flip in (Flip(0.5), Flip(0.5, 0.5), Flip(1), Flip(0)):
        steps = (flip, Shift(5, border))
        joined, apart = Policy(steps).apply(views, draws(6)), one_by_one(steps, views, draws(6))
        assert joined.images.dtype == kind
        for known in ("images", "masks", "boxes", "keypoints"):
            assert np.array_equal(getattr(joined, known), getattr(apart, known), equal_nan=True)


@pytest.mark.parametrize("text", ["flip,erase", "flip,variation", "flip,cutmix", "rotation,shift", "shift,flip"])
def test_a_flip_or_a_shift_beside_other_steps_is_done_in_its_turn(photographs, draws, text):
    steps, views = parse_policy(text, num_classes=2).steps, Views(photographs, 255)
    assert torch.equal(Policy(steps).apply(views, draws(6)).images, one_by_one(steps, views, draws(6)).images)


def test_no_steps_change_nothing(photographs, draws):
    views = Views(photographs, 255)
    assert Policy().apply(views, draws(6)) is views


def test_an_augmentation_stands_once():
    with pytest.raises(SettingsError, match="a policy has Rotation twice, which would draw the same again"):
        Policy((Rotation(10), Flip(), Rotation(20)))


def test_draws_for_other_images_are_a_mistake_of_the_program(photographs, draws):
    with pytest.raises(ValueError, match="6 images, but draws for 5"):
        Policy((Flip(),)).apply(Views(photographs, 255), draws(5))


def test_a_policy_as_plain_values_has_every_knob_and_can_be_written_as_json_and_toml():
    components = Components(directions=((0.6, 0.8), (0.8, -0.6)), spreads=(0.3, 0.1))
    policy = Policy((Flip(), Rotation(5), Lighting(components)))
    plain = policy.to_dict()
    assert plain["steps"][0] == {"name": "flip", "horizontal": 0.5, "vertical": 0.0}
    assert plain["steps"][1] == {"name": "rotation", "degrees": 5, "border": "edge"}
    assert json.loads(json.dumps(plain))["steps"][2]["components"]["spreads"] == [0.3, 0.1]
    assert "[[steps]]" in tomli_w.dumps(plain)


def test_every_name_makes_a_step_that_is_written_as_this_name():
    components = Components(directions=((1.0,),), spreads=(1.0,))
    for name in POLICY_NAMES:
        assert str(parse_policy(name, num_classes=3, components=components)) == name
