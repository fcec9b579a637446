"""Whose colours a picture has: brightness apart from hue, and colours brought from one image to another.

Source: Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer",
arXiv:1606.05897: luminance-only transfer (section 4) and linear colour matching (section 3), by the symmetric root of
the covariance. YIQ is that of NTSC: Y = 0.299 R + 0.587 G + 0.114 B.
"""

import torch
from torch import Tensor

# Rows: Y, I, Q.
_YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))


def to_yiq(canvas: Tensor) -> Tensor:
    """Pixels (N, 3, H, W) from 0 to 1 in red, green, blue as brightness Y and the two of chroma, I and Q."""
    return torch.einsum("dc,nchw->ndhw", torch.tensor(_YIQ).to(canvas), canvas)


def from_yiq(yiq: Tensor) -> Tensor:
    """The inverse."""
    inverse = torch.linalg.inv(torch.tensor(_YIQ, dtype=torch.float64))
    return torch.einsum("dc,nchw->ndhw", inverse.to(yiq), yiq)


def as_grey(canvas: Tensor) -> Tensor:
    """The brightness of pixels (N, 3, H, W), in all three channels."""
    return to_yiq(canvas)[:, :1].repeat(1, 3, 1, 1)


def with_chroma_of(grey: Tensor, coloured: Tensor) -> Tensor:
    """The brightness of one picture with the chroma of another, both (N, 3, H, W); it can leave 0 to 1."""
    return from_yiq(torch.cat([to_yiq(grey)[:, :1], to_yiq(coloured)[:, 1:]], dim=1))


def matched(canvas: Tensor, other: Tensor) -> Tensor:
    """Pixels (1, C, H, W) with the mean and covariance, over places, of another's: Σₒ^½ Σ^−½ (x − μ) + μₒ.

    A direction in which the pixels do not vary stays without.
    """
    mean, covariance = _moments(canvas)
    other_mean, other_covariance = _moments(other)
    change = _power(other_covariance, 0.5) @ _power(covariance, -0.5)
    moved = change @ (canvas[0].flatten(1).double() - mean) + other_mean
    return moved.view(canvas.shape).to(canvas)


def _moments(canvas: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C, 1) and covariance (C, C)."""
    values = canvas[0].flatten(1).double()
    mean = values.mean(dim=1, keepdim=True)
    return mean, (values - mean) @ (values - mean).T / values.shape[1]


def _power(covariance: Tensor, exponent: float) -> Tensor:
    values, axes = torch.linalg.eigh(covariance)
    kept = values > 1e-10
    powers = torch.where(kept, values.clamp(min=1e-10) ** exponent, 0)
    root: Tensor = (axes * powers) @ axes.T
    return root
