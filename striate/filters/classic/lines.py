"""Straight lines by Hough's transform: every edge pixel votes for all lines through it.

Source: Duda and Hart, "Use of the Hough transformation to detect lines and curves in pictures", 1972. A line is all
(x, y) with x cos a + y sin a = d: d is its distance in pixels from the top left pixel, and a the angle of its normal,
in degrees from the x axis towards the bottom: 0 for an upright line, 90 for a level one. Votes are counted in steps of
1 degree and of 1 pixel. Edges are Canny's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import expect_whole
from striate.filters.answer import Answer
from striate.filters.classic.edges import canny
from striate.filters.classic.opencv import opencv
from striate.filters.panels import Panel, dimmed, glued
from striate.filters.strokes import Strokes
from striate.images.reading import ImageSource, Pixels

_MOST = 1_000_000  # votes, and lines
_TOLD = 5  # lines in the sentences


@dataclass(frozen=True, eq=False)
class Lines(Answer):
    """Lines by their votes, the most first: `distances` in pixels, `angles` in degrees, `votes`, each (N,)."""

    image: Pixels
    least: int
    distances: NDArray[np.float64]
    angles: NDArray[np.float64]
    votes: NDArray[np.int64]

    @property
    def name(self) -> str:
        return "hough_lines"

    def sentences(self) -> list[str]:
        """How many lines, and the strongest."""
        told = [f"hough_lines: lines through {self.least:,} edge pixels or more", f"lines: {len(self.votes):,}"]
        for distance, angle, votes in list(zip(self.distances, self.angles, self.votes, strict=True))[:_TOLD]:
            told.append(f"  {distance:.0f} px from the top left, normal at {angle:.0f}°: {votes:,} votes")
        return told

    def findings(self) -> dict[str, Any]:
        """Every line."""
        found = zip(self.distances.tolist(), self.angles.tolist(), self.votes.tolist(), strict=True)
        lines = [{"distance": distance, "angle": angle, "votes": votes} for distance, angle, votes in found]
        return {"least_votes": self.least, "lines": lines}

    def panels(self) -> list[Panel]:
        """Original, and lines over it."""
        how = f"{len(self.votes):,} lines through {self.least:,} edge pixels or more"
        return [
            Panel("original", glued(self.image)),
            Panel("hough_lines", dimmed(self.image), how, strokes=Strokes(self._ends())),
        ]

    def _ends(self) -> NDArray[np.float64]:
        """Two points (N, 2, 2) of each line, both outside the image."""
        normals = np.radians(self.angles)
        across = np.stack([np.cos(normals), np.sin(normals)], axis=1)  # (N, 2)
        along = np.stack([-across[:, 1], across[:, 0]], axis=1) * sum(self.image.shape[:2])
        feet = across * self.distances[:, None]
        return np.stack([feet - along, feet + along], axis=1)


def hough_lines(source: ImageSource, votes: int | None = None, *, most: int = 20) -> Lines:
    """At most so many lines through `votes` edge pixels or more; half the shorter side of the image if not given.

    Raises SettingsError for numbers under 1 or over a million, ImageError if the image cannot be read.

    >>> dark_above = np.repeat(np.uint8([0, 0, 0, 90, 90, 90]), 200).reshape(6, 200)
    >>> level = hough_lines(dark_above, votes=190)
    >>> level.distances, level.angles
    (array([2.]), array([90.]))
    """
    if votes is not None:
        expect_whole("votes", votes, _MOST)
    expect_whole("most", most, _MOST)
    edges = canny(source)
    least = votes or max(2, min(edges.edge.shape) // 2)
    with opencv() as cv2:  # which asks for more votes than its threshold
        found = cv2.HoughLinesWithAccumulator(edges.edge.astype(np.uint8), 1, np.pi / 180, least - 1)
    table = np.zeros((0, 3)) if found is None else found.reshape(-1, 3)[:most].astype(np.float64)
    return Lines(edges.image, least, table[:, 0], np.rint(np.degrees(table[:, 1])), table[:, 2].astype(np.int64))
