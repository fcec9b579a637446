"""Straight lines by Hough's transform: every edge pixel votes for all lines through it.

Source: Duda and Hart, "Use of the Hough transformation to detect lines and curves in pictures", 1972. A line is all
(x, y) with x cos a + y sin a = d: a is the angle of its normal, in degrees from 0 to 179 from the x axis towards the
bottom: 0 for an upright line, 90 for a level one; d is its distance in pixels from the top left pixel, signed: negative
if the line lies where the normal points away from. Votes are counted in steps of 1 degree and of 1 pixel. Edges are
Canny's. Of lines that are nearly the same, only the strongest is kept.
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
_FEWEST = 10  # votes that are still asked for if nobody says how many
_TURNED, _ASIDE = 3, 5  # degrees, and pixels at the middle of the image, up to which two lines are nearly the same


@dataclass(frozen=True, eq=False)
class Lines(Answer):
    """Lines by their votes, the most first: signed `distances` in pixels, `angles` in degrees, `votes`, each (N,).

    None has less than `least` votes.
    """

    image: Pixels
    least: int
    distances: NDArray[np.float64]
    angles: NDArray[np.float64]
    votes: NDArray[np.int64]

    @property
    def name(self) -> str:
        return "hough_lines"

    def sentences(self) -> list[str]:
        """How many lines, and the strongest; a negative distance is told as a positive one, with the normal turned."""
        told = [f"hough_lines: lines through {self.least:,} edge pixels or more", f"lines: {len(self.votes):,}"]
        for distance, angle, votes in list(zip(self.distances, self.angles, self.votes, strict=True))[:_TOLD]:
            way = angle + 180 * (distance < 0)
            told.append(f"  {abs(distance):.0f} px from the top left, normal at {way:.0f}°: {votes:,} votes")
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
    """At most so many lines through `votes` edge pixels or more, none within 3 degrees and 5 pixels of a stronger one.

    Without `votes` half the shorter side of the image is tried, and as long as no line is found half of that, down to
    10; the answer's `least` is where it ended.

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
    found = _voted(edges.edge, least)
    while votes is None and not len(found) and least >= 2 * _FEWEST:
        least //= 2
        found = _voted(edges.edge, least)
    distances, angles, counts = found[_apart(found, edges.edge.shape, most)].T
    return Lines(edges.image, least, distances, angles, counts.astype(np.int64))


def _voted(edge: NDArray[np.bool_], least: int) -> NDArray[np.float64]:
    """Distance, angle and votes (N, 3) of all lines through so many pixels or more, the most first."""
    with opencv() as cv2:  # which asks for more votes than its threshold
        found = cv2.HoughLinesWithAccumulator(edge.astype(np.uint8), 1, np.pi / 180, least - 1)
    table = np.zeros((0, 3)) if found is None else found.reshape(-1, 3).astype(np.float64)
    return np.rint(table * (1, 180 / np.pi, 1))


def _apart(lines: NDArray[np.float64], size: tuple[int, ...], most: int) -> list[int]:
    """Rows of the strongest lines, none of them nearly the same as a stronger one."""
    angles = lines[:, 1]
    middle = [(side - 1) / 2 for side in size]
    asides = lines[:, 0] - middle[1] * np.cos(np.radians(angles)) - middle[0] * np.sin(np.radians(angles))
    left = np.arange(len(lines))
    kept: list[int] = []
    while len(left) and len(kept) < most:
        turns = np.abs(angles[left] - angles[left[0]])
        signed = np.where(turns > 90, -asides[left], asides[left])  # normals at 1° and at 179° point apart
        same = (np.minimum(turns, 180 - turns) <= _TURNED) & (np.abs(signed - asides[left[0]]) <= _ASIDE)
        kept.append(int(left[0]))
        left = left[~same]
    return kept
