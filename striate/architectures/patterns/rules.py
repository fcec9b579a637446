"""What holds between the layers of a pattern: INPUT first, FC last, no maps after FC; and what a bare layer gets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from striate.architectures.patterns.layers import Layer
from striate.architectures.patterns.text import fault

FIRST_FILTERS, MOST_FILTERS = 32, 512  # of a bare CONV: doubled by each POOL before it
HIDDEN_UNITS = 256  # of a bare FC that is not the last


def check_order(layers: Sequence[Layer], text: str) -> None:
    """Raise PatternError at the first layer that stands where it cannot."""
    if not layers:
        raise fault("no layer is left when the groups repeated 0 times are dropped", text, 0)
    first, last = layers[0], layers[-1]
    if first.name != "INPUT":
        raise fault(f"a pattern starts with INPUT: write INPUT -> before {first.name}", text, first.place)
    flat = False
    for layer in layers[1:]:
        if layer.name == "INPUT":
            raise fault("INPUT stands once, at the start: leave this one out", text, layer.place)
        if flat and layer.name in {"CONV", "POOL", "LRN"}:
            sentence = f"{layer.name} after FC: FC leaves no maps for it; write it before the first FC"
            raise fault(sentence, text, layer.place)
        flat = flat or layer.name == "FC"
    if last.name != "FC":
        raise fault(f"a pattern ends with FC, which gives the scores: write -> FC after {last.name}", text, last.place)


def settle(layers: Sequence[Layer], text: str) -> Iterator[Layer]:
    """The layers with the numbers that bare ones take from their place; only the last FC stays open.

    >>> bare = [Layer("INPUT", 0), Layer("CONV", 9), Layer("POOL", 17), Layer("CONV", 25), Layer("FC", 33)]
    >>> [layer.number for layer in settle(bare, "")]
    [0, 32, 0, 64, 0]
    """
    poolings, channels = 0, layers[0].image and layers[0].image[0]
    for layer in layers[:-1]:
        number = layer.number
        if layer.name == "FC":
            number = number or HIDDEN_UNITS
        if layer.name == "CONV":
            number = number or min(FIRST_FILTERS << min(poolings, 10), MOST_FILTERS)
            _check_groups(layer, channels, number, text)
            channels = number
        poolings += layer.name == "POOL"
        yield replace(layer, number=number)
    yield layers[-1]


def _check_groups(layer: Layer, channels: int | None, filters: int, text: str) -> None:
    """Raise PatternError if the groups do not divide the channels (if they are known) or the filters."""
    for count, what in ((filters, "filters"), (channels, "channels that come in")):
        if count and count % layer.groups:
            sentence = f"{layer.groups} groups do not divide {count} {what}: write a number that divides both"
            raise fault(sentence, text, layer.place)
