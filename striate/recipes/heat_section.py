"""Images one by one, each with the maps of heat that explain it, and how far to trust them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.explain.heat import Asked, heat, heat_method
from striate.explain.masks import hottest
from striate.explain.panel import Map, draw_panel
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.gallery import Gallery, Model
from striate.recipes.mapped import Mapped

_OUTLINED, _SHARE = "saliency", 0.1  # the map whose hottest part is outlined, and the share of the image
_ON_PAGE = 60  # images at the most; of others there are the pictures alone


@dataclass(frozen=True)
class Question:
    """What is asked of each image: by which methods, of which class (None: the one that the model says)."""

    names: tuple[str, ...]
    asked: Asked
    target: int | None


def explain_each(model: Model, gallery: Gallery, question: Question) -> Iterator[tuple[Mapped, Figure]]:
    """Each image that can be read, explained, and its picture; the others are in `gallery.skipped` when it ends."""
    for number, (name, image) in enumerate(gallery.each(model), start=1):
        mapped = _map(model, name, image, question)
        yield mapped, _figure(model, mapped, number)


def heat_section(
    model: Model, gallery: Gallery, question: Question, made: Callable[[Mapped, Figure], object]
) -> tuple[Section, list[Mapped]]:
    """The section of all images, up to 60, and those; `made` is handed each as soon as it is made.

    Raises DataError if no image can be read, and what the methods raise.
    """
    shown: list[Mapped] = []
    figures: list[Figure] = []
    for mapped, figure in explain_each(model, gallery, question):
        made(mapped, figure)
        if len(shown) < _ON_PAGE:
            shown.append(mapped)
            figures.append(figure)
    return Section("Images", (), tuple(figures), _reading(question.names), others=_cards(question.names)), shown


def _map(model: Model, path: str, image: NDArray[Any], question: Question) -> Mapped:
    probabilities = model.probabilities(torch.from_numpy(image)[None])[0]  # (K,)
    target = int(probabilities.argmax()) if question.target is None else question.target
    device = model.machine.device
    prepared = model.preparation.normalise(torch.from_numpy(image)[None].to(device))
    targets = torch.tensor([target], device=device)

    def ask(name: str) -> Tensor:
        return heat(model.network, prepared, targets, name, question.asked)[0].float().cpu()

    with model.machine.running():
        return Mapped(path, image, target, float(probabilities[target]), {name: ask(name) for name in question.names})


def _figure(model: Model, mapped: Mapped, number: int) -> Figure:
    said = f"{model.classes[mapped.target]}, {100 * mapped.probability:.1f} %"
    methods = ((heat_method(name), own) for name, own in mapped.maps.items())
    maps = [Map(method.title, own.numpy(), method.signed) for method, own in methods]
    name, mask = Path(mapped.path).name, None
    if _OUTLINED in mapped.maps:
        mask = hottest(mapped.maps[_OUTLINED][None], _SHARE)[0].numpy()
        name += f"\noutlined: the hottest {100 * _SHARE:.0f} % by {_OUTLINED}"
    picture = draw_panel(np.asarray(mapped.image), maps, f"Why {said}?", name, mask)
    return Figure(f"{number:03d}-{Path(mapped.path).stem}", picture, f"{mapped.path}: {said}")


def _cards(names: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    methods = map(heat_method, names)
    return tuple((method.title, card_of(method.card)) for method in methods)


def _reading(names: Sequence[str]) -> tuple[str, ...]:
    """How to read the colours of what is shown."""
    methods = [heat_method(name) for name in names]
    strong = [method.title for method in methods if not method.signed]
    signed = [method.title for method in methods if method.signed]
    notes = []
    if strong:
        notes.append(f"{', '.join(strong)}: the brighter, the more it moves the score of the class.")
    if signed:
        notes.append(f"{', '.join(signed)}: red speaks for the class, blue against it, in units of its score.")
    return tuple(notes)
