"""Bias: where, over a data set, the saliency of each class falls; a place that gives the class away stands out.

The lectures' wolf is a wolf because there is snow. For each class the maps of its images, each scaled to a sum of 1,
are averaged over the frame, cell by cell. Objects lie here and there; what always lies in one cell, as a watermark, a
frame or the corner of a scanner, heats that cell in every image. That it matters is then tried, not believed: the cell
is covered in all images, and the accuracy on the class measured again. See also Ribeiro, Singh, Guestrin 2016,
arXiv:1602.04938, section 6.4 (the husky and the snow).

When not to trust it: it finds what lies in the same place. A background that moves with the object, as snow does, shows
in the images' own maps and, where objects have boxes, as heat outside them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.description.meta import in_mode_of
from striate.explain.saliency import saliency

CELLS = 8  # each way
_HOT = 2.0  # times the heat of an even map
_COSTLY = 20.0  # percentage points of accuracy


@dataclass(frozen=True)
class ClassHeat:
    """Of one class: `heat` (CELLS, CELLS) sums to 1; `hot` (CELLS, CELLS) is the share of images that heat a cell at
    least twice as much as an even map; `n` images of it were seen, `right` named right, `right_covered` with the
    hottest cell covered.
    """

    label: str
    heat: Tensor = field(repr=False)
    hot: Tensor = field(repr=False)
    n: int
    right: int
    right_covered: int

    @property
    def cell(self) -> tuple[int, int]:
        """Row and column of the hottest cell."""
        row, column = divmod(int(self.heat.argmax()), CELLS)
        return row, column

    @property
    def times(self) -> float:
        """How many times as hot as an even map the hottest cell is."""
        return float(self.heat.max()) * CELLS**2

    @property
    def steady(self) -> float:
        """The share of the images that heat the hottest cell at least twice as much as an even map."""
        return float(self.hot[self.cell])

    @property
    def fall(self) -> float:
        """By how many percentage points the accuracy on the class falls when the hottest cell is covered."""
        return 100 * (self.right - self.right_covered) / self.n

    @property
    def suspect(self) -> bool:
        """Whether the class hangs on one place: it is hot, and covering it takes 20 points of accuracy or more."""
        return self.times >= _HOT and self.fall >= _COSTLY


def class_heat(
    network: nn.Module,
    batches: Callable[[], Iterable[tuple[Tensor, Tensor]]],
    classes: tuple[str, ...],
) -> list[ClassHeat]:
    """Where each class's saliency falls, for the classes that occur, in the order of `classes`.

    `batches()` gives images (N, C, H, W) and their classes (N,) anew each time: they are passed over twice, once for
    the maps and once with each class's hottest cell covered. Holds one batch.
    """
    count = len(classes)
    heat, hot = torch.zeros(count, CELLS, CELLS), torch.zeros(count, CELLS, CELLS)
    seen, right, covered = (torch.zeros(count, dtype=torch.int64) for _ in range(3))
    for images, targets in batches():
        cells = _cells(saliency(network, images, targets)).cpu()
        own = targets.cpu()
        heat.index_add_(0, own, cells)
        hot.index_add_(0, own, (cells * CELLS**2 >= _HOT).float())
        seen += torch.bincount(own, minlength=count)
        right += torch.bincount(own[_right(network, images, targets)], minlength=count)
    hottest = heat.flatten(1).argmax(dim=1)
    for images, targets in batches():
        without = _covered(images, hottest[targets.cpu()].to(images.device))
        covered += torch.bincount(targets.cpu()[_right(network, without, targets)], minlength=count)
    return [
        ClassHeat(label, heat[k] / seen[k], hot[k] / seen[k], int(seen[k]), int(right[k]), int(covered[k]))
        for k, label in enumerate(classes)
        if seen[k]
    ]


def _cells(heat: Tensor) -> Tensor:
    """Maps (N, H, W) as shares (N, CELLS, CELLS) of their sum; a map of zeros is even."""
    sums = functional.adaptive_avg_pool2d(heat[:, None], CELLS)[:, 0]
    total = sums.sum(dim=(1, 2), keepdim=True)
    return torch.where(total > 0, sums / total.clamp(min=torch.finfo(sums.dtype).tiny), 1 / CELLS**2)


def _covered(images: Tensor, cells: Tensor) -> Tensor:
    """Images whose cell (N,) is 0, the mean of training, with half a cell around it."""
    height, width = images.shape[2:]
    rows = (torch.arange(height, device=images.device) + 0.5) * CELLS / height  # (H,), in cells
    columns = (torch.arange(width, device=images.device) + 0.5) * CELLS / width
    near_rows = (rows - (cells[:, None] // CELLS + 0.5)).abs() <= 1  # (N, H)
    near_columns = (columns - (cells[:, None] % CELLS + 0.5)).abs() <= 1
    return images.masked_fill((near_rows[:, :, None] & near_columns[:, None, :])[:, None], 0)


def _right(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    with in_mode_of(network, training=False), torch.inference_mode():
        scores: Tensor = network(images)
        return (scores.argmax(dim=1) == targets).cpu()
