"""What a network did with an example: which module called which, what each computed itself, and who read the result.

A tensor is known by its storage, so that a view, a slice or `x.data` counts as the tensor that it looks into.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef


class Storage(StorageWeakRef):
    """Where a tensor keeps its values, known without being kept: no other is ever equal to it."""

    __slots__ = ()

    def __init__(self, storage: torch.UntypedStorage) -> None:
        super().__init__(storage)  # type: ignore[no-untyped-call]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and bool(self.cdata == other.cdata)

    __hash__ = StorageWeakRef.__hash__

    def expired(self) -> bool:
        """Whether nobody holds it any more."""
        return bool(super().expired())  # type: ignore[no-untyped-call]


def storage_of(value: object) -> Storage | None:
    """What a tensor is known by; None for what is no tensor or, like a sparse one, keeps its values elsewhere."""
    if not isinstance(value, Tensor):
        return None
    try:
        return Storage(value.untyped_storage())
    except NotImplementedError:
        return None


class Place(NamedTuple):
    """How a tensor lies in its storage."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


def place_of(value: object) -> Place | None:
    """How a tensor lies; None for what has no storage."""
    if not isinstance(value, Tensor) or storage_of(value) is None:
        return None
    return Place(tuple(value.shape), value.stride(), int(value.storage_offset()))


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of torch: the storages of the tensors that it read, in order, and of the first that it made.

    `read_place` and `made_place` are those of the first of each; a `view` makes no values of its own. `training` says
    whether it was told to behave as in training.
    """

    name: str
    reads: tuple[Storage, ...]
    made: Storage | None
    read_place: Place | None
    made_place: Place | None
    view: bool
    training: bool


@dataclass(eq=False)
class Call:
    """One call of a module: what it was given first, what it called and computed itself, in order, what it returned."""

    module: nn.Module
    given: Storage | None
    steps: "list[Call | Operation]" = field(default_factory=list)
    returned: Storage | None = None


class Run:
    """The calls of a run in the order in which they began.

    The run holds what the network returned, and no other tensor: a storage that has expired has no owner left in it.
    """

    def __init__(self, calls: list[Call], output: object) -> None:
        self.calls = calls
        self._output = output
        self._readers: dict[Storage, list[Operation]] = defaultdict(list)
        self._origin: dict[Storage | None, tuple[Call, Operation]] = {}
        for call, step in _in_time(calls[:1]):
            if not step.view:
                self._origin[step.made] = (call, step)
            for storage in step.reads:
                self._readers[storage].append(step)

    def readers(self, storage: Storage) -> list[Operation]:
        """The operations that read a storage, in order, once for each time that they take it."""
        return self._readers.get(storage, [])

    def origin(self, storage: Storage) -> tuple[Call, Operation] | None:
        """The last operation that wrote to a storage, and the call that ran it; None if the network was given it."""
        return self._origin.get(storage)


def _in_time(calls: list[Call]) -> Iterator[tuple[Call, Operation]]:
    for call in calls:
        for step in call.steps:
            yield from ((call, step),) if isinstance(step, Operation) else _in_time([step])
