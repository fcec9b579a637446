"""The reach of a tensor: for each axis of the image, which pixels can change each of its values.

For each axis of the image a tensor has one `Axis`: where its units lie, and their `Field`. Once units along a dimension
are mixed (global pooling, a fully connected layer, attention, the statistics of a layer, group or instance
normalisation), every value sees all that they saw, and the axis has no dimension any more. Batch normalisation in
evaluation takes its statistics from training and mixes nothing.

Zero padding is not cut off: 483 pixels on an image of 224 are more than all of it. A unit's field is the span from its
first to its last pixel; dilation may leave holes in it.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from torch import Tensor

from striate.arithmetic.fields import Field, Span


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that can change a unit, for each axis of the image: `size` of the unit that sees most, `stride` from
    one unit to the next, `offset` of unit 0's first. `whole`: every unit sees the whole image.
    """

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]
    offset: tuple[int, ...]
    whole: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        strides = tuple(int(step) if step.denominator == 1 else float(step) for step in self.stride)
        return vars(self) | {"stride": strides}

    def __str__(self) -> str:
        if self.whole:
            return "whole image"
        return str(self.size[0]) if len(set(self.size)) == 1 else "×".join(map(str, self.size))


class Lost(Exception):  # noqa: N818 - no error: the field is not known from here on
    """No rule follows the field through this."""


@dataclass(frozen=True)
class Part:
    """`count` steps along dimension `dim` of a tensor, each `apart` places long and worth `weight` units."""

    dim: int
    count: int
    apart: int = 1
    weight: int = 1


@dataclass(frozen=True)
class Axis:
    """`units` units, which see one axis of the image, lie along a dimension of a tensor: in one part.

    In several where a reshape cut them into windows; in none where all values see the same. Where `units` is not the
    dimension's length, other things lie along it too (flattened maps, a class token).
    """

    field: Field
    units: int
    parts: tuple[Part, ...]

    @property
    def dim(self) -> int | None:
        """The dimension of the units. Raises Lost where they are cut in parts, for rules that need them in a row."""
        if len(self.parts) > 1:
            raise Lost
        return self.parts[0].dim if self.parts else None

    def span(self, place: Sequence[int]) -> Span | None:
        """First and last pixel that can change the value at a place of the tensor, a number for each dimension of it.

        Not cut at the border; None where it sees nothing of the image.
        """
        return self.field.span(sum(place[part.dim] // part.apart % part.count * part.weight for part in self.parts))

    def mixed(self, dims: Container[int] | None = None) -> "Axis":
        """Units along these dimensions, or all, change each other: each sees what all of them saw."""
        gone = [part for part in self.parts if dims is None or part.dim in dims]
        left = [part for part in self.parts if part not in gone]
        if not gone:
            return self
        if not left:
            return Axis(self.field.whole(self.units), 1, ())
        if len(left) > 1:
            raise Lost
        field = self.field
        for part in gone:
            field = field.window(part.count, dilation=part.weight)
        return Axis(field.window(1, stride=left[0].weight), left[0].count, (replace(left[0], weight=1),))

    def moved(self, dim: Callable[[int], int]) -> "Axis":
        """The same units along other dimensions."""
        return replace(self, parts=tuple(replace(part, dim=dim(part.dim)) for part in self.parts))

    def spread(self, units: int) -> "Axis":
        """So many units in a row, where each of fewer has several places there."""
        times, rest = divmod(units, self.units)
        if len(self.parts) != 1 or rest or not times or self.parts[0].apart % times:
            raise Lost
        if times == 1:
            return self
        part = replace(self.parts[0], count=units, apart=self.parts[0].apart // times)
        return Axis(self.field.nearest(Fraction(1, times)), units, (part,))


def line(field: Field, units: int, dim: int) -> Axis:
    """Units in a row along one dimension."""
    return Axis(field, units, (Part(dim, units),))


Reach = tuple[Axis, ...]  # one for each axis of the image


def image_reach(size: Sequence[int]) -> Reach:
    """The reach of the image (N, C, *size): every pixel sees itself."""
    return tuple(line(Field(), length, axis + 2) for axis, length in enumerate(size))


def receptive_field(reach: Reach, size: Sequence[int]) -> ReceptiveField:
    """What the reach says of one image; a unit that sees the image by mixing sees no more than all of it."""
    pairs = list(zip(reach, size, strict=True))
    covered = [axis.field.covers(axis.units, length) for axis, length in pairs]
    return ReceptiveField(
        tuple(
            length if not axis.parts and all_ else axis.field.size
            for (axis, length), all_ in zip(pairs, covered, strict=True)
        ),
        tuple(axis.field.stride for axis in reach),
        tuple(axis.field.offset for axis in reach),
        all(covered),
    )


def mixed(reach: Reach, dims: Container[int]) -> Reach:
    """Units along these dimensions change each other."""
    return tuple(axis.mixed(dims) for axis in reach)


def shifted(reach: Reach, dims: int) -> Reach:
    """The same with so many dimensions put before the first."""
    return tuple(axis.moved(lambda dim: dim + dims) for axis in reach)


def settled(reach: Reach, tensor: Tensor) -> Reach:
    """Along a dimension of one unit there is nothing to follow."""
    return tuple(
        axis.mixed() if axis.units == 1 and all(tensor.shape[part.dim] == 1 for part in axis.parts) else axis
        for axis in reach
    )


def joined(reaches: Sequence[Reach]) -> Reach:
    """Several sources that meet value by value. Raises Lost where their units do not lie alike."""
    whole = reaches[0]
    for reach in reaches[1:]:
        whole = tuple(map(_join, whole, reach))
    return whole


def _join(one: Axis, other: Axis) -> Axis:
    """Where only one has units along a dimension, the other's values see along all of it: so do both together."""
    dims, others = ({part.dim for part in axis.parts} for axis in (one, other))
    if dims <= others or others <= dims:
        one, other = one.mixed(dims - others), other.mixed(others - dims)
    if one.parts != other.parts:
        units = max(one.units, other.units)
        one, other = one.spread(units), other.spread(units)
    field = one.field.union(other.field)
    if field is None or one.parts != other.parts:
        raise Lost
    return replace(one, field=field)
