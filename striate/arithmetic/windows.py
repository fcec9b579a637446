"""How many places a sliding window has: floor((W + P - D(F - 1) - 1) / S) + 1, and what it leaves at the edge.

Letters: W values along one axis, F window, S stride, D dilation, P padding of both ends together. A padding is one
number for each end, a pair (before, after), or "same", which gives ceil(W / S) places.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from striate.errors import SizeError

Padding = int | tuple[int, int] | Literal["same"]


@dataclass(frozen=True)
class Fit:
    """How a window fits on `length` values: `exact` places if a part of one counted, `places` in whole ones.

    `dropped` values at the right or bottom lie under no window; padding that lies under none is no loss.
    """

    length: int
    exact: Fraction
    places: int
    dropped: int

    def __str__(self) -> str:
        if self.exact.denominator == 1:
            return f"fits {self.places} time{'s' * (self.places != 1)} on {self.length} values"
        lost = f"the last {self.dropped} of {self.length} values are dropped" if self.dropped else "nothing is dropped"
        places = f"{self.places} place{'s' * (self.places != 1)}"
        return f"fits {float(self.exact):.2f} times on {self.length} values: {places}, {lost}"


def fit(
    length: int, window: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1, ceil: bool = False
) -> Fit:
    """The places of a window of `window` values, `dilation` apart, on `length` values.

    With `ceil` a last window that hangs over the end counts, if it begins before the padding at the end.

    Raises SizeError if not even one position fits, or for a window, stride or dilation under 1.

    >>> print(fit(7, 3, stride=3))
    fits 2.33 times on 7 values: 2 places, the last 1 of 7 values are dropped
    """
    if min(window, stride, dilation) < 1:
        raise SizeError(f"window {window}, stride {stride}, dilation {dilation}; expected 1 or more of each")
    before, after = both_ends(padding, length, window, stride=stride, dilation=dilation)
    reach = dilation * (window - 1) + 1
    room = length + before + after - reach
    if length < 1 or room < (1 - stride if ceil else 0):
        padded = f" with a padding of {before} and {after}" if before or after else ""
        raise SizeError(f"a window of {reach} does not fit on {length} values{padded}: enlarge the input")
    places = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and places > 1 and room % stride and (places - 1) * stride >= length + before:
        places -= 1
    behind = length + before - (places - 1) * stride - reach  # more than length if all places lie in the padding
    dropped = min(length, max(0, behind))
    return Fit(length, Fraction(room, stride) + 1, places, dropped)


def both_ends(padding: Padding, length: int, window: int, *, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """The padding before and after; what "same" leaves odd goes after.

    >>> both_ends("same", 224, 7, stride=2), both_ends("same", 32, 5)
    ((2, 3), (2, 2))
    """
    if padding == "same":
        total = max(0, (-(-length // stride) - 1) * stride + dilation * (window - 1) + 1 - length)
        return total // 2, total - total // 2
    before, after = (padding, padding) if isinstance(padding, int) else padding
    if min(before, after) < 0:
        raise SizeError(f"a padding of {before} and {after}; expected 0 or more")
    return before, after


def output_size(
    length: int, window: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1, ceil: bool = False
) -> int:
    """Number of places of a window, as `fit` has it.

    >>> output_size(32, 5), output_size(28, 2, stride=2), output_size(7, 3, stride=3)
    (28, 14, 2)
    """
    return fit(length, window, stride=stride, padding=padding, dilation=dilation, ceil=ceil).places


def transposed_output_size(
    length: int, window: int, *, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Length that a transposed convolution makes: S(W - 1) - 2P + D(F - 1) + 1 and the padding of the output.

    Raises SizeError if nothing is left, for a length, window, stride or dilation under 1, for a padding under 0, and
    for a padding of the output that is not less than the larger of stride and dilation.

    >>> transposed_output_size(28, 2, stride=2)
    56
    """
    if min(length, window, stride, dilation) < 1:
        sizes = f"length {length}, window {window}, stride {stride}, dilation {dilation}"
        raise SizeError(f"{sizes}; expected 1 or more of each")
    if padding < 0 or not 0 <= output_padding < max(stride, dilation):
        raise SizeError(
            f"a padding of {padding} and of {output_padding} for the output; expected 0 or more, "
            f"and for the output less than {max(stride, dilation)}, the larger of stride and dilation"
        )
    made = stride * (length - 1) - 2 * padding + dilation * (window - 1) + 1 + output_padding
    if made < 1:
        raise SizeError(f"a padding of {padding} leaves nothing of the {made + 2 * padding} values that it cuts")
    return made
