"""Maps held to NumPy's own arithmetic of the corners; images of coordinates say where each pixel came from."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.augmentation.maps import about_centre, inverse, scaled, sheared, shifted, turned
from striate.augmentation.moving import move_boxes, move_images, move_keypoints, move_masks
from striate.augmentation.policy import parse_policy

HEIGHT, WIDTH = 24, 32
numbers = st.floats(-1, 1)


def one(*values):
    return [torch.tensor([value], dtype=torch.float64) for value in values]


@st.composite
def affine(draw):
    """A map that neither folds nor flattens the image, and its matrix by NumPy."""
    angle, slant = draw(numbers) * math.pi, draw(numbers) * 0.5
    across, down = 1 + 0.6 * draw(numbers), 1 + 0.6 * draw(numbers)
    right, below = draw(numbers) * 15, draw(numbers) * 15
    maps = shifted(*one(right, below)) @ turned(*one(angle)) @ sheared(*one(slant, 0)) @ scaled(*one(across, down))
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = np.array([[1, 0, right], [0, 1, below], [0, 0, 1.0]])
    matrix = matrix @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    matrix = matrix @ np.array([[1, slant, 0], [0, 1, 0], [0, 0, 1]]) @ np.diag([across, down, 1])
    return maps, matrix


@given(affine())
def test_maps_are_matrices_multiplied(drawn):
    maps, matrix = drawn
    np.testing.assert_allclose(maps[0], matrix, atol=1e-12)
    np.testing.assert_allclose(inverse(maps)[0], np.linalg.inv(matrix), atol=1e-9)


@given(affine())
def test_the_middle_stays_under_a_map_about_it(drawn):
    maps = drawn[0].clone()
    maps[:, :2, 2] = 0
    moved = about_centre(maps, (HEIGHT, WIDTH))[0] @ torch.tensor([WIDTH / 2, HEIGHT / 2, 1], dtype=torch.float64)
    np.testing.assert_allclose(moved, [WIDTH / 2, HEIGHT / 2, 1], atol=1e-12)


@given(affine(), st.lists(st.tuples(*[st.floats(0, 20)] * 2, *[st.floats(0.5, 12)] * 2), min_size=1, max_size=4))
def test_a_box_becomes_the_clipped_box_around_its_moved_corners(drawn, placed):
    maps, matrix = drawn
    boxes = np.array([[left, top, left + wide, top + high] for left, top, wide, high in placed])
    expected = []
    for left, top, right, bottom in boxes:
        corners = matrix @ np.array([[left, right, right, left], [top, top, bottom, bottom], [1, 1, 1, 1]])
        x, y = np.clip(corners[0], 0, WIDTH), np.clip(corners[1], 0, HEIGHT)
        lost = x.max() <= x.min() or y.max() <= y.min()
        expected.append([np.nan] * 4 if lost else [x.min(), y.min(), x.max(), y.max()])
    moved = move_boxes(torch.from_numpy(boxes)[None], maps, (HEIGHT, WIDTH))
    np.testing.assert_allclose(moved[0], expected, atol=1e-9)


@given(affine(), st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)), min_size=1, max_size=4))
def test_a_keypoint_goes_where_the_matrix_takes_it_or_is_lost(drawn, points):
    maps, matrix = drawn
    moved = move_keypoints(torch.tensor(points, dtype=torch.float64)[None], maps, (HEIGHT, WIDTH))[0]
    for (x, y), now in zip(points, moved.numpy(), strict=True):
        there = matrix @ [x, y, 1]
        margin = min(there[0], there[1], WIDTH - there[0], HEIGHT - there[1])
        if margin > 1e-9:
            np.testing.assert_allclose(now, there[:2], atol=1e-9)
        elif margin < -1e-9:
            assert np.isnan(now).all()


def test_boxes_and_keypoints_that_are_not_there_stay_nan():
    missing = torch.full((1, 2, 4), torch.nan)
    maps = turned(*one(0.3))
    assert move_boxes(missing, maps, (HEIGHT, WIDTH)).isnan().all()
    assert move_keypoints(missing[..., :2], maps, (HEIGHT, WIDTH)).isnan().all()


@given(affine())
def test_an_image_of_coordinates_says_where_its_pixels_came_from(drawn):
    maps, matrix = drawn
    y, x = np.meshgrid(np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5, indexing="ij")
    image = torch.from_numpy(np.stack([x, y])[None]).float()
    moved = move_images(image, maps, (HEIGHT, WIDTH), "edge")[0].numpy()
    origins = np.linalg.inv(matrix) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    expected_x = np.clip(origins[0], 0.5, WIDTH - 0.5).reshape(HEIGHT, WIDTH)
    expected_y = np.clip(origins[1], 0.5, HEIGHT - 0.5).reshape(HEIGHT, WIDTH)
    np.testing.assert_allclose(moved[0], expected_x, atol=2e-3)
    np.testing.assert_allclose(moved[1], expected_y, atol=2e-3)


def test_a_zero_border_is_black_beyond_the_frame():
    image = torch.full((1, 1, 4, 4), 100.0)
    moved = move_images(image, shifted(*one(2, 0)), (4, 4), "zero")
    assert moved[0, 0].tolist() == [[0, 0, 100, 100]] * 4


@pytest.mark.parametrize("name", ["flip:1:1", "shift", "crop", "rotation", "variation", "rotation:border=zero"])
def test_a_mask_moves_with_the_image(name, coordinates, draws):
    """The class of a pixel is its brightness: where both are sure they must agree."""
    views = coordinates(20)
    quarters = torch.zeros(20, HEIGHT, WIDTH, dtype=torch.uint8)
    quarters[:, 8:, :] += 20
    quarters[:, :, 14:] += 100
    after = parse_policy(name).apply(
        dataclasses.replace(views, images=quarters[:, None].float(), masks=quarters), draws(20)
    )
    sure = after.masks != 255
    image = after.images[:, 0].round()
    classes = torch.tensor([0, 20, 100, 120])
    pure = torch.isin(image, classes.float()) & sure
    assert pure.float().mean() > 0.5
    assert ((image == after.masks) | ~pure).float().mean() > 0.995  # the nearest of two equally near may be either
    assert torch.isin(after.masks, torch.tensor([0, 20, 100, 120, 255])).all()


def test_a_mask_does_not_count_where_the_image_is_invented(coordinates, draws):
    masks = torch.full((30, HEIGHT, WIDTH), 7, dtype=torch.uint8)
    after = parse_policy("rotation:45:zero").apply(
        dataclasses.replace(coordinates(30), images=torch.full((30, 1, HEIGHT, WIDTH), 200.0), masks=masks), draws(30)
    )
    seen, counted = after.images[:, 0], after.masks != 255
    assert (seen[counted] > 0).all() and (seen[~counted] < 200).all()
    assert 0.05 < (~counted).float().mean() < 0.4


def test_a_mask_takes_the_nearest_class_and_none_between():
    mask = torch.tensor([[[0, 100], [0, 100]]], dtype=torch.uint8)
    moved = move_masks(mask, scaled(*one(2, 2)), (4, 4))
    assert moved[0].tolist() == [[0, 0, 100, 100]] * 4
