"""What a person sees while they wait: a live bar in a terminal, a plain line now and then elsewhere, or nothing."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from striate.errors import printable
from striate.training.course import Course
from striate.training.logbook import Epoch

_LINE_EVERY = 2.0  # seconds between plain lines
_WIDE = 130  # columns that the bar and all figures take
_REDRAW_EVERY = 0.1  # seconds between updates of the bar


class Display:
    """Writes to the standard error, so that the standard output holds the answer alone."""

    def __init__(self, *, quiet: bool = False, leads: bool = True) -> None:
        self._leads = leads
        self._console = Console(stderr=True, quiet=quiet or not leads, highlight=False, soft_wrap=True, emoji=False)
        self._everyone = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True, emoji=False)

    def say(self, text: str) -> None:
        """One line; its text is never taken for markup."""
        self._console.print(printable(text), markup=False)

    def say_own(self, text: str) -> None:
        """The same, of what this process alone knows, also if another one of its run speaks for all."""
        (self._console if self._leads else self._everyone).print(printable(text), markup=False)

    @contextmanager
    def receiving(self) -> Iterator[Callable[[str, int, int], None]]:
        """A bar for the file that is being received; call what it gives with name, bytes received, bytes in all."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task("")
            yield lambda name, received, size: bar.update(task, description=name, completed=received, total=size)

    @contextmanager
    def reading(self, count: int, doing: str = "reading images") -> Iterator["ReadingDisplay"]:
        """A bar for reading `count` images."""
        columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task("", total=count)
            yield ReadingDisplay(self, bar, task)

    @contextmanager
    def training(self, course: Course, done: int) -> Iterator["TrainingDisplay"]:
        """A display of the course, of which `done` steps are behind."""
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=16),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(compact=True),
            TextColumn("left  {task.fields[figures]}"),
        )
        with Progress(*columns, console=self._console, disable=not self._console.is_terminal) as bar:
            yield TrainingDisplay(self, bar, course, done)


class ReadingDisplay:
    """The `Watch` that reading is given."""

    def __init__(self, display: Display, bar: Progress, task: TaskID) -> None:
        self._display, self._bar, self._task = display, bar, task

    def advance(self, count: int = 1) -> None:
        """Move the bar."""
        self._bar.advance(self._task, count)

    def slow(self, name: str, seconds: float) -> None:
        """Name a file that is waited for."""
        self._display.say(f"still reading {name} after {seconds:.0f} s")

    def say(self, text: str) -> None:
        """One line beside the bar."""
        self._display.say(text)


class TrainingDisplay:
    """The `Watch` that training is given."""

    def __init__(self, display: Display, bar: Progress, course: Course, done: int) -> None:
        self._display, self._bar, self._course = display, bar, course
        self._began, self._before = time.monotonic(), done
        self._drawn = self._line = 0.0
        self._narrow = not bar.disable and bar.console.width < _WIDE
        epochs = course.recipe.epochs
        self._task = bar.add_task("", total=course.steps, completed=done, epoch=f"1/{epochs}", figures="")

    def step(self, step: int) -> None:
        """Move the bar, not more often than an eye can follow."""
        if not self._bar.disable and time.monotonic() - self._drawn > _REDRAW_EVERY:
            epoch = min((step - 1) // self._course.steps_per_epoch + 1, self._course.recipe.epochs)
            self._bar.update(self._task, completed=step, epoch=f"{epoch}/{self._course.recipe.epochs}")
            self._drawn = time.monotonic()

    def say(self, text: str) -> None:
        """One line above the bar."""
        self._display.say(text)

    def epoch(self, epoch: Epoch) -> None:
        """Show the epoch's figures; without a terminal as a line, if the last one is a while ago."""
        main, more = _in_words(epoch.validation)
        figures = f"{epoch.images_per_second:,.0f} images/s  loss {epoch.train_loss:.3f}  {main} ({more})"
        if self._narrow:
            figures = main
        epochs = self._course.recipe.epochs
        last = epoch.epoch == epochs
        if not self._bar.disable:
            self._bar.update(self._task, completed=epoch.step, figures=figures, epoch=f"{epoch.epoch}/{epochs}")
        elif last or time.monotonic() - self._line > _LINE_EVERY:
            rate = (time.monotonic() - self._began) / (epoch.step - self._before)
            left = rate * (self._course.steps - epoch.step)
            self._display.say(f"epoch {epoch.epoch}/{epochs}  {figures}  {left:.0f} s left")
            self._line = time.monotonic()


def _in_words(validation: Mapping[str, float]) -> tuple[str, str]:
    """The figure that matters most, and another."""
    percent = {name: f"{100 * value:.1f} %" for name, value in validation.items() if name != "loss"}
    if "accuracy" in percent:
        return f"validation accuracy {percent['accuracy']}", f"balanced {percent['balanced_accuracy']}"
    return f"validation mean average precision {percent['mean_average_precision']}", f"F1 {percent['f1_micro']}"
