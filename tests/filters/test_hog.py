"""Histograms of oriented gradients: by hand on edges of one direction, and against OpenCV 4's descriptor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate.errors import SizeError
from striate.filters.classic.hog import hog

# cv2.HOGDescriptor(_winSize=(24, 24), _blockSize=(16, 16), _blockStride=(8, 8), _cellSize=(8, 8), _nbins=9,
# _gammaCorrection=True).compute(woven()) of OpenCV 4.12.0: four blocks of four cells, column by column.
OPENCV_4 = """
0.0419 0.2118 0.3714 0.0153 0.0300 0.0223 0.0282 0.0617 0.0975
0.1022 0.2164 0.3714 0.0604 0.0022 0.0006 0.0127 0.1207 0.1826
0.0134 0.3587 0.3714 0.0326 0.0417 0.0454 0.0483 0.0266 0.0326
0.0255 0.3576 0.3714 0.0182 0.0001 0.0014 0.0209 0.0388 0.0673
0.1333 0.1454 0.3089 0.1161 0.0016 0.0002 0.0214 0.0946 0.2184
0.2337 0.1263 0.3089 0.2688 0.0016 0.0033 0.0411 0.0665 0.2717
0.0376 0.2803 0.3089 0.0726 0.0000 0.0005 0.0446 0.0366 0.1086
0.1197 0.3089 0.3089 0.1889 0.0000 0.0050 0.0729 0.0606 0.1679
0.0081 0.3366 0.3366 0.0576 0.0451 0.0725 0.0567 0.0019 0.0084
0.0014 0.3299 0.3366 0.0276 0.0082 0.0196 0.0262 0.0067 0.0091
0.0218 0.3366 0.3366 0.1213 0.1177 0.1189 0.1034 0.0250 0.0102
0.0014 0.3366 0.3366 0.1287 0.0486 0.0390 0.0551 0.0248 0.0000
0.0025 0.2704 0.3907 0.0205 0.0004 0.0032 0.0162 0.0135 0.0308
0.0374 0.3187 0.3907 0.0728 0.0000 0.0020 0.0274 0.0553 0.1011
0.0002 0.2973 0.3907 0.0459 0.0311 0.0313 0.0163 0.0138 0.0070
0.0196 0.2863 0.3907 0.0343 0.0319 0.0207 0.0264 0.0548 0.0805
"""


def woven():
    y, x, channel = np.indices((24, 24, 3))
    return ((7 * y + 13 * x + x * y * (1 + channel) + 40 * channel) % 256).astype(np.uint8)


def slope(angle, side=32):
    """Brightness that rises in one direction, in degrees from the x axis towards the bottom."""
    y, x = np.mgrid[:side, :side] - side / 2
    rising = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    return ((100 + 2 * rising) ** 2 / 160).astype(np.uint8)  # a square, since square roots are taken


def test_the_descriptor_is_that_of_opencv_4():
    expected = np.array(OPENCV_4.split(), float)
    assert np.abs(hog(woven()).descriptor - expected).max() < 0.001


def test_the_window_of_the_paper_gives_3780_numbers():
    assert hog(np.zeros((128, 64, 3), np.uint8)).descriptor.shape == (15 * 7 * 4 * 9,) == (3780,)


@pytest.mark.parametrize(("angle", "bin_"), [(10, 0), (30, 1), (50, 2), (70, 3), (90, 4), (110, 5), (130, 6), (170, 8)])
def test_a_slope_votes_for_its_own_direction(angle, bin_):
    for turned in (angle, angle + 180):  # rising or falling is the same edge
        assert set(hog(slope(turned)).cells.argmax(axis=2).ravel().tolist()) == {bin_}


def test_an_upright_edge_is_shared_by_the_first_and_the_last_direction():
    """0 degrees lies halfway between 170 and 10; the cap of 0.2 and the second division make all four cells alike."""
    step = np.zeros((16, 16), np.uint8)
    step[:, 8:] = 255
    blocks = hog(step).blocks[0, 0]
    assert (blocks[:, :, 1:8] == 0).all()
    assert blocks[:, :, [0, 8]] == pytest.approx(np.full((2, 2, 2), 8**-0.5), abs=0.002)


def test_a_level_edge_votes_for_the_middle_direction_alone():
    step = np.zeros((16, 16), np.uint8)
    step[8:] = 255
    blocks = hog(step).blocks[0, 0]
    assert blocks[:, :, 4] == pytest.approx(np.full((2, 2), 0.5), abs=0.002)
    assert np.delete(blocks, 4, axis=2).max() < 1e-6


@given(some.integers(16, 60), some.integers(16, 60), some.sampled_from([1, 3]))
def test_blocks_slide_by_one_cell_over_whole_cells(height, width, channels):
    image = np.random.default_rng(height).integers(0, 256, (height, width, channels), np.uint8)
    found = hog(image)
    assert found.blocks.shape == (height // 8 - 1, width // 8 - 1, 2, 2, 9)
    assert found.cells.shape == (height // 8, width // 8, 9)
    assert found.cut == (height % 8, width % 8)
    assert (found.blocks == hog(image[: height // 8 * 8, : width // 8 * 8]).blocks).all()
    lengths = np.linalg.norm(found.blocks.reshape(-1, 36), axis=1)
    assert ((lengths > 0.99) & (lengths < 1)).all()


def test_a_flat_image_has_no_directions():
    assert (hog(np.full((24, 24), 9, np.uint8)).blocks == 0).all()


def test_cells_are_the_mean_of_the_blocks_that_hold_them():
    found = hog(woven())
    assert found.cells[0, 0] == pytest.approx(found.blocks[0, 0, 0, 0])
    assert found.cells[0, 1] == pytest.approx((found.blocks[0, 0, 0, 1] + found.blocks[0, 1, 0, 0]) / 2)
    in_the_middle = [found.blocks[row, column, 1 - row, 1 - column] for row in (0, 1) for column in (0, 1)]
    assert found.cells[1, 1] == pytest.approx(np.mean(in_the_middle, axis=0))


def test_what_fills_no_cell_is_cut_off_and_said():
    found = hog(np.zeros((21, 34), np.uint8))
    assert found.sentences() == [
        "hog: 2×4 cells of 8×8 pixels, 9 directions",
        "descriptor: 1·3 blocks · 4 cells · 9 = 108 numbers",
        "cut off: 5 rows and 2 columns that fill no cell",
    ]
    assert (found.image.shape, found.to_dict()["cut"]) == ((16, 32, 1), [5, 2])
    assert len(hog(np.zeros((16, 32), np.uint8)).sentences()) == 2


def test_strokes_lie_along_the_edges_and_the_strongest_is_opaque():
    strokes = hog(slope(90)).panels()[1].strokes
    (strongest, *_) = np.flatnonzero(strokes.strength == strokes.strength.max())
    start, end = strokes.paths[strongest]
    assert strokes.strength[strongest] == 1
    assert start[1] == pytest.approx(end[1])  # level, as the edges of a slope downwards are
    assert abs(start[0] - end[0]) == pytest.approx(7.2)


def test_large_images_are_drawn_with_cells_merged():
    panel = hog(np.random.default_rng(0).integers(0, 256, (8 * 65, 8 * 3), np.uint8)).panels()[1]
    assert len(panel.strokes.paths) == 32 * 1 * 9
    assert panel.note.startswith("cells of 16×16 pixels")


@pytest.mark.parametrize(
    ("shape", "drawn", "merged"),
    [((16, 1600), (1, 100), 2), ((1600, 16), (100, 1), 2), ((30, 1700), (1, 70), 3), ((16, 40000), (1, 2500), 2)],
)
def test_of_a_long_strip_no_more_cells_are_merged_than_it_is_wide(shape, drawn, merged):
    panel = hog(np.random.default_rng(0).integers(0, 256, shape, np.uint8)).panels()[1]
    assert len(panel.strokes.paths) == drawn[0] * drawn[1] * 9
    assert panel.note.startswith(f"cells of {8 * merged}×{8 * merged} pixels")


@pytest.mark.parametrize("shape", [(15, 40), (40, 15), (1, 1)])
def test_an_image_smaller_than_a_block_is_refused(shape):
    with pytest.raises(SizeError, match=f"^a window of 16 does not fit on {min(shape)} values: enlarge the input$"):
        hog(np.zeros(shape, np.uint8))
