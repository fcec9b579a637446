"""The lectures' rules of thumb for the sizes of layers, as findings on a given network.

Source: "Layer sizing rules-of-thumb" (lecture D1). A rule of thumb is no law: AlexNet, VGG and LeNet break some of
these, and every finding says what it would cost to keep the rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from striate.arithmetic.windows import Fit, fit
from striate.description.card import Card
from striate.description.rows import Row
from striate.errors import SettingsError

_LARGE_IMAGE = 128  # pixels; below it a first layer at full size costs little
_LARGE_SHARE = 0.1  # of all activations


@dataclass(frozen=True)
class Finding:
    """A rule that a layer breaks: which one, why it matters here, and what to change."""

    layer: str
    rule: str
    why: str
    change: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.why} {self.change}"


def advise(card: Card, *, object_size: int | None = None) -> tuple[Finding, ...]:
    """What the rules of thumb say of a network; `object_size` is the side in pixels of what is to be recognised.

    >>> from striate import describe
    >>> for finding in advise(describe("INPUT 1x32x32 -> CONV 8 5x5 pad valid -> POOL 4x4 -> FC 10")):
    ...     print(finding.layer, "-", finding.rule)
    conv1 - same padding
    pool1 - small pooling windows
    pool1 - receptive field
    fc1 - parameters late
    """
    if not isinstance(card, Card):
        raise SettingsError(f"advise takes the card that describe gives, not a {type(card).__name__}")
    if object_size is not None and not 1 <= object_size <= max(card.size):
        raise SettingsError(f"object_size is {object_size}; expected pixels of a side, from 1 to the image's")
    return (
        *_divisible(card),
        *_dropped(card),
        *_large_filters(card),
        *_shrinking(card),
        *_lossy_pooling(card),
        *_first_layer(card),
        *_narrow_field(card, object_size),
        *_fully_connected(card),
    )


def _divisible(card: Card) -> Iterator[Finding]:
    """The input should be divisible by 2 as often as the network halves it."""
    if all(_exact(place) for row in card.rows if _slides(row) for place in _fits(row)):
        return
    fields = [row.field for row in card.rows if row.field]
    for axis, length in enumerate(card.size):
        step = max(field.stride[axis] for field in fields if field.stride[axis].denominator == 1)
        if length > step > 0 and length % step:
            whole = int(step)
            below, above = length // whole * whole, -(-length // whole) * whole
            yield Finding(
                "input",
                "divisible by 2 often enough",
                f"its side of {length} does not divide by {whole}, by which the network shrinks it, so that windows "
                "hang over the edge or leave it out.",
                f"Use {below} or {above} pixels.",
            )
            return


def _dropped(card: Card) -> Iterator[Finding]:
    """A window that does not fit leaves the rightmost columns and the bottom rows out."""
    for row in card.rows:
        places = [place for place in _fits(row) if place.dropped] if _slides(row) else []
        if places and row.window and max(row.window.stride) <= min(row.window.kernel):
            lost = places[-1]
            yield Finding(
                row.layer,
                "dropped columns",
                f"{row.window} {lost}.",
                f"Pad the map, or choose an input that leaves a side of {lost.length - lost.dropped} here.",
            )


def _large_filters(card: Card) -> Iterator[Finding]:
    """A stack of 3x3 sees as much as one large filter, with fewer weights and more non-linearities."""
    for row in _convolutions(card)[1:]:
        window = row.window
        if window is None or window.groups > 1 or max(window.stride) > 1 or min(window.kernel) < 5:
            continue
        if max(window.dilation) > 1 or any(side % 2 == 0 for side in window.kernel):
            continue  # no stack of 3 sees the same
        layers = (max(window.kernel) - 1) // 2
        axes = len(window.kernel)
        channels, maps = row.input[-axes - 1], row.output[-axes - 1]
        one = prod(window.kernel) * channels * maps
        stack = 3**axes * maps * (channels + (layers - 1) * maps)
        if stack < one:
            sizes = "×".join(map(str, window.kernel))
            yield Finding(
                row.layer,
                "small filters",
                f"{sizes}·{channels}·{maps} = {one:,} weights; {layers} layers of 3 see as much with "
                f"{stack:,} ({100 * stack / one:.0f} %).",
                f"Stack {layers} convolutions of {'×'.join('3' * axes)}.",
            )


def _shrinking(card: Card) -> Iterator[Finding]:
    """Convolutions keep the size of their maps, and pooling alone shrinks them."""
    for row in _convolutions(card):
        window = row.window
        if window is None or max(window.stride) > 1 or max(_sides(row, row.output)) == 1 or not _shrinks(row):
            continue
        pads = [step * (side - 1) / 2 for side, step in zip(window.kernel, window.dilation, strict=True)]
        if all(pad.is_integer() for pad in pads):
            yield Finding(
                row.layer,
                "same padding",
                f"it shrinks the map from {_sizes(_sides(row, row.input))} to {_sizes(_sides(row, row.output))}, "
                "and the border is seen less than the middle.",
                f"Pad by {_sizes(tuple(map(int, pads)))}.",
            )


def _lossy_pooling(card: Card) -> Iterator[Finding]:
    """Pool 2x2 with stride 2, or 3x3 with stride 2; larger windows lose too much at once."""
    for row in card.rows:
        if row.window and row.kind.endswith("pooling") and max(_sides(row, row.output)) > 1:
            largest, every = max(row.window.kernel), prod(row.window.stride)
            if largest > 3:
                yield Finding(
                    row.layer,
                    "small pooling windows",
                    f"a window of {_sizes(row.window.kernel)} leaves one value of {every}.",
                    "Pool 2×2/2 or 3×3/2, more than once if need be.",
                )


def _first_layer(card: Card) -> Iterator[Finding]:
    """On a large image the first layer, and only the first, may compromise: a large window with a stride."""
    for row in _convolutions(card)[:1]:
        share = row.activations / max(1, card.activations)
        if row.output[1:] == card.size and min(card.size) >= _LARGE_IMAGE and share >= _LARGE_SHARE:
            yield Finding(
                row.layer,
                "compromise in the first layer only",
                f"at the full {_sizes(card.size)} it makes {row.activations:,} activations ({100 * share:.0f} %).",
                "Give this layer a stride, as 7×7/2 or 11×11/4, or shrink the images.",
            )


def _narrow_field(card: Card, object_size: int | None) -> Iterator[Finding]:
    """A unit can only know what it sees."""
    last = card.last_map
    if last is None or last.field is None or last.field.whole or not _convolutions(card):
        return
    wanted, what = (max(card.size), "image") if object_size is None else (object_size, "object")
    if min(last.field.size) < wanted:
        later = [row for row in card.rows if row.field and row.field.whole]
        if 2 * sum(row.multiplies for row in later) > card.multiplies:
            return  # most of the work is done where the whole image is seen
        behind = ", and the layers behind it put such parts together" if later else ""
        yield Finding(
            last.module,
            "receptive field",
            f"a unit of the last map sees {last.field} of the {what}'s {wanted} pixels{behind}.",
            "Add layers, pooling or dilation, or shrink the images, if one unit is to see it whole.",
        )


def _fully_connected(card: Card) -> Iterator[Finding]:
    """Global average pooling before the scores spares the largest matrix."""
    most, last = card.most_parameters, card.last_map
    if most.kind != "fully connected" or last is None or not _convolutions(card) or len(most.input) != 1:
        return
    share, spared = most.parameters / max(1, card.parameters), most.input[0] // last.output[0]
    if share > 0.5 and spared > 1:
        yield Finding(
            most.layer,
            "parameters late",
            f"{most.input[0]:,}·{most.output[0]:,} weights: {most.parameters:,} of {card.parameters:,} parameters "
            f"({100 * share:.0f} %).",
            f"Global average pooling before it leaves {last.output[0]:,}·{most.output[0]:,}, {spared} times fewer.",
        )


def _slides(row: Row) -> bool:
    return row.window is not None and not row.window.transposed


def _shrinks(row: Row) -> bool:
    sides = zip(_sides(row, row.input), _sides(row, row.output), strict=True)
    return any(after < before for before, after in sides)


def _fits(row: Row) -> list[Fit]:
    window = row.window
    if window is None:
        return []
    axes = zip(_sides(row, row.input), window.kernel, window.stride, window.padding, window.dilation, strict=True)
    return [fit(w, f, stride=s, padding=p, dilation=d, ceil=window.ceil) for w, f, s, p, d in axes]


def _sides(row: Row, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of a shape that the row's window slides along."""
    return shape[-len(row.window.kernel) :] if row.window else ()


def _exact(place: Fit) -> bool:
    return place.exact.denominator == 1


def _convolutions(card: Card) -> list[Row]:
    return [row for row in card.rows if row.window and row.kind.endswith("convolution") and not row.window.transposed]


def _sizes(values: tuple[int, ...]) -> str:
    return "×".join(map(str, values))
