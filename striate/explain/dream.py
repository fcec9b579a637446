"""DeepDream: an image is changed so that whatever a layer sees in it, it sees more of.

Source: Mordvintsev, Olah, Tyka 2015, "Inceptionism: going deeper into neural networks", Google Research blog: ascent on
½ |a|² of a layer's output a, whose gradient there is a itself; by steps of the same mean size, on shifted images
(jitter), from a small image to the full size in octaves, of which each hands its detail to the next. With a guide image
each place goes towards that place of the guide's map that it answers to most.

When not to trust it: it is a picture, and no evidence: what appears is what the steps, octaves and jitter let appear,
and every image gives some of the same eyes and spirals that the training images were full of.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.explain.canvas import Limits, resized, stepped
from striate.explain.layers import maps_of
from striate.explain.neuron import Neuron
from striate.explain.partway import Partway, gradient_at

Watch = Callable[[int], object]
Objective = Callable[[Tensor], Tensor]  # from what the layer made, what goes back from it

_MOST = 100_000
_STRIDE = 16  # pixels between the places of the layer that is taken if none is named
_SMALLEST = 96  # pixels of the shorter side of the first octave
_TOGETHER = 2**24  # similarities that are held at once


@dataclass(frozen=True)
class Dreaming:
    """How a dream is dreamt. Raises SettingsError for what makes no sense."""

    steps: int = 10  # of each octave
    rate: float = 0.008  # by which the average pixel moves in a step; white = 1
    octaves: int | None = None  # None: as many, 5 at most, as leave the shorter side 96 pixels
    scale: float = 1.4  # from one octave to the next
    jitter: int = 32  # pixels, at most, of each step's shift
    tile: int = 512  # pixels of a side that are run at once
    seed: int = 0
    number_format: torch.dtype = torch.float32  # or bfloat16, of the products

    def __post_init__(self) -> None:
        expect_whole("steps", self.steps, _MOST)
        expect_whole("jitter", self.jitter, _MOST, least=0)
        expect_whole("tile", self.tile, _MOST, least=16)
        if self.octaves is not None:
            expect_whole("octaves", self.octaves, 100)
        if not self.scale > 1 or not math.isfinite(self.scale):
            raise SettingsError(f"scale is {self.scale}; expected more than 1, as 1.4")
        if not self.rate > 0 or not math.isfinite(self.rate):
            raise SettingsError(f"rate is {self.rate}; expected more than 0, as 0.008")

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """The octaves' sizes, the smallest first.

        >>> Dreaming(octaves=3, scale=2).sizes(400, 300)
        [(100, 75), (200, 150), (400, 300)]
        """
        room = max(1.0, min(height, width) / _SMALLEST)
        count = self.octaves or min(5, 1 + math.floor(math.log(room, self.scale)))
        shares = [self.scale**-octave for octave in reversed(range(count))]
        return [(max(1, round(height * share)), max(1, round(width * share))) for share in shares]


def dream(
    network: nn.Module,
    image: Tensor,
    limits: Limits,
    *,
    layer: str | Neuron | None = None,
    guide: Tensor | None = None,
    how: Dreaming | None = None,
    watch: Watch | None = None,
) -> Tensor:
    """The image (1, C, H, W), normalised, of any size, as the layer dreams it: the same shape, clipped to the limits.

    `layer` may be a neuron, whose values alone are raised; without one it is `layer_for_dreams`. Holds the activations
    up to the layer of one tile of `how.tile` pixels a side at most, twice the weights, and a few images. `watch(1)` is
    called after each step; Ctrl-C ends the dream, and what there is by then is returned.

    Raises UnknownNameError and SettingsError for a layer, channel or value that is not there, SizeError for an image
    smaller than the network takes.
    """
    how = how or Dreaming()
    canvas = limits.canvas(image)
    if len(canvas) != 1:
        raise SettingsError(f"a dream is of one image; {len(canvas)} came: call it for each")
    sizes = how.sizes(*canvas.shape[2:])
    name = layer.layer if isinstance(layer, Neuron) else layer or layer_for_dreams(network, tuple(image.shape[1:]))
    example = (min(sizes[0][0], how.tile), min(sizes[0][1], how.tile))
    smallest = limits.show(resized(canvas, example))
    part = Partway(network, [] if name is None else [name], smallest)
    objective = _objective(part, layer, None if guide is None else limits.show(limits.canvas(guide)))
    return limits.show(_octaves(part, objective, canvas, limits, how, watch or (lambda _: None)))


def layer_for_dreams(network: nn.Module, image_shape: tuple[int, ...]) -> str | None:
    """The last layer, padding apart, with a place for every 16 pixels or fewer; None if no module makes maps."""
    maps = {name: module for name, module in maps_of(network, image_shape).items() if name and "Pad" not in module.kind}
    side = max(image_shape[1:])
    fine = [name for name, module in maps.items() if max(module.output[1:]) * _STRIDE >= side]
    return fine[-1] if fine else next(reversed(maps), None)


def _objective(part: Partway, layer: str | Neuron | None, guide: Tensor | None) -> Objective:
    if isinstance(layer, Neuron):
        return lambda made: torch.autograd.grad(layer.values(made.requires_grad_()).sum(), made)[0]
    if guide is None:
        return lambda made: made
    with torch.no_grad():
        wanted = part.made(guide)[0][0].flatten(1)  # (C, places of the guide)
    return lambda made: _most_alike(made, wanted)


def _most_alike(made: Tensor, wanted: Tensor) -> Tensor:
    """For each place of maps (1, C, H, W) that of wanted features (C, P) with which its product is largest."""
    places = made[0].flatten(1).T  # (H·W, C)
    rows = max(1, _TOGETHER // wanted.shape[1])
    best = torch.cat([(some @ wanted).argmax(dim=1) for some in torch.split(places, rows)])
    return wanted[:, best].view_as(made[0])[None]


def _octaves(
    part: Partway, objective: Objective, canvas: Tensor, limits: Limits, how: Dreaming, watch: Watch
) -> Tensor:
    detail = torch.zeros_like(canvas)
    chance = torch.Generator().manual_seed(how.seed)
    for size in how.sizes(*canvas.shape[2:]):
        base = resized(canvas, size)
        image = base + resized(detail, size)
        try:
            for _ in range(how.steps):
                image = _step(part, objective, image, limits, how, chance)
                watch(1)
        except KeyboardInterrupt:
            detail = image - base
            break
        detail = image - base
    return (canvas + resized(detail, (canvas.shape[2], canvas.shape[3]))).clamp(0, 1)


def _step(
    part: Partway, objective: Objective, image: Tensor, limits: Limits, how: Dreaming, chance: torch.Generator
) -> Tensor:
    """One step of ascent on a shifted image; its seams, if there are tiles, fall elsewhere in each step."""
    shifts = [_shift(side, how, chance) for side in image.shape[2:]]
    moved = image.roll(shifts, (2, 3))

    def value(pixels: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(image.device.type, torch.bfloat16, enabled=how.number_format == torch.bfloat16):
            made = part.made(limits.show(pixels))[0]
        return made, objective(made.detach())

    gradient = torch.zeros_like(image)
    for rows in _parts(image.shape[2], how.tile):
        for columns in _parts(image.shape[3], how.tile):
            gradient[:, :, rows, columns] = gradient_at(moved[:, :, rows, columns], value)
    return stepped(moved, gradient, how.rate).clamp(0, 1).roll([-shift for shift in shifts], (2, 3))


def _shift(side: int, how: Dreaming, chance: torch.Generator) -> int:
    most = how.tile // 2 if side > how.tile else min(how.jitter, side // 4)
    return int(torch.randint(-most, most + 1, (1,), generator=chance))


def _parts(side: int, tile: int) -> list[slice]:
    """A side in equal parts of at most a tile."""
    count = math.ceil(side / tile)
    ends = [round(side * part / count) for part in range(count + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]
