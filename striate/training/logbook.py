"""metrics.csv: one line for each epoch, whatever happens in between."""

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from striate.errors import RunError, StorageError
from striate.writing import write_whole

LOGBOOK = "metrics.csv"


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave; `epoch` counts from 1, `step` and `seconds` from the run's start."""

    epoch: int
    step: int
    seconds: float
    rate: float  # at the last step
    images_per_second: float  # of the training steps alone
    train_loss: float  # mean over the epoch, with the recipe's label smoothing and variation
    validation: Mapping[str, float]  # the task's metrics
    laps: Mapping[str, float] = field(
        default_factory=dict
    )  # seconds of the steps since the run began or went on: stopwatch.py

    def row(self) -> dict[str, float]:
        """One flat line: the metrics as validation_<name>, the laps as <name>_seconds."""
        line = asdict(self)
        metrics, laps = line.pop("validation"), line.pop("laps")
        return (
            line
            | {f"validation_{name}": value for name, value in metrics.items()}
            | {f"{name}_seconds": value for name, value in laps.items()}
        )


class Logbook:
    """Opens `folder`/metrics.csv, keeping of an earlier part of the run the epochs that ended by `step`."""

    def __init__(self, folder: Path, *, step: int) -> None:
        self._path = folder / LOGBOOK
        lines = _whole_lines(folder)
        kept = lines[: 1 + sum(row.get("step", 0) <= step for row in read_rows(folder))]
        write_whole(self._path, "".join(kept).encode())

    def add(self, epoch: Epoch) -> None:
        """Append one line and hand it to the operating system."""
        self._append(epoch.row())

    def _append(self, row: Mapping[str, float]) -> None:
        try:
            new = self._path.stat().st_size == 0
            with self._path.open("a", newline="") as file:
                writer = csv.DictWriter(file, row, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerow(row)
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror or error}; make room and resume") from error


def read_rows(folder: Path) -> list[dict[str, float]]:
    """The whole lines of a run's metrics.csv; a last line that was cut off is not one."""
    try:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(_whole_lines(folder))]
    except (TypeError, ValueError) as error:
        raise RunError(f"{folder / LOGBOOK} is not as a run leaves it ({error}); train anew") from error


def _whole_lines(folder: Path) -> list[str]:
    """The lines with their ends; steps only grow, so the first ones are those of the earlier steps."""
    path = folder / LOGBOOK
    lines = path.read_bytes().decode(errors="replace").splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.endswith("\n")]
