"""What is handed over: a path, bytes, a Pillow image or an array; and what looks like a file and would block."""

import os
import socket

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import examine


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(path)
    return path


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match=r"pipe\.jpg: a pipe, not an image"):
        examine(tmp_path / "pipe.jpg")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, png, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    looked_at = png.stat()
    monkeypatch.setattr(os, "stat", lambda path: looked_at)  # somebody swaps them between the look and the opening
    with pytest.raises(ImageError):
        examine(tmp_path / "pipe.jpg")


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        with pytest.raises(ImageError, match="a socket, not an image"):
            examine("socket.png")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device):
    with pytest.raises(ImageError, match="a device, not an image"):
        examine(device)


@pytest.mark.parametrize("deep", [False, True])
def test_a_folder_a_missing_file_and_a_name_that_cannot_be_are_told_apart(tmp_path, deep):
    for source, reason in [
        (tmp_path, "a folder, not an image"),
        (tmp_path / "none.png", "no such file"),
        ("", "no such file"),
        ("a\0b", "its name holds a zero byte"),
        ("x" * 5000, "it cannot be opened: File name too long"),
    ]:
        with pytest.raises(ImageError, match=reason):
            examine(source, deep=deep)


def test_a_file_that_may_not_be_read_is_told(png):
    png.chmod(0)
    if os.access(png, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ImageError, match="permission denied"):
        examine(png)


def test_a_link_is_followed(tmp_path, png):
    (tmp_path / "link.png").symlink_to(png)
    np.testing.assert_array_equal(examine(tmp_path / "link.png").pixels, examine(png).pixels)
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with pytest.raises(ImageError, match="it cannot be opened"):
        examine(tmp_path / "loop.png")


def test_the_sentence_names_the_file_and_the_reason_does_not(tmp_path):
    with pytest.raises(ImageError) as refusal:
        examine(tmp_path / "none.png")
    assert str(refusal.value) == f"{tmp_path / 'none.png'}: no such file"
    assert refusal.value.reason == "no such file"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "GIF"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_file_is_opened_once(tmp_path, monkeypatch, form, deep):
    path, open_it = tmp_path / "image", os.open
    Image.new("RGB", (4, 4)).save(path, form)

    def open_and_remove(*arguments, **named):
        descriptor = open_it(*arguments, **named)
        path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", open_and_remove)
    assert examine(path, deep=deep).pixels.shape == (4, 4, 3)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + bytes(16) + b"\x10\x02"])
def test_a_file_larger_than_any_image_is_refused_unread(tmp_path, start):
    with (tmp_path / "large").open("wb") as file:
        file.write(start)
        file.truncate(2**32 + 1)  # of which the disk holds no more than the start
    with pytest.raises(ImageError, match=r"the file has 4,294,967,297 bytes; at most 4,294,967,296 are read"):
        examine(tmp_path / "large", deep=True)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("two\nlines \x1b[31m", r"cannot be decoded: two lines \x1b[31m"),
        ("", "cannot be decoded: OSError"),
        ("x" * 999, "cannot be decoded: " + "x" * 281),
    ],
)
def test_whatever_a_decoder_says_is_one_line_that_a_terminal_may_show(monkeypatch, png, said, reason):
    def open_image(*_, **__):
        raise OSError(said)

    monkeypatch.setattr(Image, "open", open_image)
    with pytest.raises(ImageError) as refusal:
        examine(png)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("source", [3, None, [[1, 2]], 1.5, {}], ids=str)
def test_what_is_no_source_is_refused_by_its_type(source):
    with pytest.raises(ImageError, match=f"{type(source).__name__} is no image; expected a path, bytes"):
        examine(source)


def test_a_pillow_image_from_a_file_and_its_bytes_tell_the_same(png):
    with Image.open(png) as image:
        assert examine(image).facts == examine(png).facts == examine(png.read_bytes()).facts
    assert examine(Image.new("L", (2, 3))).facts == ("array", "L", 2, 3, 1, 1, 8, False)
