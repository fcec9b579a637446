"""Sparse optical flow: corners of an image, each followed into the next one.

Sources: Lucas and Kanade, "An iterative image registration technique with an application to stereo vision", 1981, from
coarse to fine; corners by Shi and Tomasi, "Good features to track", 1994. Motion is found from a window of 21×21
pixels round each corner, all of which are taken to move alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import expect_whole
from striate.filters.answer import Answer
from striate.filters.classic.flow import read_pair
from striate.filters.classic.opencv import opencv
from striate.filters.grey import brightness
from striate.filters.panels import Panel, dimmed, glued
from striate.filters.strokes import Strokes, arrows
from striate.images.reading import ImageSource, Pixels

_MOST = 100_000  # corners
_QUALITY, _APART = 0.01, 7  # a corner's least strength, of the strongest one's; pixels between two


@dataclass(frozen=True, eq=False)
class Tracks(Answer):
    """`starts` (N, 2) in `image` and `ends` (N, 2) in `after`, pixels (x, y); `lost` corners were not found again."""

    image: Pixels
    after: Pixels
    starts: NDArray[np.float32]
    ends: NDArray[np.float32]
    lost: int

    @property
    def name(self) -> str:
        return "lucas_kanade"

    @property
    def middle(self) -> tuple[float, float]:
        """The median motion to the right and downwards: what most corners agree on; (0, 0) without any."""
        right, down = np.median(self.ends - self.starts, axis=0) if len(self.starts) else (0.0, 0.0)
        return float(right), float(down)

    def sentences(self) -> list[str]:
        """How many corners were followed, and where to."""
        right, down = self.middle
        return [
            f"lucas_kanade: {len(self.starts):,} corners followed, {self.lost:,} lost",
            f"median motion {right:+.2f} px to the right, {down:+.2f} px down",
        ]

    def findings(self) -> dict[str, Any]:
        """Every corner with its motion."""
        right, down = self.middle
        pairs = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        tracks = [{"start": start, "end": end} for start, end in pairs]
        return {"right": right, "down": down, "lost": self.lost, "tracks": tracks}

    def panels(self) -> list[Panel]:
        """The first image, and over the second where its corners came from and went to."""
        drawn = Strokes(arrows(self.starts, self.ends - self.starts))
        how = f"{len(self.starts):,} corners followed, {self.lost:,} lost"
        return [Panel("first image", glued(self.image)), Panel("second image", dimmed(self.after), how, strokes=drawn)]


def lucas_kanade(first: ImageSource, second: ImageSource, most: int = 200) -> Tracks:
    """The motion of at most so many corners of the first image to the second, which has the same size.

    Raises SizeError for two sizes, SettingsError for a number out of 1..100,000, ImageError if an image cannot be read.
    """
    expect_whole("most", most, _MOST)
    image, after = read_pair(first, second)
    before = brightness(image)
    with opencv() as cv2:
        corners = cv2.goodFeaturesToTrack(before, most, _QUALITY, _APART)
        if corners is None:
            return Tracks(image, after, np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32), 0)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(before, brightness(after), corners, None)
    kept = found.ravel() == 1
    return Tracks(image, after, corners[kept, 0], moved[kept, 0], int((~kept).sum()))
