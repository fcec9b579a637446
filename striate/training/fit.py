"""The loop: for every step a batch, its loss, the gradient, one step downhill; for every epoch a look at the rest."""

import hashlib
import math
import time
from collections.abc import Callable, Generator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from striate.errors import RunError
from striate.machine.choice import Machine
from striate.training.beginning import Saver, begin, take_more_parts
from striate.training.checkpointing import Checkpointed
from striate.training.course import Course, Share
from striate.training.freezing import set_training
from striate.training.logbook import Epoch, Logbook
from striate.training.memory import is_out_of_memory
from striate.training.optimizers import set_pace
from striate.training.schedule import pace_at
from striate.training.stopwatch import Stopwatch
from striate.training.synchronised import synchronise
from striate.training.trouble import Watchman


class Watch(Protocol):
    """Whoever wants to see the progress."""

    def step(self, step: int) -> None:
        """A step is done, counted from 1."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""

    def say(self, text: str) -> None:
        """One sentence about what has happened."""


Keep = Callable[[nn.Module, Epoch], None]


def fit(network: nn.Module, course: Course, machine: Machine, folder: Path, watch: Watch, keep: Keep) -> None:
    """Train `network` in place, going on from the state in `folder` if there is one.

    `keep` is handed the network, or the moving average of its weights, after each epoch whose validation loss is the
    lowest so far. The state is saved every few seconds, so that a run that dies goes on to the same weights, bit
    for bit. Raises RunError if the loss is no longer a number or rises without end, StorageError if the disk is full.
    """
    while True:
        try:
            return _Training(network, course, machine, folder, watch).run(keep)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            failure = error.with_traceback(None)  # whose frames hold what fills the memory
        take_more_parts(network, course, machine, folder, watch, failure)


class _Training:
    """One training from the state in a folder to its end."""

    def __init__(self, network: nn.Module, course: Course, machine: Machine, folder: Path, watch: Watch) -> None:
        self._course, self._machine, self._folder, self._watch = course, machine, folder, watch
        self._state = begin(network, course, machine, folder)
        self._forward = self._prepared(self._state.network)
        self._averaged = course.together.averaging(self._state.network)
        self._saver = Saver(self._state, folder, course.together.leads)
        self._stopwatch = Stopwatch(machine.device)
        self._watchman: Watchman | None = None  # which must know how many classes there are

    def run(self, keep: Keep) -> None:
        """Every epoch that is left."""
        course, progress = self._course, self._state.progress
        logbook = Logbook(self._folder, step=progress.step) if course.together.leads else None
        devices = range(torch.cuda.device_count())
        with self._machine.running(), torch.random.fork_rng(devices):
            while progress.step < course.steps and not self._stopped():
                epoch = self._epoch()
                if progress.judge(epoch.validation["loss"], course.recipe.patience) and course.together.leads:
                    keep(self._state.judged, epoch)
                if logbook is not None:
                    logbook.add(epoch)
                progress.loss_sum = 0.0
                self._saver.save_if_due()
                self._watch.epoch(epoch)
        if course.together.leads:
            self._state.save(self._folder)

    def _stopped(self) -> bool:
        """Whether the validation loss has not fallen for as long as the recipe waits."""
        stop, waited = self._course.recipe.stop, self._state.progress.waited
        if stop is None or waited < stop:
            return False
        self._watch.say(f"stopped early: the validation loss has not fallen for {waited} epochs")
        return True

    def _prepared(self, network: nn.Module) -> nn.Module:
        """What runs forward: the network itself, its batch statistics over all processes, its quickest equal."""
        if self._course.together.size > 1:
            network = synchronise(network)
        network = self._machine.quicken(network)
        return Checkpointed(network) if self._course.recipe.checkpointing else network

    def _epoch(self) -> Epoch:
        """Finish the epoch under way: the steps that were left of it, and what the validation images say."""
        course, progress = self._course, self._state.progress
        began, first = time.perf_counter(), progress.step
        set_training(self._forward)
        with closing(course.batches(first)) as batches:  # so that readers end, whatever ends the epoch
            while (share := self._next(batches)) is not None:
                self._step(share)
                self._watch.step(progress.step)
                if progress.step % course.steps_per_epoch:  # at the end not before the epoch is in the logbook
                    self._saver.save_if_due()
        seconds = time.perf_counter() - began
        progress.seconds += seconds
        pace = pace_at(course.recipe, progress.step - 1, course.steps, cuts=progress.cuts)
        epoch = Epoch(
            epoch=progress.step // course.steps_per_epoch,
            step=progress.step,
            seconds=progress.seconds,
            rate=pace.rate,
            images_per_second=(progress.step - first) / course.steps_per_epoch * len(course.train) / seconds,
            train_loss=progress.loss_sum / len(course.train),
            validation=self._measure(),
            laps=self._stopwatch.take(),
        )
        if not math.isfinite(epoch.validation["loss"]):
            raise RunError(
                f"the validation loss became {epoch.validation['loss']} after step {progress.step}, rate "
                f"{pace.rate:g}; train with a lower --rate"
            )
        return epoch

    def _next(self, batches: Generator[Share, None, None]) -> Share | None:
        with self._stopwatch.lap("data"):
            return next(batches, None)

    def _step(self, share: Share) -> None:
        """One batch, its loss, the gradient, one step downhill. Raises RunError for a loss that leads nowhere."""
        course, state, progress = self._course, self._state, self._state.progress
        pace = pace_at(course.recipe, progress.step, course.steps, cuts=progress.cuts)
        torch.manual_seed(_seed(course.seed, progress.step, course.together.rank))
        state.optimizer.zero_grad()
        value = course.together.mean(self._descend(share) * share.weight)
        with self._stopwatch.lap("optimizer"):
            norm = None
            if course.recipe.clip is not None:
                norm = nn.utils.clip_grad_norm_(state.network.parameters(), course.recipe.clip).item()
            assert self._watchman is not None
            self._watchman.check(
                progress.step + 1, value, pace.rate, state.network, gradient_norm=norm, images=share.images
            )
            set_pace(state.optimizer, pace)
            state.optimizer.step()
            if state.average is not None:
                state.average.update(progress.step + 1)
        progress.loss_sum += value * self._images_of(progress.step)
        progress.step += 1

    def _descend(self, share: Share) -> float:
        """Add up the gradient of a batch, part by part; its mean loss."""
        size, fewest = self._course.together.size, len(share.targets)
        if size > 1:  # as many parts in all processes
            fewest = self._images_of(self._state.progress.step) // size
        parts = min(self._state.progress.parts, max(1, fewest // 2))
        total = 0.0
        images, targets = torch.tensor_split(share.images, parts), torch.tensor_split(share.targets, parts)
        for number, (own, truth) in enumerate(zip(images, targets, strict=True), start=1):
            with self._stopwatch.lap("forward"):
                loss = self._loss(self._machine.arrange(own), truth) * (len(truth) / len(share.targets))
            with self._stopwatch.lap("backward"), self._averaged() if number == parts else nullcontext():
                (loss * share.weight).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        return total

    def _loss(self, images: Tensor, targets: Tensor) -> Tensor:
        with self._machine.autocast():
            outputs = self._forward(images)
        if self._watchman is None:
            self._watchman = Watchman(self._course.task.chance(outputs), number_format=self._machine.number_format)
            self._watchman.state = self._state.progress.trouble
        return self._course.task.loss(outputs, targets)

    def _images_of(self, step: int) -> int:
        """How many images the batch of a step has."""
        course = self._course
        last = (step + 1) % course.steps_per_epoch == 0
        before = (course.steps_per_epoch - 1) * course.recipe.batch_size
        return len(course.train) - before if last else course.recipe.batch_size

    def _measure(self) -> dict[str, float]:
        """The task's metrics of the validation images; where memory ran out as many at once as are learnt from."""
        course, network, parts = self._course, self._state.judged, self._state.progress.parts
        most = math.ceil(course.recipe.batch_size / parts)
        network.eval()
        targets: list[Tensor] = []

        def images() -> Generator[Tensor, None, None]:
            with closing(course.validation_batches(most) if parts > 1 else course.validation_batches()) as batches:
                for prepared, own in batches:
                    targets.append(own)
                    yield prepared

        with closing(images()) as prepared:
            shown = len(course.together.share(torch.arange(len(course.validation))))
            outputs = self._machine.infer(network, prepared) if shown else None
        join = course.together.join
        return course.task.measure(join(outputs), join(torch.cat(targets) if targets else None))


def _seed(seed: int, step: int, rank: int) -> int:
    """What dropout draws from in one step of one process."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {step} {rank}".encode(), digest_size=7).digest())
