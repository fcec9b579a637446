"""batch0.png: the first images that the network learns from, as it sees them, with what it is told that they show."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.augmentation.views import Views
from striate.explain.drawing import draw_image

_SIDE, _GAP, _CAPTION, _ACROSS, _MOST = 128, 12, 34, 8, 32  # pixels; images in a row, and in all
_WIDTH = 22  # letters of a line
NOTHING = "nothing"  # what an image without a tag shows
_INK, _PAPER, _LINE = (45, 55, 72), (255, 255, 255), (226, 232, 240)


def draw_first_batch(views: Views, classes: Sequence[str]) -> bytes:
    """A PNG of the first images of a batch, each under its own label, or under the shares of the mixed ones."""
    count = min(len(views.images), _MOST)
    rows = -(-count // _ACROSS)
    across = min(count, _ACROSS)
    size = (_GAP + across * (_SIDE + _GAP), _GAP + rows * (_SIDE + _CAPTION + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    shown = eight_bits(replace(views, images=views.images[:count]))
    for place in range(count):
        left = _GAP + place % _ACROSS * (_SIDE + _GAP)
        top = _GAP + place // _ACROSS * (_SIDE + _CAPTION + _GAP)
        sheet.paste(_tile(shown[place]), (left, top))
        drawing.rectangle((left - 1, top - 1, left + _SIDE, top + _SIDE), outline=_LINE)
        drawing.multiline_text((left, top + _SIDE + 3), caption(views, place, classes), _INK, font, spacing=1)
    file = io.BytesIO()
    sheet.save(file, "png")
    return file.getvalue()


def eight_bits(views: Views) -> NDArray[np.uint8]:
    """The images (N, C, H, W) in 256 steps from black to white, whatever their own white is."""
    values = views.images.cpu().numpy().astype(np.float64) * (255 / views.white)
    return values.round().clip(0, 255).astype(np.uint8)


def _tile(image: NDArray[np.uint8]) -> Image.Image:
    """The image (C, H, W) on a square; its pixels stay visible where it is small."""
    picture = Image.fromarray(draw_image(image))
    scale = _SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    square = Image.new("RGB", (_SIDE, _SIDE), _LINE)
    resized = picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
    square.paste(resized, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return square


def caption(views: Views, place: int, classes: Sequence[str]) -> str:
    """The class, or all tags, or the largest shares of either if images are mixed; two lines at the most."""
    assert views.targets is not None
    target = views.targets[place]
    if target.ndim == 0:
        text = classes[int(target)]
    elif not target.is_floating_point():
        text = ", ".join(classes[place] for place in target.nonzero()[:, 0].tolist()) or NOTHING
    else:
        shares = sorted(((float(share), name) for share, name in zip(target, classes, strict=True)), reverse=True)
        seen = [f"{100 * share:.0f} % {name}" for share, name in shares[:2] if share >= 0.005]
        alone = shares[0][1] if seen else NOTHING
        text = " + ".join(seen) if len(seen) > 1 else alone
    return "\n".join(textwrap.wrap(text, _WIDTH, max_lines=2, placeholder="…"))
