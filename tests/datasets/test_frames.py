import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.datasets.frames import Frame, read_frame, turn_points
from striate.errors import ImageError, StriateError
from striate.images.reading import read_image


def encoded(size, form, orientation):
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.new("RGB", size).save(file, form, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_header_tells_the_stored_frame_and_how_it_is_turned(form, orientation):
    frame = read_frame(encoded((6, 4), form, orientation))
    assert frame == Frame(6, 4, orientation)
    with Image.open(io.BytesIO(encoded((6, 4), form, orientation))) as image:
        assert frame.upright == ImageOps.exif_transpose(image).size


def test_exif_that_follows_the_pixels_of_a_png_is_found():
    content = encoded((6, 4), "PNG", 6)
    place = content.index(b"eXIf") - 4
    length = 12 + int.from_bytes(content[place : place + 4], "big")
    exif, rest = content[place : place + length], content[:place] + content[place + length :]
    late = rest[: rest.index(b"IEND") - 4] + exif + rest[rest.index(b"IEND") - 4 :]
    assert read_image(late).shape == (6, 4, 3)
    assert read_frame(late) == Frame(6, 4, 6)


def test_what_is_no_file_has_a_frame_too(tmp_path):
    assert read_frame(np.zeros((3, 5), np.uint8)) == Frame(5, 3)
    assert read_frame(np.zeros((3, 5, 3), np.uint8)) == Frame(5, 3)
    assert read_frame(Image.new("L", (5, 3))) == Frame(5, 3)
    np.save(tmp_path / "a.npy", np.zeros((3, 5), np.uint8))
    assert read_frame(tmp_path / "a.npy") == Frame(5, 3)
    np.save(tmp_path / "b.npy", np.zeros(5, np.uint8))
    with pytest.raises(ImageError, match=r"an array of shape \(5,\) is not an image; expected \(H, W\)"):
        read_frame(tmp_path / "b.npy")


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_header_that_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png: its header cannot be read"):
        read_frame(tmp_path / "a.png")
    with pytest.raises(ImageError, match="no such file"):
        read_frame(tmp_path / "b.png")


def test_the_frame_of_every_odd_file_is_that_of_its_pixels(shared):
    compared = 0
    for path in sorted((shared / "data/broken_and_odd").rglob("*")):
        if path.is_file():
            try:
                with warnings.catch_warnings(action="ignore"):
                    height, width = read_image(path).shape[:2]
            except StriateError:
                continue
            assert read_frame(path).upright == (width, height), path
            compared += 1
    assert compared > 300


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_point_goes_where_pillow_moves_its_pixel(orientation):
    stored = np.zeros((4, 6), np.uint8)
    stored[1, 4] = 255
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "PNG", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    ((y, x),) = np.argwhere(upright)
    turned = turn_points(np.array([[4.5, 1.5]]), Frame(6, 4, orientation))  # the middle of that pixel
    assert turned.tolist() == [[x + 0.5, y + 0.5]]
