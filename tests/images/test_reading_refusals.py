import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import read_image


@pytest.fixture
def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def png(width, height):
    """A PNG of a few bytes whose header claims width x height pixels of one bit."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_truncated_file_is_refused_and_not_filled_up_with_grey(noise, form, part):
    file = io.BytesIO()
    noise.save(file, form)
    whole = file.getvalue()
    with pytest.raises(ImageError, match=r"cannot be decoded: |not an image of a known format"):
        read_image(whole[: int(len(whole) * part)])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"a list of things to do\n", "not an image of a known format"),
        (b"\xff\xd8\xff", "not an image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a known format"),
    ],
)
def test_what_is_no_image_is_refused_from_disk_and_from_memory_alike(tmp_path, content, reason):
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    for source in (path, str(path), content):
        with pytest.raises(ImageError, match=reason):
            read_image(source)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="a folder, not an image"):
        read_image(tmp_path)


@pytest.mark.parametrize("side", [12_000, 40_000])  # Pillow itself warns of the first and refuses the second
def test_a_bomb_is_refused_by_its_header(side):
    with pytest.raises(ImageError, match="89,478,485 pixels: a decompression bomb"):
        read_image(png(side, side))


def test_a_picture_as_large_as_the_limit_is_no_bomb():
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_image(png(89_478_485, 1))


def test_a_bomb_from_the_wild_is_refused(shared):
    with pytest.raises(ImageError, match="a decompression bomb"):
        read_image(shared / "data/broken_and_odd/pillow/decompression_bomb.gif")
