"""What a network does with an example: which module called which, what each computed itself, and who read the result.

Module hooks tell who runs, a dispatch mode tells what is computed, however it was called. A tensor is known by its
storage, so that a view, a slice or `x.data` counts as the tensor that it looks into.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


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


class Place(NamedTuple):
    """How a tensor lies in its storage."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of torch: the storages of the tensors that it read, in order, and of the first that it made.

    `taken` and `given` say how the first read and the first made lie there; a `view` makes no values of its own.
    `training` says whether it was told to behave as in training.
    """

    name: str
    reads: tuple[Storage, ...]
    made: Storage | None
    taken: Place | None
    given: Place | None
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
        for call in calls:
            for step in call.steps:
                if isinstance(step, Operation):
                    if not step.view:
                        self._origin[step.made] = (call, step)
                    for storage in step.reads:
                        self._readers[storage].append(step)

    def readers(self, storage: Storage) -> list[Operation]:
        """The operations that read a storage, once for each time that they take it."""
        return self._readers.get(storage, [])

    def origin(self, storage: Storage) -> tuple[Call, Operation] | None:
        """An operation that wrote to a storage, and the call that ran it; None if the network was given it."""
        return self._origin.get(storage)


def run(network: nn.Module, example: tuple[Tensor, ...]) -> Run:
    """Run the network once, without gradients; an error of its own comes through."""
    recorder = _Recorder()
    with ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # takes no hooks: what it computes counts for the module that calls it
            hooks.callback(module.register_forward_pre_hook(recorder.begin, prepend=True).remove)
            hooks.callback(module.register_forward_hook(recorder.end, always_call=True).remove)
        with as_it_stands(), recorder:
            return Run(recorder.calls, network(*example))


@contextmanager
def as_it_stands() -> Iterator[None]:
    """Without gradients and, if a part was given to torch.compile, without compiling it."""
    with ExitStack() as settings:
        settings.enter_context(torch.inference_mode(False))
        settings.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules:  # importing the compiler costs 1.6 s, and nothing compiles without it
            settings.enter_context(torch.compiler.set_stance("force_eager"))
        yield


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down calls and operations; the last of `running` is the module whose forward runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._running: list[Call] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the mode is never compiled, and keeping it from being so imports the whole compiler: 1.6 s

    def begin(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        call = Call(module, storage_of(inputs[0]) if inputs else None)
        if self._running:
            self._running[-1].steps.append(call)
        self.calls.append(call)
        self._running.append(call)

    def end(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        self._running.pop().returned = storage_of(output)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        reads = _storages((args, kwargs))
        if reads and self._running:
            settings = dict(zip((argument.name for argument in func._schema.arguments), args, strict=False))
            made, taken = _first_tensor(result), _first_tensor((args, kwargs))
            name = func.overloadpacket.__name__
            view = func.is_view or name == "_unsafe_view"
            step = Operation(name, reads, storage_of(made), _place(taken), _place(made), view, settings.get("training") is True)
            self._running[-1].steps.append(step)
        return result


def _first_tensor(values: object) -> Tensor | None:
    return next((leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)), None)


def _place(tensor: Tensor | None) -> Place | None:
    if tensor is None or storage_of(tensor) is None:
        return None
    return Place(tuple(tensor.shape), tensor.stride(), tensor.storage_offset())


def _storages(values: object) -> tuple[Storage, ...]:
    return tuple(filter(None, map(storage_of, tree_leaves(values))))


def storage_of(value: object) -> Storage | None:
    """What a tensor is known by; None for what is no tensor or, like a sparse one, keeps its values elsewhere."""
    if not isinstance(value, Tensor):
        return None
    try:
        return Storage(value.untyped_storage())
    except NotImplementedError:
        return None
