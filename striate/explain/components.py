"""Principal components: the directions in which features spread most, and how much of the spread each explains.

Source: Pearson 1901, "On lines and planes of closest fit"; by the eigenvectors of the covariance, signs chosen so that
the largest entry of each direction is positive: the same picture each time.

When not to trust it: two components show what two components explain; the shares stand on the axes. Two images that lie
together here may be far apart in all other directions.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from striate.errors import SettingsError


@dataclass(frozen=True)
class Components:
    """Points (N, M) on M components, and the share (M,) of the whole variance that each explains."""

    points: Tensor = field(repr=False)
    explained: tuple[float, ...]


def components(features: Tensor, count: int = 2) -> Components:
    """The first principal components of features (N, D); those that are not there are 0 and explain 0.

    It holds a copy of the features in float64 and D² numbers, or N² if that is less. Raises SettingsError for fewer
    than 2 points.
    """
    if len(features) < 2:
        raise SettingsError(f"principal components of {len(features)} points; expected 2 at least")
    centred = features.double() - features.double().mean(0)
    wide = centred.shape[1] > len(centred)
    values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values, vectors = values.flip(0)[:count].clamp_min(0), vectors.flip(1)[:, :count]
    whole = float(centred.square().sum()) or 1.0
    points = vectors * values.sqrt() if wide else centred @ vectors  # (N, M)
    directions = centred.T @ vectors if wide else vectors
    points = points * _signs(directions)
    missing = count - points.shape[1]
    shares = [float(value) / whole for value in values] + [0.0] * missing
    return Components(torch.nn.functional.pad(points, (0, missing)).float(), tuple(shares))


def _signs(directions: Tensor) -> Tensor:
    """1 or −1 (M,), so that the entry of each direction (D, M) that is largest becomes positive."""
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))[0]
    return torch.where(largest < 0, -1.0, 1.0).to(directions.dtype)
