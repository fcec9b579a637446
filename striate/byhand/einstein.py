"""The lectures' Einstein notation, read as it stands on the slide: y[i] = A[i, J] x[J] + b[i].

Source: D2, "Einstein notation". An index in small letters counts through the result; the same index written with a
capital is summed over: J here is every j. Indices may have names as long as c_in or Δx, whose capitals are C_in and ΔX.
Tensors that stand side by side are multiplied; products are joined by +. The order of the indices on the left is that
of the axes of the result; a product that lacks one of them is the same for all its values. The slides' bold x, a place
on a line, in an image or in a volume, is written x…: as many indices as the tensors have axes for it.
"""

import re
from functools import cache
from string import ascii_letters
from typing import NamedTuple

import numpy as np

from striate.byhand.operation import Array, numbers
from striate.errors import SizeError, StriateError

_TERM = re.compile(r"(\w+)\[([^]]*)\]")
_BETWEEN_TERMS = re.compile(r"\+(?![^[]*\])")  # a + that stands in no bracket
_INDEX = re.compile(r"Δ?[^\W\dΔ]\w*…?")


class _Term(NamedTuple):
    name: str
    indices: tuple[str, ...]

    def unfold(self, axes: int) -> "_Term":
        """With x1, x2, … for x…."""
        return _Term(self.name, tuple(one for index in self.indices for one in _unfold_index(index, axes)))


class _Formula(NamedTuple):
    left: _Term
    products: tuple[tuple[_Term, ...], ...]


def einstein(formula: str, /, *, loop: bool = False, **tensors: Array) -> Array:
    """The value of the left side; with `loop` term by term, as the sum stands, without turning it into matrix products.

    Raises SizeError if a tensor has too many or too few axes, or an index different sizes in two of them.

    >>> A, x = np.array([[1, 2], [3, 4]]), np.array([10, 1])
    >>> einstein("y[i] = A[i, J] x[J] + b[i]", A=A, x=x, b=np.array([0, 5]))
    array([12, 39])
    """
    read, tensors = _read(formula), {name: numbers(tensor) for name, tensor in tensors.items()}
    if tensors.keys() != (names := {term.name for product in read.products for term in product}):
        raise StriateError(f"{formula!r} needs {', '.join(sorted(names))}; {', '.join(sorted(tensors)) or 'none'} came")
    left, products = _unfold(read, _count_axes(read, tensors))
    _check_sizes(formula, [term for product in products for term in product], tensors)
    values = [_multiply(left, product, tensors, loop) for product in products]
    return np.asarray(sum(values[1:], start=values[0]))


def _multiply(left: tuple[str, ...], product: tuple[_Term, ...], tensors: dict[str, Array], loop: bool) -> Array:
    """One product as numpy.einsum has it, with an axis of length 1 for each index of the left that it lacks."""
    every = dict.fromkeys(_small(index) for term in product for index in term.indices)
    letter = dict(zip(every, ascii_letters, strict=False))
    inputs = ",".join("".join(letter[_small(index)] for index in term.indices) for term in product)
    output = "".join(letter[index] for index in left if index in letter)
    value = np.einsum(f"{inputs}->{output}", *(tensors[term.name] for term in product), optimize=not loop)
    return np.expand_dims(value, tuple(axis for axis, index in enumerate(left) if index not in letter))


@cache
def _read(formula: str) -> _Formula:
    left, _, right = formula.partition("=")
    result, *more = _terms(left)
    products = tuple(tuple(_terms(product)) for product in _BETWEEN_TERMS.split(right))
    used = {index for product in products for term in product for index in term.indices}
    free = {index for index in used if not _is_capital(index)}
    summed = {_small(index) for index in used - free}
    if more or sorted(result.indices) != sorted(free) or free & summed:
        odd = ", ".join(sorted(free ^ set(result.indices) | free & summed)) or "an index"
        raise StriateError(f"{formula!r}: see {odd}; small letters on the right stand on the left too, capitals do not")
    return _Formula(result, products)


def _count_axes(formula: _Formula, tensors: dict[str, Array]) -> int:
    """How many axes x… stands for, by the first tensor that has it."""
    for name, indices in (term for product in formula.products for term in product):
        if bold := sum(index.endswith("…") for index in indices):
            return max(0, tensors[name].ndim - len(indices) + bold) // bold
    return 0


@cache
def _unfold(formula: _Formula, axes: int) -> tuple[tuple[str, ...], tuple[tuple[_Term, ...], ...]]:
    """The small letters of the left, and the products, all with x1, x2, … for x…."""
    products = tuple(tuple(term.unfold(axes) for term in product) for product in formula.products)
    return tuple(map(_small, formula.left.unfold(axes).indices)), products


def _unfold_index(index: str, axes: int) -> list[str]:
    return [f"{index[:-1]}{axis + 1}" for axis in range(axes)] if index.endswith("…") else [index]


def _terms(text: str) -> list[_Term]:
    terms = [_Term(name, _indices(within)) for name, within in _TERM.findall(text)]
    if not terms or _TERM.sub("", text).strip():
        raise StriateError(f"{text.strip()!r} is no product of tensors; expected such as A[i, J] x[J]")
    return terms


def _indices(within: str) -> tuple[str, ...]:
    indices = tuple(index.strip() for index in within.split(",")) if within.strip() else ()
    for index in indices:
        if not _INDEX.fullmatch(index):
            raise StriateError(
                f"{index!r} is no index; expected one name, as i, c_in, Δx or x…: what a window sees from place x is "
                "V[x, Δx], which `views` makes of H[x + Δx]"
            )
    return indices


def _is_capital(index: str) -> bool:
    return index.removeprefix("Δ")[0].isupper()


def _small(index: str) -> str:
    return index.casefold()


def _check_sizes(formula: str, terms: list[_Term], tensors: dict[str, Array]) -> None:
    first: dict[str, tuple[int, str]] = {}
    for name, indices in terms:
        shape = tensors[name].shape
        here = f"{name} {shape}"
        if len(shape) != len(indices):
            raise SizeError(f"{here} has {len(shape)} axes; {formula} expects {name}[{', '.join(indices)}]")
        for index, size in zip(indices, shape, strict=True):
            known, there = first.setdefault(_small(index), (size, here))
            if known != size:
                raise SizeError(f"{index} is {known} in {there} and {size} in {here}; {formula} needs one size")
