"""The pictures of check.html: small copies of images, with their boxes, their crop, the sizes of all; as data URIs."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from striate.datasets.dataset import Dataset
from striate.datasets.targets import Boxes
from striate.errors import ImageError
from striate.images.fits import Fit
from striate.images.preparation import Geometry
from striate.images.reading import Pixels

_SIDE = 176  # pixels of the longer side of a small copy: 88 on the page, for screens of twice the density
_SHOWN = 224  # of what a fit makes
_QUALITY = 82
_INK, _FAULT, _FRAME = "#2b6cb0", "#c53030", "#1a202c"
_MOST_POINTS = 2_000  # in the picture of sizes; more become a map of how many lie where
_STYLE: dict[Any, Any] = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}


def small_copy(dataset: Dataset, place: int, *, box: int = -1) -> str | None:
    """An image as a data URI, with its boxes if one of them is asked about; None if it cannot be decoded."""
    try:
        pixels = dataset.read(place)
    except ImageError:
        return None
    image = _image(pixels)
    if box >= 0 and isinstance(dataset.targets, Boxes):
        return _uri(_with_boxes(image, dataset.targets, place, box))
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return _uri(_enlarged(image, _SIDE))


def fitted(pixels: Pixels, geometry: Geometry, fit: Fit) -> str:
    """What a fit makes of an image."""
    made = Geometry(geometry.size, fit=fit, share=geometry.share if fit != "pad" else 1.0).apply(pixels)  # (C, H, W)
    image = _image(np.ascontiguousarray(made.transpose(1, 2, 0)))
    image.thumbnail((_SHOWN, _SHOWN))
    return _uri(image)


def cropped(pixels: Pixels, geometry: Geometry) -> str:
    """The whole image, what crop throws away being dark and the rest in a frame."""
    image = _image(pixels)
    image.thumbnail((2 * _SHOWN, _SHOWN))
    image = _enlarged(image, _SHOWN)
    height, width = geometry.size
    scale = geometry.share * min(image.width / width, image.height / height)
    kept = (round(width * scale), round(height * scale))
    left, top = (image.width - kept[0]) // 2, (image.height - kept[1]) // 2
    frame = (left, top, left + kept[0], top + kept[1])
    shown = Image.blend(image, Image.new("RGB", image.size, "black"), 0.65)
    shown.paste(image.crop(frame), frame[:2])
    ImageDraw.Draw(shown).rectangle((frame[0], frame[1], frame[2] - 1, frame[3] - 1), outline="white", width=2)
    return _uri(shown)


def sizes_picture(sizes: NDArray[np.int32], size: int) -> str:
    """Width against height (N, 2) of the images, and the size that they will be brought to, as a drawing."""
    with rc_context({**_STYLE, "svg.hashsalt": "striate"}):
        figure = Figure(figsize=(4.6, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="width (pixels)", ylabel="height (pixels)")
        if len(sizes) > _MOST_POINTS:
            axes.hexbin(
                sizes[:, 0], sizes[:, 1], gridsize=40, xscale="log", yscale="log", bins="log", mincnt=1, cmap="Blues"
            )
        else:
            axes.scatter(sizes[:, 0], sizes[:, 1], s=14, alpha=0.5, color=_INK, linewidths=0)
        low, high = min(sizes.min(), size) / 1.3, max(sizes.max(), size) * 1.3
        axes.set(xlim=(low, high), ylim=(low, high))
        axes.plot([low, high], [low, high], color="#a0aec0", linewidth=0.8)
        axes.plot(size, size, "+", color=_FAULT, markersize=12, markeredgewidth=2)
        axes.annotate(f"{size}×{size}", (size, size), xytext=(7, -12), textcoords="offset points", color=_FAULT)
        _plain_numbers(axes, low, high)
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode()


def _plain_numbers(axes: Any, low: float, high: float) -> None:
    """Few round pixels instead of powers of ten."""
    steps = [2**power for power in range(17) if low <= 2**power <= high]
    every = max(1, len(steps) // 5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(steps[::every], [str(step) for step in steps[::every]])
        axis.set_ticks([], minor=True)


def _with_boxes(image: Image.Image, boxes: Boxes, place: int, asked: int) -> Image.Image:
    """The image in a white margin wide enough for the box asked about, that one red and the others blue."""
    span = boxes.span(place)
    left, top, right, bottom = boxes.corners[asked]
    reach = (
        np.clip([-left, right - image.width], 0, image.width),
        np.clip([-top, bottom - image.height], 0, image.height),
    )
    margin = [round(float(side)) + (4 if side else 0) for pair in reach for side in pair]  # left, right, top, bottom
    canvas = Image.new("RGB", (image.width + margin[0] + margin[1], image.height + margin[2] + margin[3]), "white")
    canvas.paste(image, (margin[0], margin[2]))
    scale = min(1.0, 2 * _SIDE / max(canvas.size))
    canvas = canvas.resize([max(1, round(side * scale)) for side in canvas.size], Image.Resampling.BOX)
    pen, origin = ImageDraw.Draw(canvas), np.array([margin[0], margin[2]] * 2)
    frame = np.array([0, 0, image.width, image.height])
    _outline(pen, (frame + origin) * scale, _FRAME, 1)
    for own in [*(other for other in range(span.start, span.stop) if other != asked), asked]:
        _outline(pen, (boxes.corners[own] + origin) * scale, _FAULT if own == asked else _INK, 3)
    return canvas


def _outline(pen: ImageDraw.ImageDraw, corners: NDArray[np.float64], colour: str, width: int) -> None:
    """A rectangle; of no extent, a cross; whichever corner comes first."""
    bound = np.clip(np.nan_to_num(corners), -1e4, 1e4)
    left, right = sorted((float(bound[0]), float(bound[2])))
    top, bottom = sorted((float(bound[1]), float(bound[3])))
    if right - left < 1 or bottom - top < 1:
        pen.line((left - 6, top - 6, right + 6, bottom + 6), fill=colour, width=width)
        pen.line((left - 6, bottom + 6, right + 6, top - 6), fill=colour, width=width)
    else:
        pen.rectangle((left, top, right, bottom), outline=colour, width=width)


def _enlarged(image: Image.Image, side: int) -> Image.Image:
    """As often as it fits into this side: a tile of few pixels is shown with its pixels."""
    times = max(1, side // max(image.size))
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")


def _uri(image: Image.Image) -> str:
    written = io.BytesIO()
    image.save(written, "webp", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode()


def class_rows(classes: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Rows of the table of classes, with each one's bar in percent; of many classes the largest and the smallest."""
    totals = [sum(value for value in row.values() if isinstance(value, int)) for row in classes]
    widest = max(totals, default=0) or 1
    order = sorted(range(len(classes)), key=lambda place: (-totals[place], place))
    kept = order if len(order) <= most else [*order[: most // 2], *order[-most // 2 :]]
    return [{**classes[place], "total": totals[place], "width": 100 * totals[place] / widest} for place in kept]
