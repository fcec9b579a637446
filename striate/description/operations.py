"""What is known of each of torch's operations: its kind, the window it slides, and how many multiplies it takes.

An operation is known by its name in torch.ops.aten; its arguments by the names of its schema.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from striate.arithmetic.counts import convolution_multiplies, matrix_multiplies

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """What a convolution or a pooling slides over its maps; one number for each axis of the maps."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    ceil: bool = False
    transposed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        parts = [_sizes(self.kernel)]
        if max(self.stride) > 1:
            parts.append(f"/{_sizes(self.stride, short=True)}")
        if max(self.padding):
            parts.append(f" pad {_sizes(self.padding, short=True)}")
        if max(self.dilation) > 1:
            parts.append(f" dilation {_sizes(self.dilation, short=True)}")
        if self.groups > 1:
            parts.append(f" groups {self.groups}")
        return "".join(parts) + (" ceil" if self.ceil else "")


def _sizes(values: tuple[int, ...], *, short: bool = False) -> str:
    return str(values[0]) if short and len(set(values)) == 1 else "×".join(map(str, values))


def arguments_of(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an operation by name, defaults included."""
    named = dict(kwargs)
    for position, argument in enumerate(func._schema.arguments):
        if position < len(args):
            named[argument.name] = args[position]
        elif argument.name not in named:
            named[argument.name] = argument.default_value
    return named


def window_of(name: str, arguments: Arguments) -> Window | None:
    """The window of a convolution or of a pooling of fixed size; None for other operations."""
    if name == "convolution":
        kernel = tuple(arguments["weight"].shape[2:])
        more = {"groups": arguments["groups"], "transposed": arguments["transposed"]}
    elif name in POOLING and "kernel_size" in arguments:
        axes = int(name.partition("pool")[2][0])
        kernel = _each(arguments["kernel_size"], axes)
        more = {"ceil": arguments["ceil_mode"]}
    else:
        return None
    axes = len(kernel)
    stride = _each(arguments["stride"], axes) or kernel
    return Window(kernel, stride, _each(arguments["padding"], axes), _each(arguments.get("dilation", 1), axes), **more)


def _each(value: int | list[int], axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def _convolution(arguments: Arguments, output: Tensor) -> int:
    images, kernel = arguments["input"], arguments["weight"]
    positions = images if arguments["transposed"] else output
    return convolution_multiplies(kernel.shape, positions.shape[2:], batch=len(images))


def _matrices(left: str, right: str) -> Callable[[Arguments, Tensor], int]:
    def multiplies(arguments: Arguments, _output: Tensor) -> int:
        a, b = arguments[left], arguments[right]
        rows = a.shape[-2] if a.dim() > 1 else 1
        columns = b.shape[-1] if b.dim() > 1 else 1
        return matrix_multiplies(rows, a.shape[-1], columns, batch=prod(a.shape[:-2]))

    return multiplies


def _attention(arguments: Arguments, _output: Tensor) -> int:
    """Scores Q Kᵀ, and their product with V."""
    query, key, value = arguments["query"], arguments["key"], arguments["value"]
    batch, rows, columns = prod(query.shape[:-2]), query.shape[-2], key.shape[-2]
    return matrix_multiplies(rows, query.shape[-1], columns, batch) + matrix_multiplies(
        rows, columns, value.shape[-1], batch
    )


def _bilinear(arguments: Arguments, _output: Tensor) -> int:
    """For each of the K outputs x A y: x A, and its product with y."""
    rows = prod(arguments["i1"].shape[:-1])
    outputs, inner, columns = arguments["i2"].shape  # (K, rows of A, columns of A)
    return matrix_multiplies(rows, inner, columns, outputs) + matrix_multiplies(rows, columns, 1, outputs)


MULTIPLIES: dict[str, Callable[[Arguments, Tensor], int]] = {
    "convolution": _convolution,
    "mm": _matrices("self", "mat2"),
    "addmm": _matrices("mat1", "mat2"),
    "_addmm_activation": _matrices("mat1", "mat2"),
    "bmm": _matrices("self", "mat2"),
    "baddbmm": _matrices("batch1", "batch2"),
    "addbmm": _matrices("batch1", "batch2"),
    "mv": _matrices("self", "vec"),
    "addmv": _matrices("mat", "vec"),
    "dot": _matrices("self", "tensor"),
    "vdot": _matrices("self", "other"),
    "_trilinear": _bilinear,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "_scaled_dot_product_fused_attention_overrideable": _attention,
}
POOLING = {
    "avg_pool2d": "average pooling",
    "avg_pool3d": "average pooling",
    "max_pool2d_with_indices": "max pooling",
    "max_pool3d_with_indices": "max pooling",
    "_adaptive_avg_pool2d": "average pooling",
    "_adaptive_avg_pool3d": "average pooling",
    "adaptive_max_pool2d": "max pooling",
    "adaptive_max_pool3d": "max pooling",
}
_UPSAMPLING = {
    f"{prefix}{method}": "upsampling"
    for prefix in ("upsample_", "_upsample_")
    for method in (
        *(f"nearest{axes}d" for axes in (1, 2, 3)),
        *(f"nearest_exact{axes}d" for axes in (1, 2, 3)),
        *("linear1d", "bilinear2d", "trilinear3d", "bicubic2d", "bilinear2d_aa", "bicubic2d_aa"),
    )
}
_MATRIX_KINDS = {
    "mm": "fully connected",
    "addmm": "fully connected",
    "_addmm_activation": "fully connected",
    "addmv": "fully connected",
}
_NORMALISATION = {
    "native_batch_norm": "batch normalisation",
    "_native_batch_norm_legit": "batch normalisation",
    "_native_batch_norm_legit_no_training": "batch normalisation",
    "_batch_norm_impl_index": "batch normalisation",
    "native_layer_norm": "layer normalisation",
    "native_group_norm": "group normalisation",
}


def kind_of(name: str, arguments: Arguments) -> str | None:
    """The kind of a row: what makes activations or multiplies, in the field's words; None for what does neither."""
    if name == "convolution":
        return _kind_of_convolution(arguments)
    if name == "mean":
        return "average pooling" if _is_global_pooling(arguments) else None
    if name in MULTIPLIES:
        return _MATRIX_KINDS.get(name, "attention" if "attention" in name else "matrix product")
    return POOLING.get(name) or _UPSAMPLING.get(name)


def kind_of_parameters(name: str) -> str:
    """The kind of a row that stands there for its parameters alone: what it does, else torch's word for it."""
    return _NORMALISATION.get(name, plain(name))


def plain(name: str) -> str:
    """Torch's name of an operation without the marks of its variants.

    >>> plain("native_batch_norm"), plain("relu_"), plain("_softmax")
    ('batch_norm', 'relu', 'softmax')
    """
    return name.strip("_").removeprefix("native_")


def _kind_of_convolution(arguments: Arguments) -> str:
    groups, channels = arguments["groups"], arguments["input"].shape[1]
    what = "transposed convolution" if arguments["transposed"] else "convolution"
    return what if groups == 1 else f"depthwise {what}" if groups == channels else f"grouped {what}"


def _is_global_pooling(arguments: Arguments) -> bool:
    """Whether a mean is over the places of maps (N, C, …): so runs an adaptive average pooling to 1x1."""
    maps, dims = arguments["self"], arguments.get("dim")
    axes = maps.dim() - 2
    return axes > 0 and bool(dims) and {dim % maps.dim() for dim in dims or ()} == set(range(2, maps.dim()))
