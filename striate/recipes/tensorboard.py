"""TensorBoard's event files of a run, for those who look at many runs beside each other: `tensorboard --logdir runs`.

Format: a TFRecord of Event messages, tensorboard/compat/proto/event.proto. They are written at once and not, as by
torch's SummaryWriter, by a thread of their own, so that a full disk is met where it can be said. The names have two
levels, by which TensorBoard groups them; the abscissa is the step. Nothing is read from here: metrics.csv is the
record.
"""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from striate.errors import SettingsError, StorageError
from striate.training.logbook import Epoch

FOLDER = "tensorboard"
_VERSION = "brain.Event:2"


class TensorBoard:
    """A `Watch` that writes each epoch into `folder`/tensorboard; in a `with`, so that the file is closed.

    Epochs after `step`, which the run goes on from, are taken back: a resumed run has one line, not two.
    Raises SettingsError without the package tensorboard, StorageError if the disk refuses.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        self._messages, record_writer = _package()
        name = f"events.out.tfevents.{time.time_ns() // 1000}.{socket.gethostname()}.{os.getpid()}"
        try:
            (folder / FOLDER).mkdir(parents=True, exist_ok=True)
            self._file = (folder / FOLDER / name).open("xb")
        except OSError as error:
            raise _refusal(error) from error
        self._records = record_writer(self._file)
        started = self._messages.SessionLog(status=self._messages.SessionLog.START)
        self._write(file_version=_VERSION)
        self._write(step=step + 1, session_log=started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written has been told
            self._file.close()

    def step(self, step: int) -> None:
        """A step alone has no figure."""

    def say(self, text: str) -> None:
        """A sentence is for whoever sits before the terminal."""

    def epoch(self, epoch: Epoch) -> None:
        """Write the epoch's figures and hand them to the operating system. Raises StorageError."""
        values = [{"tag": name, "simple_value": value} for name, value in scalars(epoch).items()]
        self._write(step=epoch.step, summary={"value": values})

    def _write(self, **event: Any) -> None:
        message = self._messages.Event(wall_time=time.time(), **event)
        try:
            self._records.write(message.SerializeToString())
            self._file.flush()
        except OSError as error:
            raise _refusal(error) from error


def check_tensorboard() -> None:
    """Raise SettingsError now, before the images are read, if the package is not there."""
    _package()


def scalars(epoch: Epoch) -> dict[str, float]:
    """The figures of an epoch by the names that they have in TensorBoard."""
    return {
        "loss/train": epoch.train_loss,
        **{f"{name}/validation": value for name, value in epoch.validation.items()},
        "training/epoch": epoch.epoch,
        "training/rate": epoch.rate,
        "training/images_per_second": epoch.images_per_second,
        "seconds/training": epoch.seconds,
        **{f"seconds/{name}": value for name, value in epoch.laps.items()},
    }


def _package() -> tuple[Any, Any]:
    """TensorBoard's messages, and what writes them as records."""
    try:
        from tensorboard.compat.proto import event_pb2  # noqa: PLC0415 - an optional dependency
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415 - the same
    except ImportError as error:
        raise SettingsError(f"TensorBoard is not here ({error}): pip install 'striate[tensorboard]'") from error
    return event_pb2, RecordWriter


def _refusal(error: OSError) -> StorageError:
    return StorageError(f"cannot write TensorBoard's files: {error.strerror or error}; make room and resume")
