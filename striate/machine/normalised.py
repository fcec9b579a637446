"""Batch normalisation with what is added to it and ReLU as one operation: ReLU(BN(x) + addend), in half the turns.

torch reads and writes the maps 14 times for these three and their gradients; the kernels do so 8 times, and keep
nothing but the input and, with an addend, the output, which the next layer keeps anyway. Sums are added in double.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from striate.machine.compiled import kernels

_KINDS = {torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64"}
_WIDE = {torch.bfloat16: torch.float32, torch.float32: torch.float32, torch.float64: torch.float64}
_WORTH = 1 << 16  # values: on fewer the calls take the time


def normalised(norm: nn.BatchNorm2d, maps: Tensor, addend: Tensor | None = None, *, rectified: bool = False) -> Tensor:
    """norm(maps), plus addend, rectified; the statistics are kept as the module keeps them. All (N, C, H, W)."""
    if not _fits(norm, maps, addend):
        result = nn.BatchNorm2d.forward(norm, maps)
        result = result if addend is None else result + addend
        return result.relu() if rectified else result
    return _Normalise.apply(maps, addend, norm.weight, norm.bias, (norm, rectified))  # type: ignore[no-any-return, no-untyped-call]


def _fits(norm: nn.BatchNorm2d, maps: Tensor, addend: Tensor | None) -> bool:
    """Whether the kernels can take these, and it is worth it."""
    numbers = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    if maps.dtype not in _KINDS or type(maps) is not Tensor or maps.device.type != "cpu" or norm.momentum is None:
        return False
    if any(number is None or number.dtype != _WIDE[maps.dtype] or number.device.type != "cpu" for number in numbers):
        return False
    if maps.dim() != 4 or maps.numel() < max(_WORTH, 2 * norm.num_features) or maps.shape[1] != norm.num_features:
        return False  # one value for a channel is refused by torch
    others = () if addend is None else (addend,)
    alike = all(type(one) is Tensor and (one.dtype, one.shape) == (maps.dtype, maps.shape) for one in others)
    laid_out = all(one.is_contiguous(memory_format=torch.channels_last) for one in (maps, *others))
    return alike and laid_out and kernels() is not None


class _Normalise(torch.autograd.Function):
    """Forward and backward by the kernels; all maps lie channels last."""

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, addend: Tensor | None, weight: Tensor, bias: Tensor, how: tuple[nn.BatchNorm2d, bool]
    ) -> Tensor:
        norm, mask = how
        mean, variance = _own_statistics(norm, maps) if norm.training else _kept_statistics(norm)
        inverse = (variance.double() + norm.eps).rsqrt()  # (C,), as all numbers here
        factor = weight.double() * inverse
        offset = bias.double() - factor * mean.double()
        wide = [number.to(_WIDE[maps.dtype]) for number in (factor, offset, mean)]
        made = torch.empty_like(maps)
        _run("apply", maps, maps, addend, made, *wide[:2], *_extent(maps), int(mask))
        ctx.save_for_backward(maps, made if addend is not None else None, *wide, inverse)
        ctx.own, ctx.mask, ctx.added = norm.training, mask, addend is not None
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, made, factor, offset, mean, inverse = ctx.saved_tensors
        gradient = gradient.to(maps.dtype).contiguous(memory_format=torch.channels_last)
        kept = torch.empty_like(maps) if ctx.added and ctx.mask else None  # the gradient of what ReLU takes
        total, product = _sums(maps, None if kept is None else made, gradient, kept, (factor, offset, mean), ctx.mask)
        arrived = gradient if kept is None else kept
        spread = None
        if ctx.needs_input_grad[0]:
            rows = maps.numel() // maps.shape[1] if ctx.own else float("inf")
            rise = (-factor.double() * inverse.square() * product / rows).to(factor.dtype)
            shift = (-factor.double() * total / rows).to(factor.dtype)
            spread = torch.empty_like(maps)
            masked = int(ctx.mask and not ctx.added)
            numbers = (factor, offset, mean, rise, shift)
            _run("spread", maps, maps, arrived, spread, *numbers, *_extent(maps), masked)
        return (
            spread,
            arrived if ctx.added else None,
            (product * inverse).to(factor.dtype),
            total.to(factor.dtype),
            None,
        )


def _kept_statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None, "maps fit only where statistics are kept"
    assert norm.running_var is not None, "maps fit only where statistics are kept"
    return norm.running_mean, norm.running_var


def _own_statistics(norm: nn.BatchNorm2d, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel, in float64; those that are kept move towards them by the norm's momentum."""
    mean, variance = torch.empty(2, maps.shape[1], dtype=torch.float64)
    _run("statistics", maps, maps, *_extent(maps), _room(maps), mean, variance)
    rows, momentum = maps.numel() // maps.shape[1], norm.momentum or 0.0
    unbiased = variance * (rows / (rows - 1))
    for kept, new in zip(_kept_statistics(norm), (mean, unbiased), strict=True):
        kept.mul_(1 - momentum).add_(new.to(kept.dtype), alpha=momentum)
    norm.num_batches_tracked.add_(1)  # type: ignore[union-attr]
    return mean, variance


def _sums(
    maps: Tensor, made: Tensor | None, gradient: Tensor, passed: Tensor | None, numbers: tuple[Tensor, ...], mask: bool
) -> tuple[Tensor, Tensor]:
    """For each channel the sum of the gradient, and of its products with the maps less their mean, in float64."""
    total, product = torch.empty(2, maps.shape[1], dtype=torch.float64)
    sums = (_room(maps), total, product)
    _run("sums", maps, maps, made, gradient, passed, *numbers, *_extent(maps), int(mask), *sums)
    return total, product


def _run(name: str, maps: Tensor, *arguments: Tensor | int | None) -> None:
    compiled = kernels()
    assert compiled is not None, "maps fit only where there are kernels"
    compiled.call(f"{name}_{_KINDS[maps.dtype]}", *arguments)


def _extent(maps: Tensor) -> tuple[int, int, int]:
    """Rows, channels, threads."""
    return maps.numel() // maps.shape[1], maps.shape[1], torch.get_num_threads()


def _room(maps: Tensor) -> Tensor:
    """What each thread sums up in: two rows of doubles, and two of the accumulating format."""
    return torch.empty(4 * torch.get_num_threads() * maps.shape[1], dtype=torch.float64)
