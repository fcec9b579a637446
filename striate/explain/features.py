"""Features: what a network makes of an image just before its scores, by which images can be compared.

Source: Krizhevsky et al. 2012, figure 4, right; Donahue et al. 2013, "DeCAF", arXiv:1310.1531.

The rule: of the fully connected layers and 1×1 convolutions that run, whether as modules or as calls of a forward, the
last is the classifier, and what enters it are the features. Maps are averaged over their places; of a network that ends
in a 1×1 convolution that is the map before it (SqueezeNet).

When not to trust it: features keep what tells the training classes apart and forget the rest; an image of another kind
than the network was trained on lies somewhere all the same, beside something.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from striate.description.meta import in_mode_of
from striate.errors import SizeError
from striate.machine.choice import Machine, choose

_BATCH = 64  # images


@dataclass(frozen=True)
class Tap:
    """Where features are taken: the classifier's name as in `named_modules`, and which of the candidates' calls it is.

    It is found by running the network once on one image, and is then the same for every image.
    """

    layer: str
    call: int

    def __str__(self) -> str:
        where = f"what enters {self.layer}" if self.layer else "what enters the last product of its forward"
        return f"{where}, the last layer of scores"


def features(network: nn.Module, images: Tensor, *, machine: Machine | None = None) -> Tensor:
    """Features (N, D) of float images (N, C, H, W): what enters the last layer of scores, averaged over its places.

    They are taken 64 images at a time, which bounds the memory. Raises SizeError if the network has no such layer.
    """
    own = machine or choose()
    tap = tap_of(network, images[:1], machine=own)
    return torch.cat([look(network, batch, tap, own)[0] for batch in torch.split(images, _BATCH)])


def tap_of(network: nn.Module, image: Tensor, *, machine: Machine | None = None) -> Tap:
    """Find the classifier with one image (1, C, H, W). Raises SizeError if nothing in the network could be it."""
    listener = _Listener(network, None)
    _run(network, image, listener, machine or choose())
    if not listener.calls:
        raise SizeError(
            "the network has no fully connected layer and no 1×1 convolution, whose input would be its features; "
            "choose a network that has one, as resnet18"
        )
    return Tap(listener.calls[-1], len(listener.calls) - 1)


def look(network: nn.Module, batch: Tensor, tap: Tap, machine: Machine) -> tuple[Tensor, Tensor]:
    """Features (M, D) and outputs, both on the processor, of a batch (M, C, H, W) of floats.

    Raises SizeError if the network goes another way than it went when the tap was found.
    """
    listener = _Listener(network, tap.call)
    outputs = _run(network, batch, listener, machine)
    if listener.heard is None:
        raise SizeError(f"the network went another way than on its first image and did not come to {tap}")
    return listener.heard.float().cpu(), outputs


def _run(network: nn.Module, batch: Tensor, listener: "_Listener", machine: Machine) -> Tensor:
    own = next(network.parameters(), batch)
    placed = machine.arrange(batch.to(own.device, own.dtype))
    with in_mode_of(network, training=False), machine.running(), torch.inference_mode(), listener.listening(), listener:
        outputs: Tensor = network(placed)
    return outputs.float().cpu()


class _Listener(TorchFunctionMode):
    """Counts the calls that could be the classifier, by the module they ran in, and keeps the input of one of them."""

    def __init__(self, network: nn.Module, wanted: int | None) -> None:
        super().__init__()
        self.network, self.wanted = network, wanted
        self.calls: list[str] = []
        self.heard: Tensor | None = None
        self._inside = [""]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if (entering := _entering(func, args, given)) is not None:
            if self.wanted == len(self.calls):
                self.heard = _pooled(entering)
            self.calls.append(self._inside[-1])
        return func(*args, **given)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Know which module is running."""
        handles = []
        for name, module in self.network.named_modules():
            if name:
                handles.append(module.register_forward_pre_hook(lambda *_, name=name: self._inside.append(name)))
                handles.append(module.register_forward_hook(lambda *_: self._leave(), always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self) -> None:
        self._inside.pop()


_PRODUCTS = {torch.addmm, torch.matmul, torch.mm, Tensor.matmul, Tensor.__matmul__, Tensor.mm}


def _entering(func: Any, args: Sequence[Any], given: Mapping[str, Any]) -> Tensor | None:
    """What enters a call that could be the classifier: a product with a matrix (D, K), or a 1×1 convolution."""
    tensors = [value for value in (*args, *given.values()) if isinstance(value, Tensor)]
    if func is functional.linear:
        return tensors[0]
    if func in (functional.conv2d, torch.conv2d):
        return tensors[0] if tuple(tensors[1].shape[2:]) == (1, 1) else None
    if func not in _PRODUCTS:
        return None
    entering, weights = tensors[-2:]
    return entering if weights.dim() == 2 and entering.dim() >= 2 else None


def _pooled(entering: Tensor) -> Tensor:
    """(M, D) of (M, D), (M, D, H, W) or tokens (M, T, D), which are averaged over their places."""
    if entering.dim() == 4:
        return entering.mean(dim=(2, 3))
    return entering.mean(dim=1) if entering.dim() == 3 else entering.flatten(1).clone()
