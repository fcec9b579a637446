"""What is painted on: pixels from black = 0 to white = 1, as the network is shown them, and ways to keep them calm.

Sources: Olah, Mordvintsev, Schubert 2017, "Feature visualization", Distill, doi:10.23915/distill.00007 (frequencies,
colours that vary independently, transformations); Mahendran, Vedaldi 2015, arXiv:1412.0035 (total variation).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from striate.errors import SettingsError
from striate.images.preparation import Preparation

# Root of the covariance of red, green and blue (white = 1), measured on 110 photographs of insects: columns are the
# principal axes, brightness first, each as long as its deviation.
_COLOURS = ((0.2492, -0.1014, -0.0643), (0.2427, -0.0546, 0.0811), (0.2590, 0.1488, -0.0141))


@dataclass(frozen=True)
class Limits:
    """What black and what white are, for each channel (C,), in the normalised units that the network takes."""

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, preparation: Preparation) -> "Limits":
        """Those of a model.

        >>> from striate.images.geometry import Geometry
        >>> Limits.of(Preparation(Geometry((8, 8)), (0.5,), (0.25,)))
        Limits(low=tensor([-2.]), high=tensor([2.]))
        """
        mean, std = torch.tensor(preparation.mean), torch.tensor(preparation.std)
        return cls(-mean / std, (1 - mean) / std)

    def show(self, canvas: Tensor) -> Tensor:
        """Pixels (N, C, H, W) from 0 to 1 as the network takes them."""
        low, high = self._beside(canvas)
        return low + (high - low) * canvas

    def canvas(self, images: Tensor) -> Tensor:
        """The inverse: normalised images (N, C, H, W) as pixels. Raises SettingsError for other channels."""
        if images.dim() != 4 or images.shape[1] != len(self.low):
            shape = "×".join(map(str, images.shape))
            raise SettingsError(f"images are {shape}; expected (N, {len(self.low)}, H, W), as the limits have channels")
        low, high = self._beside(images)
        return (images - low) / (high - low)

    def _beside(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.low.to(images).view(-1, 1, 1), self.high.to(images).view(-1, 1, 1)


def resized(canvas: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels (N, C, H, W) at another size, bilinear and antialiased."""
    if canvas.shape[2:] == size:
        return canvas
    return functional.interpolate(canvas, size, mode="bilinear", antialias=True, align_corners=False)


def stepped(canvas: Tensor, gradient: Tensor, rate: float) -> Tensor:
    """The canvas + rate · g / mean|g|, each image by its own mean: the average pixel moves by `rate`."""
    mean = gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
    return canvas + gradient * (rate / mean.clamp(min=1e-30))


def total_variation(canvas: Tensor) -> Tensor:
    """The mean (N,) over pixels of (x[i, j+1] − x[i, j])² + (x[i+1, j] − x[i, j])², where there are such neighbours."""
    across = (canvas[..., :, 1:] - canvas[..., :, :-1]).square().sum(dim=(1, 2, 3))
    down = (canvas[..., 1:, :] - canvas[..., :-1, :]).square().sum(dim=(1, 2, 3))
    return (across + down) / canvas[0].numel()


class Spectrum:
    """Images by their frequencies: a step changes all scales alike, where steps of pixels make noise.

    z (N, C, H, W/2 + 1, 2) are complex amplitudes; each is divided by its frequency, in cycles a pixel and at least one
    cycle in the image, brought back to pixels, with three channels turned from independent axes to colours, and pressed
    between black and white by the logistic function.
    """

    def __init__(self, shape: tuple[int, int, int, int], generator: torch.Generator) -> None:
        self.shape = shape
        height, width = shape[2:]
        rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
        frequency = (rows**2 + columns**2).sqrt().clamp(min=1 / max(height, width))  # (H, W/2 + 1)
        self._scale = math.sqrt(height * width) / (4 * frequency)
        self.values = torch.randn((*shape[:2], *frequency.shape, 2), generator=generator) * 0.01

    def canvas(self) -> Tensor:
        """The pixels (N, C, H, W), from 0 to 1."""
        waves = torch.fft.irfft2(
            torch.view_as_complex(self.values) * self._scale.to(self.values), s=self.shape[2:], norm="backward"
        )
        if self.shape[1] == 3:
            axes = torch.tensor(_COLOURS).to(waves)
            waves = torch.einsum("dc,nchw->ndhw", axes / axes.norm(dim=0).max(), waves)
        return torch.sigmoid(waves)


def shaken(canvas: Tensor, generator: torch.Generator, *, shift: float, scale: float, turn: float) -> Tensor:
    """Images moved by up to `shift` of their sides, enlarged by up to ± `scale`, turned by up to `turn` degrees.

    All alike, so that no image depends on its neighbours; what comes in from outside mirrors what is at the border.
    """
    if not shift and not scale and not turn:
        return canvas
    draw = torch.rand((4, 1), generator=generator) * 2 - 1  # from −1 to 1
    angle, zoom = draw[0] * math.radians(turn), 1 + draw[1] * scale
    height, width = canvas.shape[2:]
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    affine = torch.stack(
        [
            torch.stack([cos, -sin * height / width, 2 * shift * draw[2]], 1),
            torch.stack([sin * width / height, cos, 2 * shift * draw[3]], 1),
        ],
        1,
    )  # (1, 2, 3)
    every = affine.to(canvas).expand(len(canvas), 2, 3)
    grid = functional.affine_grid(every, list(canvas.shape), align_corners=False)
    return functional.grid_sample(canvas, grid, padding_mode="reflection", align_corners=False)
