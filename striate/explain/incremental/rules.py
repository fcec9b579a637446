"""What operations make of the changed part of maps: which of their outputs change, and those outputs.

A rule takes an operation of ATen and its arguments, and gives `Masked` maps, or NotImplemented where it does not hold
for these arguments; then the operation gets the full maps.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from striate.explain.incremental.boxes import Axis, Sliding, whole_axis
from striate.explain.incremental.convolving import Convolved, Kernel, reading
from striate.explain.incremental.masked import Masked, Rule, masked_in
from striate.explain.incremental.patches import Patch, Reference

Arguments = tuple[Any, ...]
Numbers = int | list[int]  # one of each axis, or one of both
Windows = tuple[Sliding, Sliding]
_aten = torch.ops.aten


def reference_of(func: Any, args: Arguments, kwargs: dict[str, Any], *, part: int | None = None) -> Reference | None:
    """What the operation makes without masks; of several results that `part`."""
    maps = list(masked_in(args))
    if any(one.reference is None for one in maps):
        return None

    about = _each(args, lambda one: one.reference if isinstance(one, Masked) else one)

    def compute() -> Tensor:
        made = func(*_each(about, lambda one: one.value if isinstance(one, Reference) else one), **kwargs)
        whole: Tensor = made if part is None else made[part]
        return whole

    return maps[0].follower.reference(compute, func, about, sorted(kwargs.items()))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return [_each(one, change) for one in value] if isinstance(value, list | tuple) else change(value)


def pointwise(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """An operation on values one by one, or on those of several maps at the same place."""
    maps, first = list(masked_in(args)), args[0]
    in_place = func._schema.is_mutable
    if "out" in kwargs or len({one.shape[2:] for one in maps}) > 1 or (in_place and not isinstance(first, Masked)):
        return NotImplemented
    if not all(isinstance(one, Masked) or _is_everywhere(one) for one in args if isinstance(one, Tensor)):
        return NotImplemented
    func = _out_of_place(func) if in_place else func
    rows, columns = _joined(maps)
    crops = func(*(one.patch.at(rows, columns) if isinstance(one, Masked) else one for one in args), **kwargs)
    return maps[0].become(Patch(crops, rows, columns, reference_of(func, args, kwargs)), in_place=in_place)


def _is_everywhere(value: Tensor) -> bool:
    """Whether it is the same for all masks and places."""
    shape = (1,) * (4 - value.dim()) + tuple(value.shape)
    return len(shape) == 4 and shape[0] == shape[2] == shape[3] == 1


def _out_of_place(func: Any) -> Any:
    packet = getattr(_aten, func.overloadpacket.__name__.removesuffix("_"))
    return getattr(packet, func._overloadname)


def _joined(maps: list[Masked]) -> tuple[Axis, Axis]:
    rows = reduce(Axis.joined, (one.held.rows for one in maps[1:]), maps[0].held.rows)
    return rows, reduce(Axis.joined, (one.held.columns for one in maps[1:]), maps[0].held.columns)


def convolution(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """A convolution of two dimensions, left for what follows to compute."""
    maps, weight, bias, stride, padding, dilation, transposed, _, groups = args
    if not isinstance(maps, Masked) or transposed or weight.dim() != 4 or any(masked_in((weight, bias))):
        return NotImplemented
    kernel = Kernel(weight, bias, _pair(stride), _pair(padding), _pair(dilation), groups)
    about = (weight, bias, kernel.stride, kernel.padding, kernel.dilation, groups)
    prepared = maps.follower.prepared(lambda: kernel, *about)
    rows, columns = _after(maps, (prepared.kernel.sliding(0), prepared.kernel.sliding(1)))
    return maps.become(Convolved(prepared, maps.patch, rows, columns, reference_of(func, args, kwargs)))


def _after(maps: Masked, windows: Windows) -> tuple[Axis, Axis]:
    return maps.held.rows.after(windows[0]), maps.held.columns.after(windows[1])


def batch_norm(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """Batch norm in evaluation: folded into a convolution before it, or else an operation on values one by one."""
    maps, weight, bias, mean, variance, training, _, epsilon = args
    if training or not isinstance(maps, Masked):
        return NotImplemented
    reference, held = reference_of(func, args, kwargs, part=0), maps.held
    if isinstance(held, Convolved) and held.added is None:
        before = held.prepared

        def folded() -> Kernel:
            scale = (variance.double() + epsilon).rsqrt() * (1 if weight is None else weight.double())
            return before.kernel.normalised(scale, (0 if bias is None else bias.double()) - mean.double() * scale)

        prepared = maps.follower.prepared(folded, before, weight, bias, mean, variance, epsilon)
        made: Patch | Convolved = held.by(prepared, reference)
    else:
        patch = maps.patch
        made = Patch(func(patch.crops, *args[1:])[0], patch.rows, patch.columns, reference)
    empty = mean.new_empty(0)
    return (maps.become(made), *[empty] * (len(func._schema.returns) - 1))


def add(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """A sum, done with the convolution that one of its terms still is."""
    one, other = args[:2]
    both = (
        isinstance(one, Masked) and isinstance(other, Masked) and one.shape == other.shape and one.dtype == other.dtype
    )
    if both and not kwargs:
        late, early = (one, other) if _is_convolution(one.held) else (other, one)
        if _is_convolution(late.held):
            total = late.held.plus(early.patch, reference_of(_aten.add.Tensor, args, kwargs))
            return one.become(total, in_place=func._schema.is_mutable)
    return pointwise(func, args, kwargs)


def _is_convolution(held: Patch | Convolved) -> bool:
    return isinstance(held, Convolved) and held.added is None


def relu(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """ReLU, done with the convolution before it."""
    (maps,) = args
    if not isinstance(maps.held, Convolved):
        return pointwise(func, args, kwargs)
    patch = maps.held.computed(rectified=True, reference=reference_of(_aten.relu.default, args, kwargs))
    return maps.become(patch, in_place=func._schema.is_mutable)


def max_pool(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """The largest value in each window; where it was is not kept."""
    maps, size, stride, padding, dilation, ceil = _with_defaults(args, [], 0, 1, False)
    windows = _windows(size, stride or size, padding, dilation, ceil=ceil)

    def largest(read: Tensor) -> Tensor:
        made: Tensor = func(read, size, stride, 0, dilation)[0]
        return made

    reference = reference_of(func, args, kwargs, part=0)
    return _pooled(maps, windows, float("-inf"), largest, reference), maps.become(None)


def average_pool(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """The mean of each window, where that is the sum over as many numbers everywhere."""
    maps, size, stride, padding, ceil, with_border, divisor = _with_defaults(args, [], 0, False, True, None)
    if ceil or (any(_pair(padding)) and not with_border):
        return NotImplemented

    def mean(read: Tensor) -> Tensor:
        made: Tensor = func(read, size, stride, 0, False, True, divisor)
        return made

    windows = _windows(size, stride or size, padding, 1)
    return _pooled(maps, windows, 0.0, mean, reference_of(func, args, kwargs))


def _with_defaults(args: Arguments, *defaults: Any) -> Arguments:
    """The maps, the size, and what follows them."""
    return (*args, *defaults[len(args) - 2 :])


def _pooled(
    maps: Masked, windows: Windows, fill: float, pool: Callable[[Tensor], Tensor], reference: Reference | None
) -> Masked:
    patch, (rows, columns) = maps.patch, _after(maps, windows)
    down, across = reading(rows, windows[0], patch.rows.length), reading(columns, windows[1], patch.columns.length)
    return maps.become(Patch(pool(patch.read(down, across, fill)), rows, columns, reference))


def _windows(size: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers, *, ceil: bool = False) -> Windows:
    down, across = zip(*map(_pair, (size, stride, padding, dilation)), strict=True)
    return _window(*down, ceil=ceil), _window(*across, ceil=ceil)


def _window(size: int, stride: int, padding: int, dilation: int, *, ceil: bool) -> Sliding:
    return Sliding((size - 1) * dilation + 1, stride, padding, ceil)


def _pair(value: Numbers) -> tuple[int, int]:
    both = (value, value) if isinstance(value, int) else (value[0], value[-1])
    return both


def pad(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """A border of one value."""
    maps, border = args[:2]
    left, right, top, bottom = (*border, 0, 0, 0, 0)[:4]
    if len(border) > 4 or min(border) < 0:
        return NotImplemented
    patch, reference = maps.patch, reference_of(func, args, kwargs)
    if not patch.whole:
        rows, columns = patch.rows.moved(top, bottom), patch.columns.moved(left, right)
        return maps.become(Patch(patch.crops, rows, columns, reference))
    crops = func(patch.crops, *args[1:], **kwargs)
    batch, _, height, width = crops.shape
    return maps.become(Patch(crops, whole_axis(batch, height), whole_axis(batch, width), reference))


def concatenation(func: Any, args: Arguments, kwargs: dict[str, Any]) -> Any:
    """Channels of several maps of one size beside each other."""
    maps, dim = (*args, 0)[:2]
    if (
        dim not in (1, -3)
        or not all(isinstance(one, Masked) for one in maps)
        or len({one.shape[2:] for one in maps}) > 1
    ):
        return NotImplemented
    rows, columns = _joined(maps)
    crops = func([one.patch.at(rows, columns) for one in maps], 1)
    return maps[0].become(Patch(crops, rows, columns, reference_of(func, args, kwargs)))


RULES: dict[Any, Rule] = {
    _aten.convolution: convolution,
    _aten.native_batch_norm: batch_norm,
    _aten.cudnn_batch_norm: batch_norm,
    _aten.add: add,
    _aten.add_: add,
    _aten.relu: relu,
    _aten.relu_: relu,
    _aten.max_pool2d_with_indices: max_pool,
    _aten.avg_pool2d: average_pool,
    _aten.constant_pad_nd: pad,
    _aten.cat: concatenation,
    torch.Tag.pointwise: pointwise,
}
