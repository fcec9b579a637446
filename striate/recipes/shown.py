"""How a network was shown images when it was trained, by others than us: what `striate import` has to be told."""

from dataclasses import dataclass
from typing import Literal, get_args

from striate.errors import SettingsError
from striate.images.fits import Fit, Interpolation

ChannelOrder = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class Shown:
    """How a network was shown images; None stands for what is usual, of ImageNet's networks."""

    size: int | None = None
    """Pixels of a side; the paper's if not given."""

    mean: tuple[float, ...] | None = None
    """What was subtracted from red, green and blue, white = 1, or one number; the catalogue's if not given."""

    std: tuple[float, ...] | None = None
    """What they were divided by, in the same units: 0.00392 for 1 of 255; the catalogue's if not given."""

    fit: Fit = "crop"
    """How images of another aspect got there: by cropping the middle, padding with black, or stretching."""

    crop_share: float | None = None
    """The part of each side that a crop kept: 0.875 if not given, but 1 for networks of small images."""

    interpolation: Interpolation = "bilinear"
    """How images were resized."""

    channel_order: ChannelOrder = "rgb"
    """The order in which it took the colours; mean and std are of red, green, blue in either."""

    def __post_init__(self) -> None:
        for name, kind in (("fit", Fit), ("interpolation", Interpolation), ("channel_order", ChannelOrder)):
            if getattr(self, name) not in get_args(kind):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(get_args(kind))}")
