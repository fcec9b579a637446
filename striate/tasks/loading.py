"""`striate.load`: from a model file to something that answers, by the task it was trained for."""

import os
from pathlib import Path
from typing import overload

from striate.checkpoints.model_file import load_checkpoint
from striate.errors import SettingsError, UnknownNameError
from striate.tasks.classification import Classifier
from striate.tasks.ensemble import Ensemble
from striate.tasks.looks import Looks
from striate.tasks.tagger import Tagger

TASKS: dict[str, type[Classifier] | type[Tagger]] = {"classification": Classifier, "tagging": Tagger}

Place = str | os.PathLike[str]
Places = list[str] | list[Path] | tuple[Place, ...]


@overload
def load(model: Place, *, device: str = "auto") -> Classifier | Tagger: ...
@overload
def load(model: Places, *, device: str = "auto", looks: str = "one") -> Ensemble: ...
@overload
def load(model: Place | Places, *, device: str = "auto", looks: str) -> Ensemble: ...
def load(model: Place | Places, *, device: str = "auto", looks: str | None = None) -> Classifier | Tagger | Ensemble:
    """The trained model of a model file or run directory, ready to `predict`; of several, or of `looks`, their average.

    `looks` are words between commas: one, flip (the mirror image too), crops (the four corners and the centre), ten
    (both), scales:0.875,1,1.143 (several sizes). Raises ModelFileError if a file is missing, cut off, of another
    program or from a newer striate; SettingsError if models have other classes, one cannot look so, or one tells tags,
    which are not averaged.
    """
    if isinstance(model, str | os.PathLike):
        return _load_one(model, device) if looks is None else load([os.fspath(model)], device=device, looks=looks)
    asked = Looks.parse("one" if looks is None else looks)
    return Ensemble(tuple(_load_classifier(place, device) for place in model), asked)


def _load_classifier(place: Place, device: str) -> Classifier:
    model = _load_one(place, device)
    if isinstance(model, Tagger):
        raise SettingsError(
            f"{os.fspath(place)} tells tags, and only models of one class for each image are averaged; give it alone, "
            "without looks"
        )
    return model


def _load_one(place: Place, device: str) -> Classifier | Tagger:
    checkpoint = load_checkpoint(Path(place))
    if checkpoint.task not in TASKS:
        raise UnknownNameError("task", checkpoint.task, TASKS)
    return TASKS[checkpoint.task].of(checkpoint, device)
