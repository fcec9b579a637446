"""The augmentation of a run: asked for by words, tried before the images are read, told what it must know of them."""

import numpy as np
import torch

from striate.architectures.architecture import Declaration
from striate.augmentation.lighting import Components
from striate.augmentation.policy import Policy, parse_policy
from striate.augmentation.views import Views
from striate.datasets.stack import Stack
from striate.errors import SettingsError
from striate.images.keyed import Draws

_LIGHTING = "lighting"
_MEASURED = 2_000  # images whose colours are looked at, at the least, if there are so many


def check_augmentation(words: str, declaration: Declaration, channels: int | None) -> None:
    """Try it on two black images: a word or a number that makes no sense is found before the images are read.

    Raises UnknownNameError or SettingsError, also if it makes images of another size than the network's.
    """
    bands = channels or declaration.in_channels
    colours = Components(tuple(map(tuple, np.eye(bands).tolist())), (0.0,) * bands)
    policy = parse_policy(words, num_classes=declaration.num_classes, components=colours)
    black = Views(torch.zeros((2, bands, *declaration.size), dtype=torch.uint8), 255, torch.zeros(2, dtype=torch.int64))
    height, width = policy.apply(black, Draws(0, 0, np.arange(2))).images.shape[2:]
    if (height, width) != declaration.size:
        raise SettingsError(
            f"the augmentation {words!r} makes images of {height}×{width} and the network takes {declaration.size[0]}×"
            f"{declaration.size[1]}; leave out its size, or set --size"
        )


def policy_of(words: str, images: Stack, *, num_classes: int, white: int) -> Policy:
    """The policy of these words for these training images; lighting is told the components of their colours."""
    components = None
    if _LIGHTING in words:
        components = Components.measured(images[:: max(1, len(images) // _MEASURED)], white=white)
    return parse_policy(words, num_classes=num_classes, components=components)
