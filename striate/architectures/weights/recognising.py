"""Whose weights a file may hold, when they are not those of the network that was asked for."""

from collections.abc import Iterator

from striate.architectures.architecture import Declaration
from striate.architectures.weights.files import WeightFile
from striate.architectures.weights.matching import Match, match
from striate.architectures.weights.needs import Needs, Zoo


def candidates(file: WeightFile, zoo: Zoo) -> Iterator[Needs]:
    """The networks, in their papers' own form, that have all the names of a file and no others.

    Of each family the first network is built, and the rest if more than half of its names are in the file.
    """
    families: dict[tuple[object, ...], list[str]] = {}
    for name, entry in zoo.entries.items():
        families.setdefault((getattr(entry.build, "func", entry.build), *entry.names), []).append(name)
    for first, *others in families.values():
        form = next(_forms(first, zoo))
        if 2 * len(_found(form, file).pairs) > len(form.tensors):
            forms = (form for name in (first, *others) for form in _forms(name, zoo))
            yield from (form for form in forms if _is_whole(_found(form, file)))


def called(found: Declaration, asked: Declaration) -> str:
    """A network by what makes it another than the one asked for.

    >>> called(Declaration("vgg16", 1000, 3, (224, 224)), Declaration("vgg16", 10, 3, (64, 64)))
    'vgg16 for images of 224×224'
    """
    if found.stem != asked.stem:
        return f'{found.name} with stem="{found.stem}"'
    return f"{found.name} for images of {found.size[0]}×{found.size[1]}" if found.name == asked.name else found.name


def _forms(name: str, zoo: Zoo) -> Iterator[Needs]:
    entry = zoo.entries[name]
    yield Needs(Declaration(name, entry.num_classes, entry.in_channels, entry.size), zoo)
    if entry.small_stem:
        yield Needs(Declaration(name, entry.num_classes, entry.in_channels, entry.size, "small"), zoo)


def _found(needed: Needs, file: WeightFile) -> Match:
    return match(list(needed.tensors), file.tensors, needed.dialects)


def _is_whole(found: Match) -> bool:
    return not found.missing and not found.unplaced
