from dataclasses import replace

import numpy as np
import pytest

from striate.datasets.dataset import Dataset
from striate.datasets.drawn import draw_samples
from striate.datasets.names import Names
from striate.datasets.targets import Boxes, Classes, Masks, Tags

BLUE, RED = (0x40, 0x63, 0xD8), (0xCB, 0x3C, 0x33)  # of the first and the second class


def grey(index, size=(100, 60)):
    return np.full((size[1], size[0]), 128, np.uint8)


def of(targets, count, classes=("background", "thing"), fetch=grey):
    names = Names(f"{index:03d}.png" for index in range(count))
    return Dataset("some", classes, names, targets, np.zeros(count, np.uint8), fetch)


def labelled(count, **more):
    return of(Classes(np.arange(count, dtype=np.int32) % 2), count, **more)


def colours(sheet):
    return {colour for _, colour in sheet.getcolors(maxcolors=10**6)}


@pytest.mark.parametrize(
    ("count", "images", "across", "down"), [(1, 9, 1, 1), (3, 9, 3, 1), (9, 5, 4, 2), (8, 80, 4, 2)]
)
def test_the_sheet_has_a_place_for_each_image_four_in_a_row(count, images, across, down):
    sheet = draw_samples(labelled(images), count)
    one = draw_samples(labelled(1), 1)
    margin = 10
    assert sheet.width - margin == across * (one.width - margin)
    assert sheet.height - margin == down * (one.height - margin)


def test_a_box_is_drawn_where_it_lies():
    boxes = Boxes(np.array([0, 1]), np.array([[10.0, 20, 50, 40]]), np.array([1], np.int32), np.zeros((1, 2), np.int32))
    sheet = np.asarray(draw_samples(of(boxes, 1), 1))
    scale, left, top = 3, 10, 10 + (300 - 180) // 2  # 100×60 pixels in 300×180, in the middle of a cell of 300
    below_its_name = sheet[top + 21 * scale :]
    rows, columns = np.nonzero((below_its_name == RED).all(2))
    assert (columns.min(), columns.max()) == (left + 10 * scale, left + 50 * scale)
    assert rows.max() == (40 - 21) * scale
    inside = sheet[top + 21 * scale : top + 39 * scale, left + 11 * scale : left + 49 * scale]
    assert (inside == 128).all()


def test_an_outline_is_drawn_in_the_colour_of_its_class():
    ring = np.array([[10, 50], [50, 50], [30, 10]], np.float64)
    boxes = Boxes(np.array([0, 1]), np.array([[10.0, 10, 50, 50]]), np.array([0], np.int32), np.zeros((1, 2), np.int32))
    plain = np.asarray(draw_samples(of(boxes, 1), 1))
    drawn = np.asarray(draw_samples(of(replace(boxes, polygons=((ring,),)), 1), 1))
    rows, columns = np.nonzero((drawn != plain).any(2) & (drawn == BLUE).all(2))
    assert len(rows) > 100
    x, y = (columns - 10) / 3, (rows - 10 - 60) / 3  # pixels of the image
    distance = np.minimum(np.abs(2 * (x - 10) - (50 - y)), np.abs(2 * (50 - x) - (50 - y))) / np.sqrt(5)
    assert distance.max() < 1.5  # of the two slanted sides


def test_a_mask_colours_its_pixels_and_leaves_the_background():
    mask = np.zeros((60, 100), np.uint8)
    mask[:, 50:] = 1
    mask[:30, 90:] = 255
    sheet = np.asarray(draw_samples(of(Masks(lambda index: mask, np.arange(1)), 1), 1))
    middle = 10 + 150
    assert sheet[middle, 10 + 3 * 20].tolist() == [128] * 3
    assert sheet[middle + 60, 10 + 3 * 70].tolist() == [round((128 + part) / 2) for part in RED]
    assert sheet[middle - 60, 10 + 3 * 95].tolist() == [192] * 3  # half white


def test_classes_and_tags_stand_below_the_image():
    bare = np.asarray(draw_samples(labelled(1, classes=("", "")), 1))
    named = np.asarray(draw_samples(labelled(1), 1))
    tagged = np.asarray(draw_samples(of(Tags(np.array([0, 2]), np.array([0, 1], np.int32)), 1), 1))
    assert (bare[:310] == named[:310]).all()
    dark = [(sheet[310:] < 100).sum() for sheet in (bare, named, tagged)]
    assert dark[0] < dark[1] < dark[2]


def test_an_image_that_cannot_be_read_leaves_its_place_with_the_reason():
    broken = draw_samples(labelled(2, fetch=lambda index: b"broken" if index else grey(0)), 2)
    assert (0xE2, 0xE8, 0xF0) in colours(broken)
    assert (128, 128, 128) in colours(broken)


def test_names_of_any_length_and_script_fit():
    long = labelled(1, classes=("Ωmega " * 40, "x"))
    sheet = draw_samples(replace(long, names=Names(["a/" * 60 + "b.png"])), 1)
    assert sheet.size == draw_samples(labelled(1), 1).size
