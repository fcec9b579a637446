"""Rules of what makes new units along the axes of the image: windows, adaptive pooling, enlarging, padding, cutting."""

from collections.abc import Callable
from fractions import Fraction

from torch import Tensor

from striate.arithmetic.fields import Field
from striate.description.fields.reach import Axis, Lost, Reach, line, mixed
from striate.description.fields.step import Rule, Step
from striate.description.operations import window_of


def _in_a_row(axis: Axis, maps: Tensor) -> Axis:
    """The axis, if its units, and nothing else, lie along its dimension."""
    return axis if axis.dim is None else axis.spread(maps.shape[axis.dim])


def _resampled(step: Step, argument: str, make: Callable[[Axis, int], Field]) -> Reach:
    """Each axis along a dimension d of the maps, d counted from behind the channels, made anew by `make(axis, d)`."""
    reach = mixed(step.reach(argument), (0, 1)) if argument == "input" else step.reach(argument)
    channels = step.output.dim() - 2

    def anew(axis: Axis) -> Axis:
        if axis.dim is None or axis.dim < step.output.dim() - channels:
            return axis
        row = _in_a_row(axis, step.arguments[argument])
        return line(make(row, axis.dim - step.output.dim() + channels), step.output.shape[axis.dim], axis.dim)

    return tuple(map(anew, reach))


def window(name: str) -> Rule:
    """Convolution and pooling. A convolution mixes its channels."""

    def rule(step: Step) -> Reach:
        slid = window_of(name, step.arguments)
        if slid is None:
            raise Lost
        if name == "convolution" and max(slid.kernel) == 1 == max(slid.stride) and not any(slid.padding):
            return mixed(step.reach("input"), (0, 1))  # however the places lie
        skipped = step.output.dim() - 2 - len(slid.kernel)

        def make(axis: Axis, d: int) -> Field:
            slide = axis.field.transposed if slid.transposed else axis.field.window
            i = d - skipped
            return slide(slid.kernel[i], stride=slid.stride[i], padding=slid.padding[i], dilation=slid.dilation[i])

        return _resampled(step, "input" if name == "convolution" else "self", make)

    return rule


def adaptive(step: Step) -> Reach:
    """Adaptive pooling."""
    return _resampled(step, "self", lambda axis, d: axis.field.blocks(axis.units, step.output.shape[d + 2]))


def enlarged(make: Callable[[Field, Fraction, bool], Field]) -> Rule:
    """Interpolation: `make(field, old units for a new one, corners aligned)`."""

    def rule(step: Step) -> Reach:
        rank = step.output.dim() - 2
        names = ("scales",) if rank == 1 else ("scales_d", "scales_h", "scales_w")[3 - rank :]
        aligned = bool(step.arguments.get("align_corners"))

        def ratio(axis: Axis, d: int) -> Fraction:
            made, scale = step.output.shape[d + 2], step.arguments.get(names[d])
            if aligned:
                return Fraction(axis.units - 1, max(1, made - 1))
            return 1 / Fraction(scale).limit_denominator(1_000) if scale else Fraction(axis.units, made)

        return _resampled(step, "self", lambda axis, d: make(axis.field, ratio(axis, d), aligned))

    return rule


def shuffled(step: Step) -> Reach:
    """Pixel shuffle: r·r channels become r times as many units each way; unshuffle: the other way round."""
    factor = step.arguments.get("upscale_factor")
    if factor is not None:
        return _resampled(step, "self", lambda axis, _: axis.field.nearest(Fraction(1, factor)))
    factor = step.arguments["downscale_factor"]
    return _resampled(step, "self", lambda axis, _: axis.field.window(factor, stride=factor))


def padded(argument: str) -> Rule:
    """Values put before the first and after the last.

    Mirrored ones lie in the span of the window that follows if it reaches as far inside as it does outside; behind a
    smaller window the units at the border are said to see padding alone.
    """

    def rule(step: Step) -> Reach:
        pads, last = step.arguments[argument], step.output.dim() - 1

        def moved(axis: Axis) -> Axis:
            if axis.dim is None or not any(ends := pads[2 * (last - axis.dim) :][:2]):
                return axis
            row = _in_a_row(axis, step.arguments["self"])
            return line(row.field.window(1, padding=ends[0]), step.output.shape[axis.dim], axis.dim)

        return tuple(map(moved, step.reach()))

    return rule


def sliced(step: Step) -> Reach:
    """A part of the units, from `start` in steps."""
    length, dim = step.arguments["self"].shape[step.dim()], step.dim()
    start, every = step.arguments["start"] or 0, step.arguments["step"]
    start = max(0, start + length) if start < 0 else min(start, length)
    if length == step.output.shape[dim]:
        return step.reach()

    def cut(axis: Axis) -> Axis:
        if all(part.dim != dim for part in axis.parts):
            return axis
        row = _in_a_row(axis, step.arguments["self"])
        return line(row.field.window(1, stride=every, padding=-start), step.output.shape[dim], dim)

    return tuple(map(cut, step.reach()))


def selected(step: Step) -> Reach:
    """One unit, whose dimension goes."""
    dim, length = step.dim(), step.arguments["self"].shape[step.dim()]
    index = step.arguments["index"] % length

    def left(axis: Axis) -> Axis:
        if all(part.dim != dim for part in axis.parts):
            return axis.moved(lambda other: other - (dim < other))
        row = _in_a_row(axis, step.arguments["self"])
        return Axis(row.field.window(1, padding=-index).whole(1), 1, ())

    return tuple(map(left, step.reach()))
