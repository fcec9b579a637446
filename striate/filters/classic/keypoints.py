"""Keypoints: places that are found again when the image is turned, scaled or lit otherwise, and a description of each.

Sources: SIFT, Lowe, "Distinctive image features from scale-invariant keypoints", 2004: blobs, each with 128 numbers,
the gradients around it. ORB, Rublee, Rabaud, Konolige, Bradski, "ORB: an efficient alternative to SIFT or SURF", 2011:
corners, each with 256 bits, comparisons of two pixels (BRIEF, turned with the corner).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from striate.errors import SizeError, expect_whole
from striate.filters.answer import Answer
from striate.filters.classic.opencv import opencv
from striate.filters.grey import brightness
from striate.filters.panels import Panel, dimmed, glued
from striate.filters.strokes import Strokes, circles
from striate.images.reading import ImageSource, Pixels, read_image

_MOST = 100_000  # keypoints
_NARROWEST = 2  # pixels of which ORB's smallest scale, 1.2⁷ times smaller, still has one
_LOOKED_AT = 2_000  # keypoints, for the picture


@dataclass(frozen=True, eq=False)
class Keypoints(Answer):
    """N keypoints, the strongest first.

    `points` (N, 2) in pixels (x, y); `sizes` (N,) diameters in pixels of what is described; `angles` (N,) in degrees
    from the x axis towards the bottom; `strengths` (N,); `descriptors` (N, 128) float32 of SIFT, (N, 32) bytes of ORB.
    """

    image: Pixels
    method: Literal["sift", "orb"]
    points: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    strengths: NDArray[np.float32]
    descriptors: NDArray[np.generic]

    @property
    def name(self) -> str:
        return self.method

    def sentences(self) -> list[str]:
        """How many, how large, and by what each is known again."""
        count, length = self.descriptors.shape
        what = "numbers" if self.method == "sift" else "bytes"
        return [
            f"{self.method}: {count:,} keypoints, each with a descriptor of {length} {what}",
            *([f"diameters from {self.sizes.min():.1f} to {self.sizes.max():.1f} px"] if count else []),
        ]

    def findings(self) -> dict[str, Any]:
        """Every keypoint without its descriptor."""
        columns = (self.points[:, 0], self.points[:, 1], self.sizes, self.angles, self.strengths)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {"keypoints": [dict(zip(("x", "y", "size", "angle", "strength"), row, strict=True)) for row in rows]}

    def panels(self) -> list[Panel]:
        """Original, and circles over it: as large as what is described, with its direction as a radius."""
        drawn = self._apart()
        how = f"{len(self.points):,} keypoints" + "; where they crowd, the strongest" * (len(drawn) < len(self.points))
        found = Strokes(circles(self.points[drawn], self.sizes[drawn] / 2, self.angles[drawn]))
        return [Panel("original", glued(self.image)), Panel(self.method, dimmed(self.image), how, strokes=found)]

    def _apart(self) -> list[int]:
        """Numbers of keypoints to draw, none with its middle in the circle of a stronger one."""
        drawn: list[int] = []
        for number, point in enumerate(self.points[:_LOOKED_AT]):
            away = np.linalg.norm(self.points[drawn] - point, axis=1)
            if (away > self.sizes[drawn] / 2).all():
                drawn.append(number)
        return drawn


def sift(source: ImageSource, most: int = 500) -> Keypoints:
    """The strongest blobs of the brightness, found at all scales. Strength is the contrast, from 0 to 1.

    Raises SettingsError for a number out of 1..100,000, ImageError if the image cannot be read.
    """
    return _keypoints(source, "sift", most)


def orb(source: ImageSource, most: int = 500) -> Keypoints:
    """The strongest corners of the brightness, at eight scales among which `most` is shared out. Strength is Harris's.

    Raises SettingsError for a number out of 1..100,000, ImageError if the image cannot be read, SizeError if it is too
    small for eight scales, under 2×2.
    """
    return _keypoints(source, "orb", most)


def _keypoints(source: ImageSource, method: Literal["sift", "orb"], most: int) -> Keypoints:
    expect_whole("most", most, _MOST)
    image = read_image(source)
    height, width = image.shape[:2]
    if method == "orb" and min(height, width) < _NARROWEST:
        least = f"{_NARROWEST}×{_NARROWEST}"
        raise SizeError(f"the image is {height}×{width}; orb needs {least} or more for its eight scales: enlarge it")
    with opencv() as cv2:
        finder = cv2.SIFT_create(most) if method == "sift" else cv2.ORB_create(most)
        found, descriptors = finder.detectAndCompute(brightness(image), None)
        length, kind = finder.descriptorSize(), np.float32 if method == "sift" else np.uint8
    rows = [(*point.pt, point.size, point.angle, point.response) for point in found]
    table = np.array(rows, np.float32).reshape(-1, 5)
    order = np.argsort(-table[:, 4], kind="stable")[:most]
    table = table[order]
    described = np.zeros((0, length), kind) if descriptors is None else descriptors[order]
    return Keypoints(image, method, table[:, :2], table[:, 2], table[:, 3], table[:, 4], described)
