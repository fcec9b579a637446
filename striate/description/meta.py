"""Networks on meta tensors: they have shapes and no values, so that nothing is allocated and nothing computed.

torch hands every operation, however it was called, to a dispatch mode. Some of its shape functions take a millisecond;
what an operation makes of given shapes is therefore asked once and remembered.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from striate.description import shapes
from striate.errors import SettingsError

_PATIENCE = 1_000  # times that one place may ask for a value


class NotFollowed(Exception):  # noqa: N818 - no error: the run ends here, and the card says so
    """An operation whose shape depends on the values of tensors."""


class MetaMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets operations run on meta tensors, and asks `_seen` to look at each with what it made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.assumed: dict[str, int] = {}  # what depends on values, and how often it was asked for
        self._overwritten: dict[int, Tensor] = {}  # by storage; kept, so that no storage comes twice
        self._made: dict[Any, list[shapes.Made | None] | shapes.Made] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the mode is never compiled, and keeping it from being so imports the whole compiler: 0.6 s

    def _before(self, func: Any, args: Sequence[Any]) -> None:
        """Look at an operation before it runs."""

    def _seen(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Look at an operation and at what it made."""

    def _place(self) -> str:
        return "its forward"

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = tensors_in(args) + tensors_in(kwargs.values()) if kwargs else tensors_in(args)
        if any(tensor.is_meta for tensor in tensors):
            if torch.Tag.data_dependent_output in func.tags:
                return self._assume(func, tensors)
            if not all(tensor.is_meta for tensor in tensors):
                self._written(func, tensors[0])
                args, kwargs = self._without_values(args), self._without_values(kwargs)
            self._before(func, args)
            try:
                result = self._run(func, args, kwargs)
            except RuntimeError as error:
                if torch.Tag.dynamic_output_shape not in func.tags:
                    raise
                name = func.overloadpacket.__name__
                raise NotFollowed(f"in {self._place()}, the shape that {name} makes of its values") from error
        else:
            result = func(*args, **kwargs)
        self._seen(func, args, kwargs, result)
        return result

    def _written(self, func: Any, target: Tensor) -> None:
        """A tensor with values that is written to without values has none any more."""
        if func._schema.is_mutable and not target.is_meta:
            self._overwritten[target.untyped_storage()._cdata] = target

    def _stands_for(self, tensor: Tensor, overwritten: bool) -> None:
        """Look at a tensor that takes the place of one with values, which may have been overwritten."""

    def _without_values(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if value.is_meta:
                return value
            empty = _empty_like(value, value.dtype)
            self._stands_for(empty, value.untyped_storage()._cdata in self._overwritten)
            return empty
        if isinstance(value, dict):
            return {key: self._without_values(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self._without_values, value))
        return value

    def _assume(self, func: Any, tensors: Sequence[Tensor]) -> bool | int | float:
        value: bool | int | float = 0.0 if tensors[0].is_floating_point() else 0
        if tensors[0].dtype is torch.bool or func.overloadpacket is torch.ops.aten.equal:
            value = False
        told = f"in {self._place()}, the value of a tensor, which was taken for {value}"
        self.assumed[told] = self.assumed.get(told, 0) + 1
        if self.assumed[told] > _PATIENCE:
            raise NotFollowed(f"in {self._place()}, a loop that waits for the value of a tensor")
        return value

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func.is_view or any(value.alias_info for value in func._schema.returns):
            return func(*args, **kwargs)
        key = (func, _signature(args), _signature(tuple(kwargs.items())))
        made = self._made.get(key)
        if made is None and kwargs.keys() <= {"alpha", "memory_format", "pin_memory"}:
            made = shapes.made_by(func.overloadpacket.__name__, args)
        if made is None:
            result = func(*args, **kwargs)
            if isinstance(result, Tensor):
                self._made[key] = shapes.of(result)
            elif isinstance(result, tuple) and all(part is None or isinstance(part, Tensor) for part in result):
                self._made[key] = [part if part is None else shapes.of(part) for part in result]
            return result
        self._made[key] = made
        if isinstance(made, list):
            return tuple(part if part is None else shapes.empty(part) for part in made)
        return shapes.empty(made)


def tensors_in(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among the arguments of an operation or its results, also in lists."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += tensors_in(value)
    return found


def meta_state(network: nn.Module, number_format: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The network's parameters and buffers by name without their values, the floats among them in the number format.

    Raises SettingsError for a lazy network, which has no shapes yet.
    """

    def meta(tensor: Tensor) -> Tensor:
        if is_lazy(tensor):
            raise SettingsError("a lazy module has no parameters yet: run one batch through the network first")
        kind = number_format if tensor.is_floating_point() else tensor.dtype
        return _empty_like(tensor, kind).requires_grad_(tensor.requires_grad)

    with torch.inference_mode(False):  # whose tensors do not tell of the operations that they are made of
        return {name: meta(tensor) for name, tensor in (*network.named_parameters(), *network.named_buffers())}


@contextmanager
def in_mode_of(network: nn.Module, *, training: bool) -> Iterator[None]:
    """The network in training or evaluation mode for a while; each of its modules goes back to its own after."""
    modes = {module: module.training for module in network.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it hides attention in one operation
    try:
        network.train(training)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in modes.items():
            module.training = mode


def _signature(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, (list, tuple)):
        return tuple([_signature(part) for part in value])
    return type(value), value  # 1, 1.0 and True are equal, and not the same


def _empty_like(tensor: Tensor, number_format: torch.dtype) -> Tensor:
    """The tensor on the meta device; of dense ones the shape says all, and asking for it is quick."""
    if tensor.is_contiguous():
        return torch.empty(tensor.shape, dtype=number_format, device="meta")
    return torch.empty_like(tensor, dtype=number_format, device="meta")
