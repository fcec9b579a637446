"""`striate index`: look at every image of a folder once and keep what the model makes of it.

Images are read and looked at 32 at a time; the features alone are held, three times while they are written: 1.5 GB for
100,000 images of 1,280 numbers. The file is written whole, so that nothing is left of a run that is stopped.
"""

import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from striate.datasets.dataset import Dataset
from striate.datasets.loading import Skipped, Watch
from striate.datasets.opening import open_dataset
from striate.datasets.pool import Note, read_many, usual_workers
from striate.datasets.published import NAMED
from striate.datasets.targets import Classes
from striate.errors import DataError, ImageError
from striate.explain.features import look, tap_of
from striate.recipes.index_file import INDEX_FILE, ImageIndex, bytes_of, fingerprint
from striate.recipes.progress import Display
from striate.tasks.classification import Classifier
from striate.tasks.loading import load
from striate.tasks.tagger import Tagger
from striate.writing import write_whole

_TOGETHER = 32  # images


@dataclass(frozen=True)
class Indexed:
    """A file of features that was written."""

    path: Path
    images: int
    width: int  # of the features
    taken: str
    skipped: tuple[Skipped, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "path": str(self.path)}


def index_images(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | Dataset,
    *,
    out: str | os.PathLike[str] = INDEX_FILE,
    device: str = "auto",
    quiet: bool = False,
) -> Indexed:
    """Write the features of all readable images of a data set to one file.

    Args:
        model: a model file or run directory.
        data: whatever `open_dataset` opens, or a data set made in Python.
        out: the file to write; one that is there is replaced once the new one is whole.
        device: auto, cpu, cuda or cuda:N.
        quiet: show no progress.

    Raises:
        StriateError: the data cannot be opened, no image can be read, or the network has no layer of scores.
    """
    loaded, dataset = load(model, device=device), open_dataset(data)
    with Display(quiet=quiet).reading(len(dataset), "looking at images") as watch:
        made, skipped = index_of(loaded, dataset, place_of(data), watch)
    write_whole(Path(out), bytes_of(made))
    return Indexed(Path(out), len(made), made.features.shape[1], made.taken, skipped)


def index_of(
    model: Classifier | Tagger,
    dataset: Dataset,
    place: str,
    watch: Watch,
    seen: Callable[[NDArray[Any]], object] = lambda _: None,
) -> tuple[ImageIndex, tuple[Skipped, ...]]:
    """The index of a data set, and what could not be read; `seen` is handed the prepared images (M, C, H, W) in order.

    Raises DataError if no image can be read.
    """
    tap, rows, skipped = None, [], []
    features, said, probability = [], [], []
    with closing(prepared(model, dataset, watch)) as reading:
        for part in reading:
            skipped += part.skipped
            if not len(part.places):
                continue
            batch = model.preparation.normalise(torch.from_numpy(part.images).to(model.machine.device))
            tap = tap or tap_of(model.network, batch[:1], machine=model.machine)
            own, outputs = look(model.network, batch, tap, model.machine)
            likeliest = (outputs.sigmoid() if isinstance(model, Tagger) else outputs.softmax(1)).max(1)
            rows.append(part.places)
            features.append(own)
            said.append(likeliest.indices)
            probability.append(likeliest.values)
            seen(part.images)
    if not rows:
        example = f"; for example {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise DataError(f"no image of {dataset.name} can be read{example}")
    places = np.concatenate(rows)
    made = ImageIndex(
        features=torch.cat(features),
        names=dataset.names.at(places),
        labels=dataset.targets.numbers[places].astype(np.int64) if isinstance(dataset.targets, Classes) else None,
        label_names=dataset.classes,
        said=torch.cat(said).numpy(),
        probability=torch.cat(probability).numpy(),
        classes=model.classes,
        model=fingerprint(model.checkpoint),
        data=place,
        preparation=model.preparation.to_dict(),
        taken=str(tap),
    )
    return made, tuple(skipped)


class Part(NamedTuple):
    """Prepared images (M, C, H, W) at places (M,) of a data set, and those that could not be read."""

    places: NDArray[np.int64]
    images: NDArray[Any]
    skipped: list[Skipped]


def prepared(model: Classifier | Tagger, dataset: Dataset, watch: Watch) -> Generator[Part, None, None]:
    """All images in order, 32 at a time, read ahead in threads. Close it, if not all are taken."""
    geometry = model.preparation.geometry

    def read(places: range, note: Note) -> Part:
        kept, images, skipped = [], [], []
        for place in places:
            note(dataset.names[place])
            try:
                images.append(geometry.prepare(dataset.source(place))[0])
            except ImageError as error:
                skipped.append(Skipped(dataset.names[place], error.reason))
            else:
                kept.append(place)
        return Part(np.array(kept, np.int64), np.stack(images) if images else np.zeros(0), skipped)

    parts = [range(start, min(start + _TOGETHER, len(dataset))) for start in range(0, len(dataset), _TOGETHER)]
    workers = usual_workers()
    with closing(read_many(parts, read, workers=workers, ahead=2 * workers, slow=watch.slow)) as reading:
        for part in reading:
            yield part
            watch.advance(len(part.places) + len(part.skipped))


def place_of(data: str | os.PathLike[str] | Dataset) -> str:
    """Where the images will be found again: a name, or a whole path; of a data set made in Python, nowhere."""
    if isinstance(data, Dataset):
        return ""
    return str(data) if data in NAMED else str(Path(data).resolve())
