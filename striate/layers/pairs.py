"""Which batch norms can be merged into the layer before them, found by running the network and not by names.

Two modules are a pair if batch norm takes what the layer gave and nobody else does. Names and the order of registration
say nothing of that: a residual may tap the layer, a forward may call it twice, an activation may stand between.
"""

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from striate.errors import SettingsError
from striate.layers.calls import Call, Operation, Run, Storage, storage_of
from striate.layers.recording import run

Layer = _ConvNd | nn.Linear

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True)
class Pair:
    """The names of a convolution or fully connected layer and of the batch norm that can be merged into it."""

    layer: str
    norm: str


def foldable(network: nn.Module, *example: Tensor) -> list[Pair]:
    """The pairs that `fold` would merge, in the order in which the batch norms run on the example.

    A batch norm that is in no pair stays. It may stand before its layer (pre-activation) or behind an activation or a
    second batch norm, have no running statistics, be called twice or not at all; its layer may be called twice, share
    its weight, be parametrised or of a class with a forward of its own, or give its output to somebody else too; either
    may have hooks, which must see what they have always seen. Batch norm may take its layer's output as another view of
    all of it, as by `flatten`, but not several outputs behind one another, as by `torch.cat`. In a part that is
    scripted, traced or exported there are no modules any more, and so no pairs: fold first.

    Raises SettingsError for what is no module, for a scripted or traced network, for one that cannot be copied, and for
    an example without values. Errors that the network itself raises on the example come through.

    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8))
    >>> foldable(network, torch.zeros(1, 3, 32, 32))
    [Pair(layer='0', norm='1')]
    """
    copied = in_evaluation(network)
    names = {module: name for name, module in copied.named_modules()}
    return [Pair(names[layer], names[norm]) for layer, norm in pairs_of(copied, example)]


def in_evaluation(network: nn.Module) -> nn.Module:
    """A copy of the network in evaluation mode, without torch.compile; raises SettingsError if there can be none."""
    if not isinstance(network, nn.Module):
        raise SettingsError(f"the network is a {type(network).__name__}; expected a module of torch")
    bare: nn.Module = getattr(network, "_orig_mod", network)
    if isinstance(bare, torch.jit.ScriptModule):
        raise SettingsError("the network is scripted or traced, and its modules are gone: fold it before that")
    try:
        with torch.inference_mode(False):
            return deepcopy(bare).eval()
    except (RuntimeError, TypeError, ValueError) as error:  # what torch and Python raise for what cannot be copied
        why = str(error).partition(". ")[0]
        raise SettingsError(
            f"the network cannot be copied ({why}): run lazy modules once first, and take away old weight norms and "
            "whatever it holds of a run"
        ) from error


def pairs_of(network: nn.Module, example: tuple[Tensor, ...]) -> list[tuple[Layer, _BatchNorm]]:
    """The modules of the pairs of a network that is in evaluation mode."""
    for values in filter(torch.is_tensor, example):
        if not values.numel():
            raise SettingsError(f"the example is {tuple(values.shape)}, without values; expected one image at least")
    seen = run(network, example)
    return [pair for call in seen.calls if (pair := _pair(call, seen))]


def _pair(call: Call, seen: Run) -> tuple[Layer, _BatchNorm] | None:
    norm, operation = call.module, _normalising(call)
    if not isinstance(norm, _BatchNorm) or operation is None or has_hooks(norm):
        return None
    once = all(seen.readers(number) == [operation] for number in _numbers(norm))
    layer = _layer_before(operation, seen)
    return (layer, norm) if layer and once else None


def _normalising(norm: Call) -> Operation | None:
    """The operation that is all that a batch norm does, other than to call its children one after another."""
    match norm.steps:
        case [Operation(training=False) as operation, *rest] if "batch_norm" in operation.name:
            after = [step for step in rest if isinstance(step, Call)]
            handed_on = [operation.made, *(call.returned for call in after)]
            in_turn = [call.module for call in after] == list(norm.module.children()) and len(after) == len(rest)
            chained = handed_on == [*(call.given for call in after), norm.returned]
            own = set(_numbers(norm.module)) == set(operation.reads[1:])
            return operation if in_turn and chained and own else None
    return None


def _layer_before(operation: Operation, seen: Run) -> Layer | None:
    """The layer whose output the operation alone reads, if it can take over other numbers."""
    output = operation.reads[0]
    call, made = seen.origin(output) or (None, None)
    if call is None or made is None or not isinstance(layer := call.module, Layer) or has_hooks(layer):
        return None
    readers = seen.readers(output)
    nobody_else = readers[-1] is operation and _handed_on([made, *readers])
    kept = not output.expired()  # who keeps it may read it later
    once = all(reader in call.steps for number in _numbers(layer) for reader in seen.readers(number))
    takes = nobody_else and not kept and _takes_channels(operation, made, 1 - layer.weight.dim())
    return layer if takes and once and _has_forward_of_torch(layer) else None


def _handed_on(steps: list[Operation]) -> bool:
    """Whether each step takes what the one before it made, and those between the ends only look at it in other ways."""
    looks = (step.view and step.read_place != step.made_place for step in steps[1:-1])
    return all(looks) and all(one.made_place == other.read_place for one, other in pairwise(steps))


def _takes_channels(norm: Operation, made: Operation, axis: int) -> bool:
    """Whether batch norm takes all that was made, and for channels that axis of it; counted from the last one."""
    if norm.read_place is None or made.made_place is None:
        return False
    shape, strides, _ = made.made_place
    taken, steps, _ = norm.read_place
    return prod(taken) == prod(shape) and (taken[1], steps[1]) == (shape[axis], strides[axis])


def _has_forward_of_torch(layer: Layer) -> bool:
    """Whether a layer will use what it gets: another forward, or a parametrisation, may change it or forget a bias."""
    return type(layer).__module__.startswith("torch.nn.modules.") and "forward" not in vars(layer)


def has_hooks(module: nn.Module) -> bool:
    """Whether somebody looks at what the module takes or gives."""
    return any(getattr(module, hooks) for hooks in _HOOKS)


def _numbers(module: nn.Module) -> list[Storage]:
    """The weight, the bias and the running statistics that a module has."""
    found = (getattr(module, name, None) for name in ("weight", "bias", "running_mean", "running_var"))
    return list(filter(None, map(storage_of, found)))
