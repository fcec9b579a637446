"""Of a map under B masks only the changed part: B crops, and the map of the image without a mask, once.

Letters: B masks, C channels, H×W the map, h×w the crops. Crops lie in memory channels last, so that a place is one run
of C numbers and cutting and pasting are copies of runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from striate.explain.incremental.boxes import Axis, Places, axis, whole_axis


class Reference:
    """A map of the image without a mask (1, C, H, W), computed when it is first asked for."""

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self._compute = compute
        self._padded: dict[tuple[tuple[int, ...], float], Tensor] = {}

    @cached_property
    def value(self) -> Tensor:
        return self._compute().contiguous(memory_format=torch.channels_last)

    def at(self, rows: Axis, columns: Axis) -> Tensor:
        """The map at the boxes (B, C, h, w), or the one map (1, C, H, W) where they are all of it."""
        if rows.whole and columns.whole:
            return self.value
        return _maps(self.runs(of_box(rows), of_box(columns), 0.0), (len(rows.start), rows.size, columns.size))

    def runs(self, rows: "Reading", columns: "Reading", fill: float) -> Tensor:
        """What is read there, one run of channels a place (B·rows·columns, C), with the border read as `fill`."""
        key = (*columns.border, *rows.border)
        if (key, fill) not in self._padded:
            value = functional.pad(self.value, key, value=fill) if any(key) else self.value
            self._padded[key, fill] = _runs(value)
        width = self.value.shape[3] + sum(columns.border)
        index = rows.places[:, :, None] * width + columns.places[:, None, :]  # (B, rows, columns)
        runs = self._padded[key, fill]
        return runs.index_select(0, torch.from_numpy(index.reshape(-1)).to(runs.device))


@dataclass(frozen=True)
class Patch:
    """`crops` (B, C, h, w) of a map at the boxes; only where these are the whole map may there be no reference."""

    crops: Tensor
    rows: Axis
    columns: Axis
    reference: Reference | None

    @property
    def channels(self) -> int:
        return self.crops.shape[1]

    @property
    def whole(self) -> bool:
        return self.rows.whole and self.columns.whole

    def at(self, rows: Axis, columns: Axis) -> Tensor:
        """The masked maps at other boxes, which hold all that is changed."""
        if self.rows.same(rows) and self.columns.same(columns):
            return self.crops
        return self.read(of_box(rows), of_box(columns))

    def read(self, rows: "Reading", columns: "Reading", fill: float = 0.0) -> Tensor:
        """The masked maps (B, C, rows, columns) from each mask's own place on, with the border read as `fill`."""
        return self._pasted(self._reference_at(rows, columns, fill), self.crops, rows, columns)

    def read_change(self, rows: "Reading", columns: "Reading") -> Tensor:
        """What the masks add to the map there, 0 at the border and outside the boxes."""
        if self.reference is None:
            raise ValueError("crops without a reference have no change")
        change = self.crops - self.reference.at(self.rows, self.columns)
        zeros = change.new_zeros((len(rows.start), rows.size, columns.size, change.shape[1])).permute(0, 3, 1, 2)
        return self._pasted(zeros, change, rows, columns)

    def _reference_at(self, rows: "Reading", columns: "Reading", fill: float = 0.0) -> Tensor:
        shape = (len(rows.start), rows.size, columns.size)
        if self.reference is None or self.whole:  # the crops will cover all but the border
            return _maps(self.crops.new_full((int(np.prod(shape)), self.crops.shape[1]), fill), shape)
        return _maps(self.reference.runs(rows, columns, fill), shape)

    def _pasted(self, onto: Tensor, crops: Tensor, rows: "Reading", columns: "Reading") -> Tensor:
        """Lay crops where they belong on what was read there; what falls outside is left out."""
        down = (self.rows.start - rows.start)[:, None] + np.arange(self.rows.size)  # (B, h)
        across = (self.columns.start - columns.start)[:, None] + np.arange(self.columns.size)  # (B, w)
        first = np.arange(len(down))[:, None] * rows.size
        index = ((first + down) * columns.size)[:, :, None] + across[:, None, :]  # (B, h, w)
        inside_down, inside_across = (down >= 0) & (down < rows.size), (across >= 0) & (across < columns.size)
        source = _runs(crops)
        if not (inside_down.all() and inside_across.all()):
            kept = inside_down[:, :, None] & inside_across[:, None, :]
            source = source.index_select(0, torch.from_numpy(np.flatnonzero(kept)).to(source.device))
            index = index[kept]
        _runs(onto).index_copy_(0, torch.from_numpy(index.reshape(-1)).to(source.device), source)
        return onto

    def full(self) -> Tensor:
        """The masked maps (B, C, H, W), in PyTorch's usual order of numbers, which any operation takes."""
        if self.whole:
            return self.crops.clone(memory_format=torch.contiguous_format)
        rows, columns = (of_box(whole_axis(len(one.start), one.length)) for one in (self.rows, self.columns))
        return self.read(rows, columns).contiguous()


class Reading(NamedTuple):
    """`size` places from start[b] on, of a map with a border of so many places in front and behind."""

    start: Places
    size: int
    border: tuple[int, int] = (0, 0)

    @property
    def places(self) -> Places:
        """The places (B, size), counted from the border's first."""
        found: Places = (self.start + self.border[0])[:, None] + np.arange(self.size)
        return found


def of_box(one: Axis) -> Reading:
    """The boxes themselves."""
    return Reading(one.start, one.size)


def hidden(image: Reference, low: Places, high: Places, fill: float) -> Patch:
    """The image (1, C, H, W) under B masks of one value from `low` up to `high` (B, 2), rows and columns."""
    height, width = image.value.shape[2:]
    rows, columns = axis(low[:, 0], high[:, 0], height), axis(low[:, 1], high[:, 1], width)
    shown = image.runs(of_box(rows), of_box(columns), fill)
    covered = _covered(rows)[:, None, :, None] & _covered(columns)[:, None, None, :]  # (B, 1, h, w)
    crops = _maps(shown, (len(low), rows.size, columns.size))
    return Patch(crops.masked_fill(torch.from_numpy(covered).to(crops.device), fill), rows, columns, image)


def _covered(one: Axis) -> npt.NDArray[np.bool_]:
    """Which places of the boxes (B, size) the masks themselves cover."""
    places = one.start[:, None] + np.arange(one.size)
    covered: npt.NDArray[np.bool_] = (places >= one.low[:, None]) & (places < one.high[:, None])
    return covered


def _runs(maps: Tensor) -> Tensor:
    """Maps (B, C, H, W) that lie channels last as runs (B·H·W, C), without a copy."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def _maps(runs: Tensor, shape: tuple[int, ...]) -> Tensor:
    return runs.view(*shape, runs.shape[1]).permute(0, 3, 1, 2)
