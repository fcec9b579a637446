import errno
import os
import shutil

import pytest
from PIL import Image

import striate
from striate.errors import RunError, SettingsError, StorageError, StriateError
from striate.recipes.progress import TrainingDisplay
from striate.training import beginning
from striate.training.logbook import read_rows

SETTINGS = {"size": 16, "epochs": 4, "batch_size": 8}
GO_ON = "striate train --resume "


@pytest.fixture
def stopped(photos, tmp_path, monkeypatch, capsys):
    """A run of the photos that was stopped with Ctrl-C in its third epoch, and what it said then."""

    def ctrl_c(_, step):
        if step == 11:
            raise KeyboardInterrupt

    monkeypatch.setattr(beginning, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(TrainingDisplay, "step", ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            striate.train(photos, **SETTINGS, out=str(tmp_path / "two words"))
    return tmp_path / "two words", capsys.readouterr().err


def test_a_stopped_run_says_how_to_go_on_and_ends_as_the_undisturbed_one(stopped, photos, tmp_path):
    folder, told = stopped
    assert f"go on with: {GO_ON}'{folder}'\n" in told
    resumed = striate.train(resume=folder, quiet=True)
    undisturbed = striate.train(photos, **SETTINGS, out=str(tmp_path / "undisturbed"), quiet=True)
    for name in ("model.safetensors", "run.toml", "sample.png"):
        assert (folder / name).read_bytes() == (undisturbed.folder / name).read_bytes(), name
    assert resumed.evaluation.to_dict() == undisturbed.evaluation.to_dict()
    timeless = [
        [{name: value for name, value in row.items() if "second" not in name} for row in read_rows(one)]
        for one in (folder, undisturbed.folder)
    ]
    assert timeless[0] == timeless[1]


def test_a_finished_run_that_is_resumed_is_the_same_run(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "copy")
    again = striate.train(resume=tmp_path / "copy", quiet=True)
    assert again.evaluation.to_dict() == run.evaluation.to_dict()
    assert (tmp_path / "copy" / "model.safetensors").read_bytes() == (run.folder / "model.safetensors").read_bytes()


def test_what_killed_writes_have_left_is_swept(stopped):
    folder, _ = stopped
    for place in (folder, folder / "last"):
        (place / ".striate-partial-abc").write_bytes(b"half")
    striate.train(resume=folder, quiet=True)
    assert not list(folder.rglob(".striate-partial-*"))


@pytest.mark.parametrize("change", ["other pixels", "one more", "one less", "moved", "renamed class", "one broken"])
def test_a_run_does_not_go_on_with_other_data(stopped, photos, change):
    folder, _ = stopped
    seen = photos / "circle" / "00.png"
    if change == "other pixels":
        for file in (photos / "circle").glob("*.png"):
            Image.new("RGB", (30, 30), "red").save(file)
    elif change == "one more":
        Image.new("RGB", (30, 30), "red").save(photos / "circle" / "new.png")
    elif change == "one less":
        seen.unlink()
    elif change == "moved":
        for number, file in enumerate(sorted((photos / "circle").iterdir())[:6]):
            file.rename(photos / "square" / f"moved {number}{file.suffix}")
    elif change == "renamed class":
        (photos / "circle").rename(photos / "circles")  # it keeps its place in the order
    else:
        for file in (photos / "circle").glob("*.png"):
            file.write_bytes(b"")
    with pytest.raises(RunError, match=r"changed since .* began; train anew: --config"):
        striate.train(resume=folder, quiet=True)


def test_data_that_are_gone_are_named(stopped, photos):
    shutil.rmtree(photos)
    with pytest.raises(StriateError, match="photos is not there"):
        striate.train(resume=stopped[0], quiet=True)


@pytest.mark.parametrize("others", [{"epochs": 5}, {"data": "digits"}, {"config": "run.toml"}, {"quick": True}])
def test_a_run_goes_on_as_it_was_set_up_and_takes_nothing_else(stopped, others):
    with pytest.raises(SettingsError, match="give no other setting with --resume"):
        striate.train(resume=stopped[0], **others)


def test_what_is_no_run_directory_is_refused(tmp_path):
    for place in (tmp_path, tmp_path / "gone"):
        with pytest.raises(RunError, match=r"is not a run directory: it has no run\.toml"):
            striate.train(resume=place)


@pytest.mark.parametrize("content", ["", "[settings", "[settings]\ndata = 'digits'\n", "\x00"])
def test_a_run_whose_run_toml_is_not_whole_is_refused_in_one_line(stopped, content):
    folder, _ = stopped
    (folder / "run.toml").write_text(content)
    with pytest.raises(StriateError) as caught:
        striate.train(resume=folder, quiet=True)
    assert "run.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_whose_state_is_not_whole_is_refused_with_the_repair(stopped):
    folder, _ = stopped
    (folder / "last" / "state.safetensors").write_bytes(b"half")
    with pytest.raises(RunError, match=r"cannot be gone on from .* start the run anew with --config"):
        striate.train(resume=folder, quiet=True)


def test_a_run_that_filled_the_disk_goes_on_when_there_is_room(photos, tmp_path, monkeypatch, run):
    calls = iter(range(100))
    real = os.fsync

    def full(descriptor):
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        patched.setattr(beginning, "SAVE_EVERY", 0.0)
        with pytest.raises(StorageError, match=f"No space left on device.*{GO_ON}") as caught:
            striate.train(photos, **{**SETTINGS, "epochs": 8}, out=str(tmp_path / "run"), quiet=True)
    assert "\n" not in str(caught.value)
    resumed = striate.train(resume=tmp_path / "run", quiet=True)
    assert (resumed.folder / "model.safetensors").read_bytes() == (run.folder / "model.safetensors").read_bytes()
