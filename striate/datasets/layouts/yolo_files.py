"""Where the files of a YOLO data set lie: images of each part, their labels, and the names of the classes.

Known: data.yaml with `names`, `train`, `val`, `test` (folders, or lists of files) and perhaps `path`; and without it
images/{train,val,test}/ or images/, beside labels/ and classes.txt. The labels of images/a/1.jpg are labels/a/1.txt;
of an image that lies in no folder called images they lie beside it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from striate.datasets.dataset import PARTS, TEST, TRAIN, VALIDATION
from striate.datasets.layouts.class_list import FILE, read_class_list
from striate.datasets.layouts.files import holds_file, image_files, part_within, several
from striate.datasets.layouts.yaml_subset import Value, read_settings
from striate.errors import DataError
from striate.images.walking import entries

_KEYS = {TRAIN: ("train",), VALIDATION: ("val", "valid", "validation"), TEST: ("test",)}
_POSES = "kpt_shape"  # numbers and columns of the key points that follow each box
_ASKED = ("path", "names", "nc", _POSES, *(key for keys in _KEYS.values() for key in keys))
_IMAGES, _LABELS = "images", "labels"
_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class YoloFiles:
    """Classes, and the images of each part; all are for training where the data are not divided."""

    base: Path
    told_by: Path
    classes: tuple[str, ...]
    images: dict[str, list[Path]]
    divided: bool


def recognises_yolo(root: Path) -> bool:
    """Whether it is a .yaml file, or a folder with data.yaml, or with images/ beside labels/ of text files."""
    if not root.is_dir():
        return root.is_file() and root.suffix.lower() in _YAML
    return bool(_settings_file(root)) or _has_labels(root)


def yolo_files(root: Path) -> YoloFiles:
    """Raises DataError if the names or the images are not where they should be."""
    settings = _settings_file(root) if root.is_dir() else root
    return _from_settings(settings) if settings else _from_folders(root)


def labels_of(image: Path) -> Path:
    """The text file with the boxes of an image, which may not be there."""
    *before, name = image.parts
    if _IMAGES in before:
        place = len(before) - 1 - before[::-1].index(_IMAGES)
        before[place] = _LABELS
    return Path(*before, name).with_suffix(".txt")


def _settings_file(root: Path) -> Path | None:
    """data.yaml, or the only .yaml file that gives names and images."""
    found = [path for path in entries(root) if path.suffix.lower() in _YAML and path.is_file()]
    named = [path for path in found if path.stem.lower() == "data"] or [path for path in found if _is_settings(path)]
    if len(named) > 1:
        raise DataError(f"{root} has {several(path.name for path in named)}; give the one that is meant")
    return named[0] if named else None


def _is_settings(path: Path) -> bool:
    try:
        given = read_settings(path, _ASKED).keys()
        return "names" in given and any(key in given for keys in _KEYS.values() for key in keys)
    except DataError:
        return False


def _has_labels(root: Path) -> bool:
    """Whether there are images/ and a text file in labels/ or one folder below."""
    labels = root / _LABELS
    if not ((root / _IMAGES).is_dir() and labels.is_dir()):
        return False
    folders = [labels, *(path for path in entries(labels) if path.is_dir())]
    return any(holds_file(folder, (".txt",)) for folder in folders)


def _from_folders(root: Path) -> YoloFiles:
    lists = [path for path in (root / FILE, root / _LABELS / FILE) if path.is_file()]
    classes = read_class_list(lists[0]) if lists else None
    if classes is None:
        raise DataError(f"{root} does not name its classes; expected data.yaml, or {FILE} with one name a line")
    below = [path for path in entries(root / _IMAGES) if path.is_dir()]
    parts = {part: path for path in below if (part := part_within(path.name))}
    if not parts:
        return YoloFiles(root, lists[0], classes, {TRAIN: image_files(root / _IMAGES)}, False)
    if len(parts) < len(below):
        raise DataError(f"{root / _IMAGES} has {several(path.name for path in below)}; expected train, val and test")
    images = {part: image_files(parts[part]) for part in sorted(parts, key=PARTS.index)}
    return YoloFiles(root, lists[0], classes, images, True)


def _from_settings(path: Path) -> YoloFiles:
    settings = read_settings(path, _ASKED)
    if _POSES in settings:
        raise DataError(
            f"{path} has `{_POSES}`, so its labels hold poses, whose key points would be read as outlines; expected "
            "boxes or outlines: keep the first five columns of each label and remove the line"
        )
    base = path.parent
    if isinstance(where := settings.get("path"), str) and (base / where).is_dir():
        base = base / where  # if it is not there, the data were moved together with their data.yaml
    keys = {part: key for part, keys in _KEYS.items() for key in keys if key in settings}
    if not keys:
        raise DataError(f"{path} has no `train`, `val` or `test`; expected the folder of each part's images")
    folders = {part: _places(settings[key], base, f"{path}: {key}") for part, key in keys.items()}
    images = {part: [image for place in places for image in _images(place)] for part, places in folders.items()}
    for part in (VALIDATION, TEST):
        if part in folders and folders[part] == folders.get(TRAIN):
            raise DataError(
                f"{path} gives the same images for {keys[part]} as for train; remove the line: a share of them is "
                "drawn for it"
            )
    return YoloFiles(base, path, _names(settings, path), images, images.keys() != {TRAIN})


def _names(settings: dict[str, Value], path: Path) -> tuple[str, ...]:
    """The classes in the order of their numbers."""
    names = settings.get("names")
    if isinstance(names, dict):
        numbers = sorted(names, key=lambda number: (not number.isdecimal(), len(number), number))
        if numbers != [str(place) for place in range(len(names))]:
            raise DataError(f"{path}: the names have the numbers {', '.join(numbers)}; expected 0 to {len(names) - 1}")
        names = [names[number] for number in numbers]
    if not isinstance(names, list) or not names:
        raise DataError(f"{path} has no list of names; expected `names:` with the name of each class")
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None or not all(name and name.isprintable() for name in names):
        what = f"{twice!r} twice" if twice else "a name that is empty or cannot be printed"
        raise DataError(f"{path} names {what}; expected another name for each class")
    count = settings.get("nc", str(len(names)))
    if count != str(len(names)):
        raise DataError(f"{path} says nc {count} and gives {len(names)} names; correct one of them")
    return tuple(names)


def _places(value: Value, base: Path, where: str) -> list[Path]:
    """The folders and lists of one part."""
    if isinstance(value, dict):
        raise DataError(f"{where} has numbers; expected a folder, or a list of them")
    return [_place(text, base, where) for text in ([value] if isinstance(value, str) else value)]


def _place(text: str, base: Path, where: str) -> Path:
    inside = text
    while inside.startswith("../"):
        inside = inside[3:]  # Roboflow writes ../train/images into a data.yaml that lies beside train/
    for path in (base / text, base / inside):
        if path.exists():
            return Path(os.path.normpath(path))
    raise DataError(f"{where} is {text!r}, which is not in {base}; correct it or `path`")


def _images(place: Path) -> list[Path]:
    """The images of a folder, or those that a text file lists, below its own folder."""
    if place.is_dir():
        return image_files(place)
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{place} cannot be read: {error}; expected one image file a line") from error
    return [Path(os.path.normpath(place.parent / line.strip())) for line in lines if line.strip()]
