import subprocess
import sys
import threading
import time

import pytest

from striate.datasets import pool
from striate.datasets.pool import read_many
from striate.errors import DataError

STUCK = """
import threading
from striate.datasets import pool
pool.TOLD_AFTER, pool.STUCK_AFTER = 0.05, 0.2
def read(item, note):
    note(f"file {item}")
    if item == 3:
        threading.Event().wait()  # for ever
    return item
for result in pool.read_many(range(9), read, workers=2, ahead=2, slow=lambda name, seconds: print("slow:", name)):
    print(result)
"""
ENDING = """
import io
import numpy as np
from PIL import Image
from striate.datasets.pool import read_many
from striate.images.preparation import Geometry
file = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)).save(file, "jpeg")
def read(item, note):
    if item == 2:
        raise ValueError("two")
    return Geometry((224, 224)).prepare(file.getvalue())
results = read_many(range(40), read, workers=4, ahead=12)
try:
    for _ in results:
        pass
except ValueError:
    raise SystemExit(2)
"""


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_results_come_in_order_whatever_the_workers(workers):
    def read(item, note):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(read_many(range(40), read, workers=workers, ahead=7)) == [item * item for item in range(40)]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_is_begun_than_is_to_be_read_ahead(workers):
    begun = []
    results = read_many(range(50), lambda item, _: begun.append(item), workers=workers, ahead=6)
    for taken, _ in enumerate(results, 1):
        assert len(begun) <= taken + 7
    assert sorted(begun) == list(range(50))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_raised_in_its_turn(workers):
    def read(item, note):
        if item == 5:
            raise ValueError("five")
        return item

    results, got = read_many(range(9), read, workers=workers, ahead=4), []
    with pytest.raises(ValueError, match="five"):
        got.extend(iter(results.__next__, None))
    assert got == [0, 1, 2, 3, 4]


def test_workers_end_when_nobody_asks_any_more():
    before = set(threading.enumerate())
    results = read_many(range(1000), lambda item, _: item, workers=3, ahead=5)
    next(results)
    workers = set(threading.enumerate()) - before
    results.close()
    for worker in workers:
        worker.join(timeout=10)
    assert len(workers) == 3 and not any(worker.is_alive() for worker in workers)


def test_a_slow_file_is_named_while_it_is_waited_for(monkeypatch):
    monkeypatch.setattr(pool, "TOLD_AFTER", 0.02)
    told, go = [], threading.Event()

    def read(item, note):
        note(f"file {item}")
        if item == 2:
            go.wait(5)
        return item

    def slow(name, seconds):
        told.append((name, seconds >= 0.02))
        go.set()

    assert list(read_many(range(4), read, workers=1, ahead=1, slow=slow)) == [0, 1, 2, 3]
    assert set(told) == {("file 2", True)}


def test_a_stuck_file_is_named_and_the_process_can_end():
    run = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, check=False, timeout=60)
    assert run.stdout.split("\n")[:3] == ["0", "1", "2"]
    assert "slow: file 3" in run.stdout
    assert "DataError: file 3 has been read for" in run.stderr
    assert run.returncode == 1


def test_a_stuck_file_is_a_sentence(monkeypatch):
    monkeypatch.setattr(pool, "TOLD_AFTER", 0.01)
    monkeypatch.setattr(pool, "STUCK_AFTER", 0.03)
    go = threading.Event()

    def read(item, note):
        note("nfs/cat.png")
        go.wait(5)

    with pytest.raises(DataError, match=r"nfs/cat.png has been read for \d+ seconds without an end; look at its disk"):
        list(read_many([1], read, workers=1, ahead=1))
    go.set()


@pytest.mark.parametrize("attempt", range(3))
def test_a_process_that_ends_on_an_error_is_not_aborted_by_its_readers(attempt):
    """A thread that is inside a decoder when the interpreter goes away ends the process with a signal."""
    run = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr) == (2, "")
