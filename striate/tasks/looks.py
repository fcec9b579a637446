"""Several looks at one image: it and its mirror image, five windows of its surroundings, and several sizes.

Krizhevsky et al. 2012, section 4.1: ten looks, the four corners and the centre, 224 of 256 pixels wide, and their
mirror images. Simonyan & Zisserman 2014, arXiv:1409.1556, section 3.2: the whole image at several sizes. Szegedy et al.
2014, arXiv:1409.4842, section 7: windows of the network's own size, of the image at several sizes.

Where windows are cut from: a network that was shown the middle `share` of images (0.875 is 224 of 256) gets them from
the whole of each at the same scale, so that the one in the centre is what it is shown otherwise, but for the outermost
pixels, whose means now reach further. To one that was shown the whole, each shows 7/8 of the sides, as AlexNet's do, at
8/7 of the size.
"""

from dataclasses import dataclass, replace
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import SettingsError, UnknownNameError
from striate.images.geometry import Geometry, Part

_SHARE = 7 / 8  # of each side that a window shows, where nothing else is known: 224 of AlexNet's 256 pixels
_LEAST, _MOST = 0.1, 10.0
_SCALES = "scales:"
_EXAMPLE = "scales:0.875,1,1.143"
_WORDS = ("one", "flip", "crops", "ten")


@dataclass(frozen=True)
class Look:
    """What is shown of an image that is prepared by a geometry: a window of it, or that one's mirror image."""

    geometry: Geometry
    window: Part
    mirrored: bool = False

    def of(self, images: NDArray[Any]) -> NDArray[Any]:
        """Of prepared images (M, C, H, W)."""
        shown = images[:, :, *self.window.slices]
        return np.ascontiguousarray(shown[:, :, :, ::-1] if self.mirrored else shown)  # (M, C, height, width)


def plain(geometry: Geometry) -> Look:
    """All that the geometry prepares, once."""
    return Look(geometry, Part(0, 0, *geometry.size))


@dataclass(frozen=True)
class Looks:
    """Which looks are taken: each window at each size, and with `flip` its mirror image."""

    flip: bool = False
    crops: bool = False
    scales: tuple[float, ...] = (1.0,)

    @classmethod
    def parse(cls, text: str) -> "Looks":
        """Words between commas: one, flip, crops, ten (flip and crops), and scales: with numbers.

        >>> Looks.parse("flip,scales:0.875,1").scales
        (0.875, 1.0)
        """
        words, found = [word.strip() for word in text.split(",")], cls()
        while words:
            word = words.pop(0)
            if word.startswith(_SCALES):
                numbers = [word.removeprefix(_SCALES)]
                while words and _is_number(words[0]):
                    numbers.append(words.pop(0))
                found = replace(found, scales=tuple(map(_scale, numbers)))
            elif word in _WORDS:
                flip, crops = word in ("flip", "ten"), word in ("crops", "ten")
                found = replace(found, flip=found.flip or flip, crops=found.crops or crops)
            else:
                raise UnknownNameError("look", word, (*_WORDS, _EXAMPLE))
        return found

    def __str__(self) -> str:
        scales = _SCALES + ",".join(f"{scale:g}" for scale in self.scales)
        words = ["flip"] * self.flip + ["crops"] * self.crops + [scales] * (self.scales != (1.0,))
        return ",".join(words) or "one"

    @property
    def count(self) -> int:
        return (1 + self.flip) * (5 if self.crops else 1) * len(self.scales)

    def of(self, geometry: Geometry) -> tuple[Look, ...]:
        """The looks at images that a network is shown by a geometry. Raises SettingsError if no window fits."""
        return tuple(
            Look(sized, window, mirrored)
            for scale in self.scales
            for sized, windows in [self._windows(geometry, scale)]
            for window in windows
            for mirrored in ((False, True) if self.flip else (False,))
        )

    def _windows(self, geometry: Geometry, scale: float) -> tuple[Geometry, tuple[Part, ...]]:
        if not self.crops:
            sized = _sized(geometry, scale)
            return sized, (Part(0, 0, *sized.size),)
        share = geometry.share if geometry.share < 1 else _SHARE
        around = _sized(replace(geometry, share=1.0), scale / share)
        if not all(whole > side for whole, side in zip(around.size, geometry.size, strict=True)):
            raise SettingsError(
                f"at a scale of {scale:g} the image is {around.size[0]}×{around.size[1]}, and windows of "
                f"{geometry.size[0]}×{geometry.size[1]} are to be cut of it; expected scales above {share:g} with crops"
            )
        return around, _five(around.size, geometry.size)


ONE = Looks()


def _five(whole: tuple[int, int], window: tuple[int, int]) -> tuple[Part, ...]:
    """The windows in the four corners and in the centre."""
    down, across = whole[0] - window[0], whole[1] - window[1]
    corners = [(top, left) for top in (0, down) for left in (0, across)]
    return tuple(Part(top, left, *window) for top, left in [*corners, (down // 2, across // 2)])


def _sized(geometry: Geometry, scale: float) -> Geometry:
    height, width = (max(1, floor(side * scale + 0.5)) for side in geometry.size)
    return replace(geometry, size=(height, width))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _scale(word: str) -> float:
    """Raises SettingsError for what is no scale."""
    if not (_is_number(word) and _LEAST <= float(word) <= _MOST):
        raise SettingsError(f"looks has the scale {word!r}; expected numbers from {_LEAST} to {_MOST:g}, as {_EXAMPLE}")
    return float(word)
