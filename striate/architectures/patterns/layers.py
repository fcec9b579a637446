"""One layer of a pattern as it is written: a name and its options, each at most once."""

import re
from dataclasses import dataclass
from typing import Any

from striate.architectures.patterns.text import Cursor, Token
from striate.architectures.patterns.words import OPTIONS, TAKES, misplaced_option, unknown_layer, unknown_option


@dataclass(frozen=True)
class Layer:
    """A layer with what its text fixes."""

    name: str
    place: int  # of its name in the text
    number: int = 0  # filters of CONV, units of FC; 0: as its place in the pattern says
    image: tuple[int, int, int] | None = None  # channels, height, width; None: as the data are
    kernel: tuple[int, int] | None = None  # the window, if one is written
    step: int | None = None  # the stride, if one is written
    pad: int | None = None  # None: `same` for CONV, 0 for POOL
    dilation: int = 1
    groups: int = 1
    bias: bool = True
    average: bool | None = None
    whole: bool = False  # POOL global
    ceil: bool = False
    fraction: float | None = None

    @property
    def window(self) -> tuple[int, int]:
        """Height and width: 3x3 for CONV and 2x2 for POOL where none is written."""
        return self.kernel or ((3, 3) if self.name == "CONV" else (2, 2))

    @property
    def stride(self) -> tuple[int, int]:
        """Down and right: 1 for CONV and the window for POOL where none is written."""
        if self.step:
            return self.step, self.step
        return (1, 1) if self.name == "CONV" else self.window

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros on each side; `same` is P = floor(D(F - 1) / 2), so that a stride S leaves ceil(W / S) of W.

        >>> Layer("CONV", 0, kernel=(3, 5)).padding
        (1, 2)
        """
        if self.pad is None and self.name == "CONV":
            return self.dilation * (self.window[0] - 1) // 2, self.dilation * (self.window[1] - 1) // 2
        return self.pad or 0, self.pad or 0


def read_layer(cursor: Cursor) -> Layer:
    """The layer that comes next, with its options; raises PatternError at the first word that cannot be.

    >>> layer = read_layer(Cursor("CONV 64 7x7/2 pad 3"))
    >>> layer.number, layer.window, layer.stride, layer.padding
    (64, (7, 7), (2, 2), (3, 3))
    """
    start = cursor.take()
    if start.word not in TAKES:
        raise cursor.fault(unknown_layer(start), start)
    given: dict[str, Any] = {}
    places: dict[str, Token] = {}
    while cursor.token.word not in {"", "->", "[", "]", "*"}:
        token = cursor.take()
        option = _option(start.word, token)
        if option not in TAKES[start.word][0]:
            raise cursor.fault(unknown_option(start.word, token), token)
        if option in given or (option == "number" and given):
            raise cursor.fault(misplaced_option(start.word, option, token, given), token)
        given[option], places[option] = _value(start.word, option, token, cursor), token
    layer = Layer(start.word, start.place, **given)
    _check(layer, places, cursor)
    return layer


def _option(name: str, token: Token) -> str:
    """What a word tells, by how it is written; nothing if it is no option at all."""
    if re.fullmatch("[0-9]+", token.text):
        return "fraction" if "fraction" in TAKES[name][0] else "number"
    if re.fullmatch(r"[0-9]*\.[0-9]+", token.text):
        return "fraction"
    if re.fullmatch(r"[0-9]+([x×\s]+[0-9]+)+", token.text, re.IGNORECASE):
        return {2: "kernel", 3: "image"}.get(len(re.findall("[0-9]+", token.text)), "")
    return OPTIONS.get(token.word, "")


def _value(name: str, option: str, token: Token, cursor: Cursor) -> Any:
    """An option's value; that of some stands in the next word."""
    match option:
        case "number" | "kernel" | "image":
            sides = tuple(cursor.bounded(digits, token) for digits in re.findall("[0-9]+", token.text))
            return sides[0] if option == "number" else sides
        case "fraction":
            if not 0 <= float(token.text) < 1:
                raise cursor.fault(f"found {token}; expected a number from 0 to less than 1, such as 0.5", token)
            return float(token.text)
        case "step" | "dilation" | "groups":
            return cursor.whole()
        case "pad":
            return _padding(name, cursor)
    return token.word not in {"NOBIAS", "MAX"}


def _padding(name: str, cursor: Cursor) -> int | None:
    if name == "CONV" and cursor.took("SAME"):
        return None
    if name == "CONV" and cursor.took("VALID"):
        return 0
    return cursor.whole(least=0)


def _check(layer: Layer, places: dict[str, Token], cursor: Cursor) -> None:
    """Raise PatternError where the options of one layer contradict each other."""
    if layer.image and layer.image[2] in (1, 3, 4) and min(layer.image[:2]) > 4:
        written, meant = ("x".join(map(str, sides)) for sides in (layer.image, (layer.image[2], *layer.image[:2])))
        sentence = f"INPUT {written} has its channels last; write channels x height x width: INPUT {meant}"
        raise cursor.fault(sentence, places["image"])
    height, width = layer.window
    window = f"a window of {height}x{width}"
    if layer.whole and (extra := [places[option] for option in places if option not in {"whole", "average"}]):
        raise cursor.fault(f"POOL global takes all that is left: leave {extra[0]} out", extra[0])
    if layer.name == "POOL" and max(layer.padding) > min(layer.window) // 2:
        raise cursor.fault(
            f"a padding of {layer.pad} is more than half of {window}: write a smaller one", places["pad"]
        )
    odd = all(layer.dilation * (side - 1) % 2 == 0 for side in layer.window)
    if layer.name == "CONV" and layer.pad is None and layer.stride == (1, 1) and not odd:
        repair = f"write an odd one such as 3x3 or 5x5, or a padding such as pad {max(layer.window) // 2}"
        raise cursor.fault(f"{window} has no middle, so pad same cannot keep the size: {repair}", places["kernel"])
