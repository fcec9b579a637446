"""The feature hierarchy: from edges to things, stage after stage, by what moves the neurons of each most.

Source: Zeiler, Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, figure 2.
"""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.network import Network
from striate.errors import StriateError
from striate.explain import deconvnet as method
from striate.explain import patches as patches_method
from striate.explain.boxes import Boxes, all_boxes
from striate.explain.cutouts import cutout
from striate.explain.deconvnet import deconvnet
from striate.explain.drawing import Picture, draw_filter
from striate.explain.neuron import Neuron
from striate.explain.patches import Patch, Patches, strongest_of_layers
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.filters_section import filters_section
from striate.recipes.gallery import Images, Model, gallery_of
from striate.recipes.patches_section import (
    ACROSS,
    SIDE,
    Pictures,
    chosen,
    how_to_read,
    image_shape,
    selection,
    told_of,
)
from striate.recipes.poster import Cell, block, poster, scaled

_STAGES = 8  # that a network may have for all of them to be shown; of more, the last of each size of map
_NEURONS = 12  # of a stage
_LEVELS = ("low", "middle", "high")
_APART = 10  # pixels between patches and patterns
_FITTING = 99.0  # percent of a pattern's values that its scale holds


def hierarchy_section(
    model: Model, images: Images, *, neurons: int = _NEURONS, watch: Callable[[int], object] | None = None
) -> list[Section]:
    """Sections from low to high level: the first filters, then for each stage its neurons' patches and their patterns.

    The images are gone through once for all stages. Raises SizeError if the network makes no maps whose boxes are
    known, DataError if no image can be read, StriateError if no layer sees the pixels.
    """
    boxes = stages_of(model)
    gallery = gallery_of(images)
    with model.machine.running():
        found = strongest_of_layers(model.network, gallery.batches(model), list(boxes), watch=watch)
        sections = [filters_section(model)]
        for number, (layer, own) in enumerate(boxes.items()):
            stage = _Stage(Pictures(model, gallery, own), found[layer], number, len(boxes))
            sections.append(stage.section(neurons))
    return sections


def stages_of(model: Model) -> dict[str, Boxes]:
    """The last layer of each stage that makes maps, with its boxes; without stages, or of many, of each size of map.

    Raises StriateError if there is none.
    """
    known = all_boxes(model.network, image_shape(model))
    if isinstance(model.network, Network):
        names = [name for name, _ in model.network.stages.named_children()]
        lasts = {name: layer for name in names for layer in known if layer == name or layer.startswith(f"{name}.")}
        stages = {layer: known[layer] for layer in lasts.values()}
    else:
        stages = dict(known)
    if not stages:
        raise StriateError("the network makes no maps whose boxes are known, so there is no hierarchy to show")
    return stages if isinstance(model.network, Network) and len(stages) <= _STAGES else _last_of_each_size(stages)


def _last_of_each_size(layers: Mapping[str, Boxes]) -> dict[str, Boxes]:
    runs = (list(run) for _, run in groupby(layers.items(), key=lambda item: item[1].places))
    return dict(run[-1] for run in runs)


class _Stage:
    """One stage, and how it is shown."""

    def __init__(self, pictures: Pictures, found: Patches, number: int, stages: int) -> None:
        self.pictures, self.found, self.number, self.stages = pictures, found, number, stages
        self.without = ""  # why there are no patterns

    def section(self, neurons: int) -> Section:
        found, boxes = self.found, self.pictures.boxes
        level = _LEVELS[round((len(_LEVELS) - 1) * self.number / max(1, self.stages - 1))]
        cells = [self._cell(neuron) for neuron in chosen(found, neurons)]
        places = "×".join(map(str, boxes.places))
        heading = f"{found.layer}: {level} level, maps of {places}, stage {self.number + 1} of {self.stages}"
        beside = "" if self.without else ", beside each the pixels in it that the neuron answered to (DeconvNet)"
        caption = f"The nine strongest patches of each neuron, of {found.seen:,} images{beside}."
        figures = (Figure(f"stage-{self.number + 1}-{found.layer}", poster(heading, cells), caption),) if cells else ()
        told = (self.without, self._blunt(), *(told_of(self.pictures.gallery) if not self.number else ()))
        notes = (selection(found, neurons), *how_to_read(found, boxes), *filter(None, told))
        card = (*card_of(patches_method), *(() if self.without else card_of(method)))
        title = f"{level.capitalize()} level: {found.layer}"
        return Section(title, card, figures, notes, interrupted=found.interrupted)

    def _blunt(self) -> str:
        """What is to be said of patterns without switches."""
        if self.without or any(isinstance(module, nn.MaxPool2d) for module in self.pictures.model.network.modules()):
            return ""
        return (
            "Without max pooling there are no switches that would remember where a value came from: patterns say where "
            "a neuron looked, hardly at what, and strides leave their grid in them."
        )

    def _cell(self, neuron: int) -> Cell:
        patches = self.found.of(neuron)
        prepared = self.pictures.prepared(patches)
        shown, patterns = self.pictures.block(patches, prepared), self._patterns(neuron, patches, prepared)
        return Cell(_beside(shown, patterns), f"neuron {neuron}", self.pictures.words(patches))

    def _patterns(self, neuron: int, patches: list[Patch], prepared: list[NDArray[Any]]) -> Picture | None:
        """What comes back at the pixels of the patches, zero in mid-grey, each on its own scale."""
        if self.without:
            return None
        model, boxes = self.pictures.model, self.pictures.boxes
        images = model.preparation.normalise(torch.from_numpy(np.stack(prepared)).to(model.machine.device))
        try:
            back = deconvnet(model.network, images, Neuron(self.found.layer, neuron)).cpu()
        except StriateError as error:
            self.without = f"No patterns are shown: {error}."
            return None
        blurred = _blurred(back, min(max(boxes.largest), *boxes.size) / SIDE).numpy()
        drawn = (
            scaled(cutout(_drawn(own), boxes.uncut(patch.row, patch.column)), SIDE)
            for own, patch in zip(blurred, patches, strict=True)
        )
        return block(list(drawn), ACROSS)


def _blurred(patterns: Tensor, times: float) -> Tensor:
    """Means over as many pixels as one of the picture stands for, so that the scale is that of what is seen."""
    window = 2 * (round(times) // 2) + 1
    return functional.avg_pool2d(patterns, window, stride=1, padding=window // 2, count_include_pad=False)


def _drawn(pattern: NDArray[np.float32]) -> Picture:
    """Signed values (C, H, W), of which all but the strongest few fit the scale."""
    shown = pattern if len(pattern) in (1, 3) else pattern.mean(axis=0, keepdims=True)
    sizes = np.abs(shown[shown != 0])
    most = float(np.percentile(sizes, _FITTING)) if sizes.size else 0.0
    return draw_filter(shown.clip(-most, most))


def _beside(shown: Picture, patterns: Picture | None) -> Picture:
    if patterns is None:
        return shown
    between = np.full((len(shown), _APART, 3), 255, np.uint8)
    return np.concatenate([shown, between, patterns], axis=1)
