"""A .npy file is an image (H, W) or (H, W, C) if its numbers say how bright they are; nothing in it is run."""

import io
import pickle

import numpy as np
import pytest

from striate.errors import ImageError
from striate.images.reading import examine, read_image


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def noise(*shape, kind=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(kind)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3)])
def test_eight_bits_are_read_as_they_are_from_disk_and_from_memory(tmp_path, shape):
    array = noise(*shape)
    (tmp_path / "image.npy").write_bytes(npy(array))
    for source in (tmp_path / "image.npy", npy(array), npy(np.asfortranarray(array))):
        np.testing.assert_array_equal(read_image(source), array.reshape(3, 4, -1))


def test_its_facts_are_told():
    assert examine(npy(noise(3, 4))).facts == ("NPY", "L", 4, 3, 1, 1, 8, False)
    assert examine(npy(noise(3, 4, 3, kind=np.uint16)), deep=True).facts == ("NPY", "RGB;16", 4, 3, 1, 1, 16, False)
    many = examine(npy(noise(3, 4, 7, kind=np.float32)), deep=True).facts
    assert many == ("NPY", "7×float32", 4, 3, 1, 1, 32, False) and many.channels == "7"


def test_sixteen_bits_and_floats_are_scaled_by_their_white():
    assert read_image(npy(np.array([[0, 32768, 65535]], ">u2"))).ravel().tolist() == [0, 128, 255]
    assert read_image(npy(np.array([[0, 0.5, 1]]))).ravel().tolist() == [0, 128, 255]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int64, np.float64])
@pytest.mark.parametrize("bands", [1, 2, 5])
def test_a_deep_reading_keeps_every_band_and_value(kind, bands):
    array = noise(3, 4, bands, kind=kind)
    reading = examine(npy(array), deep=True)
    assert reading.pixels.dtype == (kind if kind in (np.uint8, np.uint16) else np.float32)
    np.testing.assert_array_equal(reading.pixels, array)


def test_other_numbers_of_bands_are_refused_with_what_to_ask_for():
    with pytest.raises(ImageError, match=r"shape \(3, 4, 7\) is not an image; .*--channels 7 takes all its bands"):
        read_image(npy(noise(3, 4, 7)))


@pytest.mark.parametrize("shape", [(5,), (1, 2, 3, 4), (0, 3), (3, 0, 3), ()])
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_no_picture_is_refused_by_its_shape(shape, deep):
    with pytest.raises(ImageError, match="is not an image; expected"):
        examine(npy(np.zeros(shape, np.uint8)), deep=deep)


@pytest.mark.parametrize("array", [np.array([[True]]), np.array([["a"]]), np.array([[1j]]), np.zeros((2, 2), "i4,f4")])
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_no_number_is_refused(array, deep):
    with pytest.raises(ImageError):
        examine(npy(array), deep=deep)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def test_objects_are_never_unpickled():
    with pytest.raises(SystemExit):  # what the trap would do
        pickle.loads(pickle.dumps(Trap()))
    for deep in (False, True):
        with pytest.raises(ImageError):
            examine(npy(np.array([[Trap()]], object), allow_pickle=True), deep=deep)


def test_a_bomb_is_refused_by_its_header():
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1_000_000, 1_000_000)}
    )
    for deep in (False, True):
        with pytest.raises(ImageError, match="a decompression bomb"):
            examine(header.getvalue(), deep=deep)
    many = io.BytesIO()
    np.lib.format.write_array_header_1_0(many, {"descr": "|u1", "fortran_order": False, "shape": (9000, 9000, 9000)})
    with pytest.raises(ImageError, match="9000×9000 in 9000 bands is more than"):
        examine(many.getvalue(), deep=True)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_one_is_refused(part):
    content = npy(noise(50, 50))
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_image(content[: int(part * len(content))])
