"""`striate train … --find-rate PICTURE`: a short run whose rate grows until it is far too large."""

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from striate.datasets.dataset import Dataset
from striate.images.saving import save_figure
from striate.recipes.data import read_run_data
from striate.recipes.given import settings_for
from striate.recipes.processes import machine_of
from striate.recipes.progress import Display
from striate.recipes.rate_picture import draw_rates
from striate.recipes.settings import Settings
from striate.recipes.start import start_of
from striate.training import rate_range
from striate.training.course import Course
from striate.training.optimizers import make_optimizer
from striate.training.rate_range import RateRange
from striate.training.together import ALONE


@dataclass(frozen=True)
class FoundRate:
    """What the short run showed; `found.suggestion` is a rate to train with."""

    settings: Settings
    found: RateRange

    def save_picture(self, path: str | os.PathLike[str]) -> Path:
        """The loss against the rate, as a PNG, PDF or SVG. Raises SettingsError for another ending, or StorageError."""
        return save_figure(draw_rates(self.found), Path(path))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"suggestion": self.found.suggestion, "rates": self.found.rates, "losses": self.found.losses}


def find_rate(
    data: str | os.PathLike[str] | Dataset | None = None, *, steps: int = 100, quiet: bool = False, **settings: Any
) -> FoundRate:
    """The learning rate for a training with these settings, which are those of `train`: up to `steps` steps are taken.

    Nothing is written. Raises what `train` raises for data and settings.
    """
    chosen, given = settings_for(data, settings)
    display = Display(quiet=quiet)
    machine = machine_of(chosen, ALONE)
    start = start_of(read_run_data(chosen, display, given), chosen, machine, ALONE, display)
    recipe = start.course.recipe
    with machine.running(), display.reading(steps, "trying rates") as watch:

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            for images, targets in _batches(start.course):
                yield machine.arrange(images), targets
                watch.advance()

        found = rate_range.find_rate(
            machine.place(start.learner),
            batches(),
            start.course.task.loss,
            lambda network: make_optimizer(network, recipe),
            steps=steps,
        )
    return FoundRate(chosen, found)


def _batches(course: Course) -> Iterator[tuple[Tensor, Tensor]]:
    """Epoch after epoch."""
    for epoch in itertools.count():
        with closing(course.batches(epoch * course.steps_per_epoch)) as batches:
            for images, targets, _ in batches:
                yield images, targets
