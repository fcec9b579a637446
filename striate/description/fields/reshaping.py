"""Rules of what puts the same units elsewhere: other dimensions, other order, side by side, in parts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import prod

from striate.description.fields.reach import Axis, Lost, Part, Reach, joined
from striate.description.fields.step import Step


def permuted(step: Step) -> Reach:
    """Dimensions in another order."""
    rank = step.arguments["self"].dim()
    order = list(range(rank))
    if "dims" in step.arguments:
        order = [dim % rank for dim in step.arguments["dims"]]
    elif rank > 1:
        one, other = (step.arguments.get(name, default) % rank for name, default in (("dim0", -2), ("dim1", -1)))
        order[one], order[other] = order[other], order[one]
    return tuple(axis.moved(order.index) for axis in step.reach())


def viewed(step: Step) -> Reach:
    """Other dimensions: several may become one, and one be parted, in the middle of an axis too (windows of a map)."""
    before, after = tuple(step.arguments["self"].shape), tuple(step.output.shape)
    groups = _groups(before, after)

    def placed(axis: Axis) -> Axis:
        parts: list[Part] = []
        for part in axis.parts:
            olds, news = next((olds, news) for olds, news in groups if part.dim in olds)
            apart = part.apart * prod(before[dim] for dim in olds if dim > part.dim)
            parts += _parted(replace(part, apart=apart), [(dim, after[dim]) for dim in news])
        return replace(axis, parts=_together(parts))

    return tuple(map(placed, step.reach()))


def _parted(part: Part, dims: Sequence[tuple[int, int]]) -> list[Part]:
    """A part of one long dimension, on the dimensions (number, length) that this becomes. Raises Lost if it tears."""
    parts, end = [], part.apart * part.count
    for position, (dim, length) in enumerate(dims):
        inner = prod(other for _, other in dims[position + 1 :])
        low, high = max(part.apart, inner), min(end, inner * length)
        if high > low or (part.count == 1 == length):
            if low % part.apart or low % inner or high % low:
                raise Lost
            parts.append(Part(dim, high // low, low // inner, part.weight * low // part.apart))
    if prod(found.count for found in parts) != part.count:
        raise Lost
    return parts


def _together(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Neighbours along one dimension become one part again."""
    whole: list[Part] = []
    for part in sorted(parts, key=lambda part: -part.weight):
        last = whole[-1] if whole else None
        held = part.count * part.apart, part.count * part.weight
        if last and last.dim == part.dim and (last.apart, last.weight) == held:
            whole[-1] = replace(part, count=last.count * part.count)
        else:
            whole.append(part)
    return tuple(whole)


def _groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Runs of dimensions, old and new, that hold the same number of values."""
    ends = []
    for shape in (before, after):
        held = 1
        ends.append([held := held * length for length in shape])
    shared = set(ends[0]) & set(ends[1])

    def runs(products: Sequence[int]) -> list[list[int]]:
        numbered = ((sum(product > cut for cut in shared), dim) for dim, product in enumerate(products))
        return [[dim for _, dim in run] for _, run in groupby(numbered, key=lambda pair: pair[0])]

    return list(zip(runs(ends[0]), runs(ends[1]), strict=False))


def concatenated(step: Step) -> Reach:
    """Side by side along a dimension in which no pixels lie; beside what does not depend on the image, along any."""
    dim = step.arguments["dim"] % step.output.dim()
    if len(step.sources) > 1 and any(
        part.dim == dim for reach in step.aligned() for axis in reach for part in axis.parts
    ):
        raise Lost
    return joined(step.aligned())


def stacked(step: Step) -> Reach:
    """Side by side along a new dimension."""
    dim = step.arguments["dim"] % step.output.dim()
    whole = joined([step.reach_of(source) for source in step.sources])
    return tuple(axis.moved(lambda other: other + (other >= dim)) for axis in whole)


def parted(step: Step) -> Reach:
    """Split and unbind: along a dimension in which no pixels lie, each part sees what the whole saw."""
    dim, gone = step.dim(), step.output.dim() < step.arguments["self"].dim()
    if any(part.dim == dim for axis in step.reach() for part in axis.parts):
        raise Lost
    return tuple(axis.moved(lambda other: other - (gone and dim < other)) for axis in step.reach())
