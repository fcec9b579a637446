"""The score of a class, before the softmax: what most methods ask about."""

import torch
from torch import Tensor, nn

from striate.description.meta import in_mode_of
from striate.errors import SettingsError, SizeError


def class_scores(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """Scores (N,) of the class numbers (N,) for images (N, C, H, W), of the network as in use.

    Raises SizeError if the network does not give one score for each class, SettingsError if it has no such class.
    """
    with in_mode_of(network, training=False):
        return chosen(network(images), targets)


def chosen(outputs: object, targets: Tensor) -> Tensor:
    """Of outputs (N, K) those of the targets (N,). Raises SizeError and SettingsError."""
    if not isinstance(outputs, Tensor) or outputs.dim() != 2:
        what = "×".join(map(str, outputs.shape)) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
        raise SizeError(f"the network answers with {what}; expected one score for each image and class (N, K)")
    if not 0 <= int(targets.min()) <= int(targets.max()) < outputs.shape[1]:
        wrong = int(targets.max() if targets.min() >= 0 else targets.min())
        raise SettingsError(f"there is no class number {wrong}; the network has classes 0 to {outputs.shape[1] - 1}")
    return outputs.gather(1, targets[:, None].to(outputs.device, torch.int64))[:, 0]
