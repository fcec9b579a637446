"""The reach of a tensor: for each axis of the image, which pixels can change each of its values.

For each axis of the image a tensor has one `Axis`: the dimension along which its units lie, and their `Field`. Once
units along a dimension are mixed (global pooling, a fully connected layer, attention, the statistics of a layer, group
or instance normalisation), every value sees all that they saw, and the axis has no dimension any more. Batch
normalisation in evaluation takes its statistics from training and mixes nothing.

Zero padding is not cut off: 483 pixels on an image of 224 are more than all of it. A unit's field is the span from its
first to its last pixel; dilation may leave holes in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from torch import Tensor

from striate.arithmetic.fields import Field


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


@dataclass(frozen=True)
class Axis:
    """`units` units along dimension `dim` of a tensor see one axis of the image; without a dimension all see the same.

    Where `units` is not the dimension's length, other things lie along it too (flattened maps, a class token).
    """

    field: Field
    units: int
    dim: int | None

    def mixed(self) -> "Axis":
        """Every value sees what all of them saw."""
        return self if self.dim is None else Axis(self.field.whole(self.units), 1, None)

    def at(self, dim: int) -> "Axis":
        """The same units along another dimension."""
        return self if self.dim is None else replace(self, dim=dim)


Reach = tuple[Axis, ...]  # one for each axis of the image


class Lost(Exception):  # noqa: N818 - no error: the field is not known from here on
    """No rule follows the field through this."""


def image_reach(size: Sequence[int]) -> Reach:
    """The reach of the image (N, C, *size): every pixel sees itself."""
    return tuple(Axis(Field(), length, axis + 2) for axis, length in enumerate(size))


def receptive_field(reach: Reach, size: Sequence[int]) -> ReceptiveField:
    """What the reach says of one image; a unit that sees the image by mixing sees no more than all of it."""
    pairs = list(zip(reach, size, strict=True))
    covered = [axis.field.covers(axis.units, length) for axis, length in pairs]
    return ReceptiveField(
        tuple(
            length if axis.dim is None and all_ else axis.field.size
            for (axis, length), all_ in zip(pairs, covered, strict=True)
        ),
        tuple(axis.field.stride for axis in reach),
        tuple(axis.field.offset for axis in reach),
        all(covered),
    )


def mixed(reach: Reach, dims: Sequence[int]) -> Reach:
    """Units along these dimensions change each other."""
    return tuple(axis.mixed() if axis.dim in dims else axis for axis in reach)


def shifted(reach: Reach, dims: int) -> Reach:
    """The same with so many dimensions put before the first."""
    return tuple(axis if axis.dim is None else axis.at(axis.dim + dims) for axis in reach)


def settled(reach: Reach, tensor: Tensor) -> Reach:
    """Along a dimension of one unit there is nothing to follow."""
    return tuple(
        axis.mixed() if axis.dim is not None and axis.units == 1 == tensor.shape[axis.dim] else axis for axis in reach
    )


def joined(reaches: Sequence[Reach]) -> Reach:
    """Several sources that meet value by value. Raises Lost where their units do not lie alike."""
    whole = reaches[0]
    for reach in reaches[1:]:
        whole = tuple(map(_join, whole, reach))
    return whole


def _join(one: Axis, other: Axis) -> Axis:
    if one.dim is None or other.dim is None:
        one, other = one.mixed(), other.mixed()
    field = one.field.union(other.field)
    if field is None or one.dim != other.dim or one.units != other.units:
        raise Lost
    return Axis(field, one.units, one.dim)
