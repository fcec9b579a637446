"""Networks that give maps are not trained on images of one class each."""

import pytest

import striate
from striate.cli.main import main
from striate.errors import SettingsError


def test_a_network_for_segmentation_is_refused_and_no_run_begins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"unet gives a map of every class.*use a --model that gives scores"):
        striate.train("digits", model="unet", out="run", quiet=True)
    assert not list(tmp_path.iterdir())


def test_the_command_line_refuses_it_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", "--model", "segnet"]) == 2
    assert "segnet gives a map of every class" in " ".join(capsys.readouterr().err.split())
