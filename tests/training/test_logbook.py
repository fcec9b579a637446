import csv
from contextlib import suppress
from pathlib import Path

import pytest

from striate.errors import StorageError
from striate.training.logbook import LOGBOOK, Epoch, Logbook, read_rows


def epoch(number):
    return Epoch(number, 10 * number, 1.5 * number, 0.1, 1 / 3, 0.1 + 0.2, {"loss": 2 / 7, "accuracy": 0.5})


@pytest.fixture
def folder(tmp_path):
    """A run directory with a logbook of three epochs."""
    logbook = Logbook(tmp_path, step=0)
    for number in (1, 2, 3):
        logbook.add(epoch(number))
    return tmp_path


def test_what_is_added_is_read_to_the_last_digit(folder):
    assert read_rows(folder) == [epoch(number).row() for number in (1, 2, 3)]


def test_the_file_is_csv_as_the_csv_module_reads_it(folder):
    with (folder / LOGBOOK).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert list(rows[0])[-2:] == ["validation_loss", "validation_accuracy"]


def test_a_run_without_a_logbook_has_no_rows(tmp_path):
    assert read_rows(tmp_path) == []


def test_a_last_line_that_is_cut_off_anywhere_is_not_read(folder):
    content = (folder / LOGBOOK).read_bytes()
    last = content.rstrip().rfind(b"\n") + 1
    for cut in range(last, len(content) - 1):  # the line ends in \r\n
        (folder / LOGBOOK).write_bytes(content[:cut])
        assert [row["epoch"] for row in read_rows(folder)] == [1, 2]


@pytest.mark.parametrize("content", ["", "epoch,st", "epoch,step"])
def test_a_heading_that_is_cut_off_is_begun_anew(tmp_path, content):
    (tmp_path / LOGBOOK).write_text(content)
    Logbook(tmp_path, step=0).add(epoch(1))
    assert read_rows(tmp_path) == [epoch(1).row()]


def test_epochs_after_the_step_that_a_run_goes_on_from_are_dropped(folder):
    logbook = Logbook(folder, step=29)  # the third epoch ended at step 30
    assert [row["epoch"] for row in read_rows(folder)] == [1, 2]
    logbook.add(epoch(3))
    assert [row["epoch"] for row in read_rows(folder)] == [1, 2, 3]


def test_going_on_after_a_cut_off_line_repairs_it(folder):
    whole = (folder / LOGBOOK).read_bytes()
    (folder / LOGBOOK).write_bytes(whole[:-5])
    Logbook(folder, step=20).add(epoch(3))
    assert (folder / LOGBOOK).read_bytes() == whole  # so that nobody sees that the run was disturbed


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_dies_while_it_takes_up_its_logbook_loses_no_epoch(folder, monkeypatch, error):
    real = Path.open

    def dies(path, mode="r", *rest, **options):
        if set(mode) & set("wax+"):
            raise error
        return real(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", dies)
    with suppress(StorageError, KeyboardInterrupt):
        Logbook(folder, step=30)
    monkeypatch.undo()
    assert [row["epoch"] for row in read_rows(folder)] == [1, 2, 3]


def test_a_full_disk_is_said_with_the_file(folder, monkeypatch):
    logbook = Logbook(folder, step=30)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError, match=r"metrics\.csv: No space left on device"):
        logbook.add(epoch(4))
