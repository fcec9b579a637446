"""One unit of a network: a channel of a layer, at one place of its map or at all."""

import re
from dataclasses import dataclass

from torch import Tensor

from striate.errors import SettingsError

_TEXT = re.compile(r"(?P<layer>.+):(?P<channel>\d+)(?:@(?P<row>\d+),(?P<column>\d+))?")


@dataclass(frozen=True)
class Neuron:
    """A channel of a layer named as by `named_modules`; `place` is (row, column) of its map, None for all places."""

    layer: str
    channel: int
    place: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> "Neuron":
        """From LAYER:CHANNEL or LAYER:CHANNEL@ROW,COLUMN. Raises SettingsError.

        >>> Neuron.parse("layer4.1:37@3,5")
        Neuron(layer='layer4.1', channel=37, place=(3, 5))
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise SettingsError(f"{text!r} is no neuron; expected LAYER:CHANNEL or LAYER:CHANNEL@ROW,COLUMN")
        row, column = found["row"], found["column"]
        return cls(found["layer"], int(found["channel"]), None if row is None else (int(row), int(column)))

    def values(self, made: Tensor) -> Tensor:
        """Its values in what the layer made: of maps (N, C, H, W) those (N, H, W) of all places or (N,) of one.

        Of vectors (N, K) those (N,). Raises SettingsError if there is no such channel or place.
        """
        if self.channel >= made.shape[1]:
            raise SettingsError(f"{self.layer} has no channel {self.channel}; it has 0 to {made.shape[1] - 1}")
        own = made[:, self.channel]
        if self.place is None:
            return own
        row, column = self.place
        if own.dim() != 3 or row >= own.shape[1] or column >= own.shape[2]:
            size = "×".join(map(str, own.shape[1:])) or "no"
            raise SettingsError(f"{self.layer} has no place {row},{column}; it has {size} places")
        return own[:, row, column]
