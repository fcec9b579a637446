"""Tables in terminals of any width: every figure is whole, with all its digits or with three and a unit."""

import os
import re
import struct
import subprocess
import sys

import pytest
from rich.console import Console

from striate.arithmetic.memory import short
from striate.cli import grid

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
NET = "resnet18@64"


@pytest.fixture
def terminal(cli, monkeypatch):
    """Call `striate` in a terminal so many columns wide; gives the lines that stand there."""

    def call(columns, *words):
        for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": columns, "LINES": 50}.items():
            monkeypatch.setenv(name, str(value))
        code, out, err = cli(*words)
        assert (code, err) == (0, "")
        return [line.rstrip() for line in ESCAPES.sub("", out).splitlines()]

    return call


def table_of(lines):
    """The lines between the caption and the notes."""
    (rule, *_) = [number for number, line in enumerate(lines) if set(line.strip()) == {"─"}]
    end = next(number for number, line in enumerate(lines) if line.lstrip().startswith("total"))
    return lines[rule - 1 : end + 1]


@pytest.mark.parametrize("columns", [200, 110, 100, 90, 80, 60])
def test_no_figure_is_cut_and_no_line_is_longer_than_the_terminal(terminal, columns):
    table = table_of(terminal(columns, "describe", NET))
    assert "…" not in "".join(table)
    assert max(map(len, table)) <= columns
    (total,) = [line.split() for line in table if line.split()[:1] == ["total"]]
    assert total[1:3] in (["11,689,512", "148,557,824"], ["11.7", "M"])


@pytest.mark.parametrize("columns", [200, 110, 100, 90])
def test_every_layer_has_its_name_and_its_figures(terminal, columns):
    lines = table_of(terminal(columns, "describe", NET))
    names = [line.split()[0] for line in lines if line.strip()]
    assert {"stem.conv1", "layer1.0.change.conv1", "layer4.1.change.bn2", "head.fc", "total"} <= set(names)
    (first,) = [line for line in lines if line.split()[:1] == ["stem.conv1"]]
    assert re.search(r"64×32×32 +(9,408 +9,633,792 +65,536|9\.41 k +9\.63 M +65\.5 k) +7$", first)  # 147·64, ·32²


def test_a_wide_terminal_has_every_digit_a_narrow_one_three_and_fewer_columns(terminal):
    wide, narrow = ("\n".join(table_of(terminal(columns, "describe", NET))) for columns in (200, 80))
    assert "11,689,512" in wide
    assert "kind" in wide
    assert "11.7 M" in narrow
    assert "kind" not in narrow


@pytest.mark.parametrize("columns", [200, 100, 80, 60])
def test_networks_side_by_side_are_not_cut_either(terminal, columns):
    lines = terminal(columns, "compare", "resnet18", "lenet5")
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= columns
    shown = " ".join(" ".join(lines).split())
    assert any(all(figure in shown for figure in figures) for figures in FIGURES)


FIGURES = (("11,689,512", "1,814,073,344", "61,706"), ("11.7 M", "1.81 G", "61.7 k"))


def test_what_is_no_terminal_gets_every_digit_however_narrow_it_claims_to_be(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = cli("describe", NET)
    assert "148,557,824" in out
    assert "…" not in out


def test_the_first_form_that_fits_is_shown(capsys, monkeypatch):
    def form(*cells):
        table = grid.table_of("name", right=[f"figure {number}" for number in range(len(cells))])
        grid.add(table, "layer", *cells)
        return table

    for width, shown in ((100, "1,000,000,000,000"), (30, "1.00 T")):
        monkeypatch.setattr(grid, "_console", lambda width=width: Console(width=width, highlight=False))
        grid.show_widest(lambda: form("1,000,000,000,000", "2,000,000,000"), lambda: form("1.00 T"))
        assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (9_995, "10.0 k"), (999_500, "1.00 M"), (10**16, "10000 T")],
)
def test_short_figures_have_three_digits_and_a_unit(count, text):
    assert short(count) == text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_real_terminal_of_eighty_columns_shows_the_table_whole():
    import fcntl  # noqa: PLC0415 - neither is there on Windows
    import termios  # noqa: PLC0415

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    words = (sys.executable, "-m", "striate", "describe", "lenet5")
    process = subprocess.Popen(words, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    out = b""
    try:
        while part := os.read(ours, 4096):
            out += part
    except OSError:  # as Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0
    lines = ESCAPES.sub("", out.decode()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    (total,) = [line.split() for line in lines if line.split()[:1] == ["total"]]
    assert total[1:] in (["61,706", "416,520", "9,118"], ["61.7", "k", "417", "k", "9.12", "k"])
