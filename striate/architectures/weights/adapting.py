"""Tensors of a file made to fit: other classes, other channels, other forms of the same numbers, other number formats.

Each function takes tensors by our names, gives those that are to be loaded, and says in sentences what it did.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from striate.architectures.weights.files import few
from striate.architectures.weights.needs import Needs

Tensors = Mapping[str, Tensor]


def without_other_classes(tensors: Tensors, needed: Needs) -> tuple[dict[str, Tensor], list[str]]:
    """Without what belongs to classes, if the file has another number of them: that starts afresh."""
    ours, theirs = needed.declaration.num_classes, classes_in(tensors, needed)
    if theirs in (None, ours):
        return dict(tensors), []
    dropped = [name for name in needed.classes if name in tensors]
    kept = {name: tensor for name, tensor in tensors.items() if name not in dropped}
    return kept, [f"{few(dropped)}: the file has {theirs:,} classes, the network {ours:,}; drawn afresh"]


def with_our_channels(tensors: Tensors, needed: Needs) -> tuple[dict[str, Tensor], list[str]]:
    """The weights on the image made for our number of channels, as told.

    To one channel they are summed; to more they are repeated in turn and multiplied by theirs/ours, so that their sum
    stays if ours is a multiple of theirs: from 3 to 6, but neither from 3 to 2 nor from 3 to 4.
    """
    ours, theirs = needed.declaration.in_channels, channels_in(tensors, needed)
    if theirs in (None, ours):
        return dict(tensors), []
    names = [name for name, axis in needed.channels.items() if axis == 1 and _has(tensors, name, axis)]
    changed = {name: _recoloured(tensors[name], theirs, ours) for name in names}
    how = "summed" if ours == 1 else f"repeated in turn and multiplied by {theirs}/{ours}"
    return {**tensors, **changed}, [f"{few(list(changed))}: from {theirs} input channels to {ours}, {how}"]


def _recoloured(tensor: Tensor, theirs: int, ours: int) -> Tensor:
    """(O, theirs*V, ...) to (O, ours*V, ...)."""
    at_least = torch.promote_types(tensor.dtype, torch.float32)
    values = tensor.to(at_least).reshape(len(tensor), theirs, -1)  # (O, theirs, all of a channel)
    repeated = values[:, torch.arange(ours) % theirs] * (theirs / ours)  # (O, ours, all of a channel)
    recoloured = values.sum(dim=1) if ours == 1 else repeated
    return recoloured.reshape(len(tensor), tensor.shape[1] // theirs * ours, *tensor.shape[2:])


def in_our_form(tensors: Tensors, needed: Needs) -> tuple[dict[str, Tensor], list[str]]:
    """The same numbers in our shape: a matrix for the convolution that it is, or without sides of length 1."""
    formed = {
        name: tensor.reshape(needed.tensors[name].shape)
        for name, tensor in tensors.items()
        if _is_another_form(tensor.shape, needed.tensors[name].shape)
    }
    first = [f"{name} from {sides(tensors[name].shape)} to {sides(tensor.shape)}" for name, tensor in formed.items()]
    return {**tensors, **formed}, [f"{few(first, 1)}: the same numbers in another form"] if formed else []


def _is_another_form(given: torch.Size, ours: torch.Size) -> bool:
    """Whether two shapes hold the same numbers in the same order, row by row.

    >>> _is_another_form(torch.Size([4096, 512, 7, 7]), torch.Size([4096, 25088]))
    True
    >>> _is_another_form(torch.Size([192, 192, 1, 7]), torch.Size([192, 192, 7, 1]))
    False
    """
    if len(given) == len(ours) or given.numel() != ours.numel() or (*given, 1)[0] != (*ours, 1)[0]:
        return False
    return 2 in (len(given), len(ours)) or [side for side in given if side > 1] == [side for side in ours if side > 1]


def in_format_of(ours: Tensors, tensors: Tensors) -> tuple[dict[str, Tensor], list[str]]:
    """Floating-point numbers in the format of the network's tensors, where they have its shape."""
    changed: dict[str, list[str]] = {}
    given = dict(tensors)
    for name, tensor in tensors.items():
        wanted = ours[name].dtype
        fits = tensor.shape == ours[name].shape and tensor.dtype != wanted
        if fits and tensor.is_floating_point() and wanted.is_floating_point:
            given[name] = tensor.to(wanted)
            changed.setdefault(f"from {format_of(tensor.dtype)} to {format_of(wanted)}", []).append(name)
    return given, [f"{few(names, 1)}: {how}" for how, names in changed.items()]


def classes_in(tensors: Tensors, needed: Needs) -> int | None:
    """How many classes the tensors are for, if there are any that say so, and all say the same."""
    counts = {tensors[name].shape[axis] for name, axis in needed.classes.items() if _has(tensors, name, axis)}
    return counts.pop() if len(counts) == 1 else None


def channels_in(tensors: Tensors, needed: Needs) -> int | None:
    """How many channels of images the tensors are for, if there are any that say so, and all say the same."""
    counts = {
        tensors[name].shape[1] * needed.declaration.in_channels / needed.tensors[name].shape[1]
        for name, axis in needed.channels.items()
        if axis == 1 and _has(tensors, name, axis)
    }
    return int(min(counts)) if len(counts) == 1 and min(counts) >= 1 and min(counts) % 1 == 0 else None


def _has(tensors: Tensors, name: str, axis: int) -> bool:
    return name in tensors and tensors[name].dim() > axis and tensors[name].numel() > 0


def sides(shape: torch.Size) -> str:
    """64×3×7×7; of no sides, one number."""
    return "×".join(map(str, shape)) or "one number"


def format_of(dtype: torch.dtype) -> str:
    """float32."""
    return str(dtype).removeprefix("torch.")
