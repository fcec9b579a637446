"""`striate map`: all images of a folder laid on a map, so that those are near that the network takes for alike.

map.html    the map to fly over: zoom, drag, point at an image; one file that needs nothing else
map.png     the same as a picture for a talk

Images are read once, 32 at a time; what is held are their features and small copies of at most 20,000 of them.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.loading import Skipped
from striate.datasets.opening import open_dataset
from striate.errors import DataError
from striate.explain.embedding import By, embed, steps_of
from striate.recipes.index_file import ImageIndex
from striate.recipes.indexing import index_of, place_of
from striate.recipes.map_page import make_map_page
from striate.recipes.map_picture import draw_map
from striate.recipes.map_points import MOST, MapPoints, Thumbnails, side_for
from striate.recipes.progress import Display
from striate.recipes.run_folder import check_free
from striate.tasks.loading import load
from striate.writing import write_whole

PAGE_FILE, PICTURE_FILE = "map.html", "map.png"
_LEAST = 4  # images


@dataclass(frozen=True)
class Mapped:
    """A map that was made: how many images lie on it, how it was made, and how large its page is."""

    folder: Path
    images: int
    shown: int
    told: str
    page_bytes: int
    skipped: tuple[Skipped, ...]
    points: NDArray[np.float32] = field(repr=False)  # (N, 2)

    @property
    def page(self) -> Path:
        return self.folder / PAGE_FILE

    @property
    def picture(self) -> Path:
        return self.folder / PICTURE_FILE

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "page": str(self.page),
            "picture": str(self.picture),
            "images": self.images,
            "shown": self.shown,
            "told": self.told,
            "page_bytes": self.page_bytes,
            "skipped": [asdict(file) for file in self.skipped],
            "points": self.points.tolist(),
        }


def map_images(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | Dataset,
    *,
    out: str | os.PathLike[str] = "map",
    by: By = "tsne",
    device: str = "auto",
    quiet: bool = False,
) -> Mapped:
    """Make a map of the images of a data set by a model's features.

    Args:
        model: a model file or run directory.
        data: whatever `open_dataset` opens, or a data set made in Python.
        out: the folder to make.
        by: tsne, or pca: the two principal components.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        StriateError: the data cannot be opened, fewer than 4 images can be read, or the folder is taken.
    """
    folder, dataset = Path(out), open_dataset(data)
    check_free(folder, "digits" if isinstance(data, Dataset) else os.fspath(data))
    loaded, display = load(model, device=device), Display(quiet=quiet)
    thumbnails = Thumbnails(side_for(min(len(dataset), MOST)), len(dataset))
    with display.reading(len(dataset), "looking at images") as watch:
        known, skipped = index_of(loaded, dataset, place_of(data), watch, thumbnails.add)
    if len(known) < _LEAST:
        raise DataError(f"{dataset.name} has {len(known)} readable images; a map needs {_LEAST} at least")
    with display.reading(steps_of(by), "arranging the map") as watch:
        embedding = embed(known.features, by, watch.advance)
    points = embedding.points.numpy()
    shown = _shown(known, points, thumbnails)
    page = make_map_page(shown, name=dataset.name, told=embedding.told, axes=embedding.axes, images=len(known)).encode()
    write_whole(folder / PICTURE_FILE, draw_map(shown, name=dataset.name, told=embedding.told, axes=embedding.axes))
    write_whole(folder / PAGE_FILE, page)
    return Mapped(folder, len(known), len(shown.names), embedding.told, len(page), skipped, points)


def _shown(known: ImageIndex, points: NDArray[np.float32], thumbnails: Thumbnails) -> MapPoints:
    """The images of which there is a small copy, by their class, or where there is none by what the model said."""
    rows = np.array(thumbnails.rows)
    labels = known.said if known.labels is None else known.labels
    return MapPoints(
        points=points[rows],
        names=[known.names[row] for row in rows.tolist()],
        groups=labels[rows],
        group_names=known.classes if known.labels is None else known.label_names,
        labelled=known.labels is not None,
        said=[known.classes[int(known.said[row])] for row in rows.tolist()],
        probability=known.probability[rows],
        thumbnails=np.stack(thumbnails.pictures),
    )
