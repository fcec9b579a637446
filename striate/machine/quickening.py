"""A network for training steps that shares all numbers with the one it was made of, and takes fewer turns over them.

Its containers are copies that hold the same parameters, buffers, hooks and layers under the same names; what differs is
how they run: ReLU(BN(x)) in a chain, ReLU(change(x) + x) in a residual unit, and BN elsewhere are one operation each
(normalised.py). A forward that is not known for one of these is run as it is. Before a step the copies take over what
was set on the network itself, and afterwards give back what their forwards have set.
"""

import operator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node, Tracer
from torch.nn.modules import module as all_hooks

from striate.machine.compiled import kernels
from striate.machine.normalised import normalised

_OWN = ("_modules", "forward", "train")  # what a copy does not share with its original
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def quickened(network: nn.Module) -> nn.Module:
    """A network of the same class and names for training; the network itself if there is nothing to be gained."""
    if not any(type(layer) is nn.BatchNorm2d for layer in network.modules()) or kernels() is None:
        return network
    copies: dict[nn.Module, nn.Module] = {}
    quick = _copied(network, copies)
    if quick is not network:
        pairs = list(copies.items())
        vars(quick)["forward"] = _Mirrored(quick.forward, [(one, two) for one, two in pairs if one is not two])
    return quick


class _Mirrored:
    """The forward of a whole quick network: originals and copies have the same attributes before and after it."""

    def __init__(self, forward: Any, pairs: list[tuple[nn.Module, nn.Module]]) -> None:
        self._forward = forward
        self._pairs = pairs

    def __call__(self, *given: Any, **options: Any) -> Any:
        for original, copy in self._pairs:
            _hand_over(original, copy)
        try:
            return self._forward(*given, **options)
        finally:
            for original, copy in self._pairs:
                _hand_over(copy, original)


def _hand_over(giver: nn.Module, taker: nn.Module) -> None:
    vars(taker).update((name, value) for name, value in vars(giver).items() if name not in _OWN)


class _Training:
    """The `train` of a copy: its original is in the same mode."""

    def __init__(self, original: nn.Module, copy: nn.Module) -> None:
        self._original = original
        self._copy = copy

    def __call__(self, mode: bool = True) -> nn.Module:
        self._original.train(mode)
        for part in self._copy.modules():
            vars(part)["training"] = mode
        return self._copy


def _copied(module: nn.Module, copies: dict[nn.Module, nn.Module]) -> nn.Module:
    """The module with whatever is quicker in it; itself if nothing is, or its forward is not an ordinary one."""
    if module not in copies:
        copies[module] = module
        if type(module).__module__.startswith(("torch.jit", "torch.nn.parallel")) or "forward" in vars(module):
            return module
        parts = {name: part and _copied(part, copies) for name, part in module._modules.items()}
        if type(module) is nn.BatchNorm2d or any(parts[name] is not part for name, part in module._modules.items()):
            copies[module] = _copy(module, parts)
    return copies[module]


def _copy(module: nn.Module, parts: dict[str, Any]) -> nn.Module:
    copy = object.__new__(type(module))
    vars(copy).update(vars(module))
    vars(copy)["_modules"] = parts
    vars(copy)["train"] = _Training(module, copy)
    if type(module) is nn.BatchNorm2d:
        vars(copy)["forward"] = partial(normalised, module)
    elif type(module).forward is nn.Sequential.forward:
        vars(copy)["forward"] = _Chain(list(parts.values()), list(module._modules.values()))
    elif (names := _residual(copy)) is not None:
        change, shortcut, relu = names
        vars(copy)["forward"] = _Residual(parts[change], parts[shortcut] if shortcut else None, parts[relu])
    return copy


class _Norm:
    """Batch normalisation, and ReLU if there is one; as they are if somebody watches them."""

    def __init__(self, norm: nn.BatchNorm2d, relu: nn.Module | None = None) -> None:
        self.norm = norm
        self.relu = relu

    def __call__(self, maps: Tensor, addend: Tensor | None = None) -> Tensor:
        if not _watched(self.norm) and not (self.relu and _watched(self.relu)):
            return normalised(self.norm, maps, addend, rectified=self.relu is not None)
        result = self.norm(maps) if addend is None else self.norm(maps) + addend
        return self.relu(result) if self.relu else result  # type: ignore[no-any-return]


class _Chain:
    """The forward of nn.Sequential: one layer after another, BN and ReLU in one step."""

    def __init__(self, parts: list[Any], originals: list[Any]) -> None:
        self.steps: list[Any] = []
        for part, original in zip(parts, originals, strict=True):
            last = self.steps[-1] if self.steps else None
            if type(original) is nn.ReLU and isinstance(last, _Norm) and last.relu is None:
                self.steps[-1] = _Norm(last.norm, original)
            else:
                self.steps.append(_Norm(original) if type(original) is nn.BatchNorm2d else part)

    def __call__(self, maps: Any) -> Any:
        for step in self.steps:
            maps = step(maps)
        return maps


class _Residual:
    """ReLU(change(x) + shortcut(x)), where the change ends in BN; without a shortcut x itself is added."""

    def __init__(self, change: nn.Module, shortcut: nn.Module | None, relu: nn.Module) -> None:
        self._change = change
        self._shortcut = shortcut
        self._relu = relu

    def __call__(self, maps: Tensor) -> Tensor:
        chain = vars(self._change)["forward"]
        if not isinstance(chain, _Chain) or _watched(self._change):
            changed = self._change(maps)
            return self._relu(changed + self._kept(maps))  # type: ignore[no-any-return]
        changed = maps
        for step in chain.steps[:-1]:
            changed = step(changed)
        return _Norm(chain.steps[-1].norm, self._relu)(changed, self._kept(maps))

    def _kept(self, maps: Tensor) -> Tensor:
        return maps if self._shortcut is None else self._shortcut(maps)


def _residual(unit: nn.Module) -> tuple[str, str | None, str] | None:
    """The names of change, shortcut and ReLU, if a unit's forward is what `_Residual` does, in either mode."""
    parts = unit._modules.values()
    if not any(type(part) is nn.ReLU for part in parts) or not any(map(_ends_in_norm, parts)) or len(parts) > 3:
        return None
    before = unit.training
    found = []
    for vars(unit)["training"] in (not before, before):
        found.append(_names(_operations(unit)))
    return found[0] if found[0] == found[1] and found[0] and _ends_in_norm(getattr(unit, found[0][0])) else None


def _ends_in_norm(part: nn.Module | None) -> bool:
    chain = vars(part).get("forward") if part else None
    return isinstance(chain, _Chain) and isinstance(chain.steps[-1], _Norm) and chain.steps[-1].relu is None


class _OneLevel(Tracer):
    """Writes down what a forward does itself, not what its parts do."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - torch's signature
        return True


def _operations(unit: nn.Module) -> list[Node]:
    """The operations of a forward in order; none of one that cannot be written down without values."""
    before = dict(vars(unit))
    try:
        return list(_OneLevel().trace(unit).nodes)
    except Exception:  # whatever somebody's forward raises when it is given a symbol
        return []
    finally:
        vars(unit).clear()
        vars(unit).update(before)


def _names(nodes: list[Node]) -> tuple[str, str | None, str] | None:
    """Change, shortcut and ReLU of a forward that is no more than they say; None for another."""
    calls = [str(node.target) for node in nodes if node.op == "call_module"]
    if len(nodes) != len(calls) + 3 or not 2 <= len(calls) <= 3:
        return None
    maps, change, *shortcuts, added, relu, output = nodes
    kept = shortcuts[0] if shortcuts else maps
    chained = [change.args, *(node.args for node in shortcuts), added.args, relu.args, output.args]
    expected = [(maps,), *((maps,) for _ in shortcuts), (change, kept), (added,), (relu,)]
    adds = added.op == "call_function" and added.target in (operator.add, torch.add) and not added.kwargs
    if maps.op != "placeholder" or not adds or chained != expected:
        return None
    return calls[0], calls[1] if shortcuts else None, calls[-1]


def _watched(module: nn.Module) -> bool:
    """Whether somebody sees what the module takes or gives."""
    return any(getattr(module, name) or getattr(all_hooks, f"_global{name}") for name in _HOOKS)
