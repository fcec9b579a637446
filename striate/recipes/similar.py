"""`striate similar`: the images nearest to one, for a network beside for the eye of a ruler: in features and in pixels.

In features: by cosine, from the index. In pixels: by the Euclidean distance of the images as they are prepared, white
being 1, sqrt(Σ (a − b)²), for which all images of the folder are read again, 32 at a time.
"""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.datasets.loading import Skipped
from striate.datasets.opening import open_dataset
from striate.errors import DataError, ImageError, SettingsError
from striate.explain.features import look, tap_of
from striate.explain.neighbours import APPROXIMATE_BEYOND
from striate.explain.retrieval import Retrieval, measure_retrieval
from striate.recipes.index_file import INDEX_FILE, ImageIndex, read_index
from striate.recipes.indexing import prepared
from striate.recipes.progress import Display
from striate.recipes.similar_picture import Row, Shown, draw_similar
from striate.tasks.classification import Classifier
from striate.tasks.loading import load
from striate.tasks.tagger import Tagger
from striate.writing import write_whole

PICTURE_FILE = "similar.png"
_MOST = 100  # neighbours


@dataclass(frozen=True)
class Neighbour:
    """An image near another: a cosine, or a distance of pixels. `same`: its pixels are the query's own."""

    name: str
    label: str
    value: float
    same: bool


@dataclass(frozen=True)
class Answer:
    """What is near one query."""

    query: str
    said: str
    probability: float
    features: tuple[Neighbour, ...]
    pixels: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Similar:
    """The answers, what could not be read, and where the picture is, if one was asked for."""

    answers: tuple[Answer, ...]
    skipped: tuple[Skipped, ...]
    picture: Path | None
    remarks: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "picture": None if self.picture is None else str(self.picture)}


def similar_images(
    model: str | os.PathLike[str],
    images: Sequence[str | os.PathLike[str]],
    *,
    index: str | os.PathLike[str] = INDEX_FILE,
    k: int = 9,
    out: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | Dataset | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> Similar:
    """The k nearest images of an index to each of some images, in features and in pixels.

    Args:
        model: the model file or run directory with which the index was made.
        images: image files.
        index: the file of `striate index`.
        k: how many neighbours, at most 100.
        out: a folder for the picture, similar.png.
        data: where the images of the index are, if they have moved since.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        StriateError: a foreign index, no readable query, or images that are not where they were.
    """
    if not 1 <= k <= _MOST:
        raise SettingsError(f"k is {k}; expected a whole number from 1 to {_MOST}")
    loaded = load(model, device=device)
    known = read_index(index, loaded.checkpoint)
    queries, names, skipped = _queries(loaded, images)
    dataset = _images_of(known, data)
    features, outputs = _look(loaded, queries)
    chance = (outputs.sigmoid() if isinstance(loaded, Tagger) else outputs.softmax(1)).max(1)
    nearly = len(known) > APPROXIMATE_BEYOND
    cosines, rows = (known.search.nearly_nearest if nearly else known.search.nearest)(features, k)
    distances, places, same = _nearest_pixels(loaded, dataset, queries, k, Display(quiet=quiet))
    answers = tuple(
        Answer(
            name,
            loaded.classes[int(chance.indices[number])],
            float(chance.values[number]),
            tuple(
                Neighbour(known.names[row], known.label(row), value, known.names[row] in same[number])
                for row, value in zip(rows[number].tolist(), cosines[number].tolist(), strict=True)
            ),
            tuple(
                Neighbour(dataset.names[place], _label(dataset, place), value, dataset.names[place] in same[number])
                for place, value in zip(places[number].tolist(), distances[number].tolist(), strict=True)
            ),
        )
        for number, name in enumerate(names)
    )
    remark = f"{len(known):,} images are more than a million: the neighbours in features are found nearly, not exactly"
    picture = None if out is None else _draw(loaded, dataset, queries, answers, Path(out))
    return Similar(answers, skipped, picture, (remark,) if nearly else ())


def measure_similar(
    model: str | os.PathLike[str], *, index: str | os.PathLike[str] = INDEX_FILE, quiet: bool = False
) -> Retrieval:
    """How well the nearest images of a labelled index are of the same class, each asking for all others.

    Raises SettingsError if the index has no labels, ModelFileError if it was made with another model.
    """
    known = read_index(index, load(model, device="cpu").checkpoint)
    if known.labels is None:
        raise SettingsError(f"{index} has no labels to measure by; make it of data with one class for each image")
    with Display(quiet=quiet).reading(len(known), "comparing images") as watch:
        return measure_retrieval(known.search, torch.from_numpy(known.labels), watch=watch.advance)


def _queries(
    model: Classifier | Tagger, images: Sequence[str | os.PathLike[str]]
) -> tuple[NDArray[Any], list[str], tuple[Skipped, ...]]:
    """The readable ones, prepared (Q, C, H, W), and their names. Raises DataError if there are none."""
    found, names, skipped = [], [], []
    for image in images:
        try:
            found.append(model.preparation.geometry.prepare(image)[0])
        except ImageError as error:
            skipped.append(Skipped(str(image), error.reason))
        else:
            names.append(str(image))
    if not found:
        why = f": {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise DataError(f"none of {len(images)} images to find others for can be read{why}")
    return np.stack(found), names, tuple(skipped)


def _images_of(known: ImageIndex, data: str | os.PathLike[str] | Dataset | None) -> Dataset:
    """The data set of an index. Raises DataError if it is not there, or another."""
    if data is None and not known.data:
        raise DataError("the index was made of a data set made in Python; give where the images are with data")
    dataset = open_dataset(known.data if data is None else data)
    if missing := set(known.names) - set(dataset.names):
        raise DataError(
            f"{dataset.name} has no image {min(missing)!r}, which is in the index ({len(missing):,} are missing); give "
            "where the images are with --data, or make the index anew"
        )
    return dataset


def _look(model: Classifier | Tagger, queries: NDArray[Any]) -> tuple[Tensor, Tensor]:
    batch = model.preparation.normalise(torch.from_numpy(queries).to(model.machine.device))
    tap = tap_of(model.network, batch[:1], machine=model.machine)
    return look(model.network, batch, tap, model.machine)


def _nearest_pixels(
    model: Classifier | Tagger, dataset: Dataset, queries: NDArray[Any], k: int, display: Display
) -> tuple[Tensor, Tensor, list[set[str]]]:
    """Distances (Q, k) and places (Q, k) of the nearest in pixels, and the names of images that equal each query."""
    white = model.preparation.white
    own = torch.from_numpy(queries.reshape(len(queries), -1).astype(np.float32)) / white
    best, places = torch.full((len(own), 0), torch.inf), torch.zeros(len(own), 0, dtype=torch.int64)
    same: list[set[str]] = [set() for _ in queries]
    with display.reading(len(dataset), "comparing pixels") as watch, closing(prepared(model, dataset, watch)) as parts:
        for part in parts:
            if not len(part.places):
                continue
            for row, place in np.argwhere((queries[:, None] == part.images[None]).all(axis=(2, 3, 4))):
                same[row].add(dataset.names[int(part.places[place])])
            values = torch.from_numpy(part.images.reshape(len(part.images), -1).astype(np.float32)) / white
            distances = torch.cdist(own, values, compute_mode="donot_use_mm_for_euclid_dist")  # (Q, M)
            here = torch.from_numpy(part.places).expand_as(distances)
            best, order = torch.cat([best, distances], 1).sort(dim=1, stable=True)
            places = torch.cat([places, here], 1).gather(1, order)[:, :k]
            best = best[:, :k]
    return best, places, same


def _label(dataset: Dataset, place: int) -> str:
    return dataset.labels[place] if dataset.task == "classes" else ""


def _draw(
    model: Classifier | Tagger, dataset: Dataset, queries: NDArray[Any], answers: Sequence[Answer], folder: Path
) -> Path:
    """One picture of all queries, in the folder."""
    places = {name: place for place, name in enumerate(dataset.names)}
    geometry = model.preparation.geometry

    def shown(neighbour: Neighbour, sign: str) -> Shown:
        pixels = geometry.prepare(dataset.source(places[neighbour.name]))[0]
        return Shown(pixels, neighbour.name, neighbour.label, f"{sign} {neighbour.value:.3g}", neighbour.same)

    rows = [
        Row(
            Shown(pixels, answer.query, f"{answer.said} {100 * answer.probability:.0f} %", "", False),
            tuple(shown(own, "cos") for own in answer.features),
            tuple(shown(own, "L2") for own in answer.pixels),
        )
        for pixels, answer in zip(queries, answers, strict=True)
    ]
    write_whole(folder / PICTURE_FILE, draw_similar(rows))
    return folder / PICTURE_FILE
