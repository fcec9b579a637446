"""The catalogue: a visible dictionary from a name to its builder, its source and the image it was made for."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from striate.architectures.dense import linear, mlp
from striate.architectures.lenet import lenet5
from striate.errors import SettingsError, UnknownNameError


@dataclass(frozen=True)
class Architecture:
    """A builder called with (num_classes, in_channels, (height, width)), its source, and the input of that source."""

    build: Callable[[int, int, tuple[int, int]], nn.Module]
    source: str
    in_channels: int
    size: tuple[int, int]  # height, width in pixels


CATALOGUE = {
    "linear": Architecture(linear, "f = Wx + b", 3, (32, 32)),
    "mlp": Architecture(mlp, "f = W2 max(0, W1 x + b1) + b2", 3, (32, 32)),
    "lenet5": Architecture(lenet5, "LeCun et al. 1998", 1, (32, 32)),
}


def architecture(name: str) -> Architecture:
    """The catalogue's entry; raises UnknownNameError with the nearest names."""
    if name not in CATALOGUE:
        raise UnknownNameError("model", name, CATALOGUE)
    return CATALOGUE[name]


@dataclass(frozen=True)
class Declaration:
    """All that is needed to build a network again, but its weights."""

    name: str
    num_classes: int
    in_channels: int
    size: tuple[int, int]

    def build(self) -> nn.Module:
        """A new network with random weights, mapping images (N, in_channels, *size) to scores (N, num_classes)."""
        for name, value, most in (
            ("num_classes", self.num_classes, 1_000_000),
            ("in_channels", self.in_channels, 1_024),
            ("size", min(self.size), 16_384),
            ("size", max(self.size), 16_384),
        ):
            if not 1 <= value <= most:
                raise SettingsError(f"{name} is {value}; expected a whole number from 1 to {most:,}")
        return architecture(self.name).build(self.num_classes, self.in_channels, self.size)


def declare(
    name: str,
    *,
    num_classes: int = 10,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> Declaration:
    """A declaration, with the source's own channels and size where none are given; one number means a square."""
    entry = architecture(name)
    sides = (size, size) if isinstance(size, int) else size
    channels = entry.in_channels if in_channels is None else in_channels
    return Declaration(name, num_classes, channels, sides or entry.size)


def create_model(
    name: str,
    *,
    num_classes: int = 10,
    in_channels: int | None = None,
    size: int | tuple[int, int] | None = None,
) -> nn.Module:
    """A network of the catalogue as an ordinary module, its weights drawn from torch's random state.

    Args:
        name: a key of `CATALOGUE`.
        num_classes: the number K of scores it gives.
        in_channels: 1 for grey, 3 for colour; the source's own if not given.
        size: pixels, one number or (height, width); the source's own if not given.

    Raises:
        UnknownNameError: no such network; the sentence offers the nearest.
        SizeError: the network collapses at this size; the sentence names the layer.

    >>> sum(p.numel() for p in create_model("lenet5").parameters())
    61706
    """
    return declare(name, num_classes=num_classes, in_channels=in_channels, size=size).build()
