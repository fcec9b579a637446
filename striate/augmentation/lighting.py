"""AlexNet's lighting: colours shifted along the directions in which the training images' colours vary.

To every pixel of an image Σ_i α_i s_i p_i is added, p_i the principal directions of the training pixels' colours, s_i
their spread along it and α_i ~ N(0, σ²) drawn once for the image (Krizhevsky et al. 2012, section 4.1, σ = 0.1).

The paper writes the eigenvalue of the covariance, s_i², in place of s_i; then a change of unit, 0 … 1 or 0 … 255, would
change the strength 255-fold. Its author's later code (cuda-convnet2, `color_stdevs`) takes the spread, and so do we.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.augmentation.knobs import expect_number
from striate.augmentation.views import Views, floats
from striate.errors import SettingsError
from striate.images.keyed import Draws

_BATCH = 256  # images


@dataclass(frozen=True)
class Components:
    """Principal components of colours, the widest first, white being 1: directions (C, C), a row each, and spreads."""

    directions: tuple[tuple[float, ...], ...]
    spreads: tuple[float, ...]

    @classmethod
    def measured(cls, images: NDArray[np.generic] | Tensor, *, white: float = 255.0) -> "Components":
        """Those of all pixels of these images (N, C, H, W), summed in float64 and in little memory."""
        channels = images.shape[1]
        pixels, total, products = 0, np.zeros(channels), np.zeros((channels, channels))
        for start in range(0, len(images), _BATCH):
            part = np.asarray(images[start : start + _BATCH], np.float64) / white
            colours = part.transpose(1, 0, 2, 3).reshape(channels, -1)  # (C, M)
            pixels += colours.shape[1]
            total += colours.sum(1)
            products += colours @ colours.T
        if not pixels:
            raise SettingsError(
                "lighting is measured on the training images, but there are none; expected at least one"
            )
        mean = total / pixels
        variances, vectors = np.linalg.eigh(products / pixels - np.outer(mean, mean))
        return cls(
            directions=tuple(tuple(vector) for vector in vectors.T[::-1].tolist()),
            spreads=tuple(np.sqrt(np.maximum(variances[::-1], 0)).tolist()),
        )


@dataclass(frozen=True)
class Lighting:
    """Along which components, and how far in their spreads. Gives float32 for any number of channels."""

    components: Components
    sigma: float = 0.1

    def __post_init__(self) -> None:
        expect_number("the lighting's sigma", self.sigma, 0)

    def apply(self, views: Views, draws: Draws) -> Views:
        """The batch, each image in another light. Raises SettingsError for images of other channels."""
        channels = len(self.components.spreads)
        if views.images.shape[1] != channels:
            raise SettingsError(
                f"lighting was measured on images of {channels} channels, and meets one of {views.images.shape[1]}; "
                "measure it on images like those it is used on"
            )
        images = floats(views.images)
        added = (self.strengths(draws) * views.white).to(images.device, images.dtype)
        return replace(views, images=(images + added[:, :, None, None]).clamp_(0, views.white))

    def strengths(self, draws: Draws) -> Tensor:
        """What is added to each channel (N, C), white being 1."""
        chances = draws.uniform("lighting", len(self.components.spreads))  # (N, C)
        normal = torch.special.ndtri(chances + 2.0**-54)  # the quantile of 0 would be minus infinity
        far = self.sigma * normal * torch.tensor(self.components.spreads, dtype=torch.float64)
        directions = torch.tensor(self.components.directions, dtype=torch.float64)
        added: Tensor = (far[:, :, None] * directions).sum(1)
        return added
