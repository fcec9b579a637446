"""Histograms of oriented gradients: in cells of 8×8 pixels, how much edge there is of each of nine directions.

Source: Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005. Each pixel votes with the length
of its gradient, shared between the two nearest directions and, within a block of 2×2 cells, between the nearest cells;
a block is divided by its length, capped at 0.2 and divided again. A window of 128×64 gives 15·7·4·9 = 3,780 numbers.

This is NumPy, since OpenCV 5 has no HOG; the numbers are those of OpenCV 4's HOGDescriptor within 0.001, and so its
choices: square roots of the pixels, of three colours the steepest, and a Gaussian over a block of 16×16 pixels around
pixel (8, 8), half a pixel off the middle.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.arithmetic.windows import fit
from striate.filters.answer import Answer
from striate.filters.panels import Panel, glued
from striate.filters.strokes import Strokes
from striate.images.reading import ImageSource, Pixels, read_image

_CELL, _BLOCK, _BINS = 8, 16, 9
_CAP = 0.2
_DRAWN = 64  # cells a side that one can still tell apart


@dataclass(frozen=True, eq=False)
class Hog(Answer):
    """`blocks` (R, C, 2, 2, 9): for each block its four cells, of each nine shares, and `image` cut to whole cells.

    Bin k is for gradients near 10 + 20 k degrees, from the x axis towards the bottom: bins 0 and 8 are upright edges,
    bin 4 level ones.
    """

    image: Pixels
    cut: tuple[int, int]
    blocks: NDArray[np.float64]

    @property
    def name(self) -> str:
        return "hog"

    @property
    def cells(self) -> NDArray[np.float64]:
        """(R + 1, C + 1, 9): each cell as the mean of the up to four blocks that hold it."""
        rows, columns = self.blocks.shape[:2]
        total = np.zeros((rows + 1, columns + 1, _BINS))
        held = np.zeros((rows + 1, columns + 1, 1))
        for down, right in np.ndindex(2, 2):
            total[down : down + rows, right : right + columns] += self.blocks[:, :, down, right]
            held[down : down + rows, right : right + columns] += 1
        return total / held

    @property
    def descriptor(self) -> NDArray[np.float64]:
        """All numbers as one vector, column by column as OpenCV has them, for detectors that were trained so."""
        return self.blocks.transpose(1, 0, 3, 2, 4).ravel()

    def sentences(self) -> list[str]:
        """Cells, blocks, numbers, and what was cut off."""
        rows, columns = self.blocks.shape[:2]
        return [
            f"hog: {rows + 1}×{columns + 1} cells of {_CELL}×{_CELL} pixels, {_BINS} directions",
            f"descriptor: {rows}·{columns} blocks · 4 cells · {_BINS} = {self.blocks.size:,} numbers",
            *([f"cut off: {self.cut[0]} rows and {self.cut[1]} columns that fill no cell"] if any(self.cut) else []),
        ]

    def findings(self) -> dict[str, Any]:
        """Cells, blocks, numbers, what was cut off, and the mean share of each direction."""
        rows, columns = self.blocks.shape[:2]
        return {
            "cells": [rows + 1, columns + 1],
            "blocks": [rows, columns],
            "numbers": self.blocks.size,
            "cut": list(self.cut),
            "directions": self.blocks.mean(axis=(0, 1, 2, 3)).tolist(),
        }

    def panels(self) -> list[Panel]:
        """Original, and in each cell nine strokes along the edges it holds, the brighter the stronger."""
        cells, side = self.cells, _CELL
        if (merged := min(-(-max(cells.shape[:2]) // _DRAWN), *cells.shape[:2])) > 1:  # of a long strip not too many
            rows, columns = cells.shape[0] // merged, cells.shape[1] // merged
            cells = (
                cells[: rows * merged, : columns * merged].reshape(rows, merged, columns, merged, _BINS).mean((1, 3))
            )
            side *= merged
        black = np.zeros(self.image.shape[:2], np.uint8)
        strokes = Strokes(_glyphs(cells, side), ((cells / (cells.max() or 1)) ** 2).ravel(), "white", cased=False)
        how = f"cells of {side}×{side} pixels: strokes lie along the edges, bright where one direction prevails"
        return [Panel("original", glued(self.image)), Panel("hog", black, how, strokes=strokes)]


def hog(source: ImageSource) -> Hog:
    """Histograms of oriented gradients of any image of 16×16 pixels or more; needs no OpenCV.

    An image is cut at the right and the bottom to whole cells. Raises SizeError for a smaller one, ImageError if it
    cannot be read.

    >>> hog(np.zeros((128, 64), np.uint8)).descriptor.shape
    (3780,)
    """
    whole = read_image(source)
    for side in whole.shape[:2]:
        fit(side, _BLOCK, stride=_CELL)
    rows, columns = (side - side % _CELL for side in whole.shape[:2])
    image = whole[:rows, :columns]
    along = _shared(_votes(image))  # (R, 2, W, 9)
    blocks = _shared(np.moveaxis(along, 2, 0)).transpose(2, 0, 3, 1, 4)  # (R, C, 2, 2, 9)
    return Hog(image, (whole.shape[0] - rows, whole.shape[1] - columns), _capped(blocks.astype(np.float64)))


def _votes(image: Pixels) -> NDArray[np.float32]:
    """(H, W, 9): the length of each pixel's gradient, shared between the two directions nearest to its own."""
    roots = np.pad(np.sqrt(image, dtype=np.float32), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    right, down = roots[1:-1, 2:] - roots[1:-1, :-2], roots[2:, 1:-1] - roots[:-2, 1:-1]
    squares = right**2 + down**2  # (H, W, C)
    steepest = squares.argmax(axis=2, keepdims=True)  # of squares as OpenCV has them: ties fall to the same colour
    square, right, down = (np.take_along_axis(values, steepest, 2) for values in (squares, right, down))  # (H, W, 1)
    length = np.sqrt(square)
    place = np.arctan2(down, right) % np.pi * (_BINS / np.pi) - 0.5
    lower = np.floor(place)
    votes = np.zeros((*length.shape[:2], _BINS), np.float32)
    np.put_along_axis(votes, lower.astype(int) % _BINS, length * (1 - (place - lower)), 2)
    np.put_along_axis(votes, (lower.astype(int) + 1) % _BINS, length * (place - lower), 2)
    return votes


def _shared(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pixels (H, …) along the first axis to blocks of two cells (R, 2, …), near pixels of a cell counting more."""
    places = np.arange(_BLOCK)
    near = np.maximum(0, 1 - np.abs((places + 0.5) / _CELL - 0.5 - np.arange(2)[:, None]))  # (2, 16)
    middle = np.exp(-((places - _BLOCK / 2) ** 2) / (2 * (_BLOCK / 4) ** 2))
    share = (near * middle).astype(np.float32)
    cells = votes.reshape(-1, _CELL, *votes.shape[1:])
    first = np.einsum("iy,ry...->ri...", share[:, :_CELL], cells[:-1])
    return first + np.einsum("iy,ry...->ri...", share[:, _CELL:], cells[1:])  # type: ignore[no-any-return]


def _capped(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each block divided by its length, capped, and divided again; the small terms, OpenCV's, keep flat blocks at 0."""
    long = np.sqrt((blocks**2).sum(axis=(2, 3, 4), keepdims=True))
    capped = np.minimum(blocks / (long + 0.1 * 4 * _BINS), _CAP)
    again = np.sqrt((capped**2).sum(axis=(2, 3, 4), keepdims=True))
    return capped / (again + 1e-3)  # type: ignore[no-any-return]


def _glyphs(cells: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Nine strokes through the middle of each cell (R·C·9, 2, 2), each at a right angle to its gradients."""
    rows, columns = np.indices(cells.shape[:2])
    middles = (np.stack([columns, rows], axis=2) + 0.5) * side - 0.5  # (R, C, 2)
    angles = (np.arange(_BINS) + 0.5) * np.pi / _BINS + np.pi / 2
    half = np.stack([np.cos(angles), np.sin(angles)], axis=1) * side * 0.45  # (9, 2)
    return np.stack([middles[:, :, None] - half, middles[:, :, None] + half], axis=3).reshape(-1, 2, 2)
