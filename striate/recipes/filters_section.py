"""A layer's weights to look at: filters in colour, templates of classes, or a table of kernels in grey."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.explain import filters as method
from striate.explain.drawing import Picture, draw_filter
from striate.explain.filters import first_layer, is_linear_classifier, kernels
from striate.filters.panels import signed_grey
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.gallery import Model
from striate.recipes.patches_section import image_shape
from striate.recipes.poster import WIDE, Cell, block, labelled, poster, scaled

_MOST, _TABLE = 128, 32  # filters shown one by one; rows and columns of a table
_FILTER, _TEMPLATE = 80, 176  # pixels of a filter, of one of few templates as large as the image
_FEW = 24  # of them
_LARGE = 16  # pixels from which it is one
_OWN = "Mid-grey is a weight of 0; each has a scale of its own, whose largest weight reaches the end."


def filters_section(model: Model, layer: str | None = None) -> Section:
    """The weights of a layer, or without a name of the first, which sees pixels: there in colour.

    Raises UnknownNameError if there is no such layer, SizeError if it has no kernels, StriateError if no layer sees
    the pixels.
    """
    shape = image_shape(model)
    first = first_layer(model.network, shape)
    name = first if layer is None else layer
    weights = kernels(model.network, name, shape).cpu()  # (K, C, h, w)
    drawn = weights.shape[1] == 1 or (name == first and weights.shape[1] == 3)
    figure, notes = _one_by_one(model, name, weights) if drawn else _table(name, weights)
    title = f"Filters of {name}" if max(weights.shape[2:]) < _LARGE else f"Templates of {name}"
    return Section(title, card_of(method), (figure,), notes)


def _one_by_one(model: Model, name: str, weights: Tensor) -> tuple[Figure, tuple[str, ...]]:
    shown, large = weights[:_MOST].numpy(), max(weights.shape[2:]) >= _LARGE
    classes = len(weights) == len(model.classes) and is_linear_classifier(model.network, image_shape(model))
    side = _TEMPLATE if large and len(shown) <= _FEW else _FILTER
    titles = model.classes[:_MOST] if classes else [str(number) for number in range(len(shown))]
    cells = [Cell(scaled(draw_filter(own), side), title) for own, title in zip(shown, titles, strict=True)]
    what = "What speaks for each class" if classes else f"What each neuron of {name} looks for"
    cut = f" The first {_MOST} of {len(weights)}." if len(weights) > _MOST else ""
    caption = f"{len(shown)} {'templates' if large else 'filters'} of {_size(weights)}.{cut} {_OWN}"
    return Figure(f"filters-{name}", poster(what, cells), caption), ()


def _table(name: str, weights: Tensor) -> tuple[Figure, tuple[str, ...]]:
    """Rows are neurons, columns the maps that they see."""
    neurons = _strongest(weights.square().sum((1, 2, 3)).numpy())
    maps = _strongest(weights[neurons].square().sum((0, 2, 3)).numpy())
    shown = weights[neurons][:, maps].numpy()
    largest = float(np.abs(shown).max())
    side = max(2, min(40, (WIDE - 120) // len(maps) - 2))
    tiles = [scaled(_grey(signed_grey(kernel, largest)), side) for own in shown for kernel in own]
    table = labelled(block(tiles, len(maps)), _words(neurons), _words(maps))
    heading = f"Kernels of {name}: a row for each neuron, a column for each map it sees"
    cut = ", ".join(
        f"{len(some)} of {all_} {what} with the largest weights, in order"
        for some, all_, what in ((neurons, len(weights), "neurons"), (maps, weights.shape[1], "maps"))
        if len(some) < all_
    )
    scale = f"black −{largest:.3g} to white {largest:.3g}"
    caption = f"{_size(weights)} for each map. Mid-grey is 0; one scale for the layer, {scale}."
    notes = (f"Shown are the {cut}.",) if cut else ()
    return Figure(f"filters-{name}", poster(heading, [Cell(table, "")]), caption), notes


def _strongest(weight: NDArray[np.float32]) -> list[int]:
    return sorted(np.argsort(-weight, kind="stable")[:_TABLE].tolist())


def _grey(pixels: NDArray[np.uint8]) -> Picture:
    return np.repeat(pixels[:, :, None], 3, axis=2)


def _words(numbers: Sequence[int]) -> list[str]:
    return [str(number) for number in numbers]


def _size(weights: Tensor) -> str:
    return "×".join(map(str, weights.shape[2:])) + " weights"
