"""Occlusion: by how much the score of a class drops when a window hides a part of the image.

Source: Zeiler, Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, section 4.2. A
window of one value is laid on the image at each step of a grid, and the network is asked again. Only what a window
changes is computed again, exactly: Nakandala, Kumar, Papakonstantinou 2019 (Krypton), SIGMOD; see `incremental`.

When not to trust it: a grey square is itself something to see, and networks were not taught what it means; an object
that is shown twice is missed by hiding one of them; the map is as coarse as the window.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from striate.description.meta import in_mode_of
from striate.errors import SettingsError, SizeError, expect_whole
from striate.explain.incremental.boxes import Places
from striate.explain.incremental.following import Following
from striate.explain.incremental.masked import NotFollowed
from striate.explain.scores import chosen

_MOST = 1_000_000
BATCH = 32  # masks at once


@dataclass(frozen=True)
class Drops:
    """What hiding each window of a grid takes off the score: `grid` (N, rows, columns), in units of the score.

    Window (i, j) hides from pixel (i, j)·stride on. `note` says how it was computed: how far only changes were, or why
    whole masked images were.
    """

    grid: Tensor
    window: int
    stride: int
    note: str


def occlusion(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    window: int = 32,
    stride: int = 16,
    fill: float = 0.0,
    batch: int = BATCH,
    watch: Callable[[int], object] | None = None,
) -> Tensor:
    """Maps (N, H, W) of float images (N, C, H, W): at each pixel the mean of score(image) − score(image with a window
    of `fill`) over the windows that hide it, for the class numbers (N,), before the softmax.

    Windows begin at multiples of `stride` until one reaches the border; the last is cut there. `fill` is in the units
    of the images: 0 is the mean of normalised ones. captum's `Occlusion` with `sliding_window_shapes=(C, window,
    window)`, `strides=(C, stride, stride)` and `baselines=fill` has the same map in each of its C channels.
    `watch` is told after each batch how many masks are done.

    Holds, besides the network, the maps of one image without a mask, the changed parts of `batch` masked images from
    one layer to the next, and weights laid out anew: of 3×3 convolutions of many channels four times their numbers.
    Raises SettingsError for settings that make no sense and a class that is not there, SizeError for a window larger
    than the image and a network without a score for each class.
    """
    drops = window_drops(network, images, targets, window=window, stride=stride, fill=fill, batch=batch, watch=watch)
    return spread(drops, (images.shape[2], images.shape[3]))


def window_drops(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    window: int = 32,
    stride: int = 16,
    fill: float = 0.0,
    batch: int = BATCH,
    watch: Callable[[int], object] | None = None,
) -> Drops:
    """The grid that `occlusion` makes a map of; see there."""
    height, width = images.shape[2:]
    _expect(window, stride, fill, batch, (height, width))
    rows, columns = _starts(height, window, stride), _starts(width, window, stride)
    low = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)  # (masks, 2)
    high = np.minimum(low + window, (height, width))
    masks = _Masks(low, high, (height, width), stride, fill, batch)
    with in_mode_of(network, training=False), torch.inference_mode(False), torch.no_grad():
        asking = _Asking(network, watch)
        grids = [asking.drops(image[None], target[None], masks) for image, target in zip(images, targets, strict=True)]
    return Drops(torch.stack(grids).view(-1, len(rows), len(columns)), window, stride, asking.note)


def spread(drops: Drops, size: tuple[int, int]) -> Tensor:
    """Maps (N, H, W) whose pixels have the mean drop of the windows that hide them, for images of (H, W)."""
    down, across = (
        _hides(drops.grid.shape[1 + dim], length, drops.window, drops.stride).to(drops.grid)
        for dim, length in enumerate(size)
    )  # (H, rows), (W, columns)
    total = down @ drops.grid @ across.T  # (N, H, W)
    return total / (down.sum(dim=1)[:, None] * across.sum(dim=1))


def _hides(count: int, length: int, window: int, stride: int) -> Tensor:
    """Whether pixel p lies in window i along an axis (length, count)."""
    since = torch.arange(length)[:, None] - torch.arange(count) * stride
    return (since >= 0) & (since < window)


def _starts(length: int, window: int, stride: int) -> Places:
    starts: Places = np.arange(-(-(length - window) // stride) + 1) * stride
    return starts


@dataclass(frozen=True)
class _Masks:
    low: Places  # (masks, 2), rows and columns
    high: Places
    size: tuple[int, int]
    stride: int
    fill: float
    batch: int

    def batches(self) -> Iterator[Places]:
        """Masks about as near to a border together: what they change is cut there, and so is of one size."""
        near = np.minimum(self.low, np.array(self.size) - self.high) // self.stride
        kinds = np.log2(near + 1).astype(np.int64)  # (masks, 2): at the border, up to 2 strides from it, up to 6, ...
        for kind in np.unique(kinds, axis=0):
            alike = np.flatnonzero((kinds == kind).all(axis=1))
            yield from np.split(alike, range(self.batch, len(alike), self.batch))


class _Asking:
    """Asks a network about masked images: by what changes, or, where it cannot be followed, about whole ones."""

    def __init__(self, network: nn.Module, watch: Callable[[int], object] | None) -> None:
        self._network, self._watch = network, watch
        self._following: Following | None = Following(network)
        self._why, self._done = "", 0

    @property
    def note(self) -> str:
        if self._following is None:
            return f"whole masked images, since the network cannot be followed: {self._why}"
        dense = self._following.dense_from
        return "only what changes" + (f", up to {dense}, from where on maps are whole" if dense else "")

    def drops(self, image: Tensor, target: Tensor, masks: _Masks) -> Tensor:
        """What each mask (masks,) takes off the score of an image (1, C, H, W)."""
        plain = chosen(self._network(image), target)
        drops = plain.new_empty(len(masks.low))
        for some in masks.batches():
            answers = self._answers(image, masks, some)
            drops[torch.from_numpy(some)] = plain - chosen(answers, target.expand(len(some)))
            self._done += len(some)
            if self._watch is not None:
                self._watch(self._done)
        return drops

    def _answers(self, image: Tensor, masks: _Masks, some: Places) -> Tensor:
        low, high = masks.low[some], masks.high[some]
        if self._following is not None:
            try:
                answers: Tensor = self._following.answers(image, low, high, masks.fill)
                return answers
            except Exception as error:  # whatever comes, it did not come with the plain image
                self._why = _told(error)
                self._following = None
        whole: Tensor = self._network(_masked(image, low, high, masks.fill))
        return whole


def _told(error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return line if isinstance(error, NotFollowed) else f"{type(error).__name__}: {line}"


def _masked(image: Tensor, low: Places, high: Places, fill: float) -> Tensor:
    images = image.repeat(len(low), 1, 1, 1)  # (B, C, H, W)
    for one, (top, left), (bottom, right) in zip(images, low, high, strict=True):
        one[:, top:bottom, left:right] = fill
    return images


def _expect(window: int, stride: int, fill: float, batch: int, size: tuple[int, int]) -> None:
    expect_whole("window", window, _MOST)
    expect_whole("stride", stride, _MOST)
    expect_whole("batch", batch, _MOST)
    if isinstance(fill, bool) or not isinstance(fill, int | float) or not math.isfinite(fill):
        raise SettingsError(f"fill is {fill!r}; expected a number in the units of the images, as 0.0, their mean")
    if window > min(size):
        raise SizeError(f"the window of {window} pixels is larger than the image, {size[0]}×{size[1]}: make it smaller")
    if stride > window:
        raise SettingsError(
            f"stride is {stride}, more than the window of {window}: no window would hide what lies between"
        )
