"""Which rows, or columns, of a map a mask can change: the receptive field's arithmetic turned forward.

Letters: B masks. All masks of a batch get boxes of one size, the largest that one of them needs; a box that is larger
than its mask needs computes again what has not changed, and is as exact.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]  # (B,)


@dataclass(frozen=True)
class Sliding:
    """A window along one axis: `field` values wide with its dilation, moved by `stride`, `padding` at both ends."""

    field: int
    stride: int
    padding: int
    ceil: bool = False  # a last window may reach behind the padding

    def outputs(self, length: int) -> int:
        """How many places it makes of so many; the last begins before the padding behind."""
        room = length + 2 * self.padding - self.field
        if not self.ceil:
            return room // self.stride + 1
        made = -(-room // self.stride) + 1
        return made - 1 if (made - 1) * self.stride >= length + self.padding else made


@dataclass(frozen=True)
class Axis:
    """Along one axis of `length`: mask b changes values from low[b] up to high[b], and its box is start[b] + `size`."""

    low: Places
    high: Places
    start: Places
    size: int
    length: int

    @property
    def whole(self) -> bool:
        return self.size == self.length

    def after(self, window: Sliding) -> "Axis":
        """What a window sees changed: o·stride − padding + [0, field) meets [low, high)."""
        low = -((window.field - 1 - window.padding - self.low) // window.stride)  # rounded up
        high = (self.high - 1 + window.padding) // window.stride + 1
        return axis(low, high, window.outputs(self.length))

    def moved(self, before: int, after: int) -> "Axis":
        """The same values, with so many new ones before and after them."""
        return replace(
            self,
            low=self.low + before,
            high=self.high + before,
            start=self.start + before,
            length=self.length + before + after,
        )

    def joined(self, other: "Axis") -> "Axis":
        """What either changes."""
        return axis(np.minimum(self.low, other.low), np.maximum(self.high, other.high), self.length)

    def same(self, other: "Axis") -> bool:
        return self.size == other.size and bool((self.start == other.start).all())


def axis(low: Places, high: Places, length: int) -> Axis:
    """Boxes of one size around [low, high), cut to the map and moved inside it.

    >>> axis(np.array([-2, 3, 6]), np.array([2, 6, 9]), 8).start
    array([0, 3, 5])
    """
    low = np.clip(low, 0, length)
    high = np.clip(high, low, length)
    size = max(1, int((high - low).max()))
    return Axis(low, high, np.minimum(low, length - size), size, length)


def whole_axis(batch: int, length: int) -> Axis:
    """Everything of the axis, for each mask."""
    start = np.zeros(batch, dtype=np.int64)
    return Axis(start, start + length, start, length, length)
