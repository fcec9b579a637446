"""A convolution of changed parts, with the batch norm, the sum and the ReLU that follow it.

Batch norm in evaluation is folded into the weights (as `striate.layers.folding` does in modules). On a processor, in
float32, weights are laid out once as oneDNN wants them, and sum and ReLU are done while the numbers are at hand.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from striate.explain.incremental import winograd
from striate.explain.incremental.boxes import Axis, Sliding
from striate.explain.incremental.patches import Patch, Reading, Reference

Pair = tuple[int, int]


@dataclass(frozen=True)
class Kernel:
    """The weights (K, C/groups, ·, ·) of a convolution, its bias (K,) and how it moves."""

    weight: Tensor
    bias: Tensor | None
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def normalised(self, scale: Tensor, shift: Tensor) -> "Kernel":
        """With (maps · scale + shift) after it."""
        bias = shift if self.bias is None else self.bias * scale + shift
        weight = self.weight * scale.to(self.weight)[:, None, None, None]
        return replace(self, weight=weight, bias=bias.to(self.weight))

    def sliding(self, dim: int) -> Sliding:
        field = (self.weight.shape[2 + dim] - 1) * self.dilation[dim] + 1
        return Sliding(field, self.stride[dim], self.padding[dim])

    def __call__(self, maps: Tensor) -> Tensor:
        return functional.conv2d(maps, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Prepared:
    """A kernel whose weights lie as its products want them, once it is asked for a product."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    @cached_property
    def by_tiles(self) -> Tensor | None:
        kernel = self.kernel
        suits = winograd.suits(kernel.weight, kernel.stride, kernel.dilation, kernel.groups)
        return winograd.transformed(kernel.weight) if suits else None

    @cached_property
    def packed(self) -> Tensor | None:
        kernel, weight = self.kernel, self.kernel.weight
        if weight.device.type != "cpu" or weight.dtype != torch.float32 or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return None
        moves = ([0, 0], kernel.stride, kernel.dilation, kernel.groups)
        made: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, *moves, None)
        return made

    def __call__(self, maps: Tensor, padding: Pair, added: Tensor | None, rectified: bool) -> Tensor:
        """Of maps (B, C, H, W) with zeros beside them: relu(kernel(maps) + added)."""
        kernel = self.kernel
        if self.packed is not None:
            arguments = (self.packed, kernel.bias, padding, kernel.stride, kernel.dilation, kernel.groups)
            unary = "relu" if rectified else "none"
            operation = torch.ops.mkldnn._convolution_pointwise
            if added is None:
                alone: Tensor = operation(maps, *arguments, unary, [], "")
                return alone
            both: Tensor = operation.binary(maps, added, *arguments, "add", 1, unary if rectified else None, [], None)
            return both
        made = replace(kernel, padding=padding)(maps)
        made = made if added is None else made + added
        return made.relu_() if rectified else made


@dataclass(frozen=True)
class Convolved:
    """A convolution that is not yet computed, since what follows it can be done with it: kernel(patch) + added."""

    prepared: Prepared
    patch: Patch
    rows: Axis
    columns: Axis
    reference: Reference | None  # of kernel(patch)
    added: Patch | None = None
    total: Reference | None = None  # of the sum

    @property
    def channels(self) -> int:
        return self.prepared.kernel.weight.shape[0]

    def by(self, prepared: Prepared, reference: Reference | None) -> "Convolved":
        """With another kernel of the same shape."""
        return replace(self, prepared=prepared, reference=reference)

    def plus(self, other: Patch, total: Reference | None) -> "Convolved":
        rows, columns = self.rows.joined(other.rows), self.columns.joined(other.columns)
        return replace(self, rows=rows, columns=columns, added=other, total=total)

    def computed(self, rectified: bool = False, reference: Reference | None = None) -> Patch:
        added = None if self.added is None else self.added.at(self.rows, self.columns)
        tiles, own = self.prepared.by_tiles, self.reference
        if tiles is None or own is None:
            crops = self._directly(added, rectified)
        else:
            crops = self._by_tiles(tiles, own, added, rectified)
        return Patch(crops, self.rows, self.columns, reference or self.without_masks)

    @property
    def without_masks(self) -> Reference | None:
        return self.reference if self.added is None else self.total

    def _directly(self, added: Tensor | None, rectified: bool) -> Tensor:
        if self.patch.whole and self.rows.whole and self.columns.whole:
            return self.prepared(self.patch.crops, self.prepared.kernel.padding, added, rectified)
        return self.prepared(self.patch.read(*self._readings()), (0, 0), added, rectified)

    def _by_tiles(self, tiles: Tensor, own: Reference, added: Tensor | None, rectified: bool) -> Tensor:
        """kernel(map) + the weights times the change: rounding is of the size of the change."""
        rows, columns = (winograd.enlarged(one) for one in self._readings())
        made = winograd.convolved(self.patch.read_change(rows, columns), tiles)
        made = made[:, :, : self.rows.size, : self.columns.size] + own.at(self.rows, self.columns)
        if added is not None:
            made += added
        return made.relu_() if rectified else made

    def _readings(self) -> tuple[Reading, Reading]:
        before, kernel = self.patch, self.prepared.kernel
        rows = reading(self.rows, kernel.sliding(0), before.rows.length)
        return rows, reading(self.columns, kernel.sliding(1), before.columns.length)


def reading(made: Axis, window: Sliding, length: int) -> Reading:
    """What a window reads of an axis of `length` to make a box."""
    size = (made.size - 1) * window.stride + window.field
    behind = (made.length - 1) * window.stride + window.field - window.padding - length
    return Reading(made.start * window.stride - window.padding, size, (window.padding, max(0, behind)))
