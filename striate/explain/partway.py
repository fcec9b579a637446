"""A network only as far as its layers of interest, for gradients at the pixels and at nothing else.

What comes behind the last of the layers is not run, and no weight has a gradient. The network is copied for it, so that
nothing of the caller's is touched: the weights are held twice. The copy lies channels_last, and its batch norms are
folded into the layers before them (`striate.layers.folding`) if the layers asked for give the same after that.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, SizeError
from striate.explain.layers import module_of, watching
from striate.layers.folding import fold
from striate.layers.pairs import in_evaluation

_SAME = 1e-3  # of a layer's largest value, up to which folding has changed nothing but rounding


class _Reached(BaseException):
    """The last layer has run. No Exception, which a network's own forward might catch."""


class Partway:
    """The copy: `made(images)` are the layers' outputs, with their graph; `scores(images)` those of the whole.

    Without layers `made` gives the last map of all. Raises UnknownNameError for a layer that is not there, SizeError if
    the network cannot take the example (1, C, H, W) or a layer makes no tensor of it, SettingsError for a network that
    cannot be copied.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], example: Tensor) -> None:
        for layer in layers:
            module_of(network, layer)
        self.layers = tuple(layers)
        self.network = in_evaluation(network)
        self._runs: dict[str, int] = {}
        before = self._measured(example)
        self.folded = self._fold(example, before)
        self.network.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def made(self, images: Tensor) -> list[Tensor]:
        """What each layer makes of images (N, C, H, W), in the order asked for."""
        laid = images.contiguous(memory_format=torch.channels_last)
        if not self.layers:
            with watching(self.network) as watched:
                self.network(laid)
            return [watched.maps()]
        found: dict[str, Tensor] = {}
        left = sum(self._runs.values())

        def keep(layer: str, output: Any) -> Any:
            nonlocal left
            found[layer], left = output, left - 1
            if not left:
                raise _Reached
            return output.clone() if isinstance(output, Tensor) else output  # which may be overwritten

        with self._hooked(keep):
            self.network(laid)
        return [found[layer] for layer in self.layers]

    def scores(self, images: Tensor) -> Tensor:
        """What the whole network answers with."""
        answered: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return answered

    def _measured(self, example: Tensor) -> list[Tensor]:
        """What the layers make in a whole run that counts how often each runs."""
        runs, made = dict.fromkeys(self.layers, 0), dict[str, Any]()

        def count(layer: str, output: Any) -> Any:
            runs[layer] += 1
            made[layer] = output
            return output.clone() if isinstance(output, Tensor) else output

        try:
            with torch.no_grad(), self._hooked(count):
                self.network(example)
        except Exception as error:  # a forward may raise anything
            if not all(runs.values()) or not runs:
                height, width = example.shape[2:]
                reason = str(error).partition("\n")[0]
                raise SizeError(
                    f"the network cannot take {height}×{width} pixels ({reason}): take a larger image, fewer octaves, "
                    "or the size that it is for"
                ) from error  # behind all layers it does not matter: a head that takes one size alone is not run
        for layer in self.layers:
            if not isinstance(made.get(layer), Tensor):
                raise SizeError(f"layer {layer!r} makes no tensor of these images; choose one that does")
        self._runs = runs
        return [made[layer] for layer in self.layers]

    def _fold(self, example: Tensor, before: list[Tensor]) -> str:
        """Fold batch norm if the layers stay what they are: what was done, in words."""
        if not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.network.modules()):
            return "no batch norm to fold"
        plain = self.network
        try:
            self.network = fold(plain, example)
        except (SettingsError, RuntimeError) as error:  # the second from a head that takes one size alone
            return f"batch norm not folded: {str(error).partition(chr(10))[0]}"
        with torch.no_grad():
            after = self.made(example)
        if all(
            float((new - old).abs().max()) <= _SAME * float(old.abs().max())
            for new, old in zip(after, before, strict=False)
        ):
            return "batch norm folded into the layers before it"
        self.network = plain
        return "batch norm not folded: a layer asked for stands before its own batch norm"

    @contextmanager
    def _hooked(self, see: Callable[[str, Any], Any]) -> Iterator[None]:
        """Let `see` look at the layers' outputs; a run that it ends is a run."""
        handles = [
            module_of(self.network, layer).register_forward_hook(
                lambda _module, _inputs, output, layer=layer: see(layer, output)
            )
            for layer in self.layers
        ]
        try:
            yield
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()


def gradient_at(canvas: Tensor, value: Callable[[Tensor], tuple[Tensor, Tensor | None]]) -> Tensor:
    """The gradient at the canvas alone of `value(canvas)`: a tensor, and what goes back from it (None: ones)."""
    with torch.inference_mode(False), torch.enable_grad():
        pixels = canvas.detach().clone().requires_grad_()
        made, back = value(pixels)
        (gradient,) = torch.autograd.grad(made, pixels, torch.ones_like(made) if back is None else back)
    return gradient
