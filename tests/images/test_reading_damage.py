"""Damaged files are read or refused in one line: no crash, no hang, no memory that runs away, no other exception."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tifffile")
SCRIPT = Path(__file__).with_name("read_damaged.py")
PER_FILE = 5  # readings


def read_damaged(shared, first, last):
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(shared), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, check=False)
    told = done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"it ended at {told.rpartition('file ')[2].split()[0]}: {told[-4000:]}"
    outcomes = json.loads(done.stdout)
    assert outcomes["wrong"] == {}
    counts = {(way, said): count for way, said, count in outcomes["counts"]}
    assert sum(counts.values()) == PER_FILE * (last - first)
    return counts


def test_a_thousand_damaged_files_are_read_or_refused_in_a_sentence(shared):
    counts = read_damaged(shared, 0, 1000)
    assert counts["plain", "refused"] > 300  # the damage is damage
    assert counts["plain", "read"] > 100  # and not only such as is found in the first bytes
    assert counts["five bands", "read"] > 10


@pytest.mark.slow
def test_nine_thousand_more_damaged_files_are_read_or_refused_in_a_sentence(shared):
    counts = read_damaged(shared, 1000, 10_000)
    assert counts["plain", "refused"] > 3000 and counts["plain", "read"] > 1000
