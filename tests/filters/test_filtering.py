"""Files through kernels: what becomes of colours, signs, values out of range, and odd files."""

import json
import re

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from striate import filter_image
from striate.errors import ImageError, SettingsError, SizeError, StorageError, UnknownNameError
from striate.filters.kernels import KERNELS, Kernel
from striate.filters.picture import _draw_pixels

BOARD = np.repeat(np.uint8([[10, 10, 10, 0, 0, 0]]), 6, axis=0)
EDGES = [name for name, kernel in KERNELS.items() if kernel.signed]


@pytest.fixture
def colours():
    return np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)


def test_an_edge_kernel_sees_the_brightness_of_colours(colours):
    assert EDGES
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    for name in EDGES:
        response = filter_image(colours, name).response
        expected = cv2.filter2D(
            grey.astype(float), -1, np.array(KERNELS[name].weights, float), borderType=cv2.BORDER_REPLICATE
        )
        assert (response == expected).all()


@pytest.mark.parametrize("name", [name for name in KERNELS if name not in EDGES])
def test_all_other_kernels_keep_the_colours(colours, name):
    response = filter_image(colours, name).response
    assert response.shape == colours.shape
    for channel in range(3):
        assert (response[:, :, channel] == filter_image(colours[:, :, channel], name).response).all()


def test_the_identity_gives_the_image_back(colours):
    filtered = filter_image(colours, "identity")
    assert (filtered.response == colours).all()
    assert (filtered.shown == colours).all()
    assert filtered.clipped == 0


def test_a_signed_response_is_shown_with_zero_as_mid_grey():
    filtered = filter_image(BOARD, "sobel", border="zero")
    assert (filtered.response.min(), filtered.response.max()) == (-40, 40)
    assert {value: set(filtered.shown[filtered.response == value].tolist()) for value in (-40, 0, 40)} == {
        -40: {0},
        0: {128},
        40: {255},
    }
    assert filtered.panels()[-1].scale == ("−40", "0", "40")
    assert filtered.clipped == 0


def test_one_steep_place_does_not_turn_a_photograph_grey():
    """Sobel on a ramp of 2 a pixel gives 16 everywhere, but around one white pixel hundreds."""
    ramp = np.tile(np.arange(100, 0, -2, dtype=np.uint8), (50, 1))
    ramp[20, 20] = 255
    filtered = filter_image(ramp, "sobel", border="valid")
    panel = filtered.panels()[-1]
    assert filtered.response.max() > 300
    assert filtered.limits == (-16, 16)
    assert filtered.clipped == (np.abs(filtered.response) > 16).sum() == 6
    assert np.median(panel.pixels) == 255
    assert panel.scale == ("≤ −16", "0", "≥ 16")
    assert panel.note == "6 values clipped to −16…16"
    assert filtered.sentences()[-1].endswith("; 6 values outside -16..16 are clipped in the picture")


def test_a_response_that_is_zero_nearly_everywhere_is_shown_by_its_largest():
    dot = np.zeros((60, 60), np.uint8)
    dot[30, 30] = 9
    filtered = filter_image(dot, "laplacian_8")
    assert (filtered.limits, filtered.clipped) == ((-72, 72), 0)


def test_of_a_tiny_image_whose_numbers_are_written_nothing_is_clipped():
    point = np.zeros((12, 12), np.uint8)
    point[:, 5:] = 1
    point[6, 6] = 255
    assert filter_image(point, "laplacian_8").clipped == 0


def test_the_lesser_of_the_two_signs_stays_grey():
    assert filter_image(BOARD, "sobel", border="valid").shown.min() == 128


def test_what_an_image_cannot_show_is_clipped_and_counted():
    point = np.zeros((3, 3), np.uint8)
    point[1, 1] = 100
    filtered = filter_image(point, "sharpen")
    assert filtered.response.tolist() == [[0, -100, 0], [-100, 500, -100], [0, -100, 0]]
    assert filtered.shown.tolist() == [[0, 0, 0], [0, 255, 0], [0, 0, 0]]
    assert filtered.clipped == 5
    assert filtered.panels()[-1].note == "5 values clipped to 0…255"
    assert "5 values outside 0..255 are clipped" in filtered.sentences()[-1]


def test_a_shown_blur_is_rounded_and_its_response_is_not():
    filtered = filter_image(np.uint8([[0, 0, 10]]), "box_blur")
    assert filtered.response.tolist() == [[0, 10 / 3, 20 / 3]]
    assert filtered.shown.tolist() == [[0, 3, 7]]


def test_a_kernel_of_ones_own_is_taken_too():
    mine = Kernel("step", [[1, -1]], meaning="left less right")
    filtered = filter_image(BOARD, mine, border="valid")
    assert filtered.response.tolist() == [[0, 0, 10, 0, 0]] * 6
    assert (filtered.name, filtered.sentences()[0]) == ("step", "step: left less right")


def test_the_sentences_show_the_kernel_as_it_is_printed():
    assert filter_image(BOARD, "gaussian_3x3").sentences() == [
        "gaussian_3x3: softer, near pixels counting more",
        "  1 2 1",
        "  2 4 2   × 1/16",
        "  1 2 1",
        "image 6×6 in grey, border edge: response 6×6",
        "response from 0 to 10, mean 5",
    ]


def test_plain_values_are_json_and_exact():
    found = json.loads(json.dumps(filter_image(BOARD, "unsharp_5x5").to_dict()))
    assert (found["name"], found["size"], found["factor"], found["kernel"][2][2]) == (
        "unsharp_5x5",
        [6, 6],
        "-1/256",
        -476,
    )
    assert (found["lowest"], found["highest"]) == (-10 * 80 / 256, 10 + 10 * 80 / 256)
    assert found["taken_in"] == "grey"


def test_numbers_are_written_into_tiny_grey_images_and_into_kernels():
    original, kernel, response = filter_image(BOARD, "sobel", border="valid").panels()
    assert (original.numbers == BOARD).all()
    assert kernel.numbers.tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert response.numbers.tolist() == [[0, 40, 40, 0]] * 4
    large = filter_image(np.zeros((13, 6), np.uint8)).panels()
    assert [panel.numbers is None for panel in large] == [True, False, True]


@pytest.mark.parametrize(
    ("mode", "colour", "grey"),
    [
        ("L", 77, 77),
        ("1", 1, 255),
        ("RGB", (255, 0, 0), 76),
        ("RGBA", (0, 0, 0, 0), 255),  # transparent, so white
        ("LA", (9, 255), 9),
        ("I;16", 257 * 77, 77),
        ("CMYK", (0, 0, 0, 255), 0),
    ],
)
def test_every_kind_of_file_is_read_as_people_see_it(tmp_path, mode, colour, grey):
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    Image.new(mode, (5, 4), colour).save(path)
    assert (filter_image(path, "sobel").response == 0).all()
    shown = filter_image(path, "identity").response
    assert shown.shape[:2] == (4, 5)
    assert (np.asarray(Image.fromarray(shown.astype(np.uint8)).convert("L")) == grey).all()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"GIF89a", "cannot be decoded|not an image"),
        (b"words", "not an image of a known format"),
    ],
)
def test_a_file_that_is_no_image_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "image.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=f"^{re.escape(str(path))}: ({complaint})"):
        filter_image(path)


def test_real_broken_files_are_answered_or_refused_in_a_sentence(shared):
    files = sorted((shared / "data" / "broken_and_odd").rglob("*.tif"))
    assert files
    refused = 0
    for file in files:
        try:
            assert filter_image(file, "sobel").response.ndim == 2
        except ImageError as error:
            refused += 1
            assert str(error).startswith(str(file))
    assert 0 < refused < len(files)


@pytest.mark.parametrize(
    ("source", "kernel", "how", "error", "complaint"),
    [
        (BOARD, "sobl", {}, UnknownNameError, "did you mean sobel"),
        (BOARD, "sobel", {"border": "none"}, UnknownNameError, "unknown border 'none'"),
        (BOARD[:2], "sobel", {"border": "valid"}, SizeError, "a window of 3 does not fit on 2 values"),
        (np.zeros((0, 0), np.uint8), "sobel", {}, ImageError, "is not an image"),
        (BOARD.astype(int), "sobel", {}, ImageError, "does not say what is white"),
    ],
)
def test_what_cannot_be_filtered_is_refused_in_a_sentence(source, kernel, how, error, complaint):
    with pytest.raises(error, match=complaint):
        filter_image(source, kernel, **how)


# ---- the picture


@pytest.mark.parametrize(
    ("shape", "ending", "start"),
    [((1, 1), "png", b"\x89PNG"), ((40, 7, 3), "pdf", b"%PDF"), ((2, 300), "SVG", b"<?xml")],
)
def test_a_picture_is_written_in_the_format_of_its_ending(tmp_path, shape, ending, start):
    path = filter_image(np.ones(shape, np.uint8), "sobel", border="zero").save_picture(tmp_path / f"picture.{ending}")
    assert path.read_bytes().startswith(start)


def test_the_picture_of_the_lectures_board_holds_its_numbers(tmp_path):
    """In an SVG each text stands as a comment above its outlines."""
    path = filter_image(BOARD, "sobel", border="valid").save_picture(tmp_path / "board.svg")
    texts = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))
    scale = ["−40", "0", "40"]
    numbers = {"10": 18, "40": 8 + 1, "0": 18 + 3 + 8 + 1, "1": 2, "2": 1, "−1": 2, "−2": 1, "−40": 1}
    assert {text: texts.count(text) for text in numbers} == numbers
    assert [text for text in texts if text not in numbers] == ["original", "sobel", "response"]
    assert set(scale) <= set(texts)


def test_the_picture_of_a_photograph_shows_it_and_its_response(tmp_path):
    """Left of the middle the original in its colour, right of it the flat response in mid-grey."""
    photo = np.zeros((60, 60, 3), np.uint8)
    photo[:, :] = (200, 30, 30)
    photo[:, 30:] = (30, 30, 200)
    path = filter_image(photo, "sobel").save_picture(tmp_path / "photo.png")
    drawn = np.asarray(Image.open(path).convert("RGB"))
    seen = set(map(tuple, drawn[drawn.shape[0] // 2 :: 10, ::10].reshape(-1, 3).tolist()))
    assert {(200, 30, 30), (30, 30, 200), (128, 128, 128)} <= seen


def test_whole_numbers_are_written_in_full_into_their_cells(tmp_path):
    huge = Kernel("huge", [[2999, -2999]])
    path = filter_image(np.uint8([[0, 255, 0]]), huge, border="valid").save_picture(tmp_path / "huge.svg")
    texts = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))
    assert {"−764745", "764745", "2999", "−2999"} <= set(texts)


def test_a_large_image_is_drawn_from_means_of_blocks_where_it_was(tmp_path):
    """A chequered board of single pixels is grey; of its halves the left one is dark, and strokes lie as before."""
    board = np.indices((1501, 3100)).sum(axis=0).astype(np.uint8) % 2 * np.uint8(200)
    board[:, 1550:] += 50
    figure = Figure()
    axes = figure.subplots()
    _draw_pixels(axes, board)
    (image,) = axes.images
    assert image.get_array().shape == (751, 1034)  # ceil(1501 / 2), ceil(3100 / 3)
    assert abs(image.get_array()[:750, :516].astype(int) - 100).max() <= 34
    assert abs(image.get_array()[:750, 518:1033].astype(int) - 150).max() <= 34
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 3099.5), (1500.5, -0.5))
    assert image.get_extent() == [-0.5, 1034 * 3 - 0.5, 751 * 2 - 0.5, -0.5]


@pytest.mark.parametrize("name", ["picture.jpg", "picture", "picture.png.txt"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(
        SettingsError, match=f"^the picture's name is {name}; expected one that ends in .png, .pdf, .svg"
    ):
        filter_image(BOARD).save_picture(tmp_path / name)


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(StorageError, match="cannot be written: there is no folder"):
        filter_image(BOARD).save_picture(tmp_path / "nowhere" / "picture.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(StorageError, match=r"folder\.png: Is a directory"):
        filter_image(BOARD).save_picture(tmp_path / "folder.png")
