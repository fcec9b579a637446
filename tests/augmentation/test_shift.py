import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augmentation.shift import Shift
from striate.augmentation.views import Views
from striate.errors import SettingsError
from striate.images.keyed import Draws

NUMPY_MODES = {"zero": "constant", "reflect": "reflect", "edge": "edge"}
MANY = 8100


def found(views, draws, pixels):
    """How far right and down each image went (N, 2), told by a dot in the middle."""
    count, _, height, width = views.images.shape
    dot = torch.zeros(count, 1, height, width, dtype=torch.uint8)
    dot[:, 0, height // 2, width // 2] = 1
    rows, columns = Shift(pixels).apply(Views(dot, 255), draws).images[:, 0].nonzero()[:, 1:].unbind(1)
    return torch.stack([columns - width // 2, rows - height // 2], dim=1).numpy()


@given(
    border=st.sampled_from(sorted(NUMPY_MODES)),
    pixels=st.integers(0, 5),
    kind=st.sampled_from([torch.uint8, torch.uint16, torch.float32]),
    size=st.tuples(st.integers(11, 14), st.integers(11, 14)),
)
def test_a_shift_is_numpys_padding_and_a_slice(border, pixels, kind, size):
    levels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 3, *size)).astype(np.int32)).to(kind)
    views, keys = Views(levels, 255), Draws(1, 1, np.arange(5))
    after = Shift(pixels, border).apply(views, keys).images.numpy()
    for image, moved, (right, down) in zip(levels.numpy(), after, found(views, keys, pixels), strict=True):
        padded = np.pad(image, ((0, 0), (pixels, pixels), (pixels, pixels)), NUMPY_MODES[border])
        top, left = pixels - down, pixels - right
        assert np.array_equal(moved, padded[:, top : top + size[0], left : left + size[1]])


def test_all_shifts_are_equally_frequent(draws):
    counts = np.zeros((9, 9))
    steps = found(Views(torch.zeros(MANY, 1, 12, 12), 255), draws(MANY), 4)
    np.add.at(counts, tuple(steps.T + 4), 1)
    chi_square = ((counts - MANY / 81) ** 2 / (MANY / 81)).sum()
    assert chi_square < 124.8  # 80 degrees of freedom, 1 of 1,000


def test_boxes_keypoints_and_masks_go_along(draws):
    count = 60
    mask = torch.zeros(count, 12, 16, dtype=torch.uint8)
    mask[:, 5, 8] = 9
    box, point = torch.tensor([[8.0, 5, 9, 6], [0, 0, 2, 2]]), torch.tensor([[8.5, 5.5]])
    views = Views(
        torch.zeros(count, 1, 12, 16),
        255,
        masks=mask,
        boxes=box.repeat(count, 1, 1),
        keypoints=point.repeat(count, 1, 1),
    )
    steps = found(views, draws(count), 3)
    after = Shift(3).apply(views, draws(count))
    for image, (right, down) in enumerate(steps.tolist()):
        assert after.masks[image, 5 + down, 8 + right] == 9
        assert int((after.masks[image] == 9).sum()) == 1
        assert int((after.masks[image] == 255).sum()) == 12 * 16 - (12 - abs(down)) * (16 - abs(right))
        assert after.keypoints[image, 0].tolist() == [8.5 + right, 5.5 + down]
        assert after.boxes[image, 0].tolist() == [8 + right, 5 + down, 9 + right, 6 + down]
        if right <= -2 or down <= -2:
            assert after.boxes[image, 1].isnan().all()
        else:
            assert after.boxes[image, 1].tolist() == [max(right, 0), max(down, 0), 2 + right, 2 + down]
    assert (steps.min(0) == -3).all() and (steps.max(0) == 3).all()


def test_no_pixels_is_the_identity(photographs, draws):
    for border in NUMPY_MODES:
        assert torch.equal(Shift(0, border).apply(Views(photographs, 255), draws(6)).images, photographs)


def test_a_mirror_wider_than_the_image_is_refused_with_what_would_do(draws):
    with pytest.raises(SettingsError, match=r"a shift by 4 pixels needs .* the image of 9×4; expected fewer pixels"):
        Shift(4, "reflect").apply(Views(torch.zeros(1, 1, 4, 9), 255), draws(1))


@pytest.mark.parametrize(("knobs", "said"), [((-1,), "shift in pixels is -1"), ((2, "wrap"), "border is 'wrap'")])
def test_knobs_that_make_no_sense_are_refused(knobs, said):
    with pytest.raises(SettingsError, match=said):
        Shift(*knobs)
