"""`striate filter`: a picture beside its words, one JSON object, and sentences for what cannot be."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import striate
from striate.filters.kernels import KERNELS
from striate.filters.operations import OF_ONE, OF_TWO

BOARD = np.repeat(np.uint8([[10, 10, 10, 0, 0, 0]]), 6, axis=0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, and in a folder beside it the lectures' board and a photograph."""
    (tmp_path / "in").mkdir()
    (tmp_path / "here").mkdir()
    Image.fromarray(BOARD).save(tmp_path / "in" / "board.png")
    noise = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "in" / "noise.jpg")
    Image.fromarray(np.roll(noise, 2, axis=1)).save(tmp_path / "in" / "next.png")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_sobel_is_what_is_asked_for_if_nothing_is_and_an_older_picture_is_drawn_anew(cli, here):
    (here / "board_sobel.png").write_bytes(b"old")
    code, out, err = cli("filter", "../in/board.png")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "sobel: upright edges, the middle counting twice",
        "   1  0 -1",
        "   2  0 -2",
        "   1  0 -1",
        "image 6×6 in grey, border edge: response 6×6",
        "response from 0 to 40, mean 13.33",
        "picture: board_sobel.png (replaced)",
    ]
    assert [file.name for file in here.iterdir()] == ["board_sobel.png"]
    assert (here / "board_sobel.png").read_bytes().startswith(b"\x89PNG")


def test_the_slide_of_the_lectures_is_one_command(cli, here):
    words = ("--kernel", "prewitt", "--border", "valid", "--picture", "slide.svg", "--json")
    code, out, err = cli("filter", "../in/board.png", *words)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["response_size"], found["lowest"], found["highest"]) == ([4, 4], 0, 30)
    assert (here / "slide.svg").read_text(encoding="utf-8").count("<!-- 30 -->") == 8 + 1  # and the scale


def test_the_border_asked_for_is_in_the_name_of_the_picture(cli, here):
    for border in ("valid", "zero"):
        _, out, _ = cli("filter", "../in/board.png", "--border", border)
        assert out.splitlines()[-1] == f"picture: board_sobel_{border}.png"
    assert sorted(file.name for file in here.iterdir()) == ["board_sobel_valid.png", "board_sobel_zero.png"]


def test_a_wrong_ending_is_told_before_the_work(cli, here, monkeypatch):
    def work(*images, **how):
        raise AssertionError("it has begun")

    monkeypatch.setattr(striate, "filter_image", work)
    code, _, err = cli("filter", "../in/board.png", "--picture", "p.jpg")
    assert (code, "expected one that ends in .png, .pdf, .svg" in err) == (2, True)


def test_json_answers_what_the_function_answers(cli, here):
    code, out, err = cli("filter", "../in/noise.jpg", "--kernel", "unsharp_5x5", "--json")
    assert (code, err) == (0, "")
    expected = striate.filter_image("../in/noise.jpg", "unsharp_5x5").to_dict()
    where = {"image": "../in/noise.jpg", "picture": "noise_unsharp_5x5.png"}
    assert json.loads(out) == where | json.loads(json.dumps(expected))


@pytest.mark.parametrize("name", ["canny", "optical_flow"])
def test_an_operation_answers_what_the_function_answers(cli, here, name):
    images = ("../in/noise.jpg", "../in/next.png")[: 1 + (name in OF_TWO)]
    code, out, err = cli("filter", *images, "--operation", name)
    assert (code, err) == (0, "")
    answer = striate.apply_operation(images[0], name, *images[1:])
    assert out.splitlines() == [*answer.sentences(), f"picture: noise_{name}.png"]
    assert (here / f"noise_{name}.png").exists()
    found = json.loads(cli("filter", *images, "--operation", name, "--json")[1])
    assert found["name"] == name
    assert found.items() >= json.loads(json.dumps(answer.to_dict())).items()


def test_help_names_every_kernel_and_every_operation_at_once():
    code = (
        "import sys; from striate.cli.main import main; code = main(['filter', '--help']); "
        "assert not {'torch', 'numpy', 'PIL', 'cv2', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(re.findall(r"\w+", result.stdout)) >= {*KERNELS, *OF_ONE, *OF_TWO}


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (("gone.png",), "gone.png: no such file"),
        (("..",), "..: a folder, not an image"),
        (("broken.png",), "broken.png: not an image of a known format"),
        (("empty.png",), "empty.png: the file is empty (0 bytes)"),
        (("../in/board.png", "--kernel", "sobl"), "unknown kernel 'sobl'; did you mean sobel"),
        (
            ("../in/board.png", "--operation", "cany"),
            "unknown operation 'cany'; did you mean canny? known: canny, hog,",
        ),
        (("../in/board.png", "--kernel", ""), "unknown kernel ''; known:"),
        (("../in/board.png", "--border", ""), "unknown border ''; known: edge, valid, zero"),
        (("../in/board.png", "--operation", ""), "unknown operation ''; known:"),
        (("../in/board.png", "--border", "wrap"), "unknown border 'wrap'; known: edge, valid, zero"),
        (("../in/board.png", "--kernel", "sobel", "--operation", "hog"), "--operation does not go with --kernel"),
        (("../in/board.png", "--border", "zero", "--operation", "hog"), "--operation does not go with --border"),
        (("../in/board.png", "../in/next.png"), "the kernel sobel takes one image; leave ../in/next.png out"),
        (("../in/board.png", "--operation", "optical_flow"), "give a second image"),
        (("../in/board.png", "../in/next.png", "--operation", "sift"), "sift takes one image"),
        (
            ("../in/board.png", "../in/next.png", "--operation", "lucas_kanade"),
            "the first image is 6×6, the second 40×52",
        ),
        (("../in/board.png", "--operation", "hog"), "a window of 16 does not fit on 6 values"),
        (("dot.png", "--kernel", "sobel", "--border", "valid"), "a window of 3 does not fit on 1 values"),
        (("../in/board.png", "--picture", "p.jpg"), "expected one that ends in .png, .pdf, .svg"),
        (("../in/board.png", "--picture", "nowhere/p.png"), "nowhere/p.png cannot be written: there is no folder"),
        (("../in/board.png", "--picture", f"{'x' * 300}.png"), "File name too long"),
        (("../in/board.png", "--picture", "../in/board.png"), "would take the place of the image ../in/board.png"),
        (
            ("../in/noise.jpg", "../in/next.png", "--operation", "optical_flow", "--picture", "../in/next.png"),
            "would take the place of the image ../in/next.png",
        ),
        ((), "IMAGE"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:60],
)
def test_what_cannot_be_is_answered_in_one_line(cli, here, words, sign):
    (here / "broken.png").write_bytes(b"words")
    (here / "empty.png").write_bytes(b"")
    Image.new("L", (1, 1)).save(here / "dot.png")
    before = {file: file.read_bytes() for folder in (here, here.parent / "in") for file in folder.iterdir()}
    code, out, err = cli("filter", *words)
    assert (code, out) == (2, "")
    assert err.startswith("striate: ")
    assert err.count("\n") == 1
    assert sign in err
    after = {file: file.read_bytes() for folder in (here, here.parent / "in") for file in folder.iterdir()}
    assert after == before


def test_a_link_to_the_image_is_the_image(cli, here):
    (here / "link.png").symlink_to(here.parent / "in" / "board.png")
    code, _, err = cli("filter", "../in/board.png", "--picture", "link.png")
    assert code == 2
    assert "would take the place of the image link.png" in err


def test_without_opencv_an_operation_says_how_to_install_it(cli, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    code, out, err = cli("filter", "../in/board.png", "--operation", "canny")
    assert (code, out) == (2, "")
    assert "this operation needs OpenCV" in err
    assert "pip install 'striate[opencv]'" in err


@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_every_kind_of_image_is_filtered_and_drawn(cli, here, mode):
    Image.new(mode, (9, 7)).save(here / "odd.png")
    code, out, err = cli("filter", "odd.png", "--kernel", "gaussian_5x5")
    assert (code, err) == (0, "")
    assert "image 7×9" in out
    assert (here / "odd_gaussian_5x5.png").exists()


def test_a_file_whose_name_would_be_markup_or_mathematics_is_drawn_by_its_name(cli, here):
    Image.fromarray(BOARD).save(here / "[red]$x$ é.png")
    code, out, err = cli("filter", "[red]$x$ é.png")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "picture: [red]$x$ é_sobel.png"
    assert (here / "[red]$x$ é_sobel.png").exists()


def test_broken_files_of_the_wild_are_answered_or_refused_in_one_line(cli, here, shared):
    codes = set()
    for file in sorted((shared / "data" / "broken_and_odd" / "pillow").glob("crash-*")):
        code, _, err = cli("filter", file)
        codes.add(code)
        assert err.count("\n") == (code == 2)
    assert 2 in codes
