"""What a classifier answers about images: the likeliest classes with their probabilities, file by file."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from striate.datasets.loading import Skipped
from striate.errors import ImageError, SettingsError
from striate.images.reading import ImageSource
from striate.images.walking import files_below


@dataclass(frozen=True)
class Guess:
    """A class and the probability that the network gives it."""

    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The likeliest class of one image, and the `top` ones in order of probability."""

    path: str
    top: tuple[Guess, ...]

    @property
    def label(self) -> str:
        return self.top[0].label

    @property
    def probability(self) -> float:
        return self.top[0].probability

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "path": self.path,
            "label": self.label,
            "probability": self.probability,
            "top": [asdict(g) for g in self.top],
        }


def expect_top(top: int) -> None:
    """Raise SettingsError if so many guesses cannot be given."""
    if top < 1:
        raise SettingsError(f"top is {top}; expected a whole number of at least 1")


def likeliest(image: ImageSource, probabilities: Tensor, classes: Sequence[str], top: int) -> Prediction:
    """The `top` classes of an image by their probabilities (K,)."""
    path = str(image) if isinstance(image, str | os.PathLike) else ""
    chosen = probabilities.topk(min(top, len(classes)))
    guesses = zip(chosen.indices.tolist(), chosen.values.tolist(), strict=True)
    return Prediction(path, tuple(Guess(classes[number], value) for number, value in guesses))


Answer = TypeVar("Answer")


def predict_all(
    predict: Callable[[Path], Answer], paths: Sequence[str | os.PathLike[str]]
) -> tuple[list[Answer], list[Skipped]]:
    """Predictions for files and for all files in folders, in order, and what could not be read."""
    predictions, skipped = [], []
    for path in (file for given in paths for file in _files(Path(given))):
        try:
            predictions.append(predict(path))
        except ImageError as error:
            skipped.append(Skipped(str(path), "no image in this folder" if path.is_dir() else error.reason))
    return predictions, skipped


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder and below; an empty folder stands for itself and is refused."""
    return files_below(path) or [path] if path.is_dir() else [path]
