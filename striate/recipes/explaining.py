"""`striate explain`: what a trained network images at in images, as pictures and a page, and how far to trust them."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.datasets.loading import Skipped
from striate.errors import DataError, ImageError, UnknownNameError
from striate.explain.heat import Asked, heat, heat_method
from striate.explain.panel import Map, draw_panel
from striate.images.walking import files_below
from striate.recipes.explain_page import write_figure, write_page
from striate.recipes.explained import Figure, Section, card_of
from striate.recipes.mapped import Mapped
from striate.recipes.progress import Display
from striate.recipes.trust import Trust, trust_section
from striate.tasks.classification import Classifier
from striate.tasks.loading import load
from striate.tasks.tagger import Tagger

_ON_PAGE = 60  # images at the most; of others there are the pictures alone
Model = Classifier | Tagger


@dataclass(frozen=True)
class Explained:
    """One image: the class asked about, what the network gives it, and the picture."""

    path: str
    label: str
    probability: float
    picture: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Explanation:
    """What was made: the page, the images explained, those skipped, and how far each method is to be trusted."""

    page: str
    images: tuple[Explained, ...]
    skipped: tuple[Skipped, ...]
    trust: tuple[Trust, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "page": self.page,
            "images": [image.to_dict() for image in self.images],
            "skipped": [vars(file) for file in self.skipped],
            "trust": [one.to_dict() for one in self.trust],
        }


def explain(  # noqa: PLR0913 - each is an option of the command
    model: str | os.PathLike[str],
    images: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    methods: str = "saliency,grad_cam,occlusion",
    label: str | None = None,
    layer: str | None = None,
    window: int | None = None,
    stride: int | None = None,
    trust: bool = True,
    out: str | os.PathLike[str] = "explained",
    device: str = "auto",
    quiet: bool = False,
) -> Explanation:
    """Pictures of why a model says what it says of images, each with its scale, and one page that holds them all.

    An image's picture is written as soon as it is made; if the work is interrupted, the page is of what there is.

    Args:
        model: a model file or run directory.
        images: files or folders of images.
        methods: names between commas: saliency, smoothgrad, integrated_gradients, grad_cam, occlusion, guided,
            deconvnet.
        label: the class asked about; the one that the model says, if not given.
        layer: Grad-CAM's, as `describe` names it; the last map, if not given.
        window: pixels of the side of occlusion's window; a seventh of the image, if not given.
        stride: pixels between its windows; half a window, if not given.
        trust: measure how far each method is to be trusted; it takes longer than explaining.
        out: the folder for the pictures and the page.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        UnknownNameError: there is no such method, class or layer.
        DataError: no image can be read.
    """
    loaded = load(model, device=device)
    names = _names(methods)
    asked = Asked(layer, window, stride)
    target = None if label is None else _class_number(loaded, label)
    files = _files([images] if isinstance(images, str | os.PathLike) else images)
    return _Run(loaded, names, asked, target, Path(out), Display(quiet=quiet)).over(files, trust, Path(model))


def _names(methods: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in methods.split(",")))))
    for name in names:
        heat_method(name)
    return names


def _class_number(model: Model, label: str) -> int:
    if label not in model.classes:
        raise UnknownNameError("class", label, model.classes)
    return model.classes.index(label)


def _files(images: Sequence[str | os.PathLike[str]]) -> list[Path]:
    files = [file for given in map(Path, images) for file in (files_below(given) if given.is_dir() else [given])]
    if not files:
        given = ", ".join(str(place) for place in images) or "what was given"
        raise DataError(f"there is no image in {given}; name files or folders")
    return files


@dataclass
class _Run:
    """One call: what is asked of which model, and where it goes."""

    model: Model
    names: tuple[str, ...]
    asked: Asked
    target: int | None
    out: Path
    display: Display
    skipped: list[Skipped] = field(default_factory=list)

    def over(self, files: Sequence[Path], trust: bool, model: Path) -> Explanation:
        """Explain the files one by one, then judge the methods on the first of them, then write the page."""
        explained: list[Explained] = []
        images: list[Mapped] = []
        figures: list[Figure] = []
        judged: Section | None = None
        found: tuple[Trust, ...] = ()
        try:
            with self.display.reading(len(files), "explaining images") as watch:
                for mapped in self._mapped(files):
                    figure = self._figure(mapped, len(explained))
                    explained.append(self._explained(mapped, write_figure(self.out, figure)))
                    if len(images) < _ON_PAGE:
                        images.append(mapped)
                        figures.append(figure)
                    watch.advance()
            if trust and isinstance(self.model, Classifier) and images:
                found, judged = trust_section(self.model, images, self.names, self.asked, self.display)
        finally:
            if images:
                page = self._page(figures, judged, model)
        if not images:
            first = self.skipped[0]
            raise DataError(f"no image can be read; for example {first.name}: {first.reason}")
        return Explanation(str(page), tuple(explained), tuple(self.skipped), found)

    def _explained(self, mapped: Mapped, picture: Path) -> Explained:
        return Explained(mapped.path, self.model.classes[mapped.target], mapped.probability, str(picture))

    def _mapped(self, files: Sequence[Path]) -> Iterator[Mapped]:
        for file in files:
            try:
                image = self.model.preparation.geometry.prepare(file)[0]  # (C, H, W)
            except ImageError as error:
                self.skipped.append(Skipped(str(file), error.reason))
                continue
            yield self._map(str(file), image)

    def _map(self, path: str, image: NDArray[np.uint8]) -> Mapped:
        probabilities = self.model.probabilities(torch.from_numpy(image)[None])[0]  # (K,)
        target = int(probabilities.argmax()) if self.target is None else self.target
        device = self.model.machine.device
        prepared = self.model.preparation.normalise(torch.from_numpy(image)[None].to(device))
        targets = torch.tensor([target], device=device)
        with self.model.machine.running():
            maps = {name: heat(self.model.network, prepared, targets, name, self.asked)[0].cpu() for name in self.names}
        return Mapped(path, image, target, float(probabilities[target]), maps)

    def _figure(self, mapped: Mapped, number: int) -> Figure:
        said = f"{self.model.classes[mapped.target]}, {100 * mapped.probability:.1f} %"
        methods = ((heat_method(name), map_) for name, map_ in mapped.maps.items())
        maps = [Map(method.title, map_.float().numpy(), method.signed) for method, map_ in methods]
        name = Path(mapped.path).name
        return Figure(
            f"{number + 1:03d}-{Path(mapped.path).stem}",
            draw_panel(mapped.image, maps, f"Why {said}?", name),
            f"{mapped.path}: {said}",
        )

    def _page(self, figures: Sequence[Figure], judged: Section | None, model: Path) -> Path:
        sections = [Section("Images", (), tuple(figures), _reading(self.names))]
        sections += [judged] if judged else []
        methods = [heat_method(name) for name in self.names]
        cards = tuple((method.title, card_of(method.card)) for method in methods)
        sections.append(Section("The methods", (), (), others=cards))
        made = time.strftime("%Y-%m-%d")
        summary = (
            f"{len(figures)} image{'s' * (len(figures) != 1)}, {made}.",
            *(f"Skipped: {s.name}: {s.reason}" for s in self.skipped),
        )
        return write_page(self.out, f"What {model} looks at", summary, sections)


def _reading(names: Sequence[str]) -> tuple[str, ...]:
    """How to read the colours of what is shown."""
    signed = [heat_method(name).title for name in names if heat_method(name).signed]
    strong = [heat_method(name).title for name in names if not heat_method(name).signed]
    notes = []
    if strong:
        notes.append(f"{', '.join(strong)}: the brighter, the more the pixel moves the score of the class.")
    if signed:
        notes.append(
            f"{', '.join(signed)}: red speaks for the class, blue against it; the numbers are changes of its score."
        )
    return tuple(notes)
