"""Which archives are the shards of a data set, and the part that each belongs to."""

import glob
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from striate.datasets.layouts.cifar import recognises_cifar
from striate.datasets.layouts.files import IMAGE_ENDINGS, part_called, several
from striate.datasets.layouts.tarring import PACKED_ENDINGS
from striate.errors import DataError
from striate.images.walking import entries

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_WILD = re.compile(r"[*?\[{]")
_MOST = 1_000_000  # shards that one pattern may name


def recognises_shards(root: Path) -> bool:
    """Whether it is a tar archive, a pattern of them, or a folder of them without images and other folders.

    Compressed archives count, so that `read_shards` can say how to unpack them; but CIFAR's are no shards.
    """
    if recognises_cifar(root):
        return False
    if root.is_dir():
        inside = entries(root)
        folders = [path for path in inside if path.is_dir()]
        parts = [path for path in folders if part_called(path.name) and _archives(path)]
        images = any(path.suffix.lower() in IMAGE_ENDINGS for path in inside)
        return folders == parts and not images and bool(parts or _archives(root))
    return _is_archive(root) and (root.is_file() or bool(_WILD.search(str(root))))


def find_shards(root: Path) -> tuple[Path, list[Path]]:
    """The folder that the shards are named from, and the shards.

    Raises DataError if there are none, or if one is missing.
    """
    if root.is_file():
        return root.parent, [root]
    if root.is_dir():
        folders = [path for path in entries(root) if path.is_dir() and part_called(path.name)]
        base, found = root, [path for folder in (root, *folders) for path in _archives(folder)]
    else:
        text = str(root)
        wild = _WILD.search(text)
        base = Path(text[: wild.start()] + "x").parent if wild else root.parent
        found = list(dict.fromkeys(chain.from_iterable(_matching(name) for name in expand(text))))
    if not found:
        raise DataError(f"{root} names no tar archive; expected a .tar, a folder of them, or a pattern of such")
    return base, found


def parts_of(base: Path, shards: list[Path]) -> list[str] | None:
    """The part of each shard, by its folder or a word of its name, as in `train-000000.tar`; None if none has one.

    A single part alone is not a division. Raises DataError if some have a part and some have none.
    """
    parts = [_part(shard.relative_to(base)) for shard in shards]
    named = {part for part in parts if part}
    if len(named) < 2 and (not named or all(parts)):
        return None
    if not all(parts):
        raise DataError(
            f"{shards[parts.index(None)]} belongs to no part and others belong to {several(sorted(named))}; put train, "
            "val or test into its name, or move it away"
        )
    return [part for part in parts if part]


def expand(pattern: str) -> Iterator[str]:
    """What braces stand for, as a shell has it.

    >>> list(expand("{a,b}-{08..10}.tar"))[:4]
    ['a-08.tar', 'a-09.tar', 'a-10.tar', 'b-08.tar']
    """
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    span = _RANGE.fullmatch(braces[1])
    if span is None:
        choices = braces[1].split(",")
    else:
        first, last = int(span[1]), int(span[2])
        if not first <= last < first + _MOST:
            raise DataError(f"{pattern} counts from {first} to {last}; expected at most {_MOST:,} shards, upwards")
        choices = [f"{number:0{len(span[1])}d}" for number in range(first, last + 1)]
    for choice in choices:
        yield from expand(pattern[: braces.start()] + choice + pattern[braces.end() :])


def _matching(name: str) -> list[Path]:
    if _WILD.search(name):
        return [Path(path) for path in sorted(glob.glob(name))]  # noqa: PTH207 - the pattern may begin with /
    if not Path(name).is_file():
        raise DataError(f"{name} is not there; put it there, or correct the pattern")
    return [Path(name)]


def _archives(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if _is_archive(path) and path.is_file()]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".tar", *PACKED_ENDINGS))


def _part(relative: Path) -> str | None:
    words = (*relative.parts[:-1], *re.findall("[a-z]+", relative.name.lower()))
    return next((part for part in map(part_called, words) if part), None)
