"""The box of image pixels that can change a unit of a map: what it looks at, exactly, and no pixel beside it.

Source: the arithmetic of receptive fields, Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional
neural networks", Distill; followed operation by operation, as `describe` does, so that behind an enlarging layer each
unit has a box of its own. Channels of one map share their boxes: where branches of several window sizes are laid side
by side it is the largest of theirs.

When not to trust it: inside its box a unit is moved by the middle far more than by the edges (Luo et al. 2016,
"Understanding the effective receptive field"); behind dilation there may be pixels between that it does not see.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from torch import nn

from striate.arithmetic.fields import Span
from striate.description.fields.reach import Axis, Reach
from striate.description.trace import Trace, trace
from striate.errors import SettingsError, SizeError
from striate.explain.layers import module_of

_ROWS, _COLUMNS = 2, 3  # dimensions of maps (N, C, H, W)


@dataclass(frozen=True)
class Box:
    """Rows from `top` up to `bottom` and columns from `left` up to `right`, both ends left out; none if it is empty."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where it lies in pixels (..., H, W); only of a box inside the image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def cut(self, size: tuple[int, int]) -> "Box":
        """The part inside an image of (height, width).

        >>> Box(-3, 5, 4, 12).cut((8, 8))
        Box(top=0, left=5, bottom=4, right=8)
        """
        (top, bottom), (left, right) = _cut(self.top, self.bottom, size[0]), _cut(self.left, self.right, size[1])
        return Box(top, left, bottom, right)


@dataclass(frozen=True)
class Boxes:
    """The boxes of all units of a layer's map of `places` rows and columns, on images of `size`."""

    layer: str
    size: tuple[int, int]
    places: tuple[int, int]
    whole: bool  # every unit sees the whole image
    largest: tuple[int, int]  # rows and columns of the largest uncut box
    _reach: Reach = field(repr=False)

    def uncut(self, row: int, column: int) -> Box:
        """The box of the unit at (row, column) of the map, which may reach into the padding.

        Raises SettingsError if there is no such place.
        """
        if not (0 <= row < self.places[0] and 0 <= column < self.places[1]):
            size = "×".join(map(str, self.places))
            raise SettingsError(f"{self.layer} has no place {row},{column}; it has {size} places, counted from 0")
        (top, bottom), (left, right) = (_ends(axis, (0, 0, row, column)) for axis in self._reach)
        return Box(top, left, bottom, right)

    def box(self, row: int, column: int) -> Box:
        """The same, cut at the border of the image: pixels outside of it cannot change the unit."""
        return self.uncut(row, column).cut(self.size)


def boxes_of(network: nn.Module, layer: str, image_shape: tuple[int, int, int]) -> Boxes:
    """The boxes of a layer's units for images (C, H, W).

    Raises UnknownNameError if there is no such layer, SizeError if it makes no maps, or what it sees is not known.
    """
    module_of(network, layer)
    return _boxes(trace(network, image_shape), layer, (image_shape[1], image_shape[2]))


def all_boxes(network: nn.Module, image_shape: tuple[int, int, int]) -> dict[str, Boxes]:
    """The boxes of every layer that makes maps, in the order they run; without those of which it is not known."""
    seen, found = trace(network, image_shape), {}
    for layer in seen.modules:
        with suppress(SizeError):
            found[layer] = _boxes(seen, layer, (image_shape[1], image_shape[2]))
    return found


def _boxes(seen: Trace, layer: str, size: tuple[int, int]) -> Boxes:
    module = seen.modules.get(layer)
    if module is None:
        raise SizeError(
            f"layer {layer!r} makes no maps for these images; choose a layer that does (`striate describe`)"
        )
    if len(module.output) != 3 or max(module.output[1:]) == 1:
        shape = "×".join(map(str, module.output))
        raise SizeError(
            f"layer {layer!r} makes {shape} for an image, no map with places; choose a layer before pooling"
        )
    if module.reach is None or module.field is None:
        raise SizeError(
            f"what layer {layer!r} sees of the image is not known, {_why(seen)}; choose a layer before that"
        )
    if any(part.dim not in (_ROWS, _COLUMNS) for axis in module.reach for part in axis.parts):
        raise SizeError(
            f"layer {layer!r} keeps places where its channels are expected; choose one that makes (C, H, W)"
        )
    (rows, columns), (tall, wide) = module.output[1:], module.field.size
    return Boxes(layer, size, (rows, columns), module.field.whole, (tall, wide), module.reach)


def _ends(axis: Axis, place: tuple[int, int, int, int]) -> Span:
    """Where its pixels begin, and where they end; an empty span for a unit that sees none."""
    span = axis.span(place)
    return (span[0], span[1] + 1) if span else (0, 0)


def _cut(start: int, end: int, length: int) -> Span:
    start = min(max(0, start), length)
    return start, max(start, min(end, length))


def _why(seen: Trace) -> str:
    if seen.fields_lost:
        return f"since `describe` cannot follow {' and '.join(seen.fields_lost)}"
    return "since it does not depend on the image alone" if not seen.not_followed else "since " + seen.not_followed[0]
