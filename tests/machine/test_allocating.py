import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from striate.machine.allocating import keep_freed_memory
if sys.argv[1] == "kept":
    print(keep_freed_memory(), file=sys.stderr)
np.zeros(40 << 20, np.uint8)[:] = 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.empty(40 << 20, np.uint8)[:] = 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(word, **environment):
    command = [sys.executable, "-c", FAULTS, word]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems' allocators cannot be told")
def test_pages_are_not_made_anew_for_each_block():
    """The system's own count of the pages that it had to make: 40 MiB are 10,240 of 4 KiB, or 20 large ones."""
    plain, kept = int(run("plain").stdout), int(run("kept").stdout)
    assert kept < plain / 4


def test_the_environment_is_obeyed():
    assert "the environment says so" in run("kept", STRIATE_ALLOCATOR="system").stderr
    assert "the environment says so" in run("kept", MALLOC_ARENA_MAX="2").stderr
