"""The state that a training begins with or goes on from, and when it is saved."""

import math
import time
from pathlib import Path
from typing import Protocol

from torch import nn

from striate.errors import RunError
from striate.machine.choice import Machine
from striate.training.averaging import Average
from striate.training.course import Course
from striate.training.memory import more_parts
from striate.training.optimizers import make_optimizer
from striate.training.state import STATE_FILE, State

SAVE_EVERY = 5.0  # seconds of work that a kill may cost
SAVING = 0.05  # share of the time at the most that goes into saving


class Told(Protocol):
    """Who is told what happens."""

    def say(self, text: str) -> None:
        """One sentence."""


class Saver:
    """Saves a state when the last time is long enough ago, for what saving takes."""

    def __init__(self, state: State, folder: Path, leads: bool) -> None:
        self._state, self._folder, self._leads = state, folder, leads
        self._due = time.monotonic() + SAVE_EVERY

    def save_if_due(self) -> None:
        began = time.monotonic()
        if self._leads and began >= self._due and self._state.sound:
            self._state.save(self._folder)
            took = time.monotonic() - began
            self._due = began + took + max(SAVE_EVERY, took / SAVING)


def begin(network: nn.Module, course: Course, machine: Machine, folder: Path) -> State:
    """The state on disk, or that of a new run, which is put there at once so that there is always one to go on from."""
    recipe = course.recipe
    machine.place(network)
    average = None if recipe.average is None else Average(network, recipe.average)
    state = State(network, make_optimizer(network, recipe), average)
    state.progress.parts = course.together.most(max(recipe.accumulate, course.parts))
    if course.together.told((folder / STATE_FILE).exists()):
        state.restore(folder, course.together)
    elif course.together.leads:
        state.save(folder)
    return state


def take_more_parts(
    network: nn.Module, course: Course, machine: Machine, folder: Path, watch: Told, error: BaseException
) -> None:
    """Change the state in the folder to one that needs about half of the memory for images."""
    if course.together.size > 1:
        raise RunError(
            f"memory ran out ({_short(error)}); give --accumulate 2 or more, and go on by a new run"
        ) from error
    network.zero_grad(set_to_none=True)
    state = begin(network, course, machine, folder)
    state.progress.parts = more_parts(state.progress.parts, course.recipe.batch_size, error)
    state.save(folder)
    size = math.ceil(course.recipe.batch_size / state.progress.parts)
    watch.say(f"memory ran out: going on from step {state.progress.step} with {size} images at once, steps as before")


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
