"""The methods that answer with a map of heat over each image, by name, each with what it is told.

A map is either a strength, never negative, or signed: what speaks for the class, and what against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

from striate.errors import UnknownNameError
from striate.explain import deconvnet as deconvnet_
from striate.explain import grad_cam as grad_cam_
from striate.explain import guided as guided_
from striate.explain import integrated_gradients as integrated_
from striate.explain import occlusion as occlusion_
from striate.explain import saliency as saliency_
from striate.explain import smoothgrad as smoothgrad_
from striate.explain.saliency import strongest_channel


@dataclass(frozen=True)
class Asked:
    """What a method may be told: the layer of Grad-CAM; the side of occlusion's window and its stride, in pixels."""

    layer: str | None = None
    window: int | None = None
    stride: int | None = None

    def windows(self, side: int) -> tuple[int, int]:
        """Window and stride for an image whose shorter side is so long: a seventh of it, and half of that."""
        window = max(1, round(side / 7)) if self.window is None else self.window
        return window, max(1, window // 2) if self.stride is None else self.stride


Run = Callable[[nn.Module, Tensor, Tensor, Asked], Tensor]


@dataclass(frozen=True)
class HeatMethod:
    """`run(network, images, targets, asked)` gives maps (N, H, W); `card` is the module whose docstring is its card."""

    title: str
    card: ModuleType
    run: Run
    signed: bool = False


def _grad_cam(network: nn.Module, images: Tensor, targets: Tensor, asked: Asked) -> Tensor:
    maps = grad_cam_.grad_cam(network, images, targets, layer=asked.layer)
    return grad_cam_.enlarged(maps, (images.shape[2], images.shape[3]))


def _occlusion(network: nn.Module, images: Tensor, targets: Tensor, asked: Asked) -> Tensor:
    window, stride = asked.windows(min(images.shape[2:]))
    return occlusion_.occlusion(network, images, targets, window=window, stride=stride)


HEAT: Mapping[str, HeatMethod] = {
    "saliency": HeatMethod("Saliency", saliency_, lambda net, x, t, _: saliency_.saliency(net, x, t)),
    "smoothgrad": HeatMethod("SmoothGrad", smoothgrad_, lambda net, x, t, _: smoothgrad_.smoothgrad(net, x, t)),
    "integrated_gradients": HeatMethod(
        "Integrated gradients",
        integrated_,
        lambda net, x, t, _: integrated_.integrated_gradients(net, x, t).sum(dim=1),
        signed=True,
    ),
    "grad_cam": HeatMethod("Grad-CAM", grad_cam_, _grad_cam),
    "occlusion": HeatMethod("Occlusion", occlusion_, _occlusion, signed=True),
    "guided": HeatMethod(
        "Guided backpropagation",
        guided_,
        lambda net, x, t, _: strongest_channel(guided_.guided_backpropagation(net, x, t)),
    ),
    "deconvnet": HeatMethod(
        "DeconvNet", deconvnet_, lambda net, x, t, _: strongest_channel(deconvnet_.deconvnet(net, x, t))
    ),
}


def heat_method(name: str) -> HeatMethod:
    """The method of that name. Raises UnknownNameError with the nearest."""
    if name not in HEAT:
        raise UnknownNameError("method", name, HEAT)
    return HEAT[name]


def heat(network: nn.Module, images: Tensor, targets: Tensor, method: str, asked: Asked = Asked()) -> Tensor:
    """Maps (N, H, W) of the method of that name, one image at a time: what a method holds, it holds for one.

    Raises UnknownNameError for a method that does not exist, and what the method raises.
    """
    run = heat_method(method).run
    ones = [run(network, images[row : row + 1], targets[row : row + 1], asked) for row in range(len(images))]
    return torch.cat(ones).detach()
