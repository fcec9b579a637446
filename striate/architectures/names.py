"""The names under which others keep the same tensors: a dialect turns our names into theirs."""

import re
from collections.abc import Callable, Sequence

Dialect = Callable[[Sequence[str]], list[str]]  # of all names of a state dict, in order


def renamed(*rules: tuple[str, str]) -> Dialect:
    r"""A dialect of regular expressions and what takes their place, one after the other, on every name.

    >>> renamed((r"^(stem|head)\.", ""))(["stem.conv1.weight", "layer1.0.bn1.bias", "head.fc.bias"])
    ['conv1.weight', 'layer1.0.bn1.bias', 'fc.bias']
    """

    def dialect(names: Sequence[str]) -> list[str]:
        return [_renamed(name, rules) for name in names]

    return dialect


def _renamed(name: str, rules: Sequence[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
