"""Whether a map says where the network looked: take away, or give back, the pixels in its order and watch the class.

Source: Petsiuk, Das, Saenko 2018, "RISE", arXiv:1806.07421, section 4.1. Deletion covers the hottest pixels first, with
the mean of the training images: the sooner the probability falls, the smaller the area under the curve, the better.
Insertion puts them into a blurred image: the larger the area, the better. A map in random order is the measure of both.

When not to trust it: an image with holes is none that the network was trained on; part of what falls is the shock.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.description.meta import in_mode_of
from striate.errors import expect_whole
from striate.explain.scores import chosen

_MOST = 10_000  # steps


@dataclass(frozen=True)
class Curves:
    """The probability of the class, (N, steps + 1), from no pixel to all, in equal shares of the image."""

    deletion: Tensor
    insertion: Tensor

    @property
    def deletion_area(self) -> Tensor:
        """The area (N,) under each deletion curve, 0 to 1; less is better."""
        return _area(self.deletion)

    @property
    def insertion_area(self) -> Tensor:
        """The area (N,) under each insertion curve, 0 to 1; more is better."""
        return _area(self.insertion)


def curves(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    heat: Tensor,
    *,
    steps: int = 28,
    watch: Callable[[int], object] | None = None,
) -> Curves:
    """Both curves of maps (N, H, W) for images (N, C, H, W) and class numbers (N,); pixels alike in heat go row by row.

    The covered image is 0, the mean of training in normalised units; the blurred one has lost all that is finer than an
    eighth of its side. Holds the activations of all N images for one step at once. `watch` is told of each step.
    """
    expect_whole("steps", steps, _MOST)
    rank = heat.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1).view_as(heat)[:, None]  # from 0
    pixels, blurred = heat[0].numel(), blur(images)
    deletion: list[Tensor] = []
    insertion: list[Tensor] = []
    with in_mode_of(network, training=False), torch.inference_mode():
        for step in range(steps + 1):
            taken = rank < round(pixels * step / steps)  # (N, 1, H, W)
            for kept, picture in ((deletion, images.masked_fill(taken, 0)), (insertion, blurred.where(~taken, images))):
                outputs = network(picture)
                chosen(outputs, targets)
                kept.append(outputs.softmax(dim=1).gather(1, targets[:, None])[:, 0])
            if watch is not None:
                watch(1)
    return Curves(torch.stack(deletion, dim=1), torch.stack(insertion, dim=1))


def random_heat(heat: Tensor, seed: int = 0) -> Tensor:
    """A map of the same shape whose order is drawn: what any method has to beat."""
    return torch.rand(heat.shape, generator=torch.Generator().manual_seed(seed)).to(heat.device)


def blur(images: Tensor) -> Tensor:
    """Images (N, C, H, W) without detail finer than an eighth of their side."""
    height, width = images.shape[2:]
    small = functional.adaptive_avg_pool2d(images, (min(8, height), min(8, width)))
    return functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def _area(curve: Tensor) -> Tensor:
    """The trapezoids under a curve (N, steps + 1) over equal shares from 0 to 1."""
    return torch.trapezoid(curve, dim=1) / (curve.shape[1] - 1)
