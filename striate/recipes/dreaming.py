"""Dreams of a model and images that it answers to most, as a picture of one's own or as a section of the page."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from striate.errors import UnknownNameError
from striate.explain import dream as dreams
from striate.explain import maximisation
from striate.explain.canvas import Limits
from striate.explain.dream import Dreaming, dream, layer_for_dreams
from striate.explain.maximisation import Ascent, maximise
from striate.explain.neuron import Neuron
from striate.images.reading import ImageSource
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.painting import Model, Painted, Steps, expect_png, picture_of, save_png, shown_to
from striate.recipes.poster import Cell, poster, scaled
from striate.recipes.progress import Display
from striate.tasks.loading import load

Watch = Callable[[int], object]
_SIDE = 480  # pixels of the longer side of a dream on the page
_SHOWN = 240  # pixels of an image on a poster


def dream_picture(  # noqa: PLR0913 - each is an option of the command
    model: str | os.PathLike[str],
    image: ImageSource,
    *,
    layer: str | None = None,
    guide: ImageSource | None = None,
    size: int | None = None,
    how: Dreaming | None = None,
    out: str | os.PathLike[str] = "dream.png",
    device: str = "auto",
    quiet: bool = False,
) -> Painted:
    """An image as a layer of a model dreams it, written as a PNG; Ctrl-C ends it, and what there is then is written.

    Args:
        model: a model file or run directory.
        image: a file, its bytes, a Pillow image or an array (H, W, C); of any size.
        layer: as `describe` names it, or a neuron as layer3:12; a layer with 16 pixels a place if not given.
        guide: an image whose features are brought out.
        size: pixels of the longer side; the image's own if not given.
        how: steps, octaves and the rest.
        out: the PNG to write.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        UnknownNameError: there is no such layer.
        SizeError: the image is smaller than the network takes.
        ImageError: the image cannot be read.
        SettingsError: a setting makes no sense.
    """
    expect_png(Path(out))
    loaded, how = load(model, device=device), how or Dreaming()
    taken = shown_to(loaded, image, size)
    led = None if guide is None else shown_to(loaded, guide, max(loaded.preparation.geometry.size))
    asked = aim_of(layer) if layer else _layer(loaded)
    steps = Steps(how.steps * len(how.sizes(*taken.shape[2:])))
    with Display(quiet=quiet).reading(steps.planned, "dreaming") as bar, loaded.machine.running():

        def watch(count: int) -> None:
            steps.taken += count
            bar.advance(count)

        dreamt = dream(
            loaded.network, taken, Limits.of(loaded.preparation), layer=asked, guide=led, how=how, watch=watch
        )
    place = save_png(picture_of(loaded, dreamt)[0], Path(out))
    height, width = dreamt.shape[2:]
    return Painted(str(place), height, width, (str(layer or asked or "the last map"),), steps.taken, steps.notes())


def dream_section(
    model: Model,
    images: Sequence[ImageSource],
    layer: str | None = None,
    *,
    how: Dreaming | None = None,
    watch: Watch | None = None,
) -> Section:
    """Each image beside its dream, 480 pixels on its longer side. `watch(1)` is called after each image.

    Raises what `dream_picture` raises.
    """
    how, asked = how or Dreaming(), aim_of(layer) if layer else _layer(model)
    figures = []
    for number, image in enumerate(images, start=1):
        taken = shown_to(model, image, _SIDE)
        with model.machine.running():
            dreamt = dream(model.network, taken, Limits.of(model.preparation), layer=asked, how=how)
        before, after = picture_of(model, taken)[0], picture_of(model, dreamt)[0]
        sheet = poster(f"What {_words(asked)} dreams", [Cell(before, "as it is"), Cell(after, "as it is dreamt")])
        name = image if isinstance(image, str | os.PathLike) else f"image {number}"
        figures.append(Figure(f"dream-{number}", sheet, f"{Path(name).name}, and what {_words(asked)} makes of it"))
        if watch:
            watch(1)
    octaves = "by its size" if how.octaves is None else str(how.octaves)
    note = f"{how.steps} steps of {how.rate:g} of white in each octave (octaves {octaves}, {how.scale:g} apart)."
    return Section("DeepDream", card_of(dreams), tuple(figures), (note,))


def maximise_section(
    model: Model,
    aims: Sequence[str],
    *,
    how: Ascent | None = None,
    watch: Watch | None = None,
) -> Section:
    """Images that classes, by their names, or neurons, as layer3:12, answer to most, on one poster.

    `watch(1)` is called after each step of a batch. Raises UnknownNameError for a class or layer that is not there,
    SettingsError for a channel that is not there.
    """
    how = how or Ascent()
    asked = [_class_or_neuron(model, text) for text in aims]
    with model.machine.running():
        images = maximise(
            model.network, asked, model.preparation.geometry.size, Limits.of(model.preparation), how=how, watch=watch
        )
    pictures = [scaled(picture, _SHOWN) for picture in picture_of(model, images)]
    cells = [Cell(picture, text.split(",")[0]) for picture, text in zip(pictures, aims, strict=True)]
    figure = Figure("maximised", poster("What is answered to most", cells), f"Made from noise: {', '.join(aims)}")
    way = "on pixels" if how.plain else "on frequencies"
    return Section("Activation maximisation", card_of(maximisation), (figure,), (f"{how.steps} steps {way}.",))


def aim_of(text: str) -> str | Neuron:
    """A layer, or a neuron of one as layer3:12."""
    return Neuron.parse(text) if ":" in text else text


def _class_or_neuron(model: Model, text: str) -> int | Neuron:
    if text in model.classes:
        return model.classes.index(text)
    short = [number for number, name in enumerate(model.classes) if name.split(",")[0] == text]
    if len(short) == 1:
        return short[0]
    if ":" not in text:
        raise UnknownNameError("class", text, model.classes)
    return Neuron.parse(text)


def _layer(model: Model) -> str | None:
    geometry = model.preparation.geometry
    return layer_for_dreams(model.network, (geometry.channels or 3, *geometry.size))


def _words(asked: str | Neuron | None) -> str:
    if isinstance(asked, Neuron):
        return f"{asked.layer}:{asked.channel}"
    return asked or "the last map"
