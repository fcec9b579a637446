"""`striate explain`: what a trained network sees, in images and in itself, as pictures and one page."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from striate.datasets.dataset import Dataset
from striate.datasets.loading import Skipped
from striate.datasets.opening import open_dataset
from striate.errors import SettingsError, UnknownNameError
from striate.explain.heat import HEAT, Asked
from striate.explain.layers import maps_of
from striate.explain.maximisation import Ascent
from striate.recipes.bias_section import bias_section
from striate.recipes.dreaming import dream_section, maximise_section
from striate.recipes.explain_page import write_figure, write_page
from striate.recipes.explained import Figure, Section
from striate.recipes.filters_section import filters_section
from striate.recipes.gallery import Images, Model, gallery_of
from striate.recipes.heat_section import Question, heat_section
from striate.recipes.hierarchy_section import hierarchy_section
from striate.recipes.mapped import Mapped
from striate.recipes.patches_section import image_shape, patches_section
from striate.recipes.progress import Display
from striate.recipes.trust import Trust, trust_section
from striate.tasks.classification import Classifier
from striate.tasks.loading import load

_DREAMS, _MAXIMISED = 8, 12  # images that dream, classes that are maximised where none is named


@dataclass(frozen=True)
class Explained:
    """One image: the class asked about, what the network gives it, and the picture."""

    path: str
    label: str
    probability: float
    picture: str


@dataclass
class Explanation:
    """What was made: the page, the pictures, the images explained, those skipped, how far to trust the methods."""

    page: str = ""
    pictures: list[str] = field(default_factory=list)
    images: list[Explained] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    trust: tuple[Trust, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def explain_images(  # noqa: PLR0913 - each is an option of the command
    model: str | os.PathLike[str],
    images: Images = (),
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
    """Pictures of what a model looks at and has learnt, and one page that holds them all.

    A picture is written as soon as it is made; if the work is interrupted, the page is of what there is.

    Args:
        model: a model file or run directory.
        images: files or folders, or a data set; filters need none.
        methods: names between commas. Of each image: saliency, smoothgrad, integrated_gradients, grad_cam, occlusion,
            guided, deconvnet; dream, of the first eight. Of all images together: patches, hierarchy, bias. Of the
            network: filters, and maximise, of the class, the neuron or else the first classes.
        label: the class asked about; the one that the model says, if not given.
        layer: that of grad_cam, patches, filters or dream, as `describe` names it, or a neuron, as layer3:12, of dream
            or maximise; the last map, for filters the first layer, for dream one in the middle, if not given.
        window: pixels of the side of occlusion's window; a seventh of the image, if not given.
        stride: pixels between its windows; half a window, if not given.
        trust: measure how far the methods for images are to be trusted; it takes longer than they do.
        out: the folder for the pictures and the page.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        UnknownNameError: there is no such method, class or layer.
        SettingsError: a method needs images, and none are given.
        DataError: no image can be read.
    """
    if isinstance(images, list | tuple) and len(images) == 1:
        images = images[0]  # it may be a data set's name or folder
    names = _names(methods, images)
    loaded = load(model, device=device)
    target = None if label is None else _class_number(loaded, label)
    work = _Work(loaded, Path(model), images, layer, label, trust, Path(out), Display(quiet=quiet))
    heats = tuple(name for name in names if name in HEAT)
    try:
        if heats:
            work.heat(Question(heats, Asked(layer, window, stride), target))
        for name in names:
            if name in _WHOLE:
                work.add(_WHOLE[name](work))
    finally:
        work.finish()
    return work.made


@dataclass
class _Work:
    """One call: what is asked of which model, and what has been made."""

    model: Model
    place: Path
    images: Images
    layer: str | None
    label: str | None
    trust: bool
    out: Path
    display: Display
    made: Explanation = field(default_factory=Explanation)
    sections: list[Section] = field(default_factory=list)

    def heat(self, question: Question) -> None:
        """Explain each image, then judge the methods."""
        gallery = gallery_of(self.images)
        figures: list[Figure] = []
        with self.display.reading(len(gallery), "explaining images") as watch:

            def keep(mapped: Mapped, figure: Figure) -> None:
                self.made.images.append(
                    Explained(mapped.path, self.model.classes[mapped.target], mapped.probability, self.write(figure))
                )
                figures.append(figure)
                watch.advance()

            try:
                section, shown = heat_section(self.model, gallery, question, keep)
            except KeyboardInterrupt:
                self.sections.append(Section("Images", (), tuple(figures), ("Interrupted: these were done.",)))
                raise
        self.made.skipped += gallery.skipped
        self.sections.append(section)
        if self.trust and isinstance(self.model, Classifier):
            self.made.trust, judged = trust_section(self.model, shown, question.names, question.asked, self.display)
            self.sections.append(judged)

    def add(self, sections: Sequence[Section]) -> None:
        """Write the figures, and keep the sections for the page."""
        for section in sections:
            for figure in section.figures:
                self.write(figure)
            self.sections.append(section)
        if any(section.interrupted for section in sections):
            raise KeyboardInterrupt  # that the method has caught to show what it had

    def write(self, figure: Figure) -> str:
        """Write a picture, and give its place."""
        place = str(write_figure(self.out, figure))
        self.made.pictures.append(place)
        return place

    def finish(self) -> None:
        """Write the page of what there is, if there is anything."""
        if self.sections:
            skipped = (f"Skipped: {file.name}: {file.reason}" for file in self.made.skipped)
            summary = (f"Made on {time.strftime('%Y-%m-%d')}.", *skipped)
            self.made.page = str(write_page(self.out, f"What {self.place} looks at", summary, self.sections))


def _filters(work: _Work) -> list[Section]:
    return [filters_section(work.model, work.layer)]


def _patches(work: _Work) -> list[Section]:
    layer = work.layer or list(maps_of(work.model.network, image_shape(work.model)))[-1]
    with work.display.reading(len(gallery_of(work.images)), "looking for patches") as watch:
        return [patches_section(work.model, work.images, layer, watch=watch.advance)]


def _hierarchy(work: _Work) -> list[Section]:
    with work.display.reading(len(gallery_of(work.images)), "looking for patches") as watch:
        return hierarchy_section(work.model, work.images, watch=watch.advance)


def _bias(work: _Work) -> list[Section]:
    if not isinstance(work.model, Classifier):
        raise SettingsError("bias is of classes, and this model tells tags; ask a classifier")
    if isinstance(work.images, str | os.PathLike | Dataset):
        return [bias_section(work.model, open_dataset(work.images), work.display)]
    raise SettingsError(f"bias takes one data set, as `train` does; {len(work.images)} places came")


def _dream(work: _Work) -> list[Section]:
    gallery = gallery_of(work.images)
    count = min(len(gallery), _DREAMS)
    with work.display.reading(count, "dreaming") as watch:
        images = [gallery.source(number) for number in range(count)]
        return [dream_section(work.model, images, work.layer, watch=watch.advance)]


def _maximise(work: _Work) -> list[Section]:
    named = work.label or (work.layer if work.layer and ":" in work.layer else None)
    aims = [named] if named else list(work.model.classes[:_MAXIMISED])
    steps = Ascent.steps * -(-len(aims) // Ascent.together)
    with work.display.reading(steps, "climbing") as watch:
        return [maximise_section(work.model, aims, watch=watch.advance)]


_WHOLE: Mapping[str, Callable[[_Work], list[Section]]] = {
    "filters": _filters,
    "patches": _patches,
    "hierarchy": _hierarchy,
    "bias": _bias,
    "dream": _dream,
    "maximise": _maximise,
}
_ALONE = {"filters", "maximise"}  # need no images


def _names(methods: str, images: Images) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in methods.split(",")))))
    for name in names:
        if name not in HEAT and name not in _WHOLE:
            raise UnknownNameError("method", name, [*HEAT, *_WHOLE])
        if name not in _ALONE and not isinstance(images, str | os.PathLike) and not len(images):
            raise SettingsError(f"{name} explains images, and none came; name files, folders or a data set")
    if not names:
        raise SettingsError(f"no method is named; known: {', '.join([*HEAT, *_WHOLE])}")
    return names


def _class_number(model: Model, label: str) -> int:
    if label not in model.classes:
        raise UnknownNameError("class", label, model.classes)
    return model.classes.index(label)
