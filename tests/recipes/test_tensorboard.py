import resource
import sys
from contextlib import contextmanager

import pytest

from striate.errors import SettingsError, StorageError
from striate.recipes.tensorboard import FOLDER, TensorBoard, check_tensorboard
from striate.training.logbook import Epoch


@pytest.fixture
def read(tmp_path):
    """What TensorBoard itself reads of the run: for each name its steps and values."""
    theirs = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def events():
        accumulator = theirs.EventAccumulator(str(tmp_path / FOLDER)).Reload()
        names = accumulator.Tags()["scalars"]
        return {name: [(event.step, event.value) for event in accumulator.Scalars(name)] for name in names}

    return events


def epoch(number, loss=0.5):
    measured, laps = {"loss": loss, "accuracy": 0.75}, {"data": 1.0, "forward": 2.0}
    return Epoch(number, 10 * number, 8.0 * number, 0.125, 640.0, 0.25, measured, laps)


def write(folder, *epochs, step=0):
    with TensorBoard(folder, step=step) as board:
        for own in epochs:
            board.step(own.step)
            board.epoch(own)


def test_tensorboard_reads_every_figure_at_its_step(tmp_path, read):
    write(tmp_path, epoch(1), epoch(2))
    assert read() == {
        "loss/train": [(10, 0.25), (20, 0.25)],
        "loss/validation": [(10, 0.5), (20, 0.5)],
        "accuracy/validation": [(10, 0.75), (20, 0.75)],
        "training/epoch": [(10, 1), (20, 2)],
        "training/rate": [(10, 0.125), (20, 0.125)],
        "training/images_per_second": [(10, 640), (20, 640)],
        "seconds/training": [(10, 8), (20, 16)],
        "seconds/data": [(10, 1), (20, 1)],
        "seconds/forward": [(10, 2), (20, 2)],
    }


def test_a_run_that_goes_on_before_what_was_written_has_one_line(tmp_path, read):
    write(tmp_path, epoch(1), epoch(2, loss=9.0), epoch(3, loss=9.0))
    write(tmp_path, epoch(2), epoch(3), step=14)
    assert read()["loss/validation"] == [(10, 0.5), (20, 0.5), (30, 0.5)]


def test_an_epoch_can_be_read_before_the_run_ends(tmp_path, read):
    with TensorBoard(tmp_path, step=0) as board:
        board.epoch(epoch(1))
        assert read()["loss/train"] == [(10, 0.25)]


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(SettingsError, match=r"pip install 'striate\[tensorboard\]'") as caught:
        check_tensorboard()
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(tmp_path, read):
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot write TensorBoard's files: .*; make room and resume"):
        TensorBoard(tmp_path, step=0)


@contextmanager
def full_disk():
    """No file of this process may grow beyond 100 bytes within it: afterwards pytest writes on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_in_one_sentence_at_the_epoch_that_does_not_fit(tmp_path, read):
    refused = pytest.raises(StorageError, match="cannot write TensorBoard's files: File too large")
    with refused, TensorBoard(tmp_path, step=0) as board, full_disk():
        board.epoch(epoch(1))
