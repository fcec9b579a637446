"""Bytes that a network holds at its worst moment, for inference and for a training step.

Forward and backward pass run as they are, on meta tensors. A tensor's storage counts from when it is made until
nothing refers to it, as in an allocator: so for inference it is the live set, and for training what autograd really
keeps. The optimizer's states stand beside them, and what it needs while it works on the largest weight. Attention is
the fused kernel's, which keeps no matrix of weights. Left out is what kernels use inside themselves: workspaces of
convolutions, rounding of sizes by allocators, the runtime's own memory.
"""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from striate.arithmetic.memory import NUMBER_FORMATS, OPTIMIZER_SCRATCH, OPTIMIZER_STATES
from striate.description.meta import MetaMode, in_mode_of, meta_state, tensors_in
from striate.errors import SettingsError, expect_whole


@dataclass(frozen=True)
class Conditions:
    """What memory is asked for: the images (C, *size) of a batch, the number format of everything, the optimizer."""

    image_shape: tuple[int, ...]
    batch: int = 1
    number_format: str = "float32"
    optimizer: str = "momentum"

    def __post_init__(self) -> None:
        if self.number_format not in tuple(NUMBER_FORMATS):
            raise SettingsError(f"number_format is {self.number_format!r}; expected one of {', '.join(NUMBER_FORMATS)}")
        if self.optimizer not in tuple(OPTIMIZER_STATES):
            raise SettingsError(f"optimizer is {self.optimizer!r}; expected one of {', '.join(OPTIMIZER_STATES)}")
        expect_whole("batch", self.batch, 1_000_000)
        expect_whole("in_channels", self.image_shape[0], 100_000)

    def images(self) -> Tensor:
        kind: torch.dtype = getattr(torch, self.number_format)
        with torch.inference_mode(False):
            return torch.empty((self.batch, *self.image_shape), device="meta", dtype=kind)


@dataclass(frozen=True)
class Memory:
    """Bytes at the worst moment; `training` is None where the network cannot be trained so, and `why_not` says why."""

    batch: int
    number_format: str
    optimizer: str
    inference: int | None
    training: int | None
    why_not: str = ""


def memory_of(network: nn.Module, conditions: Conditions) -> Memory:
    """What inference and a training step hold at the most."""
    found: list[int | None] = []
    why_not = ""
    for bytes_of in (inference_bytes, training_bytes):
        try:
            found.append(bytes_of(network, conditions))
        except Exception as error:  # a forward may raise anything, and only in training too
            found.append(None)
            why_not = why_not or str(error).partition("\n")[0] or type(error).__name__
    return Memory(conditions.batch, conditions.number_format, conditions.optimizer, found[0], found[1], why_not)


class _Ledger(MetaMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of storages that are alive: `held` now, `peak` at the most."""

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._known: set[int] = set()

    def hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._known:
            size = storage.nbytes()
            self._known.add(key)
            self.held += size
            self.peak = max(self.peak, self.held)
            weakref.finalize(storage, self._let_go, key, size)

    def _let_go(self, key: int, size: int) -> None:
        self._known.remove(key)
        self.held -= size

    def _seen(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:  # noqa: ARG002
        for tensor in tensors_in(result if isinstance(result, list | tuple) else (result,)):
            if tensor.is_meta:
                self.hold(tensor)


class _Fused(TorchFunctionMode):
    """On meta tensors torch spells attention out; on real ones it calls a kernel that never holds all the weights."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention or not _can_be_fused(*args, **kwargs):
            return func(*args, **kwargs)
        return _fused(*args, **kwargs)


def _can_be_fused(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **__: Any
) -> bool:
    learnt = attn_mask is not None and attn_mask.requires_grad
    return not learnt and query.dim() == 4 and query.shape[:2] == key.shape[:2] and query.shape[-1] == value.shape[-1]


def _fused(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **__: Any) -> Any:
    """The kernel of processors, as if it dropped nothing: with dropout inside the attention they spell it out too."""
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return kernel(query, key, value, attn_mask=attn_mask)[0]


class _ForwardAndBackward(nn.Module):
    """Both in one call, so that what is computed again for the backward pass meets the same weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> None:
        outputs = tensors_in(tree_leaves(self.network(images)))
        losses = [(output * 1).sum() for output in outputs if output.requires_grad]  # each makes one gradient
        del outputs
        if losses:
            torch.autograd.backward(losses)


def inference_bytes(network: nn.Module, conditions: Conditions) -> int:
    """Weights, images, and the most that is alive between the layers."""
    ledger = _Ledger()
    with in_mode_of(network, training=False), torch.inference_mode(False), torch.no_grad():
        state, images = _held(network, conditions, ledger)
        with ledger, _Fused():
            functional_call(network, state, images)
    return ledger.peak


def training_bytes(network: nn.Module, conditions: Conditions) -> int:
    """Weights, their gradients and optimizer states, and the most that forward and backward pass add to them.

    One plain step of a run that goes on: gradients let go, forward, backward, optimizer.
    """
    ledger = _Ledger()
    with in_mode_of(network, training=True), torch.inference_mode(False), torch.enable_grad():
        state, images = _held(network, conditions, ledger)
        weights = [tensor.numel() * tensor.element_size() for tensor in state.values() if tensor.requires_grad]
        ledger.held += OPTIMIZER_STATES[conditions.optimizer] * sum(weights)
        step = _ForwardAndBackward(network)
        with ledger, _Fused():
            functional_call(step, {f"network.{name}": tensor for name, tensor in state.items()}, images)
    return max(ledger.peak, ledger.held + OPTIMIZER_SCRATCH[conditions.optimizer] * max(weights, default=0))


def _held(network: nn.Module, conditions: Conditions, ledger: _Ledger) -> tuple[dict[str, Tensor], Tensor]:
    state = meta_state(network, getattr(torch, conditions.number_format))
    images = conditions.images()
    for tensor in (*state.values(), images):
        ledger.hold(tensor)
    return state, images
