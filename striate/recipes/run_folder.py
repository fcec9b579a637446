"""A run directory: made if its place is free, and known again by its run.toml.

run.toml            the settings, and the versions, machine and data that they met; `--config run.toml` repeats the run
metrics.csv         one line for each epoch
model.safetensors   the best epoch's network with everything needed to use it
last/               the state that `--resume` goes on from
report.html         what came out, as pictures
split.csv           which image is in which part, as a manifest to train on again
batch0.png          the first images that the network learns from, as it sees them
tensorboard/        the same figures for TensorBoard, with --tensorboard
sample.png          an image that the network was not trained on, to try it on
"""

import itertools
import os
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import tomli_w

from striate.architectures.patterns.pattern import is_pattern
from striate.augmentation.policy import policy_numbers
from striate.datasets.published import NAMED
from striate.errors import RunError, StorageError
from striate.machine.choice import Machine
from striate.machine.doctor import describe_choices, versions
from striate.recipes.data import RunData
from striate.recipes.settings import Settings
from striate.writing import is_partial, sweep, write_whole

RUN_FILE = "run.toml"
REPORT_FILE = "report.html"
SPLIT_FILE = "split.csv"
FIRST_BATCH_FILE = "batch0.png"
DEFAULT_PARENT = Path("runs")


def check_free(folder: Path, data: str) -> None:
    """Raise RunError if something is there that a new run would mix with, or if the run would lie among its images."""
    if data != "digits" and Path(data).resolve() in (folder.resolve(), *folder.resolve().parents):
        raise RunError(f"{folder} lies inside the images of {data}, as if it were a class; choose an --out outside")
    if folder.exists() and (not folder.is_dir() or any(not is_partial(path) for path in folder.iterdir())):
        go_on = f", or go on with it: --resume {quote(str(folder))}" if (folder / RUN_FILE).is_file() else ""
        raise RunError(f"{folder} exists and is not empty; choose another --out{go_on}")


def begin_run(settings: Settings, run_data: RunData, machine: Machine, made_known: Callable[[Path], None]) -> Path:
    """Make the folder that was asked for, or the first free one of runs/DATA-MODEL, and write its run.toml.

    `made_known` is called in between, so that a run that is killed there is begun again in the same folder.
    """
    made = settings.out is None or not Path(settings.out).exists()
    try:
        if settings.out is not None:
            folder = Path(settings.out)
            folder.mkdir(parents=True, exist_ok=True)
        else:
            model = run_data.declaration.name
            folder = _first_free(DEFAULT_PARENT, f"{run_data.name}-{'pattern' if is_pattern(model) else model}")
    except OSError as error:
        raise StorageError(f"cannot make the run directory: {error}; choose another --out") from error
    made_known(folder)
    document = {
        "settings": _absolute(settings).to_dict(),
        "recipe": recipe_numbers(settings),
        "data": {
            "name": run_data.name,
            "classes": list(run_data.classes),
            **{part: len(images) for part, images in run_data.parts.items()},
            "skipped": [asdict(file) for file in run_data.skipped],
            "digest": run_data.digest,
        },
        "machine": describe_choices(machine),
        "versions": versions(),
    }
    try:
        write_whole(folder / RUN_FILE, tomli_w.dumps(document).encode())
    except StorageError:
        if made:
            folder.rmdir()
        raise
    return folder


def recipe_numbers(settings: Settings) -> dict[str, Any]:
    """Every number that the training follows, also those that are not settings."""
    recipe = settings.to_recipe()
    return recipe.to_dict() | {"milestones": list(recipe.milestones), "augment": policy_numbers(recipe.augment)}


def read_run(folder: Path) -> dict[str, Any]:
    """The run.toml of a run to go on with, after removing what writes that were killed have left there."""
    if not (folder / RUN_FILE).is_file():
        raise RunError(f"{folder} is not a run directory: it has no {RUN_FILE}; expected one made by striate train")
    sweep(folder)
    try:
        document = tomllib.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / RUN_FILE} cannot be read ({error}); train anew") from error
    if missing := sorted({"settings", "recipe", "data", "machine", "versions"} - document.keys()):
        raise RunError(f"{folder / RUN_FILE} is not whole: it has no [{missing[0]}]; train anew")
    return document


def _absolute(settings: Settings) -> Settings:
    """The settings with full paths, so that the run can be repeated from anywhere."""
    exclude = None if settings.exclude is None else str(Path(settings.exclude).resolve())
    is_file = settings.data not in NAMED and (Path(settings.data).exists() or bool(set("{*?[") & set(settings.data)))
    data = os.path.abspath(settings.data) if is_file else settings.data  # noqa: PTH100 - a pattern is no path
    weights = None if settings.weights is None else str(Path(settings.weights).resolve())
    return settings.but(data=data, exclude=exclude, weights=weights)


def _first_free(parent: Path, name: str) -> Path:
    """Make and return parent/name, or parent/name-2, parent/name-3, …"""
    parent.mkdir(exist_ok=True)
    candidates = (parent / (name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
    for folder in candidates:
        with suppress(FileExistsError):
            folder.mkdir()
            break
    return folder
