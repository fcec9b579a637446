"""Rules of what puts the same units elsewhere: other dimensions, other order, side by side, in parts."""

from collections.abc import Sequence
from itertools import groupby

from striate.description.fields.reach import Lost, Reach, joined
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
    return tuple(axis if axis.dim is None else axis.at(order.index(axis.dim)) for axis in step.reach())


def viewed(step: Step) -> Reach:
    """Other dimensions: those that are as they were keep their axes; several may become one, and be parted again."""
    after, reach = tuple(step.output.shape), step.reach()
    for olds, news in _groups(tuple(step.arguments["self"].shape), after):
        long = [new for new in news if after[new] > 1]
        inside = [axis for axis in reach if axis.dim in olds]
        if len(long) == 1:
            places = dict.fromkeys(inside, long[0])
        elif [axis.units for axis in inside] == [after[new] for new in long] and _along_one(inside):
            places = dict(zip(inside, long, strict=True))
        elif inside:
            raise Lost
        else:
            continue
        reach = tuple(axis.at(places[axis] - len(after)) if axis in places else axis for axis in reach)
    return tuple(axis if axis.dim is None else axis.at(axis.dim % len(after)) for axis in reach)


def _along_one(axes: Sequence[object]) -> bool:
    return len({getattr(axis, "dim", None) for axis in axes}) == 1


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
    if len(step.sources) > 1 and any(axis.dim == dim for reach in step.aligned() for axis in reach):
        raise Lost
    return joined(step.aligned())


def stacked(step: Step) -> Reach:
    """Side by side along a new dimension."""
    dim = step.arguments["dim"] % step.output.dim()
    whole = joined([step.reach_of(source) for source in step.sources])
    return tuple(axis if axis.dim is None else axis.at(axis.dim + (axis.dim >= dim)) for axis in whole)


def parted(step: Step) -> Reach:
    """Split and unbind: along a dimension in which no pixels lie, each part sees what the whole saw."""
    dim, gone = step.dim(), step.output.dim() < step.arguments["self"].dim()
    if any(axis.dim == dim for axis in step.reach()):
        raise Lost
    return tuple(axis if axis.dim is None else axis.at(axis.dim - (gone and dim < axis.dim)) for axis in step.reach())
