"""A network is run on an example, and what its modules do is written down.

Module hooks tell who runs, a dispatch mode tells what is computed, however it was called.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from striate.layers.calls import Call, Operation, Run, Storage, place_of, storage_of


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
            return Run(recorder.calls, network(*copied(example)))


def copied(example: tuple[Any, ...]) -> tuple[Any, ...]:
    """The example, whose tensors a network may write to."""
    copies: tuple[Any, ...] = tree_map_only(Tensor, torch.clone, example)
    return copies


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
            read, made = (
                next(filter(torch.is_tensor, tree_leaves(values)), None) for values in ((args, kwargs), result)
            )
            name = func.overloadpacket.__name__
            step = Operation(
                name,
                reads,
                storage_of(made),
                place_of(read),
                place_of(made),
                view=func.is_view or name == "_unsafe_view",
                training=settings.get("training") is True,
            )
            self._running[-1].steps.append(step)
        return result


def _storages(values: object) -> tuple[Storage, ...]:
    return tuple(filter(None, map(storage_of, tree_leaves(values))))
