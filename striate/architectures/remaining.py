"""What the windows of a chain of layers leave of a side, before a fully connected layer is built for it.

Source: floor((W + 2P - D(F - 1) - 1) / S) + 1, layer after layer; ceil in place of floor where a pooling says so.
"""

from collections.abc import Iterable
from itertools import count

from torch import nn

from striate.arithmetic.windows import output_size
from striate.errors import SizeError


def remaining(network: str, layers: Iterable[tuple[str, nn.Module]], size: tuple[int, int]) -> tuple[int, int]:
    """Height and width after all convolutions and poolings of named layers; other modules keep them.

    Raises SizeError, naming the first layer that does not fit and the smallest side that all fit on.

    >>> remaining("halves", [("pool1", nn.MaxPool2d(2)), ("pool2", nn.MaxPool2d(2))], (9, 16))
    (2, 4)
    """
    chain = [(name, layer) for name, layer in layers if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)]
    return _left(network, chain, size[0]), _left(network, chain, size[1])


_Chain = list[tuple[str, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d]]


def _left(network: str, chain: _Chain, side: int) -> int:
    length = side
    for name, layer in chain:
        try:
            length = _places(layer, length)
        except SizeError as error:
            smallest = next(larger for larger in count(side + 1) if _fits(chain, larger))
            raise SizeError(
                f"{network} cannot take a side of {side} pixels: at {name} {length} are left, too few for its window "
                f"of {_first(layer.kernel_size)}; use a size of {smallest} or more"
            ) from error
    return length


def _fits(chain: _Chain, side: int) -> bool:
    try:
        for _, layer in chain:
            side = _places(layer, side)
    except SizeError:
        return False
    return True


def _places(layer: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, length: int) -> int:
    """Places of the layer's square window on `length` values."""
    return output_size(
        length,
        _first(layer.kernel_size),
        stride=_first(layer.stride),
        padding=_first(layer.padding),
        dilation=_first(getattr(layer, "dilation", 1)),
        ceil=getattr(layer, "ceil_mode", False),
    )


def _first(value: int | str | tuple[int, ...]) -> int:
    """The number, or the first of a pair of equal ones."""
    return int(value[0] if isinstance(value, tuple) else value)
