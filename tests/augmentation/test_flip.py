import numpy as np
import pytest
import torch

from striate.augmentation.flip import Flip
from striate.augmentation.policy import parse_policy
from striate.augmentation.views import Views
from striate.errors import SettingsError

MANY = 4000


def test_flips_are_numpys_and_every_pixel_keeps_its_value(photographs, draws):
    both = Flip(horizontal=1, vertical=1).apply(Views(photographs, 255), draws(6)).images
    assert np.array_equal(both, np.flip(photographs.numpy(), (2, 3)))
    upright = Flip(horizontal=1).apply(Views(photographs, 255), draws(6)).images
    assert np.array_equal(upright, np.flip(photographs.numpy(), 3))


def test_no_probability_is_the_identity(photographs, draws):
    assert torch.equal(Flip(horizontal=0).apply(Views(photographs, 255), draws(6)).images, photographs)


def test_each_direction_is_drawn_independently_with_its_probability(draws):
    corner = torch.zeros(MANY, 1, 2, 2, dtype=torch.uint8)
    corner[:, 0, 0, 0] = 1
    after = Flip(horizontal=0.3, vertical=0.6).apply(Views(corner, 255), draws(MANY)).images[:, 0]
    right, down = after[:, :, 1].any(1).double(), after[:, 1].any(1).double()
    spread = 4 * np.sqrt(0.25 / MANY)  # four deviations
    assert right.mean() == pytest.approx(0.3, abs=spread)
    assert down.mean() == pytest.approx(0.6, abs=spread)
    assert (right * down).mean() == pytest.approx(0.18, abs=spread)


def test_boxes_keypoints_and_masks_by_hand(draws):
    """A frame of 10×4: x becomes 10 - x."""
    mask = torch.zeros(1, 4, 10, dtype=torch.uint8)
    mask[0, 1:3, 2:5] = 7
    views = Views(
        torch.zeros(1, 1, 4, 10, dtype=torch.uint8),
        255,
        masks=mask,
        boxes=torch.tensor([[[2.0, 1, 5, 3], [torch.nan] * 4]]),
        keypoints=torch.tensor([[[0.0, 4.0], [2.5, 1.5]]]),
    )
    after = Flip(horizontal=1).apply(views, draws(1))
    assert after.boxes[0, 0].tolist() == [5, 1, 8, 3]
    assert after.boxes[0, 1].isnan().all()
    assert after.keypoints[0].tolist() == [[10, 4], [7.5, 1.5]]
    assert after.masks[0].nonzero().tolist() == [[row, column] for row in (1, 2) for column in (5, 6, 7)]


def test_a_flip_after_a_move_is_one_move_with_it(coordinates, draws):
    views = coordinates(40)
    joined = parse_policy("rotation,flip").apply(views, draws(40)).images
    one_by_one = parse_policy("flip").apply(parse_policy("rotation").apply(views, draws(40)), draws(40)).images
    torch.testing.assert_close(joined, one_by_one, rtol=0, atol=2e-3)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "0.5"])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(SettingsError, match=r"horizontal probability is .*; expected a number, 0 to 1"):
        Flip(horizontal=value)
