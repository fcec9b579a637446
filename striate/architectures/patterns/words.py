"""The vocabulary of layer patterns, and what to say of a word that is not in it.

Source: the lectures' layer patterns (INPUT, CONV, RELU, POOL, FC); the other names are those of their papers.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from striate.architectures.patterns.text import Token

_CONV = "the number of filters first, then 5x5, /2, pad 1, pad same, pad valid, dilation 2, groups 2, bias or nobias"
_POOL = "max or avg, 2x2, /2, pad 1 and ceil, or global for all that is left"
_NO_OPTIONS: tuple[frozenset[str], str] = (frozenset(), "nothing")

TAKES: dict[str, tuple[frozenset[str], str]] = {  # what a layer may be told, and how that is written
    "INPUT": (frozenset({"image"}), "a size, channels x height x width, such as 3x32x32"),
    "CONV": (frozenset({"number", "kernel", "step", "pad", "dilation", "groups", "bias"}), _CONV),
    "POOL": (frozenset({"average", "whole", "kernel", "step", "pad", "ceil"}), _POOL),
    "FC": (frozenset({"number"}), "the number of its units"),
    "RELU": _NO_OPTIONS,
    "LEAKYRELU": (frozenset({"fraction"}), "its slope below zero, such as 0.01"),
    "ELU": _NO_OPTIONS,
    "TANH": _NO_OPTIONS,
    "SIGMOID": _NO_OPTIONS,
    "BN": _NO_OPTIONS,
    "LRN": _NO_OPTIONS,
    "DROPOUT": (frozenset({"fraction"}), "the share of values that it drops, such as 0.5"),
}

OPTIONS = {  # the word, and what it tells
    "/": "step",
    "PAD": "pad",
    "DILATION": "dilation",
    "GROUPS": "groups",
    "BIAS": "bias",
    "NOBIAS": "bias",
    "MAX": "average",
    "AVG": "average",
    "CEIL": "ceil",
    "GLOBAL": "whole",
}

_SAID = {"number": "its number", "image": "its size", "kernel": "its window", "step": "its stride"}
_SAID |= {"average": "max or avg", "whole": "global"}

_ELSEWHERE = {  # what other texts write
    "MAXPOOL": "write POOL max",
    "AVGPOOL": "write POOL avg",
    "CONV2D": "write CONV",
    "DENSE": "write FC",
    "LINEAR": "write FC",
    "BATCHNORM": "write BN",
    "FLATTEN": "the first FC flattens by itself: leave it out",
    "SOFTMAX": "FC gives the scores, and the loss takes their softmax: leave it out",
    "STRIDE": "a stride is written /2",
    "PADDING": "write pad",
    "SAME": "write pad same",
    "VALID": "write pad valid",
}


def unknown_layer(token: Token) -> str:
    """The sentence on a word where a layer should stand."""
    if hint := _hint(token):
        return hint
    glued = re.match("([A-Z]+)[0-9]", token.word)
    if glued and glued[1] in TAKES:
        return f"unknown layer {token}; write a space after {glued[1]}"
    return f"unknown layer {token}; {_nearest(token, TAKES)}expected {', '.join(TAKES)}"


def unknown_option(name: str, token: Token) -> str:
    """The sentence on a word that the layer `name` does not take."""
    told, takes = TAKES[name]
    if token.word in TAKES:
        return f"an arrow is missing: write -> before {token}"
    if "number" in told and re.fullmatch("[A-Z]", token.word):
        return f"{token.text} stands for a number: write a number in place of {token.text}, or leave it out"
    known = [word for word, option in OPTIONS.items() if option in told]
    return _hint(token) or f"{name} does not take {token}; {_nearest(token, known).lower()}it takes {takes}"


def misplaced_option(name: str, option: str, token: Token, given: Iterable[str]) -> str:
    """The sentence on an option that stands twice, or on a number of filters that does not stand first."""
    if option == "number" and option not in given:
        return f"the number of filters stands first: write {token} right after {name}"
    if option == "number" and name == "CONV":
        return f"{token} is a second number of filters; a window is written 5x5, a stride /2"
    return f"{name} is given {_SAID.get(option, option)} twice: write it once"


def _hint(token: Token) -> str:
    """How to write what the general form of a pattern, or another library, writes otherwise."""
    word, layer = token.word, token.word.removesuffix("?")
    if word in _ELSEWHERE:
        return f"found {token}; {_ELSEWHERE[word]}"
    if word != layer and layer in {"", *TAKES}:
        return f"{word} is a choice: write {layer or 'the layer'} or leave it out"
    if set(word) <= set("-=>–—"):
        return f"found {token}; an arrow is written ->"
    return f"found {token}; a group stands in square brackets, [ ]" if set(word) & set("(){}") else ""


def _nearest(token: Token, known: Iterable[str]) -> str:
    nearest = get_close_matches(token.word[:40], known, n=1)
    return f"did you mean {nearest[0]}? " if nearest else ""
