"""Dense optical flow: for every pixel of an image, where it has gone in the next one.

Source: Farnebäck, "Two-frame motion estimation based on polynomial expansion", 2003. Around each pixel both images are
taken as parabolas; what moves one onto the other is the motion, averaged over 15×15 pixels, from coarse to fine in
three steps. It is in pixels, to the right and downwards. None is seen where nothing has texture, nor along an edge.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import SizeError
from striate.filters.answer import Answer
from striate.filters.classic.opencv import opencv
from striate.filters.grey import brightness
from striate.filters.panels import Panel, dimmed
from striate.filters.strokes import Strokes, arrows
from striate.images.reading import ImageSource, Pixels, read_image

_ALONG = 24  # arrows along the longer side
_WHEEL = 201  # pixels of the colour wheel
_FAST = 99  # percentile of the speed that has the full colour: outliers shall not bleach the rest


@dataclass(frozen=True, eq=False)
class Flow(Answer):
    """`motion` (H, W, 2): how far each pixel of `image` has moved to the right and downwards in `after`."""

    image: Pixels
    after: Pixels
    motion: NDArray[np.float32]

    @property
    def name(self) -> str:
        return "optical_flow"

    @property
    def speed(self) -> NDArray[np.float32]:
        """Pixels moved (H, W), in whatever direction."""
        return np.linalg.norm(self.motion, axis=2)  # type: ignore[no-any-return]

    def sentences(self) -> list[str]:
        """The mean and the largest motion."""
        right, down = self.motion.mean(axis=(0, 1))
        return [
            f"optical_flow: mean motion {right:+.2f} px to the right, {down:+.2f} px down",
            f"speed: mean {self.speed.mean():.2f} px, largest {self.speed.max():.2f} px",
        ]

    def findings(self) -> dict[str, Any]:
        """The mean and the largest motion."""
        right, down = self.motion.mean(axis=(0, 1)).tolist()
        speed = {"mean": float(self.speed.mean()), "largest": float(self.speed.max())}
        return {"right": right, "down": down, "speed": speed}

    def panels(self) -> list[Panel]:
        """Arrows over the first image, the motion of every pixel as a colour, and the wheel that explains it."""
        fast = max(1.0, float(np.percentile(self.speed, _FAST)))  # parts of a pixel are noise
        step = max(self.motion.shape) / _ALONG
        longer = 0.9 * step / fast
        drawn, wheel = self._arrows(step, longer), f"rim: {fast:.3g} px or more, white: still"
        return [
            Panel("first image, with its motion", dimmed(self.image), f"arrows {longer:.2g}× as long", strokes=drawn),
            Panel("motion of every pixel", _coloured(self.motion / fast)),
            Panel("colours", _wheel(), wheel, small=True),
        ]

    def _arrows(self, step: float, longer: float) -> Strokes:
        """An arrow every `step` pixels, so many times longer than the motion; none where it would be a dot."""
        down, right = (np.arange(step / 2, side, step) for side in self.motion.shape[:2])
        starts = np.stack(np.meshgrid(right, down), axis=2).reshape(-1, 2)
        x, y = starts.astype(int).T
        ways = self.motion[y, x] * longer
        moving = np.linalg.norm(ways, axis=1) > step / 20
        return Strokes(arrows(starts[moving], ways[moving]))


def optical_flow(first: ImageSource, second: ImageSource) -> Flow:
    """The motion of every pixel from the first image to the second, which has the same size.

    Raises SizeError for two sizes, ImageError if an image cannot be read.

    >>> optical_flow(np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)).motion.shape
    (32, 32, 2)
    """
    image, after = read_pair(first, second)
    how = {"pyr_scale": 0.5, "levels": 3, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2, "flags": 0}
    with opencv() as cv2:
        motion = cv2.calcOpticalFlowFarneback(brightness(image), brightness(after), None, **how)
    return Flow(image, after, motion)


def read_pair(first: ImageSource, second: ImageSource) -> tuple[Pixels, Pixels]:
    """Two images of one size. Raises SizeError if they have two."""
    pair = read_image(first), read_image(second)
    sizes = ["×".join(map(str, image.shape[:2])) for image in pair]
    if sizes[0] != sizes[1]:
        raise SizeError(f"the first image is {sizes[0]}, the second {sizes[1]}; expected one size: resize or crop one")
    return pair


def _coloured(motion: NDArray[np.floating]) -> Pixels:
    """Motion (H, W, 2) as colours: the direction is the hue, the speed up to 1 the depth of it, still is white."""
    speed = np.minimum(np.linalg.norm(motion, axis=2), 1)[:, :, None]
    hue = np.arctan2(motion[:, :, 1], motion[:, :, 0])[:, :, None] * (3 / np.pi)  # red to the right, six parts a turn
    pure = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)  # (H, W, 3)
    colours: Pixels = np.rint(255 * (1 - speed * (1 - pure))).astype(np.uint8)
    return colours


def _wheel() -> Pixels:
    """The colours of all motions up to 1, on white."""
    motion = np.stack(np.meshgrid(*(np.linspace(-1.0, 1.0, _WHEEL),) * 2), axis=2)
    motion[np.linalg.norm(motion, axis=2) > 1] = 0
    return _coloured(motion)
