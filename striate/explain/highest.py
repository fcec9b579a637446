"""The highest values of channels over many maps, one of each image, kept batch after batch in little memory."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from striate.errors import SettingsError


class Highest(NamedTuple):
    """What is known of K channels after some images; float64, so that sums over millions stay exact enough."""

    channels: tuple[int, ...]
    places: Tensor  # (4, count, K) value, image, row and column of the highest so far
    mean: Tensor  # (K,) of the highest value of each image
    squares: Tensor  # (K,) the sum of their squared distances from it
    seen: int  # images

    @classmethod
    def of_none(cls, channels: Sequence[int]) -> "Highest":
        """Before the first image."""
        zeros = torch.zeros(len(channels), dtype=torch.float64)
        return cls(tuple(channels), torch.zeros(4, 0, len(channels), dtype=torch.float64), zeros, zeros, 0)

    def after(self, maps: Tensor, count: int) -> "Highest":
        """When maps (N, C, h, w) have been seen too: the `count` highest, of equal ones those that came first."""
        own = maps.detach()[:, torch.tensor(self.channels, device=maps.device)]
        highest, places = own.flatten(2).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).max(dim=2)
        highest, places = highest.double().cpu(), places.cpu()  # (N, K)
        numbers = torch.arange(self.seen, self.seen + len(maps))[:, None].expand_as(places)
        numbers = numbers.where(highest > -torch.inf, -1)  # where no value is a number
        rows, columns = places // maps.shape[3], places % maps.shape[3]
        new = torch.stack([highest, numbers.double(), rows.double(), columns.double()])  # (4, N, K)
        together = torch.cat([self.places, new], dim=1)
        order = together[0].sort(dim=0, descending=True, stable=True).indices[:count]
        return Highest(self.channels, together.gather(1, order.expand(4, -1, -1)), *self._moments(highest))

    def _moments(self, highest: Tensor) -> tuple[Tensor, Tensor, int]:
        """Mean and squares with these values (N, K) too, and of how many (Chan, Golub, LeVeque 1983)."""
        new, seen = len(highest), self.seen + len(highest)
        mean = highest.mean(dim=0)
        apart = mean - self.mean
        squares = self.squares + (highest - mean).square().sum(0) + apart**2 * self.seen * new / seen
        return self.mean + apart * new / seen, squares, seen


def expect_channels(layer: str, channels: Sequence[int], made: int) -> None:
    """Raise SettingsError for a channel that a layer with so many does not have."""
    wrong = next((channel for channel in channels if not 0 <= channel < made), None)
    if wrong is not None:
        raise SettingsError(f"{layer} has no channel {wrong}; it has 0 to {made - 1}")
