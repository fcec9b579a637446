"""Which tensor of a file is which of ours: by the dialect under which the most names meet."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from striate.architectures.names import Dialect

_COUNTERS = ("num_batches_tracked", "n_averaged")  # that nothing is computed from: they may be there or not


class Match(NamedTuple):
    """Names of ours and of a file that are the same tensors, and those of each that the other has not."""

    dialect: str
    pairs: dict[str, str]  # theirs by ours
    missing: list[str]  # ours
    unplaced: list[str]  # theirs


def match(ours: Sequence[str], theirs: Iterable[str], dialects: Mapping[str, Dialect]) -> Match:
    """The match under the dialect with the most pairs; of equals the first.

    >>> match(["stem.conv1.weight", "head.fc.bias"], ["fc.bias"], {"theirs": lambda names: ["conv1.weight", "fc.bias"]})
    Match(dialect='theirs', pairs={'head.fc.bias': 'fc.bias'}, missing=['stem.conv1.weight'], unplaced=[])
    """
    given = list(theirs)
    matches = [_match(name, ours, given, dialect(ours)) for name, dialect in dialects.items()]
    return max(matches, key=lambda found: len(found.pairs))


def _match(dialect: str, ours: Sequence[str], given: list[str], called: list[str]) -> Match:
    known = set(given) if len(set(called)) == len(ours) else set()  # two tensors of one name: not spoken here
    pairs = {name: their for name, their in zip(ours, called, strict=True) if their in known}
    missing = [name for name in ours if name not in pairs and not is_counter(name)]
    placed = set(pairs.values())
    return Match(dialect, pairs, missing, [name for name in given if name not in placed and not is_counter(name)])


def is_counter(name: str) -> bool:
    """Whether a tensor only counts the steps of a training."""
    return name.rpartition(".")[2] in _COUNTERS
