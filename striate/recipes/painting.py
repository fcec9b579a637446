"""From image files to canvases for a model, from canvases to PNG files, and how a painting is stopped early."""

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from striate.errors import SettingsError, expect_whole
from striate.explain.canvas import Limits
from striate.explain.drawing import Picture, draw_image
from striate.images.channels import expect_channels, grey
from striate.images.reading import ImageSource, read_image
from striate.images.resizing import resized
from striate.tasks.classification import Classifier
from striate.tasks.tagger import Tagger
from striate.writing import write_whole

Model = Classifier | Tagger
_LARGEST = 8_192  # pixels of a side


@dataclass(frozen=True)
class Painted:
    """The picture that was written, how it was made, and what is to be said of it."""

    picture: str
    height: int
    width: int
    layers: tuple[str, ...]
    steps: int  # that were taken
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def shown_to(model: Model, source: ImageSource, longer: int | None = None) -> Tensor:
    """A whole image as the model's network takes it (1, C, H, W): normalised, in its own aspect, not cropped.

    Of its own size, or with a longer side of `longer` pixels. Raises ImageError if it cannot be read or has other
    channels, SettingsError for a size that makes no sense.
    """
    pixels = read_image(source)
    channels = model.preparation.geometry.channels
    expect_channels(pixels.shape[2], channels)
    if (pixels.shape[2], channels) == (3, 1):
        pixels = grey(pixels)
    planes = resized(pixels, _size(pixels, longer), "bilinear")  # (C, H, W)
    if (pixels.shape[2], channels) == (1, 3):
        planes = planes.repeat(3, axis=0)
    return _whole_range(model, planes).to(model.machine.device)


def _whole_range(model: Model, planes: NDArray[np.uint8]) -> Tensor:
    """Eight bits of black to white, whatever the model's own white is."""
    return Limits.of(model.preparation).show(torch.from_numpy(planes)[None].float() / 255)


def _size(pixels: NDArray[np.uint8], longer: int | None) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    if longer is None:
        return height, width
    expect_whole("size", longer, _LARGEST)
    share = longer / max(height, width)
    return max(1, round(height * share)), max(1, round(width * share))


def picture_of(model: Model, images: Tensor) -> list[Picture]:
    """Normalised images (N, C, H, W) as pixels (H, W, 3)."""
    canvas = Limits.of(model.preparation).canvas(images.detach().cpu()).clamp(0, 1)
    return [draw_image(np.rint(one.numpy() * 255).astype(np.uint8)) for one in canvas]


def save_png(picture: Picture, path: Path) -> Path:
    """Write it whole or not at all. Raises StorageError if it does not fit."""
    expect_png(path)
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "png", optimize=True)
    write_whole(path, written.getvalue())
    return path


def expect_png(path: Path) -> None:
    """Raise SettingsError for another ending."""
    if path.suffix.lower() != ".png":
        raise SettingsError(f"the picture's name is {path.name}; expected one that ends in .png")


class Steps:
    """Counts steps and passes them on, so that it can be told whether a painting was stopped early."""

    def __init__(self, planned: int) -> None:
        self.planned, self.taken = planned, 0

    def notes(self) -> tuple[str, ...]:
        """What is to be said if not all were taken."""
        if self.taken >= self.planned:
            return ()
        return (f"stopped after {self.taken:,} of {self.planned:,} steps; the picture is as it was by then",)
