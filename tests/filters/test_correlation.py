"""A kernel slid over an image: the lectures' boards, OpenCV's filter2D and SciPy's correlate2d."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from scipy.signal import correlate2d

from striate.errors import ImageError, SizeError, UnknownNameError
from striate.filters.correlation import correlate
from striate.filters.kernels import KERNELS, Kernel

BRIGHT_LEFT = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0)
BRIGHT_RIGHT = BRIGHT_LEFT[:, ::-1]

sides = some.integers(1, 9)
weights = arrays(np.int64, some.tuples(some.integers(1, 4), some.integers(1, 4)), elements=some.integers(-9, 9))
images = arrays(np.int64, some.tuples(sides, sides), elements=some.integers(-1000, 1000))
borders = some.sampled_from(["edge", "zero", "valid"])
catalogue = some.sampled_from(list(KERNELS.values()))


@pytest.mark.parametrize(("name", "response"), [("prewitt", 30), ("sobel", 40)])
def test_the_upright_edge_of_the_lectures_has_four_rows(name, response):
    """Errata E7: the slide of Sobel's filter shows six rows, which no padding gives."""
    kernel = KERNELS[name]
    assert correlate(BRIGHT_LEFT, kernel, border="valid").tolist() == [[0, response, response, 0]] * 4
    assert correlate(BRIGHT_RIGHT, kernel, border="valid").tolist() == [[0, -response, -response, 0]] * 4


def test_with_zeros_around_the_border_of_the_image_is_an_edge_itself():
    rows = correlate(BRIGHT_LEFT, KERNELS["sobel"], border="zero").tolist()
    assert rows == [[-30, 0, 30, 30, 0, 0], *[[-40, 0, 40, 40, 0, 0]] * 4, [-30, 0, 30, 30, 0, 0]]


def test_with_its_edge_repeated_the_border_is_none():
    assert correlate(BRIGHT_LEFT, KERNELS["sobel"]).tolist() == [[0, 0, 40, 40, 0, 0]] * 6


def test_a_kernel_is_not_turned_over():
    """A single 1 shows the kernel turned by 180 degrees: what a mathematician's convolution would show upright."""
    point = np.zeros((5, 5), int)
    point[2, 2] = 1
    kernel = Kernel("numbered", [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert correlate(point, kernel, border="valid").tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("border", "theirs"), [("edge", cv2.BORDER_REPLICATE), ("zero", cv2.BORDER_CONSTANT)])
@pytest.mark.parametrize("shape", [(7, 9), (13, 6, 3), (1, 8), (1, 1)], ids=str)
def test_every_kernel_gives_what_filter2d_gives(name, border, theirs, shape):
    image = np.random.default_rng(len(name)).integers(0, 256, shape, np.uint8)
    kernel = KERNELS[name]
    matrix = np.array(kernel.weights, np.float64)
    expected = cv2.filter2D(image.astype(np.float64), -1, matrix, borderType=theirs) / kernel.divisor
    assert (correlate(image, kernel, border=border) == expected).all()


@given(images, weights)
def test_inside_the_image_any_kernel_gives_what_scipy_gives(image, rows):
    kernel = Kernel("any", rows)
    if image.shape[0] < rows.shape[0] or image.shape[1] < rows.shape[1]:
        with pytest.raises(SizeError, match="does not fit"):
            correlate(image, kernel, border="valid")
    else:
        assert (correlate(image, kernel, border="valid") == correlate2d(image, rows, mode="valid")).all()


@given(images, weights, borders.filter(lambda border: border != "valid"))
def test_an_even_kernel_hangs_over_the_end_by_the_larger_half(image, rows, border):
    (height, width), mode = rows.shape, {"edge": "edge", "zero": "constant"}[border]
    around = np.pad(image, (((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2)), mode=mode)
    expected = correlate2d(around, rows, mode="valid")
    assert expected.shape == image.shape
    assert (correlate(image, Kernel("any", rows), border=border) == expected).all()


@given(images, weights, some.integers(-9, 9), borders)
def test_whole_numbers_are_divided_once(image, rows, divisor, border):
    if divisor == 0 or image.shape[0] < rows.shape[0] or image.shape[1] < rows.shape[1]:
        return
    whole = correlate(image, Kernel("whole", rows), border=border)
    divided = correlate(image, Kernel("divided", rows, divisor), border=border)
    assert whole.dtype == np.int64
    assert divided.dtype == (np.int64 if abs(divisor) == 1 else np.float64)
    assert (divided == whole / divisor).all()


@given(catalogue, some.integers(0, 255), sides, sides)
def test_on_a_flat_image_every_response_is_the_sum_of_the_weights(kernel, grey, height, width):
    response = correlate(np.full((height, width), grey, np.uint8), kernel)
    assert (response == float(grey * kernel.total)).all()


@given(images, images, catalogue, some.integers(-5, 5))
def test_the_response_of_a_sum_is_the_sum_of_the_responses(first, second, kernel, times):
    height, width = np.minimum(first.shape, second.shape)
    first, second = (image[:height, :width] for image in (first, second))
    together = correlate(first + times * second, kernel)
    assert np.allclose(together, correlate(first, kernel) + times * correlate(second, kernel), rtol=1e-12, atol=1e-9)


def test_each_channel_is_taken_by_itself():
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 4), np.uint8)
    whole = correlate(image, KERNELS["sobel"])
    assert whole.shape == (6, 7, 4)
    for channel in range(4):
        assert (whole[:, :, channel] == correlate(image[:, :, channel], KERNELS["sobel"])).all()


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int8, np.uint16, np.int32, np.uint64, np.float16, np.float32])
def test_every_kind_of_number_is_taken_as_it_is(kind):
    image = np.array([[0, 1, 1], [1, 0, 1]]).astype(kind)
    response = correlate(image, KERNELS["laplacian_8"])
    assert response.dtype == (np.float64 if np.issubdtype(kind, np.floating) else np.int64)
    assert (response == correlate(image.astype(np.int64), KERNELS["laplacian_8"])).all()


def test_the_image_is_left_as_it_was():
    image = BRIGHT_LEFT.copy()
    correlate(image, KERNELS["identity"])[:] = 7
    assert (image == BRIGHT_LEFT).all()


def test_numbers_are_exact_up_to_the_edge_of_64_bits():
    image = np.full((3, 3), 2**60 - 1)
    assert (correlate(image, KERNELS["sobel"]) == 0).all()
    with pytest.raises(ImageError, match=r"^its values reach 1,152,921,504,606,846,976, too large for exact sums with"):
        correlate(image + 1, KERNELS["sobel"])
    with pytest.raises(ImageError, match="too large for exact sums with sobel: scale them down"):
        correlate(np.full((3, 3), -(2**63)), KERNELS["sobel"])


@pytest.mark.parametrize(
    ("image", "border", "error", "complaint"),
    [
        (np.zeros((2, 5), int), "valid", SizeError, "^a window of 3 does not fit on 2 values: enlarge the input$"),
        (np.zeros((0, 5), int), "edge", SizeError, "does not fit on 0 values"),
        (np.zeros((5, 0)), "zero", SizeError, "does not fit on 0 values"),
        (np.zeros(5), "edge", ImageError, r"^an array of shape \(5,\) is not an image; expected \(H, W\) or"),
        (np.zeros((1, 2, 3, 4)), "edge", ImageError, "expected"),
        (np.zeros((3, 3), complex), "edge", ImageError, "^an array of complex128 is not an image"),
        (np.array([["a"]]), "edge", ImageError, "an array of <U1 is not an image"),
        ([[1, 2]], "edge", ImageError, "^a list is not an image; expected a NumPy array"),
        (
            np.zeros((3, 3)),
            "mirror",
            UnknownNameError,
            "^unknown border 'mirror'; did you mean zero\\? known: edge, valid, zero$",
        ),
    ],
)
def test_what_is_no_image_or_does_not_fit_is_refused_in_a_sentence(image, border, error, complaint):
    with pytest.raises(error, match=complaint):
        correlate(image, KERNELS["sobel"], border=border)
