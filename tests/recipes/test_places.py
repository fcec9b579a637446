import pytest

import striate
from striate.errors import RunError, printable


def test_a_run_among_its_own_images_is_refused_before_anything_is_written(photos, monkeypatch):
    with pytest.raises(RunError, match="lies inside the images of"):
        striate.train(photos, out=photos / "out", quiet=True)
    monkeypatch.chdir(photos)
    with pytest.raises(RunError, match="choose an --out outside"):
        striate.train(".", quiet=True)
    assert not (photos / "out").exists() and not (photos / "runs").exists()


def test_a_name_cannot_command_the_terminal():
    assert printable("a\x1b[31m\n.png") == "a\\x1b[31m\\n.png"
    assert printable("fünf Äpfel 苹果.png") == "fünf Äpfel 苹果.png"
