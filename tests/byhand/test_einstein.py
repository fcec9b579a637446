"""The lectures' Einstein notation: numpy.einsum's numbers, the lectures' examples, and sentences for what is none."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate.byhand import einstein
from striate.errors import SizeError, StriateError

NAMES = ["i", "j", "c_in", "Δx", "row"]
SIZES = dict(zip(NAMES, (2, 3, 4, 1, 2), strict=True))
LETTER = dict(zip(NAMES, "abcde", strict=True))


def capital(index):
    return "Δ" + index[1:].upper() if index.startswith("Δ") else index.capitalize()


@some.composite
def formulas(draw):
    """Products of tensors, each a name and its indices; which indices are summed; and the order of the left."""
    indices = some.lists(some.sampled_from(NAMES), max_size=3)
    products = draw(some.lists(some.lists(indices, min_size=1, max_size=3), min_size=1, max_size=2))
    used = sorted({index for product in products for term in product for index in term})
    summed = draw(some.sets(some.sampled_from(used))) if used else set()
    return products, summed, draw(some.permutations([index for index in used if index not in summed]))


@settings(max_examples=100)
@given(formulas(), some.booleans())
def test_a_formula_has_the_value_of_numpys_einsum(formula, loop):
    products, summed, left = formula
    random, tensors, expected, right = np.random.default_rng(0), {}, 0, []
    everywhere = np.ones([SIZES[index] for index in left])  # a product that lacks an index is the same for all of it
    for product in products:
        terms = {f"T{len(tensors) + number}": term for number, term in enumerate(product)}
        tensors |= {name: random.integers(-5, 6, [SIZES[index] for index in term]) for name, term in terms.items()}
        inputs = ",".join("".join(LETTER[index] for index in term) for term in (*terms.values(), left))
        output = "".join(LETTER[index] for index in left)
        expected = expected + np.einsum(f"{inputs}->{output}", *(tensors[name] for name in terms), everywhere)
        write = {index: capital(index) if index in summed else index for index in NAMES}
        right.append(" ".join(f"{name}[{', '.join(write[index] for index in term)}]" for name, term in terms.items()))
    ours = einstein(f"y[{', '.join(left)}] = {' + '.join(right)}", loop=loop, **tensors)
    np.testing.assert_array_equal(np.broadcast_to(ours, expected.shape), expected)


A, B, x = np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3) ** 2, np.array([1, 10, 100])


@pytest.mark.parametrize(
    ("formula", "tensors", "value"),
    [  # D2, "Einstein notation"
        ("y[i] = A[i, J] x[J]", {"A": A, "x": x}, A @ x),
        ("y[j] = A[I, j] x[I]", {"A": A, "x": x[:2]}, x[:2] @ A),
        ("c[] = A[I, J] B[I, J]", {"A": A, "B": B}, 0 + 1 + 8 + 27 + 64 + 125),
        ("y[j, i] = A[i, j]", {"A": A}, A.T),
        ("y[i] = A[i, J]", {"A": A}, [3, 12]),
        ("y[i, j] = A[i, j] + x[j]", {"A": A, "x": x}, [[1, 11, 102], [4, 14, 105]]),
    ],
)
def test_the_lectures_lines_are_read_as_they_stand(formula, tensors, value):
    np.testing.assert_array_equal(einstein(formula, **tensors), value)


@pytest.mark.parametrize("places", [(4,), (4, 3), (4, 3, 2)])
def test_the_bold_place_stands_for_as_many_axes_as_the_tensors_have(places):
    H, w = np.random.default_rng(0).normal(size=(2, 3, *places)), np.array([1.0, -2.0, 0.5])
    weighted = einstein("y[b, x…] = w[C] H[b, C, x…]", w=w, H=H)
    np.testing.assert_allclose(weighted, np.tensordot(H, w, axes=(1, 0)))
    np.testing.assert_allclose(einstein("m[c] = H[B, c, X…]", H=H), H.sum(axis=(0, *range(2, H.ndim))))
    V = np.multiply.outer(H[0, 0], H[0, 1])  # two bold places in one tensor, whose names begin alike
    np.testing.assert_allclose(einstein("y[place…] = V[place…, PART…]", V=V), H[0, 0] * H[0, 1].sum())


@pytest.mark.parametrize(
    ("formula", "shapes", "sentence"),
    [
        ("y[i] = A[i, J] x[J]", {"A": (2, 3), "x": (4,)}, r"J is 3 in A \(2, 3\) and 4 in x \(4,\); y\[i\] = A"),
        ("y[i] = A[i, J] x[J]", {"A": (2, 3), "x": (3, 1)}, r"x \(3, 1\) has 2 axes; .* expects x\[J\]"),
        ("y[i] = x[i] + b[i]", {"x": (2,), "b": (3,)}, r"i is 2 in x \(2,\) and 3 in b \(3,\)"),
        ("y[i] = A[i, i]", {"A": (2, 3)}, r"i is 2 in A \(2, 3\) and 3 in A"),
        ("y[x…] = A[x…] B[x…]", {"A": (2, 3), "B": (2,)}, r"B \(2,\) has 1 axes; .* expects B\[x1, x2\]"),
    ],
)
def test_sizes_and_axes_that_do_not_agree_are_named(formula, shapes, sentence):
    with pytest.raises(SizeError, match=sentence):
        einstein(formula, **{name: np.ones(shape) for name, shape in shapes.items()})


@pytest.mark.parametrize(
    "formula",
    [
        "y[i] = A[i, j]",
        "y[i, j] = A[i, J]",
        "y[I] = A[I]",
        "y[i] = A[i, I]",
        "y[i, i] = A[i]",
        "y[] = A[i]",
        "y[i] z[i] = A[i]",
    ],
)
def test_small_letters_stand_on_both_sides_once_and_capitals_on_the_right(formula):
    with pytest.raises(StriateError, match="small letters on the right stand on the left too, capitals do not"):
        einstein(formula, A=np.ones((2, 2)[: formula.count(",") + 1]))


@pytest.mark.parametrize(
    ("formula", "came"),
    [
        ("y[i] = A[i] - b[i]", r"'A\[i\] - b\[i\]'"),
        ("y[i] = 2 A[i]", r"'2 A\[i\]'"),
        ("y[i] = A(i)", r"'A\(i\)'"),
        ("y[i] = A[i] +", "''"),
        ("y = A[I]", "'y'"),
        ("A[i]", "''"),
    ],
)
def test_nothing_that_is_written_goes_unread(formula, came):
    with pytest.raises(StriateError, match=f"{came} is no product of tensors"):
        einstein(formula, A=np.ones(2), b=np.ones(2))


@pytest.mark.parametrize("index", ["-i", "i j", "2", "Δ", "i * j", "x + Δx", "…"])
def test_an_index_is_one_name(index):
    with pytest.raises(StriateError, match=f"'{re.escape(index)}' is no index"):
        einstein(f"y[i] = A[{index}]", A=np.ones(2))


@pytest.mark.parametrize(("given", "came"), [(("A",), "A came"), (("A", "x", "z"), "A, x, z came"), ((), "none came")])
def test_every_tensor_is_given_and_no_other(given, came):
    with pytest.raises(StriateError, match=rf"needs A, x; {came}"):
        einstein("y[i] = A[i, J] x[J]", **{name: np.ones((1, 1)) for name in given})
