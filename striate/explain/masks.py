"""From a map to the object: the hottest pixels, and the box around them.

Source: Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034, section 3.2, who find objects by thresholds on the saliency
of their class. Their segmentation by colour (GraphCut) between the thresholds is left out: what is kept here is what
the map itself says, smoothed so that single pixels do not stand alone.

When not to trust it: the share of the image that is kept is chosen, not found.
"""

import torch
from torch import Tensor
from torch.nn import functional

from striate.errors import SettingsError

Box = tuple[int, int, int, int]  # left, upper, right, lower, in pixels; right and lower are the first outside


def hottest(heat: Tensor, share: float = 0.1, *, smoothing: float = 0.02) -> Tensor:
    """Masks (N, H, W) of the `share` of each map's pixels that are hottest, after smoothing maps (N, H, W).

    `smoothing` is the deviation of the Gaussian as a share of the longer side. Raises SettingsError.

    >>> hottest(torch.tensor([[[0.0, 5.0], [1.0, 2.0]]]), 0.5, smoothing=0)
    tensor([[[False,  True],
             [False,  True]]])
    """
    if not 0 < share < 1:
        raise SettingsError(f"the share of the image is {share}; expected one between 0 and 1, as 0.1")
    smooth = _smoothed(heat, smoothing * max(heat.shape[1:]))
    keep = max(1, round(share * heat[0].numel()))
    rank = smooth.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (rank < keep).view_as(heat)


def box_around(mask: Tensor) -> Box:
    """The smallest box around a mask (H, W) that has a pixel."""
    rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _smoothed(heat: Tensor, deviation: float) -> Tensor:
    """Convolved with a Gaussian of that deviation in pixels, the border repeated."""
    if deviation <= 0:
        return heat
    reach = min(max(1, round(3 * deviation)), min(heat.shape[1:]) - 1)
    bell = torch.exp(-(torch.arange(-reach, reach + 1, dtype=heat.dtype) ** 2) / (2 * deviation**2)).to(heat.device)
    bell = bell / bell.sum()
    padded = functional.pad(heat[:, None], (reach,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))[:, 0]
