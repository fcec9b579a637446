"""`striate style`: one image painted like another, written as a PNG."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from striate.errors import SettingsError
from striate.explain.canvas import Limits
from striate.explain.style import Space, Styling, style_transfer
from striate.explain.style_layers import Layers, style_layers
from striate.images.channels import grey
from striate.images.reading import ImageSource, read_image
from striate.images.resizing import nearest
from striate.recipes.painting import Model, Painted, Steps, expect_png, picture_of, save_png, shown_to
from striate.recipes.progress import Display
from striate.tasks.loading import load

Masks = tuple[ImageSource, ImageSource]  # of the content and of the style


def style_picture(  # noqa: PLR0913 - each is an option of the command
    model: str | os.PathLike[str],
    content: ImageSource,
    style: ImageSource,
    *,
    layers: Layers | None = None,
    size: int | None = 384,
    how: Styling | None = None,
    masks: Masks | None = None,
    out: str | os.PathLike[str] = "styled.png",
    device: str = "auto",
    quiet: bool = False,
) -> Painted:
    """The content painted in the texture and colours of the style; Ctrl-C ends it, and what there is then is written.

    Args:
        model: a model file or run directory, whose features say what content and style are.
        content: a file, its bytes, a Pillow image or an array (H, W, C); of any size.
        style: the same.
        layers: those of content and of style; chosen by the sizes of the network's maps if not given.
        size: pixels of the longer side of the picture; None: the content's own.
        how: steps, weights, colours and the rest.
        masks: an image for the content and one for the style, each of its image's size: every grey level is a region,
            which takes the style of the region of the same level.
        out: the PNG to write.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        UnknownNameError: there is no such layer.
        SizeError: an image is smaller than the network takes.
        ImageError: an image cannot be read.
        SettingsError: a setting makes no sense, or masks do not fit.
    """
    expect_png(Path(out))
    loaded, how = load(model, device=device), how or Styling()
    longer = None if size is None else max(1, round(size * how.scale))
    shown, painted_like = shown_to(loaded, content, size), shown_to(loaded, style, longer)
    layers = layers or layers_of(loaded)
    space = None if masks is None else _space(masks, (content, style), (shown, painted_like))
    steps, display = Steps(how.steps), Display(quiet=quiet)
    with display.reading(how.steps, "painting") as bar, loaded.machine.running():

        def watch(count: int, loss: float) -> None:
            steps.taken += count
            bar.advance(count)
            if steps.taken in (1, how.steps) or steps.taken % max(1, how.steps // 5) == 0:
                display.say(f"step {steps.taken}/{how.steps}  loss {loss:.4g}")

        made = style_transfer(
            loaded.network,
            shown,
            painted_like,
            Limits.of(loaded.preparation),
            layers=layers,
            how=how,
            space=space,
            watch=watch,
        )
    place = save_png(picture_of(loaded, made)[0], Path(out))
    return Painted(str(place), made.shape[2], made.shape[3], layers.all, steps.taken, steps.notes())


def layers_of(model: Model) -> Layers:
    """Those that are taken if none are named, for the size that the model is for."""
    geometry = model.preparation.geometry
    return style_layers(model.network, (geometry.channels or 3, *geometry.size))


def _space(masks: Masks, images: tuple[ImageSource, ImageSource], shown: tuple[Tensor, Tensor]) -> Space:
    """The regions of both masks, by grey level, at the sizes that are painted."""
    levels = [_levels(mask, image) for mask, image in zip(masks, images, strict=True)]
    known = [set(np.unique(level).tolist()) for level in levels]
    if known[0] != known[1]:
        odd = sorted(known[0] ^ known[1])
        raise SettingsError(
            f"grey level {odd[0]} stands in one of the two masks alone; expected the same levels in both, one a region"
        )
    content, style = (_regions(level, sorted(known[0]), one) for level, one in zip(levels, shown, strict=True))
    return Space(content, style)


def _levels(mask: ImageSource, image: ImageSource) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A mask's grey levels (H, W). Raises SettingsError if it is of another size than its image."""
    pixels, expected = read_image(mask), read_image(image).shape[:2]
    if pixels.shape[:2] != expected:
        came = "×".join(map(str, pixels.shape[:2]))
        raise SettingsError(
            f"the mask is {came} pixels (height×width) and its image {expected[0]}×{expected[1]}; "
            "expected the same size"
        )
    return (grey(pixels) if pixels.shape[2] == 3 else pixels)[:, :, 0]


def _regions(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], known: Sequence[int], shown: Tensor) -> Tensor:
    fitted = nearest(levels, (shown.shape[2], shown.shape[3]))
    return torch.stack([torch.from_numpy(fitted == level) for level in known]).to(shown)  # (R, H, W)
