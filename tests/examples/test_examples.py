import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SLOW = {"degradation", "ensemble_of_seven", "transfer_by_data_size"}  # that train several networks


def _marked(example):
    return pytest.param(example, id=example.stem, marks=[pytest.mark.slow] if example.stem in SLOW else [])


@pytest.mark.parametrize("example", [_marked(path) for path in sorted(EXAMPLES.glob("*.py"))])
def test_every_example_is_short_and_runs(example, tmp_path, monkeypatch, capsys):
    assert len(example.read_text().splitlines()) < 60
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), "2"])
    runpy.run_path(str(example), run_name="__main__")
    assert "shows a" in capsys.readouterr().out
