import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.training.progressive import resize, size_at


@given(st.integers(8, 512), st.floats(0.2, 1.0), st.integers(1, 60))
def test_sides_grow_to_the_networks_own_and_stay(side, first, epochs):
    sides = [size_at((side, side), first, epoch, epochs)[0] for epoch in range(epochs + 1)]
    assert sides == sorted(sides)
    assert sides[-1] == side
    assert abs(sides[0] - first * side) <= side / 8


def test_images_are_made_smaller_as_pillow_makes_them():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56), np.uint8)
    ours = resize(torch.from_numpy(pixels).float()[None, None], (20, 28))[0, 0].numpy()
    theirs = np.asarray(Image.fromarray(pixels.astype(np.float32)).resize((28, 20), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_an_image_of_that_size_is_left_as_it_is():
    images = torch.rand(1, 1, 4, 4)
    assert resize(images, (4, 4)) is images
