"""Run a network on meta tensors and write down every operation that multiplies or makes activations.

torch hands every operation, however it was called, to a dispatch mode; module hooks say which module it belongs to.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from striate.arithmetic.counts import convolution_multiplies, matrix_multiplies
from striate.errors import SizeError

aten = torch.ops.aten


@dataclass(frozen=True)
class Operation:
    """One counted operation: the module it ran in ("" for the network itself) and what it makes of one image.

    A module that owns parameters but runs no counted operation, as batch normalisation, has one too, of its own kind,
    with neither multiplies nor activations.
    """

    module: str
    kind: str
    output: tuple[int, ...]
    multiplies: int
    activations: int


def _convolution(arguments: Sequence[Any], output: Tensor) -> int:
    images, kernel, transposed = arguments[0], arguments[1], arguments[6]
    return convolution_multiplies(kernel.shape, (images if transposed else output).shape[2:], batch=len(images))


def _matrix(arguments: Sequence[Any], _output: Tensor) -> int:
    left, right = arguments[-2], arguments[-1]
    return matrix_multiplies(left.shape[-2], left.shape[-1], right.shape[-1], batch=prod(left.shape[:-2]))


def _nothing(_arguments: Sequence[Any], _output: Tensor) -> int:
    return 0


RULES: dict[Any, Callable[[Sequence[Any], Tensor], int]] = {
    aten.convolution: _convolution,
    aten.addmm: _matrix,
    aten.mm: _matrix,
    aten.bmm: _matrix,
    aten.baddbmm: _matrix,
    aten.avg_pool2d: _nothing,
    aten.max_pool2d_with_indices: _nothing,
    aten._adaptive_avg_pool2d: _nothing,
    aten.adaptive_max_pool2d: _nothing,
    aten.mean: _nothing,
}
_SHAPES_ONLY = {aten.view, aten._unsafe_view, aten.t, aten.transpose, aten.permute, aten.expand, aten.detach}
_KIND = {
    "convolution": "convolution",
    "addmm": "fully connected",
    "mm": "fully connected",
    "avg_pool2d": "average pooling",
    "_adaptive_avg_pool2d": "average pooling",
    "mean": "average pooling",
    "adaptive_max_pool2d": "max pooling",
    "max_pool2d_with_indices": "max pooling",
}


def _is_pooling(arguments: Sequence[Any]) -> bool:
    """Whether a mean is over the places of maps (N, C, H, W): so runs an adaptive average pooling to 1x1."""
    return len(arguments) > 1 and arguments[0].dim() == 4 and set(arguments[1] or ()) in ({-1, -2}, {2, 3})


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down operations; `stack` holds the names of the modules that are running."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stack = [""]
        self.operations: list[Operation] = []
        self.uncounted: dict[str, None] = {}  # ordered, without repetition

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        packet = func.overloadpacket
        if packet in RULES and (packet is not aten.mean or _is_pooling(args)):
            output = result[0] if isinstance(result, tuple) else result
            kind = _KIND.get(packet.__name__, "matrix product")
            multiplies = RULES[packet](args, output)
            shape = _of_one_image(output)
            self.operations.append(Operation(self.stack[-1], kind, shape, multiplies, output.numel()))
        elif packet not in _SHAPES_ONLY:
            self.uncounted[packet.__name__] = None
        return result


def trace(network: nn.Module, image_shape: tuple[int, int, int]) -> tuple[list[Operation], list[str]]:
    """The counted operations of one image (C, H, W) in the order they run, and the names of those not counted.

    Raises SizeError if the network cannot take the shape; the sentence names the module.
    """
    with torch.inference_mode(False):  # whose tensors do not tell of the operations that they are made of
        image = torch.empty((1, *image_shape), device="meta")
        named = (*network.named_parameters(), *network.named_buffers())
        meta = {name: _meta(tensor) for name, tensor in named}
    recorder = _Recorder()
    modes = {module: module.training for module in network.modules()}
    with _named(network, recorder), torch.inference_mode(False), torch.no_grad(), recorder:
        try:
            network.eval()
            functional_call(network, meta, image)
        except (RuntimeError, ValueError, IndexError) as error:
            place = recorder.stack[-1] or "its own forward"
            shape = "×".join(map(str, image_shape))
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise SizeError(f"the network cannot take an image of {shape}: in {place}, {reason}") from error
        finally:
            for module, mode in modes.items():
                module.training = mode
    return recorder.operations, list(recorder.uncounted)


def _meta(tensor: Tensor) -> Tensor:
    """The tensor without its values; floats of any format as the image's, since only shapes count."""
    return torch.empty_like(tensor, device="meta", dtype=torch.float32 if tensor.is_floating_point() else None)


def _of_one_image(output: Tensor) -> tuple[int, ...]:
    """The shape without its batch dimension, where there is one."""
    return tuple(output.shape[1:] if output.dim() and len(output) == 1 else output.shape)


@contextmanager
def _named(network: nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Let the recorder know which module is running, and give modules their row that own parameters but had none."""

    def leave(module: nn.Module, _inputs: Any, output: Any) -> None:
        name = recorder.stack.pop()
        owns = any(True for _ in module.parameters(recurse=False))
        if owns and isinstance(output, Tensor) and all(operation.module != name for operation in recorder.operations):
            kind = type(module).__name__
            recorder.operations.append(Operation(name, kind, _of_one_image(output), multiplies=0, activations=0))

    handles = []
    for name, module in network.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(lambda *_, name=name: recorder.stack.append(name)))
            handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
