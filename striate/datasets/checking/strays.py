"""Files that lie among the data and take no part in them: images without labels, and YOLO's labels without images.

Only layouts that name their images, or pair them with annotations, can leave one out; a class folder takes all.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from striate.datasets.checking.finding import Finding, Kind
from striate.datasets.dataset import Dataset
from striate.datasets.layouts.class_list import FILE
from striate.datasets.layouts.coco_files import recognises_coco
from striate.datasets.layouts.files import images_among
from striate.datasets.layouts.manifest import recognises_manifest
from striate.datasets.layouts.mask_pairs import find_pairs, recognises_masks
from striate.datasets.layouts.voc_files import recognises_voc
from striate.datasets.layouts.yolo_files import labels_of, recognises_yolo
from striate.images.walking import entries, files_below

_BARE = Kind(
    "images_without_labels",
    "images without labels",
    "look",
    "nothing is learned from them; add them to the annotations, or move them away",
)
_ALONE = Kind(
    "labels_without_images",
    "labels without images",
    "look",
    "put their images back, rename what does not match, or remove them",
    "files",
)
_NAMED = 5  # of the files, in a finding's example


def strays(root: Path, dataset: Dataset) -> list[Finding]:
    """The findings of a place from which `dataset` was opened; none for layouts that leave nothing out.

    Of a folder all files below it are looked at; of a file (a table, a data.yaml), the folders that samples lie in.
    An image counts as used if any sample is that file, by whichever link.
    """
    samples = [Path(source) for source in map(dataset.source, range(len(dataset))) if _is_path(source)]
    if recognises_manifest(root) or recognises_coco(root) or recognises_voc(root):
        return _bare(root, samples, samples)
    if recognises_yolo(root):
        return [*_bare(root, samples, samples), *_alone(root, samples)]
    if recognises_masks(root):
        pairs = find_pairs(root)
        return _bare(root, samples, [*samples, *pairs.masks, *pairs.alone])
    return []


def _bare(root: Path, samples: Sequence[Path], used: Sequence[Path]) -> list[Finding]:
    """Images that are none of those used."""
    known = {os.path.realpath(path) for path in used}
    images = images_among(_files(root, samples))
    return _finding(_BARE, [path for path in images if os.path.realpath(path) not in known], root)


def _alone(root: Path, samples: Sequence[Path]) -> list[Finding]:
    """Text files below a folder labels/ that are no sample's; the list of classes is none."""
    labels = [labels_of(path) for path in samples]
    known = {os.path.realpath(path) for path in labels}
    texts = [path for path in _files(root, labels) if path.suffix.lower() == ".txt" and path.name != FILE]
    below = [path for path in texts if "labels" in path.parts[len(_folder(root).parts) : -1]]
    return _finding(_ALONE, [path for path in below if os.path.realpath(path) not in known], root)


def _files(root: Path, like: Sequence[Path]) -> list[Path]:
    if root.is_dir():
        return files_below(root)
    folders = sorted({path.parent for path in like if path.parent.is_dir()})
    return [path for folder in folders for path in entries(folder) if path.is_file()]


def _finding(kind: Kind, paths: Sequence[Path], root: Path) -> list[Finding]:
    if not paths:
        return []
    example = ", ".join(os.path.relpath(path, _folder(root)) for path in paths[:_NAMED])
    more = f", and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    return [Finding(kind.name, kind.title, kind.level, len(paths), f"{example}{more}", kind.advice, kind.unit)]


def _is_path(source: object) -> TypeGuard["str | os.PathLike[str]"]:
    return isinstance(source, str | os.PathLike)


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent
