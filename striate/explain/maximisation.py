"""Activation maximisation: an image made from noise on which a unit, a channel or a class answers strongly.

Sources: Erhan, Bengio, Courville, Vincent 2009, "Visualizing higher-layer features of a deep network"; Simonyan,
Vedaldi, Zisserman 2013, arXiv:1312.6034, section 2: argmax over I of S(I) − λ|I|²; Olah, Mordvintsev, Schubert 2017,
"Feature visualization", Distill: ascent on frequencies with independent colours, and on the image shifted, enlarged and
turned a little in each step. A channel's aim is the mean of its map, a class's its score before the softmax.

When not to trust it: the picture is one of many that the unit answers to, and mostly of a strength that no photograph
reaches; what the unit does to photographs, the patches that excite it most show.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.explain.canvas import Limits, Spectrum, shaken, stepped, total_variation
from striate.explain.neuron import Neuron
from striate.explain.partway import Partway, gradient_at
from striate.explain.scores import chosen

Aim = Neuron | int  # a unit, or a class number
_MOST = 100_000


@dataclass(frozen=True)
class Ascent:
    """How the ascent goes. `plain` is Simonyan's, on pixels from grey; raises SettingsError for what makes no sense."""

    steps: int = 256
    rate: float | None = None  # 0.05 of Adam on frequencies; plain, what the average pixel moves in a step: 0.01
    plain: bool = False
    l2: float = 0.0  # λ, in Simonyan's normalised units, of the mean over the values
    variation: float = 0.0  # the weight of total variation
    shift: float = 0.06  # of the sides
    zoom: float = 0.1
    turn: float = 8.0  # degrees
    seed: int = 0
    together: int = 8  # images that are run at once

    def __post_init__(self) -> None:
        expect_whole("steps", self.steps, _MOST)
        expect_whole("together", self.together, _MOST)
        for name in ("l2", "variation", "shift", "zoom", "turn"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; expected a number from 0 on")
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise SettingsError(f"rate is {self.rate}; expected more than 0, as 0.05")


def maximise(
    network: nn.Module,
    aims: Sequence[Aim],
    size: tuple[int, int],
    limits: Limits,
    *,
    how: Ascent | None = None,
    watch: Callable[[int], object] | None = None,
) -> Tensor:
    """Normalised images (N, C, H, W) of a size, one for each neuron or class number.

    The same seed gives each aim the same picture but for rounding, whatever its neighbours. Holds the activations of
    `how.together` images and twice the weights; a layer's neurons are run to that layer only. `watch(1)` is called
    after each step of a batch; Ctrl-C ends it, and the images as they are by then are returned.

    Raises UnknownNameError and SettingsError for a layer, channel, class or value that is not there, SizeError for a
    size smaller than the network takes.
    """
    how = how or Ascent()
    if not aims:
        raise SettingsError("there is no aim; expected a class number or a neuron, as layer3:12")
    made: dict[int, Tensor] = {}
    painter = _Painter(network, limits, size, how, watch or (lambda _: None))
    for places in _batches(aims, how.together):
        images = painter.painted([aims[place] for place in places])
        made.update(zip(places, images, strict=True))
    return limits.show(torch.stack([made[place] for place in range(len(aims))]))


def _batches(aims: Sequence[Aim], together: int) -> list[list[int]]:
    """Places of aims at the same layer, or at the scores, at most so many together."""
    where: dict[str | None, list[int]] = {}
    for place, aim in enumerate(aims):
        where.setdefault(aim.layer if isinstance(aim, Neuron) else None, []).append(place)
    return [places[start : start + together] for places in where.values() for start in range(0, len(places), together)]


class _Painter:
    """Makes batches of images; after Ctrl-C what is left takes no step."""

    def __init__(
        self, network: nn.Module, limits: Limits, size: tuple[int, int], how: Ascent, watch: Callable[[int], object]
    ) -> None:
        self.network, self.limits, self.size, self.how, self.watch = network, limits, size, how, watch
        self.device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
        self.stopped = False

    def painted(self, aims: list[Aim]) -> Tensor:
        """Pixels (N, C, H, W) for aims of one layer."""
        shape = (len(aims), len(self.limits.low), *self.size)
        layers = [aim.layer for aim in aims[:1] if isinstance(aim, Neuron)]
        part = Partway(self.network, layers, self.limits.show(torch.full((1, *shape[1:]), 0.5, device=self.device)))
        chance = torch.Generator().manual_seed(self.how.seed)
        return (self._plain if self.how.plain else self._by_frequencies)(part, aims, shape, chance)

    def _plain(
        self, part: Partway, aims: list[Aim], shape: tuple[int, int, int, int], chance: torch.Generator
    ) -> Tensor:
        noise = torch.randn((1, *shape[1:]), generator=chance)
        canvas = (0.5 + 0.01 * noise.to(self.device)).repeat(len(aims), 1, 1, 1)
        rate = self.how.rate or 0.01

        def step() -> None:
            nonlocal canvas
            gradient = gradient_at(canvas, lambda pixels: (self._value(part, aims, pixels, chance), None))
            canvas = stepped(canvas, gradient, rate).clamp(0, 1)

        self._climb(step)
        return canvas

    def _by_frequencies(
        self, part: Partway, aims: list[Aim], shape: tuple[int, int, int, int], chance: torch.Generator
    ) -> Tensor:
        spectrum = Spectrum((1, *shape[1:]), chance)
        spectrum.values = spectrum.values.to(self.device).repeat(len(aims), 1, 1, 1, 1).requires_grad_()
        spectrum.shape = shape
        adam = torch.optim.Adam([spectrum.values], lr=self.how.rate or 0.05)

        def step() -> None:
            falls = -self._value(part, aims, spectrum.canvas(), chance).sum()
            (spectrum.values.grad,) = torch.autograd.grad(falls, spectrum.values)
            adam.step()

        with torch.inference_mode(False), torch.enable_grad():
            self._climb(step)
        return spectrum.canvas().detach()

    def _climb(self, step: Callable[[], None]) -> None:
        try:
            for _ in range(0 if self.stopped else self.how.steps):
                step()
                self.watch(1)
        except KeyboardInterrupt:
            self.stopped = True

    def _value(self, part: Partway, aims: list[Aim], canvas: Tensor, chance: torch.Generator) -> Tensor:
        """What is to rise (N,): each image's own aim, less what it pays for being large or restless."""
        how = self.how
        images = self.limits.show(shaken(canvas, chance, shift=how.shift, scale=how.zoom, turn=how.turn))
        value = _aimed(part, aims, images)
        if how.l2:
            value = value - how.l2 * images.square().mean(dim=(1, 2, 3))
        return value - how.variation * total_variation(canvas) if how.variation else value


def _aimed(part: Partway, aims: list[Aim], images: Tensor) -> Tensor:
    """The value (N,) of each image's own aim."""
    if not part.layers:
        return chosen(part.scores(images), torch.tensor([aim for aim in aims if isinstance(aim, int)]))
    (made,) = part.made(images)
    values = [aim.values(made[place : place + 1]) for place, aim in enumerate(aims) if isinstance(aim, Neuron)]
    return torch.stack([value.mean() for value in values])
