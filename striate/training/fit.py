"""The loop: for every step a batch, its loss, the gradient, one step downhill; for every epoch a look at the rest."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from striate.errors import RunError
from striate.machine.choice import Machine
from striate.training.course import Course
from striate.training.logbook import Epoch, Logbook
from striate.training.schedule import pace_at
from striate.training.state import STATE_FILE, State

SAVE_EVERY = 5.0  # seconds of work that a kill may cost


class Watch(Protocol):
    """Whoever wants to see the progress."""

    def step(self, step: int) -> None:
        """A step is done, counted from 1."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""


def fit(
    network: nn.Module, course: Course, machine: Machine, folder: Path, watch: Watch, keep: Callable[[Epoch], None]
) -> None:
    """Train `network` in place, going on from the state in `folder` if there is one.

    `keep` is called at the end of each epoch whose validation loss is the lowest so far. The state is saved every
    few seconds, so that a run that dies goes on to the same weights, bit for bit. Raises RunError if the loss is no
    longer a number, StorageError if the disk is full.
    """
    state = _begin(network, course, machine, folder)
    logbook = Logbook(folder, step=state.step)
    saver = _Saver(state, folder)
    with machine.running():
        while state.step < course.steps:
            steps, seconds = _run_epoch(state, course, machine, saver, watch)
            state.seconds += seconds
            epoch = Epoch(
                epoch=state.step // course.steps_per_epoch,
                step=state.step,
                seconds=state.seconds,
                rate=pace_at(course.recipe, state.step - 1, course.steps).rate,
                images_per_second=steps / course.steps_per_epoch * len(course.train) / seconds,
                train_loss=state.loss_sum / len(course.train),
                validation=_measure(network, course, machine),
            )
            if not math.isfinite(epoch.validation["loss"]):
                raise RunError(
                    f"the validation loss became {epoch.validation['loss']} after step {state.step}, rate "
                    f"{epoch.rate:g}; train with a lower --rate"
                )
            if epoch.validation["loss"] < state.lowest:
                state.lowest = epoch.validation["loss"]
                keep(epoch)
            logbook.add(epoch)
            state.loss_sum = 0.0
            saver.save_if_due()
            watch.epoch(epoch)
    state.save(folder)


def _begin(network: nn.Module, course: Course, machine: Machine, folder: Path) -> State:
    """The state on disk, or that of a new run, which is put there at once so that there is always one to go on from."""
    recipe = course.recipe
    optimizer = torch.optim.SGD(
        machine.place(network).parameters(),
        lr=recipe.rate,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.decay,
        fused=True,
    )
    state = State(network, optimizer)
    if (folder / STATE_FILE).exists():
        state.restore(folder)
    else:
        state.save(folder)
    return state


class _Saver:
    """Saves a state when the last time is long enough ago."""

    def __init__(self, state: State, folder: Path) -> None:
        self._state, self._folder, self._last = state, folder, time.monotonic()

    def save_if_due(self) -> None:
        if time.monotonic() - self._last >= SAVE_EVERY:
            self._state.save(self._folder)
            self._last = time.monotonic()


def _run_epoch(state: State, course: Course, machine: Machine, saver: _Saver, watch: Watch) -> tuple[int, float]:
    """Finish the epoch under way: the steps that were left of it, and the seconds they took."""
    began, first = time.perf_counter(), state.step
    state.network.train()
    with closing(course.batches(first)) as batches:  # so that readers end, whatever ends the epoch
        for images, targets in batches:
            _step(state, course, machine, images, targets)
            watch.step(state.step)
            if state.step % course.steps_per_epoch:  # at the end not before the epoch is in the logbook
                saver.save_if_due()
    return state.step - first, time.perf_counter() - began


def _step(state: State, course: Course, machine: Machine, images: Tensor, targets: Tensor) -> None:
    """One batch, its loss, the gradient, one step downhill. Raises RunError for a loss that is no number."""
    loss = course.task.loss(state.network(machine.arrange(images)), targets)
    rate = pace_at(course.recipe, state.step, course.steps).rate
    state.optimizer.param_groups[0]["lr"] = rate
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    value = loss.item()
    if not math.isfinite(value):
        raise RunError(f"the loss became {value} at step {state.step + 1}, rate {rate:g}; train with a lower --rate")
    state.loss_sum += value * len(targets)
    state.step += 1


def _measure(network: nn.Module, course: Course, machine: Machine) -> dict[str, float]:
    """The task's metrics of the validation images."""
    network.eval()
    targets: list[Tensor] = []

    def images() -> Generator[Tensor, None, None]:
        with closing(course.validation_batches()) as batches:
            for prepared, own in batches:
                targets.append(own)
                yield prepared

    with closing(images()) as prepared:
        outputs = machine.infer(network, prepared)
    return course.task.measure(outputs, torch.cat(targets))
