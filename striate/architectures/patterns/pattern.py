"""The layer patterns of the lectures as a language: INPUT -> [[CONV 32 -> RELU]*2 -> POOL]*3 -> FC 10 is a network.

Source: the lectures' "layer patterns", INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC. That line is the
general form, not a network: a pattern has numbers in place of N, M and K, and a POOL or none in place of POOL?.
The first FC flattens, and what a bare layer leaves open is settled by its place; docs/pattern.md tells all of it.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from torch import Tensor, nn

from striate.architectures.patterns.chain import read_chain
from striate.architectures.patterns.layers import Layer
from striate.architectures.patterns.modules import Shape, module, shape_after
from striate.architectures.patterns.rules import check_order, settle
from striate.architectures.patterns.text import fault
from striate.architectures.starting import start

LONGEST = 100_000  # characters
IN_CHANNELS, SIZE = 3, (32, 32)  # of a bare INPUT when nobody says


def is_pattern(text: str) -> bool:
    """Whether a text is meant as a pattern and not as a name: it has an arrow or starts with the word INPUT.

    >>> is_pattern("input 1x28x28"), is_pattern("[CONV → RELU]"), is_pattern("lenet5")
    (True, True, False)
    """
    return bool(re.search(r"->|→|\A\s*INPUT\b", text, re.IGNORECASE))


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been read: its text, and its layers with the repeats written out."""

    text: str
    layers: tuple[Layer, ...] = field(repr=False)

    @property
    def in_channels(self) -> int | None:
        """The channels that INPUT fixes, if it does."""
        image = self.layers[0].image
        return image and image[0]

    @property
    def size(self) -> tuple[int, int] | None:
        """The height and width that INPUT fixes, if it does."""
        image = self.layers[0].image
        return image and image[1:]

    @property
    def num_classes(self) -> int | None:
        """The number of the last FC, if it has one."""
        return self.layers[-1].number or None

    def build(self, num_classes: int, in_channels: int, size: tuple[int, int]) -> nn.Sequential:
        """A new network with random weights, mapping images (N, in_channels, *size) to scores (N, num_classes).

        Raises:
            PatternError: the text fixes another number of classes or channels, or another size.
            SizeError: a layer does not fit on what is left where it stands; the sentence names it.

        >>> parse("INPUT -> CONV 8 -> RELU -> POOL -> FC").build(10, 1, (28, 28))
        Sequential(
          (conv1): Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
          (relu1): ReLU()
          (pool1): MaxPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0), dilation=1, ceil_mode=False)
          (flatten): Flatten(start_dim=1, end_dim=-1)
          (fc1): Linear(in_features=1568, out_features=10, bias=True)
        )
        """
        self._check(num_classes, (in_channels, *size))
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        shape: Shape = (in_channels, *size)
        for name, layer in self._named(num_classes):
            if layer.name == "FC" and len(shape) == 3:
                modules["flatten"], shape = nn.Flatten(), (shape[0] * shape[1] * shape[2],)
            after = shape_after(layer, shape, name)
            modules[name], shape = module(layer, shape, name), after
        network = nn.Sequential(modules)
        start(network, self._draw)
        return network

    @property
    def _draw(self) -> Callable[[Tensor], Tensor]:
        """He et al. 2015 where values are rectified, else Glorot & Bengio 2010, as the lectures have it."""
        rectified = {"RELU", "LEAKYRELU", "ELU"} & {layer.name for layer in self.layers}
        return partial(nn.init.kaiming_normal_, nonlinearity="relu") if rectified else nn.init.xavier_normal_

    def _named(self, num_classes: int) -> Iterator[tuple[str, Layer]]:
        """conv1, relu1, conv2, …, and the last layer with the number of classes."""
        counts: Counter[str] = Counter()
        for layer in (*self.layers[1:-1], replace(self.layers[-1], number=num_classes)):
            counts[layer.name] += 1
            yield f"{layer.name.lower()}{counts[layer.name]}", layer

    def _check(self, num_classes: int, image: tuple[int, int, int]) -> None:
        """Raise PatternError if the data are not as the text says."""
        first, last = self.layers[0], self.layers[-1]
        if first.image not in {None, image}:
            written, given = ("x".join(map(str, shape)) for shape in (first.image or (), image))
            repair = f"write INPUT without a size, or INPUT {given}"
            sentence = f"the pattern's first layer is INPUT {written}, but the images are {given}: {repair}"
            raise fault(sentence, self.text, first.place)
        if last.number not in {0, num_classes}:
            repair = f"write FC without a number, or FC {num_classes}"
            sentence = (
                f"the pattern's last layer is FC {last.number}, but the data have {num_classes} classes: {repair}"
            )
            raise fault(sentence, self.text, last.place)


def parse(text: str) -> Pattern:
    """The pattern that a text writes; raises PatternError with the line and a caret under the mistake.

    >>> pattern = parse("INPUT 3x32x32 -> [[CONV 32 -> RELU]*2 -> POOL]*3 -> [FC 256 -> RELU]*2 -> FC 10")
    >>> pattern.in_channels, pattern.size, pattern.num_classes, len(pattern.layers)
    (3, (32, 32), 10, 21)
    """
    if len(text) > LONGEST:
        raise fault(f"the pattern has {len(text):,} characters; expected at most {LONGEST:,}", text, LONGEST)
    layers = read_chain(text)
    check_order(layers, text)
    return Pattern(text, tuple(settle(layers, text)))
