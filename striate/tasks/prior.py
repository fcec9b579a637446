"""Scores of tags begin where nothing is known of an image but how often each tag is borne.

Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002, section 3.3: the bias of a tag that a share
f of the images bears begins at ln (f / (1 − f)), so that its probability begins near f. From one half, as the other
weights alone would have it, the first steps of K tags are K/4 times as long as those of classes: GoogLeNet with
auxiliary heads, which has no normalisation, came to no number within 5 steps at the plain recipe's rate.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def log_odds(tags: NDArray[np.integer], weights: tuple[float, ...] | None) -> Tensor:
    """Where the scores (K,) begin for tags (N, K); none and all count as half an image less, or more.

    With weights w of the loss its lowest constant score is ln (w f / (1 − f)).

    >>> log_odds(np.array([[1, 0], [0, 0]]), None).tolist()
    [0.0, -1.0986123085021973]
    """
    shares = np.clip(tags.mean(axis=0), 0.5 / len(tags), 1 - 0.5 / len(tags))
    return torch.from_numpy(np.log(shares / (1 - shares) * np.array(weights or 1.0))).float()


def begin_at(network: nn.Module, scores: Tensor) -> None:
    """Set the bias (K,) of the last layer and of each auxiliary head's; one that ends otherwise is left alone."""
    heads = [getattr(network, "head", network), *getattr(network, "auxiliary", nn.ModuleDict()).values()]
    for layer in map(_last, heads):
        if isinstance(layer, nn.Linear) and layer.bias is not None and len(layer.bias) == len(scores):
            with torch.no_grad():
                layer.bias.copy_(scores)


def _last(module: nn.Module) -> nn.Module:
    children = list(module.children())
    return _last(children[-1]) if children else module
