"""Run a network on one image without values and write down every operation that multiplies, pools or has parameters.

A dispatch mode sees the operations, however they were called; module hooks say which module each belongs to; an
operation's parameters are those whose storage it is given. Networks are run as in evaluation.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from striate.description.complaints import complaint_of
from striate.description.fields.follower import Follower
from striate.description.fields.reach import Reach, ReceptiveField
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
from striate.errors import SettingsError, SizeError, StriateError

FUNCTIONAL = "(functional)"  # the place of what the network's own forward calls


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
    """A module's class, and what it gave when it last ran; `reach` has the field of each unit of it."""

    kind: str
    output: tuple[int, ...]
    field: ReceptiveField | None
    reach: Reach | None = None


@dataclass(frozen=True)
class Map:
    """What an operation in a module makes that is a map (C, *sides) of more than one place."""

    module: str
    output: tuple[int, ...]
    field: ReceptiveField | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return vars(self) | {"field": self.field and self.field.to_dict()}


@dataclass(frozen=True)
class Trace:
    """The operations in the order they run, the modules by name, the last map, counted or not (as an addition), and by
    name what was not counted or followed.
    """

    image_field: ReceptiveField | None
    operations: tuple[Operation, ...]
    modules: dict[str, Module]
    last_map: Map | None
    not_counted: tuple[str, ...]
    not_followed: tuple[str, ...]
    fields_lost: tuple[str, ...]


def trace(network: nn.Module, image_shape: tuple[int, ...]) -> Trace:
    """What the network does with one image (C, *size).

    Raises SizeError if the network cannot take the shape; the sentence names the module.
    """
    state = meta_state(network)
    with torch.inference_mode(False):
        image = torch.empty((1, *image_shape), device="meta", dtype=torch.float32)
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
        except StriateError:
            raise
        except Exception as error:  # a forward may raise anything
            raise SizeError(f"the network cannot take {_shape_text(image_shape)}: {recorder.told(error)}") from error
    return Trace(
        recorder.follower.field(image),
        tuple(recorder.operations),
        recorder.modules,
        recorder.last_map,
        tuple(recorder.not_counted),
        (*recorder.assumed, *stopped),
        tuple(recorder.follower.lost),
    )


def _shape_text(image_shape: Sequence[int]) -> str:
    channels, *size = image_shape
    return f"an image of {channels} channel{'s' * (channels != 1)} and {'×'.join(map(str, size))} pixels"


class _Recorder(MetaMode):  # type: ignore[no-untyped-call]
    """Writes down operations; `stack` holds the names of the modules that are running."""

    def __init__(self, image: Tensor, names: Iterable[str], state: dict[str, Tensor]) -> None:
        super().__init__()
        self.stack = [""]
        self.operations: list[Operation] = []
        self.modules: dict[str, Module] = {}
        self.last_map: Map | None = None
        self.not_counted: dict[str, None] = {}  # ordered, without repetition
        self.follower = Follower(image)
        self._axes = image.dim() - 2
        self._raised_in = ""
        self._parameters: dict[int, str] = {state[name].untyped_storage()._cdata: name for name in names}
        self._untold = set(names)
        self._copies: list[Tensor] = []  # kept, so that no storage comes twice

    def _place(self) -> str:
        return self._raised_in or self.stack[-1] or "its own forward"

    def told(self, error: Exception) -> str:
        """Where the network raised an error, and its sentence."""
        said = str(error).partition("\n")[0]
        kind = "" if isinstance(error, RuntimeError | ValueError) and said else f"{type(error).__name__}: "
        guess = f" ({next(iter(self.assumed))})" if self.assumed else ""
        return f"in {self._place()}, {kind}{said}{guess}"

    def enter(self, name: str) -> None:
        """A module begins to run; whatever was raised before has been caught."""
        self.stack.append(name)
        self._raised_in = ""

    def leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        """The module on top of the stack is done."""
        name = self.stack.pop()
        if sys.exc_info()[1] is not None:
            self._raised_in = self._raised_in or name
        if isinstance(output, Tensor):
            kind = type(module).__name__
            field, reach = self.follower.field(output), self.follower.reach(output)
            self.modules[name] = Module(kind, _of_one_image(output), field, reach)

    def _before(self, func: Any, args: Sequence[Any]) -> None:
        complaint = complaint_of(func.overloadpacket.__name__, lambda: arguments_of(func, tuple(args), {}))
        if complaint:
            raise SizeError(f"{self._place()} {complaint}")

    def _seen(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        name = func.overloadpacket.__name__
        arguments = arguments_of(func, args, kwargs)
        self._raised_in = ""  # whatever was raised before has been caught
        self.follower.follow(func, arguments, result)
        self._look_for_a_map(result)
        if func.is_view or (name in _COPYING and self._copied(arguments["self"], result)):
            return
        kind = None if self._across_channels(name, arguments) else kind_of(name, arguments)
        used = [name for name in map(self._parameter, tensors_in(arguments.values())) if name]
        if kind == "fully connected" and not used:
            kind = "matrix product"
        if name not in _NOTHING and (kind is None or kind == "upsampling"):
            self.not_counted[plain(name)] = None
        new = tuple(dict.fromkeys(parameter for parameter in used if parameter in self._untold))
        self._untold.difference_update(new)
        if kind is not None or new:
            self._write(name, arguments, result, kind, new)

    def _stands_for(self, tensor: Tensor, overwritten: bool) -> None:
        if overwritten:
            self.follower.overwritten(tensor, "copy")

    def _look_for_a_map(self, result: Any) -> None:
        made = result[0] if isinstance(result, tuple) and result else result
        if isinstance(made, Tensor) and made.dim() == self._axes + 2 and max(made.shape[2:]) > 1:
            self.last_map = Map(self.stack[-1] or FUNCTIONAL, _of_one_image(made), self.follower.field(made))

    def _parameter(self, tensor: Tensor) -> str:
        """The name of the parameter that the tensor is, or is a part or a copy of; "" if none."""
        return self._parameters.get(tensor.untyped_storage()._cdata, "")

    def _copied(self, source: Tensor, copy: Tensor) -> bool:
        """Let the copy of a parameter, also in another number format, stand for it."""
        name = self._parameter(source)
        if name:
            self._parameters[copy.untyped_storage()._cdata] = name
            self._copies.append(copy)
        return bool(name)

    def _across_channels(self, name: str, arguments: Arguments) -> bool:
        """Whether a window slides over the channels alone, as in local response normalisation."""
        window = window_of(name, arguments) if name in POOLING else None
        return window is not None and len(window.kernel) > self._axes and max(window.kernel[-self._axes :]) == 1

    def _write(self, name: str, arguments: Arguments, result: Any, kind: str | None, new: tuple[str, ...]) -> None:
        output = tensors_in((result,))[0]
        inputs = tensors_in(arguments.values())
        weights = [tensor for tensor in inputs if self._parameter(tensor)]
        maps = [tensor for tensor in inputs if not self._parameter(tensor)]
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


_COPYING = {"clone", "_to_copy"}
_NOTHING = _COPYING | {"_unsafe_view", "empty_like", "zeros_like", "ones_like", "copy_", "fill_", "zero_"}
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


def _of_one_image(output: Tensor) -> tuple[int, ...]:
    """The shape without its batch dimension, where there is one."""
    return tuple(output.shape[1:] if output.dim() and len(output) == 1 else output.shape)


@contextmanager
def _named(network: nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Let the recorder know which module is running."""
    handles = []
    try:
        for name, module in network.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                raise SettingsError(
                    f"{name or 'the network'} is TorchScript, whose operations cannot be followed; describe the module "
                    "that it was made of"
                )
            if name:
                handles.append(module.register_forward_pre_hook(lambda *_, name=name: recorder.enter(name)))
                handles.append(module.register_forward_hook(recorder.leave, always_call=True))
        yield
    finally:
        for handle in handles:
            handle.remove()
