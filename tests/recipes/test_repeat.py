import shutil
import tomllib
from pathlib import Path

import pytest

import striate
from striate.errors import RunError, SettingsError, StriateError, UnknownNameError

QUICK = {"model": "lenet5", "size": 16, "epochs": 2, "batch_size": 8, "quiet": True}


def weights(run):
    return (run.folder / "model.safetensors").read_bytes()


def test_a_seed_fixes_every_byte_and_another_seed_does_not(shown, tmp_path):
    first, second, other = (
        striate.train(shown, **QUICK, seed=seed, out=str(tmp_path / name))
        for name, seed in (("first", 7), ("second", 7), ("other", 8))
    )
    assert weights(first) == weights(second) != weights(other)


def test_its_run_toml_repeats_a_run_bit_for_bit(run, tmp_path):
    again = striate.train(config=run.folder / "run.toml", out=str(tmp_path / "again"), quiet=True)
    assert weights(again) == weights(run)
    assert (again.folder / "run.toml").read_bytes() == (run.folder / "run.toml").read_bytes()


def test_a_run_is_repeated_from_another_directory(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = striate.train("photos", **QUICK, augment="none", fit="pad", rate=0.02, out="first")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = striate.train(config="../first/run.toml", out="again", quiet=True)
    assert (Path("again") / "model.safetensors").read_bytes() == (tmp_path / "first" / "model.safetensors").read_bytes()
    assert again.evaluation.to_dict() == run.evaluation.to_dict()


def test_a_setting_beside_config_wins(run, tmp_path):
    other = striate.train(config=run.folder / "run.toml", epochs=1, out=str(tmp_path / "other"), quiet=True)
    settings = tomllib.loads((other.folder / "run.toml").read_text(encoding="utf-8"))["settings"]
    before = tomllib.loads((run.folder / "run.toml").read_text(encoding="utf-8"))["settings"]
    assert settings == {**before, "epochs": 1}


def test_data_beside_config_win(run, photos, tmp_path):
    shutil.rmtree(photos / "square")
    other = striate.train(photos, config=run.folder / "run.toml", out=str(tmp_path / "other"), quiet=True)
    assert other.model.classes == ("circle", "fünf Äpfel 苹果")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", SettingsError),
        ("[other]\nepochs = 3", SettingsError),
        ("settings = 3", SettingsError),
        ("[settings", RunError),
        ("[settings]\nepoch = 3", UnknownNameError),
        ("[settings]\nepochs = 'ten'", SettingsError),
        ("[settings]\nepochs = 1.5", SettingsError),
        ("[settings]\naugment = 3", SettingsError),
        ("[settings]\ndata = 3", SettingsError),
        ("[settings]\nout = 3", SettingsError),
        ("[settings]\nsize = [16, 16]", SettingsError),
    ],
)
def test_a_run_toml_that_cannot_be_followed_is_refused(tmp_path, content, error):
    (tmp_path / "run.toml").write_text(content)
    with pytest.raises(error) as caught:
        striate.train(config=tmp_path / "run.toml", out=str(tmp_path / "run"), quiet=True)
    assert "\n" not in str(caught.value)


def test_a_run_toml_that_is_not_there_or_is_no_text_is_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("gone.toml", "binary", "."):
        with pytest.raises(StriateError, match="expected the one of a run directory"):
            striate.train(config=tmp_path / name, quiet=True)


def test_an_unknown_setting_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown setting 'epoch'; did you mean epochs"):
        striate.Settings().but(epoch=3)


def test_settings_are_changed_in_a_copy():
    before = striate.Settings()
    after = before.but(epochs=3, data="photos")
    assert (after.epochs, after.data, after.rate) == (3, "photos", before.rate)
    assert before == striate.Settings()


def test_the_recipe_follows_the_settings():
    recipe = striate.Settings(epochs=3, batch_size=5, rate=0.5).to_recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.rate) == (3, 5, 0.5)
