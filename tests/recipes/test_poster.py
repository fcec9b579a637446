import numpy as np
import pytest

from striate.recipes.poster import WIDE, Cell, block, labelled, poster, scaled


def picture(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_small_pictures_are_repeated_a_whole_number_of_times():
    small = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(scaled(small, 60), np.kron(small, np.ones((9, 9, 1), np.uint8)))


def test_large_pictures_shrink_to_their_longer_side():
    assert scaled(picture(300, 100, 90), 60).shape == (60, 20, 3)
    assert scaled(picture(300, 1, 90), 60).shape == (60, 1, 3)


def test_a_block_puts_each_picture_in_its_place():
    sheet = block([picture(4, 4, value) for value in (10, 20, 30)], 2, gap=1)
    assert sheet.shape == (9, 9, 3)
    assert (sheet[:4, :4] == 10).all() and (sheet[:4, 5:] == 20).all() and (sheet[5:, :4] == 30).all()
    assert (sheet[4] == 255).all() and (sheet[5:, 5:] == 255).all()


@pytest.mark.parametrize("count", [1, 7, 60])
def test_a_poster_holds_every_picture_and_is_no_wider_than_a_page(count):
    sheet = poster("Title", [Cell(picture(40, 180, 100), f"neuron {number}", ("1 to 2",)) for number in range(count)])
    assert sheet.shape[1] <= WIDE
    assert (sheet == 100).all(axis=2).sum() >= count * 40 * 180


def test_words_that_are_too_long_stay_in_their_cell():
    cells = [
        Cell(picture(30, 60, 255), "a very long name of a class that nobody can read", ()),
        Cell(picture(30, 60, 255), ""),
    ]
    words = poster("t", cells)
    ink = np.flatnonzero((words[70:] < 128).all(axis=2).any(axis=0))
    assert ink.size and ink.max() < 20 + 60


def test_a_heading_is_written_whole_where_the_pictures_are_narrow():
    narrow = poster("What each neuron of the layer looks for", [Cell(picture(10, 10, 0), "0")])
    wide = poster("What each neuron of the layer looks for", [Cell(picture(10, 900, 0), "0")])
    rows = slice(0, 55)
    dark = [(sheet[rows] < 128).all(axis=2).sum() for sheet in (narrow, wide)]
    assert dark[0] == dark[1] > 0


def test_a_table_keeps_its_pictures_beside_their_words():
    table = labelled(picture(60, 100, 7), ["0", "12", "13"], ["0", "1", "2", "3"])
    assert (table[-60:, -100:] == 7).all()
    assert (table[:-60] < 200).any() and (table[:, :-100] < 200).any()
