"""What moves a neuron most: the places in many images where each channel of a layer has its highest values.

Source: Zeiler, Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, figure 2: the nine
strongest of all images for each neuron. One place of each image, so that one picture does not fill all nine.

When not to trust it: nine of many thousand images are the tail of what a neuron answers to, and we see in them what we
have words for; what else moves it, and what keeps it quiet, is not shown.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.errors import SettingsError, expect_whole
from striate.explain.highest import Highest, expect_channels
from striate.explain.layers import Watched, watching

_MOST = 1_000  # patches of a channel
NINE = 9


class Patch(NamedTuple):
    """The strongest place of an image, which is counted from 0 in the order of the batches."""

    image: int
    row: int
    column: int
    value: float


@dataclass(frozen=True)
class Patches:
    """For K channels of a layer their highest values over the images, at most one of each image, the highest first.

    Of equal values the one that came first stands first. An image in which a channel has no value that is a number
    is left out for it.
    """

    layer: str
    channels: tuple[int, ...]  # (K,) their numbers in the layer
    values: Tensor = field(repr=False)  # (K, count) -inf where there are fewer images
    images: Tensor = field(repr=False)  # (K, count) -1 there
    rows: Tensor = field(repr=False)  # (K, count)
    columns: Tensor = field(repr=False)  # (K, count)
    mean: Tensor = field(repr=False)  # (K,) of the highest value of each image
    deviation: Tensor = field(repr=False)  # (K,) its standard deviation over the images
    seen: int  # images
    interrupted: bool = False

    def of(self, channel: int) -> list[Patch]:
        """The patches of a channel. Raises SettingsError for one that was not looked at."""
        if channel not in self.channels:
            raise SettingsError(f"channel {channel} of {self.layer} was not looked at; {_those(self.channels)} were")
        own = self.channels.index(channel)
        columns = (self.images[own], self.rows[own], self.columns[own], self.values[own])
        return [Patch(*found) for found in zip(*(part.tolist() for part in columns), strict=True) if found[0] >= 0]

    @property
    def selectivity(self) -> Tensor:
        """How far the mean of a channel's patches lies above that of all images, in standard deviations (K,).

        0 for a channel that is the same in all images.
        """
        there = self.images >= 0
        strongest = self.values.where(there, 0).sum(1) / there.sum(1).clamp(min=1)
        return torch.where(self.deviation > 0, (strongest - self.mean) / self.deviation, 0).nan_to_num(0)


def strongest_patches(
    network: nn.Module,
    batches: Iterable[Tensor],
    layer: str,
    *,
    count: int = NINE,
    channels: Sequence[int] | None = None,
    watch: Callable[[int], object] | None = None,
) -> Patches:
    """The `count` highest values of each channel, or of some, in one pass over batches of images (N, C, H, W).

    `watch` is told the number of images of each batch that is done. KeyboardInterrupt ends the pass: what was found in
    the batches before is given, as `interrupted`. Holds channels × count values, and what the layer makes of a batch.
    Raises UnknownNameError if there is no such layer, SizeError if it makes no maps, SettingsError for a channel that
    it does not have.
    """
    return strongest_of_layers(network, batches, [layer], count=count, channels=channels, watch=watch)[layer]


def strongest_of_layers(
    network: nn.Module,
    batches: Iterable[Tensor],
    layers: Sequence[str],
    *,
    count: int = NINE,
    channels: Sequence[int] | None = None,
    watch: Callable[[int], object] | None = None,
) -> dict[str, Patches]:
    """The same of several layers by name, still in one pass; it holds what all of them make of a batch."""
    expect_whole("count", count, _MOST)
    known = {layer: None if channels is None else Highest.of_none(channels) for layer in layers}
    interrupted = False
    try:
        with ExitStack() as stack:
            watched = {layer: stack.enter_context(watching(network, layer)) for layer in known}
            for images in batches:
                if len(images):
                    maps = _maps(network, images, watched)
                    known = {layer: _after(layer, known[layer], made, count) for layer, made in maps.items()}
                if watch is not None:
                    watch(len(images))
    except KeyboardInterrupt:
        interrupted = True
    return {layer: _found(layer, highest or Highest.of_none(()), interrupted) for layer, highest in known.items()}


def _maps(network: nn.Module, images: Tensor, watched: dict[str, Watched]) -> dict[str, Tensor]:
    """What the layers make of a batch."""
    for own in watched.values():
        own.made = None
    with torch.no_grad():
        network(images)
    return {layer: own.maps() for layer, own in watched.items()}


def _after(layer: str, known: Highest | None, maps: Tensor, count: int) -> Highest:
    """With these maps too; the first say how many channels there are."""
    before = known or Highest.of_none(range(maps.shape[1]))
    expect_channels(layer, before.channels, maps.shape[1])
    return before.after(maps, count)


def _found(layer: str, known: Highest, interrupted: bool) -> Patches:
    values, images, rows, columns = (part.T.contiguous() for part in known.places)  # (K, count)
    return Patches(
        layer,
        known.channels,
        values,
        images.long(),
        rows.long(),
        columns.long(),
        known.mean,
        (known.squares / max(1, known.seen)).sqrt(),
        known.seen,
        interrupted,
    )


def _those(channels: Sequence[int]) -> str:
    return f"{', '.join(map(str, channels[:10]))}{'…' if len(channels) > 10 else ''}"
