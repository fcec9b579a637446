"""Whoever watches a training, as one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from striate.recipes.settings import Settings
from striate.recipes.tensorboard import TensorBoard
from striate.training.fit import Watch
from striate.training.logbook import Epoch
from striate.training.together import Together


class Watches:
    """Tells each of them everything."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches

    def step(self, step: int) -> None:
        """A step is done."""
        for watch in self._watches:
            watch.step(step)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        for watch in self._watches:
            watch.epoch(epoch)

    def say(self, text: str) -> None:
        """Something has happened."""
        for watch in self._watches:
            watch.say(text)


@contextmanager
def boards(folder: Path, chosen: Settings, together: Together, step: int) -> Iterator[tuple[Watch, ...]]:
    """What writes for TensorBoard, if that is asked for and this process writes at all."""
    if not (chosen.tensorboard and together.leads):
        yield ()
        return
    with TensorBoard(folder, step=step) as board:
        yield (board,)
