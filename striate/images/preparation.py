"""What is done to every image before a network sees it: the same in training, evaluation and prediction, for ever."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from striate.errors import SettingsError, expect_whole
from striate.images.facts import Facts
from striate.images.fits import Fit, Interpolation
from striate.images.reading import ImageSource, Pixels, examine

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}

_BATCH = 256  # images


@dataclass(frozen=True)
class Geometry:
    """Size, fit and channels: from an image of any size to pixels that fit in a batch.

    `crop` fills the size and cuts off what stands out on both sides; `pad` shows the whole image on black; `stretch`
    changes the aspect. Of crop and stretch only the middle `share` of each side is kept: 0.875 is what is known as
    resizing the shorter side to 256 and cropping 224. Resizing is Pillow's: antialiased.
    """

    size: tuple[int, int]  # height, width in pixels
    channels: int | None = None  # 1, 3, or as the image is
    fit: Fit = "crop"
    interpolation: Interpolation = "bilinear"
    share: float = 1.0
    range: tuple[float, float] | None = None  # the values that become black and white; 16 bits are then kept

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise SettingsError(f"fit is {self.fit!r}; expected one of {', '.join(get_args(Fit))}")
        if self.interpolation not in _RESAMPLING:
            raise SettingsError(f"interpolation is {self.interpolation!r}; expected one of {', '.join(_RESAMPLING)}")
        if self.channels is not None:
            expect_whole("channels", self.channels, 65535)
        if not 0 < self.share <= 1:
            raise SettingsError(f"share is {self.share}; expected more than 0, and 1 at the most")
        if self.fit == "pad" and self.share != 1:
            raise SettingsError(f"share is {self.share}, but pad shows the whole image: leave share at 1, or crop")

    def prepare(self, source: ImageSource) -> tuple[NDArray[Any], Facts]:
        """Read an image and bring it to (channels, *size): uint8, or with a range uint16 from low = 0 to high = 65535."""
        reading = examine(source)
        return self.apply(reading.pixels), reading.facts

    def apply(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Pixels (H, W, C) of any size to (channels, *size)."""
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        if self.channels is not None:
            image = image.convert("L" if self.channels == 1 else "RGB")
        fitted = np.asarray(self._resize(image))
        planes = fitted[None] if fitted.ndim == 2 else fitted.transpose(2, 0, 1)
        return planes.copy()  # Pillow's own memory cannot be written to

    def _resize(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        resampling = _RESAMPLING[self.interpolation]
        scales = (width / image.width, height / image.height)
        if self.fit == "pad":
            inner = (max(1, round(image.width * min(scales))), max(1, round(image.height * min(scales))))
            canvas = Image.new(image.mode, (width, height))
            canvas.paste(image.resize(inner, resampling), ((width - inner[0]) // 2, (height - inner[1]) // 2))
            return canvas
        whole = (image.width, image.height) if self.fit == "stretch" else (width / max(scales), height / max(scales))
        left = max(0.0, (image.width - self.share * whole[0]) / 2)
        top = max(0.0, (image.height - self.share * whole[1]) / 2)
        return image.resize((width, height), resampling, box=(left, top, image.width - left, image.height - top))


@dataclass(frozen=True)
class Preparation:
    """A geometry with known channels, and the mean and spread of the training images, in units of white = 1."""

    geometry: Geometry
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def white(self) -> int:
        """The number that is white in prepared images: 65535 if the geometry has a range, else 255."""
        return 255 if self.geometry.range is None else 65535

    @classmethod
    def measured(cls, geometry: Geometry, images: NDArray[np.uint8]) -> "Preparation":
        """The preparation of these training images (N, C, H, W)."""
        mean, std = [], []
        for channel in range(images.shape[1]):
            parts = (images[start : start + _BATCH, channel] for start in range(0, len(images), _BATCH))
            counts = np.sum(
                [np.bincount(part.ravel(), minlength=256) for part in parts], axis=0
            )  # exact, in little memory
            values = np.arange(256) / 255
            average = float(counts @ values / counts.sum())
            mean.append(average)
            std.append(max(float(np.sqrt(counts @ (values - average) ** 2 / counts.sum())), 1 / 255))
        return cls(replace(geometry, channels=images.shape[1]), tuple(mean), tuple(std))

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, H, W) to floats whose training set has mean 0 and standard deviation 1."""
        mean = torch.tensor(self.mean, device=images.device).view(-1, 1, 1) * 255
        std = torch.tensor(self.std, device=images.device).view(-1, 1, 1) * 255
        return (images - mean) / std

    def batches(self, images: Tensor) -> Iterator[Tensor]:
        """Normalised parts, in order, each small enough for any memory."""
        return (self.normalise(part) for part in torch.split(images, _BATCH))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self.geometry), "mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preparation":
        """The inverse of `to_dict`."""
        height, width = values["size"]
        share = values.get("share", 1.0)  # which model files of version 1 do not have
        geometry = Geometry((height, width), values["channels"], values["fit"], values["interpolation"], share)
        return cls(geometry, tuple(values["mean"]), tuple(values["std"]))
