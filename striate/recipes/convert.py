"""`striate convert`: a data set of any layout in another one, with its progress."""

import os
from pathlib import Path

from striate.datasets.converting import Converted
from striate.datasets.converting import convert as write
from striate.datasets.dataset import Dataset
from striate.datasets.excluding import read_excluded
from striate.datasets.opening import open_layout
from striate.recipes.progress import Display


def convert(
    data: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    to: str,
    lossy: bool = False,
    exclude: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Converted:
    """Write images, byte for byte, and all that is known of them in another layout.

    Args:
        data: whatever `open_dataset` opens; what is not divided stays so.
        out: a new or empty folder.
        to: coco, voc, yolo, folder, manifest, masks or webdataset.
        lossy: leave out what the layout cannot hold, and say so, instead of refusing.
        exclude: a list of images to leave out, as `train` takes it.
        quiet: show no progress.

    Raises:
        UnknownNameError, DataError, StorageError: with what to do; `out` is then as it was.
    """
    dataset = open_layout(data)
    if exclude is not None:
        dataset = dataset.without(read_excluded(Path(exclude)))
    with Display(quiet=quiet).reading(len(dataset), "writing images") as watch:
        return write(dataset, Path(out), to, lossy=lossy, watch=watch.advance)
