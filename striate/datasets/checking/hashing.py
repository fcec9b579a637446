"""A perceptual hash of 53 bits: the signs of a thumbnail's lowest frequencies, but of its mean.

Bit (u, v) is the sign of the coefficient of cos(pi u (2y + 1) / 64) cos(pi v (2x + 1) / 64), the discrete cosine
transform (Ahmed, Natarajan and Rao 1974), for 0 < u² + v² <= 58, the lowest ones first. To mirror a picture changes the
signs of odd v, to transpose it swaps u and v: so each way to turn it costs no further transform.
"""

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.survey import SIDE

FREQUENCIES = sorted(
    ((u, v) for u in range(8) for v in range(8) if 0 < u * u + v * v <= 58),
    key=lambda own: (own[0] ** 2 + own[1] ** 2, own),
)
_CHUNK = 4096  # thumbnails

Hashes = NDArray[np.uint64]  # (N,)
Coefficients = NDArray[np.float32]  # (N, 8, 8)


def directions(thumbnails: NDArray[np.uint8], places: NDArray[np.int64]) -> Coefficients:
    """The 8×8 lowest cosine coefficients of the thumbnails (…, 32, 32) at N places, without the mean, of length 1."""
    middles, frequencies = 2 * np.arange(SIDE) + 1, np.arange(8)
    waves = np.cos(np.pi * frequencies[:, None] * middles / (2 * SIDE)).astype(np.float32)  # (8, 32)
    found = np.empty((len(places), 8, 8), np.float32)
    for start in range(0, len(places), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        found[chunk] = waves @ thumbnails[places[chunk]].astype(np.float32) @ waves.T
    found[:, 0, 0] = 0
    found /= np.maximum(np.sqrt(np.einsum("nuv,nuv->n", found, found)), 1e-6)[:, None, None]
    return found


def turned_coefficients(lowest: Coefficients, way: int) -> Coefficients:
    """The coefficients of the pictures turned in one of the eight ways of `turning`."""
    own = lowest.transpose(0, 2, 1) if way & 1 else lowest
    signs = (-1.0) ** np.arange(8, dtype=np.float32)
    return own * (signs[:, None] if way & 2 else 1) * (signs if way & 4 else 1)


def hashes(lowest: Coefficients) -> Hashes:
    """The hash (N,) of pictures by their coefficients; the lowest frequencies are the highest bits."""
    bits = np.zeros(len(lowest), np.uint64)
    for u, v in FREQUENCIES:
        bits = (bits << np.uint64(1)) | (lowest[:, u, v] > 0).astype(np.uint64)
    return bits


def differing(bits: Hashes) -> NDArray[np.int64]:
    """How many bits of each number are set: sums of ever longer fields (Warren, Hacker's Delight, section 5-1)."""
    for width, mask in ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F)):
        bits = (bits & np.uint64(mask)) + ((bits >> np.uint64(width)) & np.uint64(mask))
    with np.errstate(over="ignore"):
        return ((bits * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)
