"""What mixup and cutmix share: a partner from the batch, and targets as shares of each class."""

import torch
from torch import Tensor

from striate.augmentation.views import Views
from striate.errors import SettingsError
from striate.images.keyed import Draws


def partners(draws: Draws, purpose: str) -> Tensor:
    """Another image of the batch for each (N,), all others with equal chance; an image alone is its own partner.

    The papers shuffle the batch, so that every image is partner once, and perhaps its own. Here each draws by its own
    key, so that who else has drawn what does not matter.
    """
    count = len(draws.indices)
    steps = 1 + (draws.uniform(purpose, 1)[:, 0] * (count - 1)).long()
    return (torch.arange(count) + steps) % max(count, 1) if count > 1 else torch.zeros(count, dtype=torch.long)


def mix_targets(targets: Tensor, partner: Tensor, own: Tensor, classes: int) -> Tensor:
    """Shares (N, K) that add up to 1: `own` (N,) of an image's, the rest of its partner's (N,)."""
    shares = _shares(targets, classes)
    weight = own.to(shares.device, shares.dtype)[:, None]
    return weight * shares + (1 - weight) * shares.index_select(0, partner.to(shares.device))


def expect_mixable(name: str, views: Views, *, masks: bool) -> None:
    """Raise SettingsError for what cannot be mixed: boxes and keypoints, and masks unless they can be."""
    known = {"boxes": views.boxes, "keypoints": views.keypoints} | ({} if masks else {"masks": views.masks})
    for kind, values in known.items():
        if values is not None:
            raise SettingsError(
                f"{name} mixes images and the shares of their classes, and there is no mixture of {kind}; leave it out"
            )


def _shares(targets: Tensor, classes: int) -> Tensor:
    """Class numbers (N,) as shares (N, K): all of one class; shares stay as they are."""
    if targets.ndim == 2:
        if targets.shape[1] != classes:
            raise SettingsError(f"targets have shares of {targets.shape[1]} classes; expected {classes}")
        return targets.float()
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise SettingsError(
            f"targets are classes {int(targets.min())} to {int(targets.max())}; expected 0 to {classes - 1}"
        )
    return torch.nn.functional.one_hot(targets.long(), classes).float()
