"""Run a network on one image without values and write down every operation that multiplies, pools or has parameters.

A dispatch mode sees the operations, however they were called; module hooks say which module each belongs to; an
operation's parameters are those whose storage it is given. Networks are run as in evaluation.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from striate.description.fields.follower import Follower
from striate.description.fields.reach import ReceptiveField
from striate.description.meta import MetaMode, NotFollowed, in_mode_of, meta_state, tensors_in
from striate.description.operations import (
    MULTIPLIES,
    POOLING,
    Arguments,
    Window,
    arguments_of,
    kind_of,
    kind_of_parameters,
    plain,
    window_of,
)
from striate.errors import SizeError


@dataclass(frozen=True)
class Operation:
    """One operation of one image: the module that it ran in ("" for the network's own forward), and what it makes.

    `parameters` are the names of those that it is the first to use, `weights_read` counts the values of all that it
    uses, `values_moved` the other values that it reads and writes. One that stands here for its parameters alone has no
    multiplies or activations.
    """

    module: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    window: Window | None
    parameters: tuple[str, ...]
    multiplies: int
    activations: int
    weights_read: int
    values_moved: int
    field: ReceptiveField | None


@dataclass(frozen=True)
class Module:
    """A module's class, and what it gave when it last ran."""

    kind: str
    output: tuple[int, ...]
    field: ReceptiveField | None


@dataclass(frozen=True)
class Trace:
    """The operations in the order they run, the modules by name, and by name what was not counted or followed."""

    image_field: ReceptiveField | None
    operations: tuple[Operation, ...]
    modules: dict[str, Module]
    not_counted: tuple[str, ...]
    not_followed: tuple[str, ...]
    fields_lost: tuple[str, ...]


def trace(network: nn.Module, image_shape: tuple[int, ...]) -> Trace:
    """What the network does with one image (C, *size).

    Raises SizeError if the network cannot take the shape; the sentence names the module.
    """
    state = meta_state(network)
    with torch.inference_mode(False):
        image = torch.empty((1, *image_shape), device="meta")
    recorder = _Recorder(image, dict(network.named_parameters(remove_duplicate=True)).keys(), state)
    stopped: list[str] = []
    with in_mode_of(network, training=False), _named(network, recorder), torch.inference_mode(False), torch.no_grad():
        try:
            with recorder:
                functional_call(network, state, image)
        except NotFollowed as stop:
            stopped.append(f"{stop}; what comes after is not in the table")
        except SizeError as error:
            raise SizeError(f"the network cannot take {_shape_text(image_shape)}: {error}") from error
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise SizeError(
                f"the network cannot take {_shape_text(image_shape)}: in {recorder.place()}, {reason}"
            ) from error
    return Trace(
        recorder.follower.field(image),
        tuple(recorder.operations),
        recorder.modules,
        tuple(recorder.not_counted),
        (*recorder.assumed, *stopped),
        tuple(recorder.follower.lost),
    )


def _shape_text(image_shape: Sequence[int]) -> str:
    channels, *size = image_shape
    return f"an image of {channels} channel{'s' * (channels != 1)} and {'×'.join(map(str, size))} pixels"


class _Recorder(MetaMode):  # type: ignore[no-untyped-call]
    """Writes down operations; `stack` holds the names of the modules that are running."""

    def __init__(self, image: Tensor, names: Any, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.stack = [""]
        self.operations: list[Operation] = []
        self.modules: dict[str, Module] = {}
        self.not_counted: dict[str, None] = {}  # ordered, without repetition
        self.follower = Follower(image)
        self._axes = image.dim() - 2
        self._untold = {state[name].untyped_storage()._cdata: name for name in names}
        self._parameters = set(self._untold)

    def place(self) -> str:
        return self.stack[-1] or "its own forward"

    _place = place

    def leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        """The module on top of the stack is done."""
        name = self.stack.pop()
        if isinstance(output, Tensor):
            kind = type(module).__name__
            self.modules[name] = Module(kind, _of_one_image(output), self.follower.field(output))

    def _before(self, func: Any, args: Sequence[Any]) -> None:
        name = func.overloadpacket.__name__
        if name in _CHECKS:
            complaint = _CHECKS[name](arguments_of(func, tuple(args), {}))
            if complaint:
                raise SizeError(f"{self.place()} {complaint}")

    def _seen(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        name = func.overloadpacket.__name__
        arguments = arguments_of(func, args, kwargs)
        self.follower.follow(func, arguments, result)
        if func.is_view or name in _NOTHING:
            return
        kind = None if self._across_channels(name, arguments) else kind_of(name, arguments)
        used = [tensor.untyped_storage()._cdata for tensor in tensors_in(arguments.values())]
        if kind == "fully connected" and not self._parameters.intersection(used):
            kind = "matrix product"
        if kind is None or kind == "upsampling":
            self.not_counted[plain(name)] = None
        new = tuple(self._untold.pop(key) for key in used if key in self._untold)
        if kind is not None or new:
            self._write(name, arguments, result, kind, new)

    def _across_channels(self, name: str, arguments: Arguments) -> bool:
        """Whether a window slides over the channels alone, as in local response normalisation."""
        window = window_of(name, arguments)
        return window is not None and len(window.kernel) > self._axes and max(window.kernel[-self._axes :]) == 1

    def _write(self, name: str, arguments: Arguments, result: Any, kind: str | None, new: tuple[str, ...]) -> None:
        output = next(tensors_in((result,)))
        inputs = list(tensors_in(arguments.values()))
        weights = [tensor for tensor in inputs if tensor.untyped_storage()._cdata in self._parameters]
        maps = [tensor for tensor in inputs if tensor.untyped_storage()._cdata not in self._parameters]
        self.operations.append(
            Operation(
                module=self.stack[-1],
                kind=kind or kind_of_parameters(name),
                input=_of_one_image((maps or [output])[0]),
                output=_of_one_image(output),
                window=window_of(name, arguments) if kind else None,
                parameters=new,
                multiplies=MULTIPLIES[name](arguments, output) if name in MULTIPLIES else 0,
                activations=output.numel() if kind else 0,
                weights_read=sum(tensor.numel() for tensor in weights),
                values_moved=sum(tensor.numel() for tensor in (*maps, output)),
                field=self.follower.field(output),
            )
        )


_NOTHING = {"_unsafe_view", "clone", "_to_copy", "empty_like", "zeros_like", "ones_like", "copy_", "fill_", "zero_"}
_NOTHING |= {
    "new_empty",
    "new_zeros",
    "new_ones",
    "new_full",
    "empty",
    "zeros",
    "ones",
    "full",
    "arange",
    "cat",
    "stack",
}


def _channels(arguments: Arguments) -> str | None:
    maps, kernel, groups = arguments["input"], arguments["weight"], arguments["groups"]
    taken = kernel.shape[0] if arguments["transposed"] else kernel.shape[1] * groups
    if maps.dim() == kernel.dim() and maps.shape[1] != taken:
        given = maps.shape[1]
        return f"takes {taken} channels and is given {given}: pass in_channels={taken}, or build it for {given}"
    return None if arguments["transposed"] else _fits("convolution", arguments, maps)


def _fits(name: str, arguments: Arguments, maps: Tensor) -> str | None:
    """What is wrong where a window is larger than the padded map."""
    window = window_of(name, arguments)
    if window is None or maps.dim() != len(window.kernel) + 2:
        return None
    shape = tuple(maps.shape[2:])
    reach = [d * (f - 1) + 1 for f, d in zip(window.kernel, window.dilation, strict=True)]
    if all(w + 2 * p >= r for w, p, r in zip(shape, window.padding, reach, strict=True)):
        return None
    left = "×".join(map(str, shape))
    return f"slides a window of {'×'.join(map(str, reach))} and gets a map of {left}, which is smaller"


def _pooled(name: str, arguments: Arguments) -> str | None:
    return _fits(name, arguments, arguments["self"])


def _inner(left: str, right: str, arguments: Arguments) -> str | None:
    maps, weights = arguments[left], arguments[right]
    if maps.shape[-1] == weights.shape[-2]:
        return None
    return f"takes {weights.shape[-2]} values and is given {maps.shape[-1]}: the network is made for another image size"


_CHECKS: dict[str, Callable[[Arguments], str | None]] = {
    "convolution": _channels,
    "addmm": lambda arguments: _inner("mat1", "mat2", arguments),
    "mm": lambda arguments: _inner("self", "mat2", arguments),
    **{name: partial(_pooled, name) for name in POOLING},
}


def _of_one_image(output: Tensor) -> tuple[int, ...]:
    """The shape without its batch dimension, where there is one."""
    return tuple(output.shape[1:] if output.dim() and len(output) == 1 else output.shape)


@contextmanager
def _named(network: nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Let the recorder know which module is running."""
    handles = []
    for name, module in network.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(lambda *_, name=name: recorder.stack.append(name)))
            handles.append(module.register_forward_hook(recorder.leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
