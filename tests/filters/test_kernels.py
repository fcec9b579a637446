"""The lectures' kernels, written again from the deck, and what they owe to one another."""

from fractions import Fraction

import numpy as np
import pytest

from striate.errors import SettingsError, UnknownNameError
from striate.filters.kernels import KERNELS, Kernel, kernel_of

DECK = {  # name: (factor, matrix) as the slides print them
    "identity": (1, [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "edge_diagonal": (1, [[1, 0, -1], [0, 0, 0], [-1, 0, 1]]),
    "laplacian_4": (1, [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]),
    "laplacian_8": (1, [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "sharpen": (1, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "box_blur": (Fraction(1, 9), [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    "gaussian_3x3": (Fraction(1, 16), [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
    "gaussian_5x5": (
        Fraction(1, 256),
        [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]],
    ),
    "unsharp_5x5": (
        Fraction(-1, 256),
        [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, -476, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]],
    ),
    "prewitt": (1, [[1, 0, -1], [1, 0, -1], [1, 0, -1]]),
    "sobel": (1, [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "sobel_horizontal": (1, [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
}


def weights(name):
    """The weights with their factor, exactly."""
    kernel = KERNELS[name]
    return np.array(kernel.weights, object) * kernel.factor


def test_the_catalogue_holds_the_kernels_of_the_deck_and_no_others():
    assert {name: (kernel.factor, list(map(list, kernel.weights))) for name, kernel in KERNELS.items()} == DECK


def test_each_kernel_says_what_it_is_for():
    assert all(kernel.meaning for kernel in KERNELS.values())
    assert len({kernel.meaning for kernel in KERNELS.values()}) == len(KERNELS)


@pytest.mark.parametrize(("name", "binomial"), [("gaussian_3x3", [1, 2, 1]), ("gaussian_5x5", [1, 4, 6, 4, 1])])
def test_a_gaussian_is_a_row_of_pascals_triangle_times_itself(name, binomial):
    assert (weights(name) * sum(binomial) ** 2 == np.outer(binomial, binomial)).all()


def test_unsharp_masking_is_twice_the_image_less_its_blur():
    identity = np.pad(weights("identity"), 1)
    assert (weights("unsharp_5x5") == 2 * identity - weights("gaussian_5x5")).all()


def test_sharpening_adds_the_laplacian_to_the_image():
    assert (weights("sharpen") == weights("identity") + weights("laplacian_4")).all()


def test_sobel_is_a_binomial_across_a_difference_and_lies_down_when_transposed():
    assert (weights("sobel") == np.outer([1, 2, 1], [1, 0, -1])).all()
    assert (weights("sobel_horizontal") == weights("sobel").T).all()
    assert (weights("prewitt") == np.outer([1, 1, 1], [1, 0, -1])).all()


def test_edge_kernels_sum_to_zero_and_all_others_to_one():
    edges = {"edge_diagonal", "laplacian_4", "laplacian_8", "prewitt", "sobel", "sobel_horizontal"}
    assert {name for name, kernel in KERNELS.items() if kernel.signed} == edges
    assert {kernel.total for name, kernel in KERNELS.items() if name not in edges} == {1}


def test_kernels_of_equal_numbers_are_equal_and_can_be_keys():
    assert Kernel("k", [[1, 2]]) == Kernel("k", np.array([[1, 2]])) == Kernel("k", ((1, 2),))
    assert len({Kernel("k", [[1, 2]]), Kernel("k", ((1, 2),))}) == 1
    assert Kernel("k", np.array([[1, 2]]), np.int8(3)).weights == ((1, 2),)


@pytest.mark.parametrize(
    ("rows", "divisor", "complaint"),
    [
        ([[1, 2], [3]], 1, "^kernel mine has rows of these lengths: 2, 1; expected equal ones, from 1$"),
        ([], 1, "rows of these lengths: none"),
        ([[]], 1, "rows of these lengths: 0"),
        ([[1]], 0, "^kernel mine has a divisor of 0; expected 1 for none$"),
        ([[0.5]], 1, "^kernel mine: .*float.*; expected rows of whole numbers and a divisor$"),
        ([[1]], 1.5, "expected rows of whole numbers and a divisor"),
        ([1, 2], 1, "expected rows of whole numbers"),
        (7, 1, "expected rows of whole numbers"),
        (["1 2"], 1, "expected rows of whole numbers"),
        ([[2**31]], 1, "numbers of 2,147,483,648 or more"),
        ([[1]], -(2**31), "numbers of 2,147,483,648 or more"),
    ],
)
def test_a_kernel_that_is_none_is_refused_with_what_came(rows, divisor, complaint):
    with pytest.raises(SettingsError, match=complaint):
        Kernel("mine", rows, divisor)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^unknown kernel 'sobl'; did you mean sobel or"):
        kernel_of("sobl")


@pytest.mark.parametrize("kind", [None, np.ones((3, 3)), [[1, 2]], 3])
def test_what_is_neither_a_name_nor_a_kernel_is_refused_with_what_it_is(kind):
    with pytest.raises(SettingsError, match=f"^a {type(kind).__name__} is no kernel; expected a name, as 'sobel', or"):
        kernel_of(kind)
