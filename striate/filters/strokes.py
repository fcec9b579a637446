"""Lines over an image as plain values: straight ones, arrows, circles; points are pixels (x, y), y downwards."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TURN = np.linspace(0, 2 * np.pi, 25)
_BARB, _BACK = 0.35, np.radians(150)  # of an arrow's length; turned from where it points


@dataclass(frozen=True, eq=False)
class Strokes:
    """N lines of M points each, `paths` (N, M, 2); `strength` (N,) from 0, unseen, to 1, or None if all are alike.

    A `cased` line has a dark rim, so that it is seen on any ground.
    """

    paths: NDArray[np.floating]
    strength: NDArray[np.floating] | None = None
    colour: str = "#ffd21e"
    cased: bool = True


def arrows(starts: NDArray[np.floating], ways: NDArray[np.floating]) -> NDArray[np.floating]:
    """Paths (N, 5, 2) from `starts` (N, 2) along `ways` (N, 2): to the tip, to one barb, back, to the other.

    >>> arrows(np.array([[1.0, 2.0]]), np.array([[4.0, 0.0]]))[0, :2].tolist()
    [[1.0, 2.0], [5.0, 2.0]]
    """
    tips = starts + ways
    barbs = [tips + _BARB * _turned(ways, side * _BACK) for side in (1, -1)]
    return np.stack([starts, tips, barbs[0], tips, barbs[1]], axis=1)


def circles(
    middles: NDArray[np.floating], radii: NDArray[np.floating], angles: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Paths (N, 26, 2): from each middle to its rim in the direction of `angles`, in degrees, and once round."""
    turns = np.radians(angles)[:, None] + _TURN  # (N, 25)
    rims = middles[:, None] + radii[:, None, None] * np.stack([np.cos(turns), np.sin(turns)], axis=2)
    return np.concatenate([middles[:, None], rims], axis=1)


def _turned(ways: NDArray[np.floating], angle: float) -> NDArray[np.floating]:
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: NDArray[np.floating] = ways @ np.array([[cosine, sine], [-sine, cosine]])
    return turned
