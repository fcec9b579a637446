"""Deep readings keep what is stored: 16 bits, floats, any number of bands; and tell what is white."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.reading import examine, read_image

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")


def values(*shape, kind=np.uint16, top=None):
    top = np.iinfo(kind).max if top is None else top
    return np.random.default_rng(0).integers(0, top, shape, kind, endpoint=True)


def tiff(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def png(array, kind, extra=()):
    """The bytes of a 16-bit PNG (H, W, C) of a colour type: each row unfiltered, big-endian (PNG 3, section 7)."""
    height, width, _ = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def on_white(array, white=65535):
    """c·a + white·(1 - a), of the last channel as alpha."""
    colours, share = array[:, :, :-1].astype(float), array[:, :, -1:] / white
    return colours * share + white * (1 - share)


def test_sixteen_bit_colours_of_a_png_keep_all_their_bits():
    array = values(5, 7, 3)
    reading = examine(png(array, 2), deep=True)
    assert (reading.pixels.dtype, reading.white) == (np.uint16, 65535)
    np.testing.assert_array_equal(reading.pixels, array)
    assert reading.facts == ("PNG", "RGB;16", 7, 5, 1, 1, 16, False)


@pytest.mark.parametrize(("kind", "bands", "mode"), [(4, 2, "LA;16"), (6, 4, "RGBA;16")])
def test_a_transparent_deep_png_lies_on_white_unless_its_alpha_is_asked_for(kind, bands, mode):
    array = values(5, 7, bands)
    reading = examine(png(array, kind), deep=True)
    assert np.abs(reading.pixels - on_white(array)).max() <= 0.5
    assert (reading.facts.mode, reading.facts.transparent) == (mode, True)
    np.testing.assert_array_equal(examine(png(array, kind), deep=True, bands=bands).pixels, array)


def test_a_transparent_colour_of_sixteen_bits_is_white():
    array = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint16)
    content = png(array, 2, [(b"tRNS", struct.pack(">HHH", 1, 2, 3))])
    assert examine(content, deep=True).pixels.tolist() == [[[65535] * 3, [1, 2, 4]]]


def test_in_eight_bits_the_higher_byte_is_kept_and_grey_with_alpha_is_grey():
    array = values(5, 7, 3)
    np.testing.assert_array_equal(read_image(png(array, 2)), array >> 8)
    assert read_image(png(values(5, 7, 2), 4)).shape == (5, 7, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_png_is_upright(orientation):
    exif = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 274, 3, 1, orientation, 0, 0)
    array = values(4, 6, 3)
    reading = examine(png(array, 2, [(b"eXIf", exif)]), deep=True)
    with Image.open(io.BytesIO(png(array, 2, [(b"eXIf", exif)]))) as image:
        assert image.getexif()[274] == orientation
    np.testing.assert_array_equal(reading.pixels >> 8, read_image(png(array, 2, [(b"eXIf", exif)])))
    assert (reading.pixels.shape == (6, 4, 3)) == (orientation > 4)


def test_damage_in_a_deep_png_is_found():
    content = bytearray(png(values(50, 50, 3), 2))
    content[len(content) // 2] ^= 255
    with pytest.raises(ImageError, match="cannot be decoded"):
        examine(bytes(content), deep=True)
    with pytest.raises(ImageError):
        examine(png(values(50, 50, 3), 2)[:-5000], deep=True)


@pytest.mark.parametrize("bands", [2, 4, 5, 7, 12])
@pytest.mark.parametrize("layout", [{"planarconfig": "contig"}, {"planarconfig": "separate"}, {"tile": (16, 16)}])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_of_many_bands_keeps_them_all(bands, layout, kind, compression):
    array = values(20, 30, bands, kind=np.uint8).astype(kind)
    stored = array.transpose(2, 0, 1) if layout.get("planarconfig") == "separate" else array
    layout = {"planarconfig": "contig", **layout}
    reading = examine(tiff(stored, photometric="minisblack", compression=compression, **layout), deep=True)
    assert reading.white == {np.uint8: 255, np.uint16: 65535, np.float32: 1}[kind]
    assert reading.pixels.dtype == kind
    assert reading.facts.mode == f"{bands}×{np.dtype(kind)}" and reading.facts.channels == str(bands)
    np.testing.assert_array_equal(reading.pixels, array)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_many_bands_in_eight_bits_are_refused_with_what_to_ask_for(kind):
    content = tiff(values(4, 6, 7, kind=np.uint8).astype(kind), photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageError, match="it has 7 bands: --channels 7 takes them all"):
        read_image(content)


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colours_of_a_tiff_keep_all_their_bits(channels):
    array = values(6, 5, channels)
    reading = examine(tiff(array, photometric="rgb"), deep=True)
    assert reading.facts.mode == {3: "RGB;16", 4: "RGBA;16"}[channels]
    expected = array if channels == 3 else on_white(array)
    assert np.abs(reading.pixels - expected).max() <= 0.5
    np.testing.assert_array_equal(examine(tiff(array, photometric="rgb"), deep=True, bands=channels).pixels, array)


def test_premultiplied_colours_are_not_multiplied_again():
    array = np.array([[[100, 200, 300, 1000], [0, 0, 0, 0]]], np.uint16)
    content = tiff(array, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[[100 + 64535, 200 + 64535, 300 + 64535], [65535] * 3]]
    assert examine(content, deep=True).pixels.tolist() == expected


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint32, np.float64, np.float16])
def test_wide_and_signed_numbers_keep_their_values(kind):
    array = np.array([[0, 1], [3, 4]]) * (1000 if np.issubdtype(kind, np.integer) else 0.25)
    array = array.astype(kind) - np.array(2, kind) * (np.dtype(kind).kind != "u")
    reading = examine(tiff(array, photometric="minisblack"), deep=True)
    assert reading.pixels.dtype == np.float32
    assert np.isnan(reading.white) == np.issubdtype(kind, np.integer)
    np.testing.assert_array_equal(reading.pixels[:, :, 0], array)


def test_large_unsigned_numbers_do_not_turn_negative():
    content = tiff(np.array([[0, 4_000_000_000]], np.uint32), photometric="minisblack")
    assert examine(content, deep=True).pixels.max() == 4e9
    with pytest.raises(ImageError):
        read_image(content)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_white_is_what_the_bits_of_a_tiff_say(bits):
    array = values(4, 6, 3, top=2**bits - 1)
    reading = examine(tiff(array, photometric="rgb", bitspersample=bits), deep=True)
    assert (reading.white, reading.facts.bits) == (2**bits - 1, bits)
    np.testing.assert_array_equal(reading.pixels, array)


def test_a_tiff_whose_white_is_zero_is_no_negative():
    array = values(4, 6, 2)
    reading = examine(tiff(array, photometric="miniswhite", planarconfig="contig"), deep=True)
    np.testing.assert_array_equal(reading.pixels, 65535 - array)
    grey = examine(tiff(array[:, :, 0], photometric="miniswhite"), deep=True)
    np.testing.assert_array_equal(grey.pixels, 65535 - array[:, :, :1])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bands", [1, 3, 5])
def test_a_deep_tiff_is_upright(orientation, bands):
    array = values(4, 6, bands)
    content = tiff(
        array.squeeze(),
        photometric="rgb" if bands == 3 else "minisblack",
        planarconfig="contig" if bands > 1 else None,
        extratags=[(274, 3, 1, orientation, True)],
    )
    turn = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (1, 2), 6: (-1, 0), 7: (-1, 2), 8: (1, 0)}[orientation]
    expected = np.rot90(array, turn[0])
    expected = {0: expected, 1: expected[:, ::-1], 2: expected[::-1]}[turn[1]]
    reading = examine(content, deep=True)
    np.testing.assert_array_equal(reading.pixels, expected)
    assert reading.facts[2:5] == (6, 4, orientation)


def test_pages_are_bands_where_so_many_are_asked_for():
    array = values(7, 20, 30)
    content = tiff(array, photometric="minisblack")  # seven pages
    np.testing.assert_array_equal(examine(content, deep=True).pixels, array[0, :, :, None])
    np.testing.assert_array_equal(examine(content, deep=True, bands=7).pixels, array.transpose(1, 2, 0))
    assert examine(content, deep=True, bands=7).facts.frames == 7


def test_what_tifffile_writes_of_many_bands_without_being_told_is_read_as_it_was():
    array = values(20, 30, 7)
    np.testing.assert_array_equal(examine(tiff(array), deep=True, bands=7).pixels, array)


@pytest.mark.parametrize("bands", [None, 4])
def test_deep_inks_are_refused(bands):
    content = tiff(values(4, 6, 4), photometric="separated", planarconfig="contig")
    with pytest.raises(ImageError, match=r"are not light but inks .*: convert it to RGB"):
        examine(content, deep=True, bands=bands)


def test_colours_in_floats_are_refused_in_eight_bits_with_what_to_ask_for():
    content = tiff(np.zeros((4, 6, 3), np.float32), photometric="rgb")
    with pytest.raises(ImageError, match=r"3×32 bits does not say what is white: .* --range low:high"):
        read_image(content)
    assert examine(content, deep=True).pixels.dtype == np.float32


def test_a_truncated_or_holey_tiff_of_many_bands_is_refused():
    content = tiff(values(40, 40, 7), photometric="minisblack", planarconfig="contig", metadata=None)
    with pytest.raises(ImageError):
        examine(content[:-1000], deep=True)
    holey = tiff(values(40, 40, 7), photometric="minisblack", planarconfig="contig", tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(io.BytesIO(holey)) as file:
        place = file.pages[0].tags["TileByteCounts"].valueoffset
    with pytest.raises(ImageError, match="Invalid tile byte count"):
        examine(holey[:place] + bytes(4) + holey[place + 4 :], deep=True)


def test_eight_bits_stay_eight_bits_and_their_alpha_is_a_band_where_it_is_asked_for():
    array = values(4, 6, 4, kind=np.uint8)
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    reading = examine(file.getvalue(), deep=True)
    assert (reading.white, reading.pixels.shape, reading.pixels.dtype) == (255, (4, 6, 3), np.uint8)
    np.testing.assert_array_equal(reading.pixels, read_image(file.getvalue()))
    np.testing.assert_array_equal(examine(file.getvalue(), deep=True, bands=4).pixels, array)


def test_deep_grey_of_every_format_keeps_its_values():
    ramp = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    for form in ("PNG", "TIFF", "PPM", "JPEG2000"):
        file = io.BytesIO()
        Image.fromarray(ramp).save(file, form)
        reading = examine(file.getvalue(), deep=True)
        assert (reading.pixels.dtype, reading.white, reading.facts.bits) == (np.uint16, 65535, 16), form
        np.testing.assert_array_equal(reading.pixels[:, :, 0], ramp)


def test_the_white_of_a_pgm_is_its_largest_value():
    reading = examine(b"P5 3 1 4095\n" + struct.pack(">HHH", 0, 1000, 4095), deep=True)
    assert (reading.white, reading.pixels.ravel().tolist()) == (4095, [0, 1000, 4095])
    assert reading.facts.bits == 12


def test_twelve_bits_of_a_jpeg_2000_are_not_shifted():
    imagecodecs = pytest.importorskip("imagecodecs")
    array = values(40, 40, top=4095)
    content = imagecodecs.jpeg2k_encode(array, level=0, reversible=True, bitspersample=12)
    reading = examine(content, deep=True)
    assert (reading.white, reading.facts.bits) == (4095, 12)
    np.testing.assert_array_equal(reading.pixels[:, :, 0], array)


@pytest.mark.parametrize("form", ["PPM", "JPEG2000", "AVIF", "SGI"])
def test_deep_colours_that_would_lose_their_lower_bits_are_refused(form):
    imagecodecs = pytest.importorskip("imagecodecs")
    array = values(32, 32, 3, top=1023)
    content = {
        "PPM": lambda: b"P6 32 32 1023\n" + array.astype(">u2").tobytes(),
        "JPEG2000": lambda: imagecodecs.jpeg2k_encode(array, level=0, reversible=True, bitspersample=10),
        "AVIF": lambda: imagecodecs.avif_encode(array, bitspersample=10),
        "SGI": lambda: (
            struct.pack(">HBBHHHH", 474, 0, 2, 3, 32, 32, 3).ljust(512, b"\0")
            + array.transpose(2, 0, 1)[:, ::-1].astype(">u2").tobytes()
        ),
    }[form]()
    with pytest.raises(
        ImageError, match=rf"colours have 1[06] bits, .* PNG and TIFF only, not from {form}: convert it"
    ):
        examine(content, deep=True)
    assert read_image(content).shape == (32, 32, 3)


@pytest.mark.parametrize(
    "content",
    [png(values(4, 4, 3), 2), tiff(values(4, 4, 5), photometric="minisblack", planarconfig="contig")],
    ids=["PNG", "TIFF"],
)
def test_without_the_extra_the_sentence_says_how_to_get_it(monkeypatch, content):
    def no_import(name):
        raise ImportError(name)

    monkeypatch.setattr("striate.images.extra.import_module", no_import)
    with pytest.raises(ImageError, match=r"needs imagecodecs: pip install 'striate\[deep\]'"):
        examine(content, deep=True)
