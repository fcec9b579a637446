"""From tensors to pixels (H, W, 3): filters in their colours, maps of heat over the image they explain."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from striate.filters.panels import signed_grey

Picture = NDArray[np.uint8]  # (H, W, 3)


def draw_filter(weights: NDArray[np.float32]) -> Picture:
    """Weights (C, H, W), grey or colour, so that zero is mid-grey and the largest reaches black or white."""
    return _three(signed_grey(weights))


def draw_image(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    """A prepared image (C, H, W) of any channels: three or more show as red, green, blue; of two the first as grey."""
    shown = image[:3] if len(image) >= 3 else image[:1]
    return _three(np.rint(shown / 257) if image.dtype == np.uint16 else shown)


def draw_heat(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> Picture:
    """The image in grey with the map (H, W) over it, from transparent at its least to glowing at its most."""
    span = float(np.ptp(heat)) or 1.0
    strength = (heat - heat.min()) / span
    grey = draw_image(image).mean(axis=2, keepdims=True)
    glow: NDArray[np.float64] = colormaps["inferno"](strength)[:, :, :3] * 255
    opacity = np.sqrt(strength)[:, :, None]
    mixed: Picture = np.rint(grey * 0.6 * (1 - opacity) + glow * opacity).astype(np.uint8)
    return mixed


def draw_signed_heat(image: NDArray[np.uint8], heat: NDArray[np.float32]) -> Picture:
    """The image in grey with the map (H, W) over it: red where it is above 0, blue below, transparent at 0."""
    share = np.clip(heat / (float(np.abs(heat).max()) or 1.0), -1, 1)
    grey = draw_image(image).mean(axis=2, keepdims=True)
    glow: NDArray[np.float64] = colormaps["RdBu_r"]((share + 1) / 2)[:, :, :3] * 255
    opacity = np.sqrt(np.abs(share))[:, :, None]
    mixed: Picture = np.rint((128 + grey) / 2 * (1 - opacity) + glow * opacity).astype(np.uint8)
    return mixed


def rendered(figure: Figure) -> Picture:
    """A figure of matplotlib as pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels: Picture = np.asarray(canvas.buffer_rgba())[:, :, :3].copy()  # type: ignore[no-untyped-call]
    return pixels


def _three(values: NDArray[Any]) -> Picture:
    """(1, H, W) or (3, H, W) to (H, W, 3)."""
    pixels: Picture = values.transpose(1, 2, 0).astype(np.uint8)
    return pixels.repeat(3 // pixels.shape[2], axis=2)
