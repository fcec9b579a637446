"""A layer's neurons, each by the nine patches of many images that move it most."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from striate.explain import patches as method
from striate.explain.boxes import Boxes, boxes_of
from striate.explain.cutouts import cutout
from striate.explain.drawing import Picture, draw_image
from striate.explain.patches import NINE, Patch, Patches, strongest_patches
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.gallery import Gallery, Images, Model, gallery_of
from striate.recipes.poster import Cell, block, poster, scaled

NEURONS = 48
ACROSS = 3  # patches in a row
SIDE = 60  # pixels of a patch in a picture


def patches_section(
    model: Model,
    images: Images,
    layer: str,
    *,
    count: int = NINE,
    neurons: int = NEURONS,
    channels: Sequence[int] | None = None,
    watch: Callable[[int], object] | None = None,
) -> Section:
    """The `count` strongest patches of a layer's neurons over images, in one pass; the most selective of `channels`.

    Interrupted from the keyboard, it shows what was found up to there, and says so. Raises UnknownNameError if there is
    no such layer, SizeError if it makes no maps or it is not known what these see, SettingsError for a channel that it
    does not have, DataError if no image can be read.
    """
    boxes = boxes_of(model.network, layer, image_shape(model))
    gallery = gallery_of(images)
    with model.machine.running():
        found = strongest_patches(
            model.network, gallery.batches(model), layer, count=count, channels=channels, watch=watch
        )
    shown = chosen(found, neurons)
    pictures = Pictures(model, gallery, boxes)
    cells = [pictures.cell(neuron, found.of(neuron)) for neuron in shown]
    notes = (selection(found, neurons), *how_to_read(found, boxes), *told_of(gallery))
    figures = (
        (Figure(f"patches-{layer}", poster(f"What moves {layer} most", cells), _caption(found, count)),)
        if cells
        else ()
    )
    title = f"Strongest patches of {layer}"
    return Section(title, card_of(method), figures, notes, interrupted=found.interrupted)


class Pictures:
    """What patches show: cut out of the images as they were prepared."""

    def __init__(self, model: Model, gallery: Gallery, boxes: Boxes) -> None:
        self.model, self.gallery, self.boxes = model, gallery, boxes

    def prepared(self, patches: Sequence[Patch]) -> list[NDArray[Any]]:
        """The image (C, H, W) of each patch."""
        return [self.gallery.prepared(self.model, patch.image) for patch in patches]

    def block(self, patches: Sequence[Patch], prepared: Sequence[NDArray[Any]]) -> Picture:
        """The patches of a neuron, cut out of their images, three in a row."""
        cut = (
            cutout(draw_image(image), self.boxes.uncut(patch.row, patch.column))
            for patch, image in zip(patches, prepared, strict=True)
        )
        return block([scaled(picture, SIDE) for picture in cut], ACROSS)

    def cell(self, neuron: int, patches: Sequence[Patch]) -> Cell:
        """A neuron as it stands on the page."""
        return Cell(self.block(patches, self.prepared(patches)), f"neuron {neuron}", self.words(patches))

    def words(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """The range of the values, and the commonest class where classes are known."""
        values = f"{number(patches[0].value)} to {number(patches[-1].value)}"
        labels = Counter(filter(None, (self.gallery.label(patch.image) for patch in patches)))
        common = labels.most_common(1)
        return (values, *(f"{label}: {times} of {len(patches)}" for label, times in common))


def image_shape(model: Model) -> tuple[int, int, int]:
    """Channels, height and width of the images that a model is shown."""
    height, width = model.preparation.geometry.size
    return model.checkpoint.declaration.in_channels, height, width


def chosen(found: Patches, neurons: int) -> list[int]:
    """The channels shown: all, or the most selective, always in order, without those that are the same everywhere."""
    ranked = sorted(range(len(found.channels)), key=lambda own: -float(found.selectivity[own]))
    alive = [own for own in ranked if found.deviation[own] > 0 and found.of(found.channels[own])]
    return sorted(found.channels[own] for own in alive[:neurons])


def selection(found: Patches, neurons: int) -> str:
    """The rule by which neurons were chosen, in words."""
    alive = len(chosen(found, len(found.channels)))
    silent = len(found.channels) - alive
    still = f" {silent} that are the same in all images are left out." if silent and found.seen else ""
    if alive <= neurons:
        return f"All {alive} neurons of {found.layer} that were looked at.{still}"
    return (
        f"{neurons} of {alive} neurons: those whose strongest patches lie furthest above the mean of the neuron's "
        f"highest values in all images, in standard deviations of these.{still}"
    )


def how_to_read(found: Patches, boxes: Boxes) -> tuple[str, ...]:
    """What the pictures show of the images."""
    tall, wide = boxes.largest
    seen = (
        "Every neuron here sees the whole image, so that whole images are shown."
        if boxes.whole
        else f"A patch is the box that can change the neuron's value, up to {tall}×{wide} pixels; paper is padding."
    )
    stopped = f"Interrupted after {found.seen:,} images: what was found in these is shown." if found.interrupted else ""
    return (seen, *filter(None, [stopped]))


def told_of(gallery: Gallery) -> tuple[str, ...]:
    """What was left out."""
    if not gallery.skipped:
        return ()
    first = gallery.skipped[0]
    several = f"{len(gallery.skipped):,} images" if len(gallery.skipped) > 1 else "1 image"
    return (f"{several} could not be read; {first.name}: {first.reason}.",)


def number(value: float) -> str:
    """A value to be read at a glance."""
    return f"{value:.3g}".replace("-", "−")


def _caption(found: Patches, count: int) -> str:
    return (
        f"The {count} strongest patches of each neuron, one of each of {found.seen:,} images, the strongest first; "
        "below its number the highest and the lowest of their values, and the commonest class where it is known."
    )
