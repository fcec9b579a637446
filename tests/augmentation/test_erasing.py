import math

import numpy as np
import pytest
import torch

from striate.augmentation.erasing import Erasing
from striate.augmentation.views import Views
from striate.errors import SettingsError

MANY = 2000


def erased(images):
    """Left, top, right, bottom of what is not 200 any more, and how many pixels it has; empty ones are left out."""
    found = []
    for image in images[:, 0].numpy():
        rows, columns = np.nonzero(image != 200)
        if len(rows):
            found.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, len(rows)))
    return np.array(found).T


def plain(count, height=64, width=64, **known):
    return Views(torch.full((count, 1, height, width), 200, dtype=torch.uint8), 255, **known)


def test_what_is_erased_is_a_whole_rectangle_as_large_and_as_stretched_as_drawn(draws):
    after = Erasing(1, 0.02, 0.4, paint="black").apply(plain(MANY), draws(MANY))
    left, top, right, bottom, pixels = erased(after.images)
    wide, high = right - left, bottom - top
    assert len(pixels) == MANY and (pixels == wide * high).all()
    shares = np.sort((pixels / 64**2 - 0.02) / 0.38)
    assert np.abs(shares - (np.arange(MANY) + 0.5) / MANY).max() < 1.95 / math.sqrt(MANY) + 0.02  # whole pixels
    small = pixels < 0.1 * 64**2  # all aspects fit
    aspects = np.log(wide / high)[small] / math.log(1 / 0.3)
    assert aspects.min() > -1.2 and aspects.max() < 1.2
    assert abs(aspects.mean()) < 4 / math.sqrt(3 * small.sum())
    assert left.min() == top.min() == 0 and right.max() == bottom.max() == 64


def test_it_is_drawn_with_its_probability_and_others_keep_every_pixel(photographs, draws):
    erased_ones = len(erased(Erasing(0.3, paint="grey").apply(plain(MANY), draws(MANY)).images)[0])
    assert erased_ones / MANY == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / MANY))
    assert torch.equal(Erasing(0).apply(Views(photographs, 255), draws(6)).images, photographs)


@pytest.mark.parametrize(("kind", "white"), [(torch.uint8, 255), (torch.uint16, 65535), (torch.float32, 255)])
@pytest.mark.parametrize("paint", ["noise", "black", "grey"])
def test_paint_is_in_the_images_own_numbers(draws, paint, kind, white):
    images = torch.full((300, 3, 32, 32), 7, dtype=torch.int32).to(kind)
    after = Erasing(1, 0.2, 0.4, paint=paint).apply(Views(images, white), draws(300)).images
    assert after.dtype == kind
    painted = after[after.int() != 7].double().numpy()
    assert 0.18 < len(painted) / after.numel() < 0.42
    if paint != "noise":
        assert (painted == (0 if paint == "black" else (white + 1) / 2)).all()
        return
    assert (painted == np.floor(painted)).all() and painted.max() <= white
    counts, _ = np.histogram(painted, bins=16, range=(0, white + 1))
    assert np.abs(counts / len(painted) - 1 / 16).max() < 0.005


def test_the_noise_is_another_for_each_image_pixel_and_channel(draws):
    after = Erasing(1, 0.3, 0.3, stretch=1).apply(Views(torch.zeros(50, 3, 32, 32), 255), draws(50)).images
    pairs = [(after[image], after[image + 1]) for image in range(49)]
    both = [((one > 0) & (other > 0)) for one, other in pairs]
    same = sum(int((one[where] == other[where]).sum()) for (one, other), where in zip(pairs, both, strict=True))
    assert same / sum(int(where.sum()) for where in both) < 0.05
    red, green = after[:, 0][after[:, 0] > 0], after[:, 1][after[:, 0] > 0]
    assert abs(np.corrcoef(red, green)[0, 1]) < 0.2
    assert red.double().std() > 60


def test_masks_boxes_and_keypoints_in_the_rectangle_are_not_asked_for(draws):
    count = 200
    views = plain(
        count,
        masks=torch.full((count, 64, 64), 5, dtype=torch.uint8),
        boxes=torch.tensor([[30.0, 30, 34, 34], [0, 0, 64, 64], [torch.nan] * 4]).repeat(count, 1, 1),
        keypoints=torch.tensor([[32.0, 32.0]]).repeat(count, 1, 1),
    )
    after = Erasing(1, 0.1, 0.3, paint="black").apply(views, draws(count))
    left, top, right, bottom, _ = erased(after.images)
    hidden = (left <= 30) & (top <= 30) & (right >= 34) & (bottom >= 34)
    assert 5 < hidden.sum() < count
    assert np.array_equal(after.boxes[:, 0].isnan().any(1).numpy(), hidden)
    assert torch.equal(after.boxes[:, 1], views.boxes[:, 1]) and after.boxes[:, 2].isnan().all()
    covered = (left <= 32) & (top <= 32) & (right >= 32) & (bottom >= 32)
    assert np.array_equal(after.keypoints[:, 0].isnan().any(1).numpy(), covered)
    assert torch.equal(after.masks == 255, after.images[:, 0] == 0)


def test_an_image_that_is_spared_keeps_what_lies_at_its_corner(draws):
    views = plain(50, boxes=torch.zeros(50, 1, 4), keypoints=torch.zeros(50, 1, 2))
    after = Erasing(0).apply(views, draws(50))
    assert torch.equal(after.boxes, views.boxes) and torch.equal(after.keypoints, views.keypoints)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"probability": 2}, "probability is 2"),
        ({"smallest": 0.5, "largest": 0.4}, "are 0.5 and 0.4; expected the smaller first"),
        ({"stretch": 0}, "stretch is 0; expected a number, 1 to 100"),
        ({"paint": "mean"}, "paint is 'mean'; expected noise, black, grey"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        Erasing(**knobs)
