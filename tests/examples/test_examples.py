import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_is_short_and_runs(example, tmp_path, monkeypatch, capsys):
    assert len(example.read_text().splitlines()) < 60
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), "2"])
    runpy.run_path(str(example), run_name="__main__")
    assert "shows a" in capsys.readouterr().out
