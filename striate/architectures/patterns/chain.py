"""The grammar of layer patterns: chain := item ('->' item)*, item := layer | '[' chain ']' ('*' number)?.

Repeats are written out at once, so the layers are counted before they are copied: no text can ask for more than
`MOST_LAYERS`, however its repeats are nested.
"""

from striate.architectures.patterns.layers import Layer, read_layer
from striate.architectures.patterns.text import Cursor, Token
from striate.errors import PatternError

MOST_LAYERS = 10_000
DEEPEST = 32  # brackets in brackets


def read_chain(text: str) -> list[Layer]:
    """All the layers of a text in order, its repeats written out; raises PatternError.

    >>> [layer.name for layer in read_chain("[[CONV -> RELU]*2 -> POOL] -> FC")]
    ['CONV', 'RELU', 'CONV', 'RELU', 'POOL', 'FC']
    """
    cursor = Cursor(text)
    if not cursor.token.text:
        raise cursor.fault("the pattern is empty; expected layers such as INPUT -> CONV -> RELU -> FC")
    layers = _chain(cursor, 0)
    match cursor.token.word:
        case "":
            return layers
        case "]":
            raise cursor.fault("this bracket was never opened: leave it out, or write a [ before it")
    raise _no_arrow(cursor)


def _chain(cursor: Cursor, depth: int) -> list[Layer]:
    layers = _item(cursor, depth)
    while cursor.token.word == "->":
        arrow = cursor.take()
        if cursor.token.word in {"", "]"}:
            raise cursor.fault("nothing follows this arrow: write a layer after it, or leave it out", arrow)
        start = cursor.token
        layers += _item(cursor, depth)
        _count(len(layers), cursor, start)
    return layers


def _item(cursor: Cursor, depth: int) -> list[Layer]:
    """A layer, or a group as often as it is repeated."""
    match cursor.token.word:
        case "[":
            return _group(cursor, depth + 1)
        case "->" | "]" | "*":
            raise cursor.fault(f"found {cursor.token}; expected a layer such as CONV before it")
    return [read_layer(cursor)]


def _group(cursor: Cursor, depth: int) -> list[Layer]:
    opening = cursor.take()
    if depth > DEEPEST:
        raise cursor.fault(f"brackets stand in brackets more than {DEEPEST} deep", opening)
    if cursor.token.word == "]":
        raise cursor.fault("these brackets are empty: write a layer in them, or leave them out", opening)
    if not cursor.token.text:
        raise cursor.fault("this bracket is never closed: write a ]", opening)
    layers = _chain(cursor, depth)
    if not cursor.token.text:
        raise cursor.fault("this bracket is never closed: write a ]", opening)
    if not cursor.took("]"):
        raise _no_arrow(cursor)
    if not cursor.took("*"):
        return layers
    start = cursor.token
    repeats = cursor.whole(least=0)
    _count(len(layers) * repeats, cursor, start)
    return layers * repeats


def _count(layers: int, cursor: Cursor, token: Token) -> None:
    if layers > MOST_LAYERS:
        raise cursor.fault(f"that would be {layers:,} layers; expected at most {MOST_LAYERS:,}", token)


def _no_arrow(cursor: Cursor) -> PatternError:
    """What stands between two items and is no arrow."""
    if cursor.token.word == "*":
        return cursor.fault("only a group is repeated: write [CONV -> RELU]*2")
    if cursor.token.word == "?":
        return cursor.fault("? is a choice: write the group or leave it out")
    if cursor.token.text.lstrip("xX×").isdigit():
        return cursor.fault(f"found {cursor.token} after a bracket; a repeat is written *2")
    return cursor.fault(f"an arrow is missing: write -> before {cursor.token}")
