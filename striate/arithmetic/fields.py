"""The receptive field along one axis: which values of the input can change each unit, through any graph of layers.

A unit of one layer sees the span from its first to its last input value. Spans move on by `advance` inputs every
`period` units: in a chain of convolutions the period is 1, and span, stride and offset are the well-known formulas; a
layer that enlarges makes units whose spans differ in turn, and the period counts them. Nothing is cut at the border:
a span may reach into the padding. Compare Araujo, Norris, Sim, "Computing receptive fields of convolutional neural
networks", Distill 2019, which treats the first case.

Letters: i a unit of the new layer, j one of the old, F window, S stride, P padding before, D dilation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, lcm

Span = tuple[int, int]  # first and last input value


@dataclass(frozen=True)
class Field:
    """Unit i sees `spans[i % period]`, moved on by `advance` times i // period; None where it sees nothing."""

    advance: int = 1
    spans: tuple[Span | None, ...] = ((0, 0),)

    def span(self, unit: int) -> Span | None:
        """First and last input value that can change the unit."""
        turn, phase = divmod(unit, len(self.spans))
        here = self.spans[phase]
        return here and (here[0] + self.advance * turn, here[1] + self.advance * turn)

    @property
    def size(self) -> int:
        """Values that the unit with the largest span sees.

        >>> three = Field().window(3, padding=1).window(3, padding=1).window(3, padding=1)
        >>> three.size, three.stride, three.offset
        (7, Fraction(1, 1), -3)
        """
        return max((last - first + 1 for first, last in filter(None, self.spans)), default=0)

    @property
    def stride(self) -> Fraction:
        """Input values from one unit to the next; below 1 after enlarging."""
        return Fraction(self.advance, len(self.spans))

    @property
    def offset(self) -> int:
        """Where the span of unit 0 begins; below 0 in the padding."""
        return self.spans[0][0] if self.spans[0] else 0

    def covers(self, units: int, length: int) -> bool:
        """Whether each of the units sees all `length` values of the input."""
        return all(span and span[0] <= 0 and span[1] >= length - 1 for span in map(self.span, range(units)))

    def window(self, size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """A convolution or pooling: unit i sees the units j = S·i - P + D·k, k = 0 … F - 1."""
        offsets = range(-padding, dilation * (size - 1) + 1 - padding, dilation)
        return self._from(lambda i: (stride * i + offset for offset in offsets), Fraction(stride))

    def transposed(self, size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """A transposed convolution: unit i sees the units j with S·j = i + P - D·k, k = 0 … F - 1."""

        def sources(i: int) -> Iterable[int]:
            positions = (i + padding - dilation * k for k in range(size))
            return (position // stride for position in positions if position % stride == 0)

        return self._from(sources, Fraction(1, stride))

    def blocks(self, units: int, made: int) -> "Field":
        """Adaptive pooling from `units` to `made`, r = units / made: unit i sees floor(i·r) … ceil((i+1)·r) - 1."""
        ratio = Fraction(units, made)
        return self._from(lambda i: range(floor(i * ratio), ceil((i + 1) * ratio)), ratio)

    def nearest(self, ratio: Fraction, *, centred: bool = False) -> "Field":
        """Nearest neighbour: unit i sees j = floor(i·r), centred floor((i + 1/2)·r); r the old units for a new one."""
        return self._from(lambda i: (floor((i + Fraction(centred, 2)) * ratio),), ratio)

    def interpolated(self, ratio: Fraction, *, aligned: bool = False, taps: int = 2) -> "Field":
        """Linear (2 taps) or cubic (4): unit i sees the taps round i·r (corners aligned) or (i + 1/2)·r - 1/2.

        Where it falls on a unit exactly, the others weigh nothing.
        """

        def sources(i: int) -> Iterable[int]:
            place = i * ratio if aligned else (i + Fraction(1, 2)) * ratio - Fraction(1, 2)
            near = floor(place)
            return (near,) if place == near else range(near + 1 - taps // 2, near + 1 + taps // 2)

        return self._from(sources, ratio)

    def union(self, other: "Field") -> "Field | None":
        """Two branches that meet unit by unit; None if their strides differ, so that no period fits both."""
        period = lcm(len(self.spans), len(other.spans))
        if self.stride != other.stride:
            return None
        spans = (_hull((self.span(i), other.span(i))) for i in range(period))
        return _shortest(int(self.stride * period), tuple(spans))

    def whole(self, units: int) -> "Field":
        """What all the units see together, as one span that every new unit shares."""
        return Field(0, (_hull(map(self.span, range(units))),))

    def _from(self, sources: Callable[[int], Iterable[int]], ratio: Fraction) -> "Field":
        """The field of units made of `sources(i)`, which move on by `ratio` old units for each new one."""
        period = ratio.denominator * len(self.spans) // gcd(len(self.spans), ratio.numerator)
        spans = tuple(_hull(map(self.span, sources(i))) for i in range(period))
        return _shortest(int(self.stride * ratio * period), spans)


def _hull(spans: Iterable[Span | None]) -> Span | None:
    seen = [span for span in spans if span]
    return (min(first for first, _ in seen), max(last for _, last in seen)) if seen else None


def _shortest(advance: int, spans: tuple[Span | None, ...]) -> Field:
    """The same field with the smallest period."""
    for period in range(1, len(spans) // 2 + 1):
        if len(spans) % period == 0 and advance * period % len(spans) == 0:
            shorter = Field(advance * period // len(spans), spans[:period])
            if all(shorter.span(i) == span for i, span in enumerate(spans)):
                return shorter
    return Field(advance, spans)
