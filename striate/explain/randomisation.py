"""Whether a method looks at what was learnt: explain again with weights that never learnt anything, and compare.

Source: Adebayo et al. 2018, "Sanity checks for saliency maps", arXiv:1810.03292, section 3: layers lose their weights
from the scores down to the pixels; the maps before and after are compared by Spearman's rank correlation. A method
whose map stays the same shows the image's edges, not the network's knowledge.

When not to trust it: that a map changes does not make it right; and the correlation of maps that both follow the
image's edges is never quite 0.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

Explain = Callable[[nn.Module], Tensor]  # from a network to maps (N, H, W)


@dataclass(frozen=True)
class Likeness:
    """Spearman's correlation (N,) of each image's map with that of the network whose last `layers` layers are drawn."""

    layers: int
    correlation: Tensor


def randomised(
    network: nn.Module, explain: Explain, *, shares: Sequence[float] = (0.0, 0.5, 1.0), seed: int = 0
) -> list[Likeness]:
    """How like the maps stay as layers are drawn anew: at each share of them, from the last; the least is one layer.

    A weight is drawn from a normal distribution of its own spread, so that values stay of their size; layers are
    counted in the order in which the network declares them. Holds a copy of the network, which itself is
    untouched.
    """
    before, drawn = explain(network), copy.deepcopy(network)
    layers = [module for module in drawn.modules() if list(module.parameters(recurse=False))][::-1]
    chance, done, found = torch.Generator().manual_seed(seed), 0, []
    for share in shares:
        upto = max(1, round(share * len(layers)))
        for layer in layers[done:upto]:
            _draw(layer, chance)
        done = max(done, upto)
        found.append(Likeness(done, rank_correlation(before, explain(drawn))))
    return found


def _draw(layer: nn.Module, chance: torch.Generator) -> None:
    """Weights of the same mean and spread, in random places; running statistics stay."""
    with torch.no_grad():
        for parameter in layer.parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=chance).to(parameter)
            spread = parameter.std() if parameter.numel() > 1 else parameter.abs().max()
            parameter.copy_(parameter.mean() + spread * noise)


def rank_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Spearman's rank correlation (N,) of maps (N, H, W), those alike sharing their rank; 0 where a map is flat."""
    ranks = [
        torch.from_numpy(rankdata(maps.flatten(1).cpu().numpy().astype(np.float64), axis=1)) for maps in (one, other)
    ]
    one_, other_ = (rank - rank.mean(dim=1, keepdim=True) for rank in ranks)
    size = (one_.square().sum(dim=1) * other_.square().sum(dim=1)).sqrt()
    return torch.where(size > 0, (one_ * other_).sum(dim=1) / size.clamp(min=1e-300), torch.zeros_like(size))
