"""Which files of a COCO folder hold instances, of which part they are, and in which folder their images lie.

Known: annotations/instances_train2017.json beside train2017/ or images/train2017/ (cocodataset.org), one such file
alone, and train/_annotations.coco.json with the images around it (Roboflow).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from striate.datasets.dataset import PARTS
from striate.datasets.layouts.files import PART_NAMES, listed_in, part_within, several
from striate.datasets.layouts.records import has_keys
from striate.errors import DataError
from striate.images.walking import entries

_KEYS = frozenset(["images", "annotations", "categories"])
_FOLDER, _BESIDE = "annotations", "_annotations.coco.json"
_PREFIX = "instances"


@dataclass(frozen=True)
class CocoFile:
    """An annotation file below `base`; no part stands for a file that is all there is."""

    path: Path
    base: Path
    part: str | None = None

    def folders(self) -> Iterator[Path]:
        """Where its images may lie, the likeliest first."""
        rest = self.path.stem.lower().removeprefix(_PREFIX).strip("_-. ")
        words = [rest] if rest else []
        words += PART_NAMES[self.part] if self.part else []
        if self.path.name == _BESIDE:
            yield self.path.parent
        for word in words:
            yield from (self.base / word, self.base / "images" / word)
        yield from (self.base / "images", self.base, self.path.parent / "images", self.path.parent)

    def folder(self, names: Sequence[str]) -> Path:
        """Where most of these images lie, the likeliest of equals; the base if none lies anywhere."""
        best, most = self.base, 0
        for folder in self.folders():
            held = _held(folder, names)
            if held > most:
                best, most = folder, held
            if most == len(names):
                break
        return best


def recognises_coco(root: Path) -> bool:
    """Whether it is a .json file, or a folder with annotation files where COCO's or Roboflow's lie."""
    if root.is_dir():
        return bool(_beside(root) or _inside(root))
    return root.is_file() and root.suffix.lower() == ".json"


def coco_files(root: Path) -> list[CocoFile]:
    """The annotation files, those of training first. Raises DataError if it is not clear which."""
    if not root.is_dir():
        return [CocoFile(root, root.parent.parent if root.parent.name.lower() == _FOLDER else root.parent)]
    files = _beside(root) or _inside(root)
    parts = [file.part for file in files]
    if not files:
        raise DataError(f"{root} has no COCO annotations; expected {_FOLDER}/*.json, or train/{_BESIDE}")
    if len(set(parts)) < len(files):
        raise DataError(
            f"{root} has several annotation files for one part, {several(file.path.name for file in files)}; keep one, "
            "or give the file instead of the folder"
        )
    return files


def _held(folder: Path, names: Sequence[str]) -> int:
    """How many of the names are there; each folder is listed once."""
    listed: dict[str, frozenset[str]] = {}
    held = 0
    for name in names:
        below, _, last = name.rpartition("/")
        if below not in listed:
            listed[below] = listed_in(folder / below)
        held += last in listed[below]
    return held


def _beside(root: Path) -> list[CocoFile]:
    """Annotation files that lie among their images."""
    inside = [(part, root / word / _BESIDE) for part, words in PART_NAMES.items() for word in words]
    files = [CocoFile(path, root, part) for part, path in inside if path.is_file()]
    return files or [CocoFile(path, root) for path in [root / _BESIDE] if path.is_file()]


def _inside(root: Path) -> list[CocoFile]:
    """Annotation files in annotations/, or else in the folder itself."""
    folder = next((path for path in entries(root) if path.is_dir() and path.name.lower() == _FOLDER), None)
    found = _annotations(folder) if folder else []
    found = found or _annotations(root)
    found = [path for path in found if path.stem.lower().startswith(_PREFIX)] or found
    files = [CocoFile(path, root, part_within(path.stem)) for path in found]
    files = [file for file in files if file.part] or files
    return sorted(files, key=lambda file: PARTS.index(file.part) if file.part else 0)


def _annotations(folder: Path) -> list[Path]:
    jsons = [path for path in entries(folder) if path.suffix.lower() == ".json" and path.is_file()]
    return [path for path in jsons if has_keys(path, _KEYS)]
