"""`striate train` as processes of its own that save their state often, alone or two of them under torchrun."""

import os
import subprocess
import sys
import time
from pathlib import Path

from striate.training.logbook import read_rows

STRIATE = """
import os
from pathlib import Path
import striate.training.beginning as beginning
import striate.__main__ as main
beginning.SAVE_EVERY, beginning.SAVING = 0.05, 0.5
if "PIDS" in os.environ:
    name = "-".join(os.environ[part] for part in ("TORCHELASTIC_RESTART_COUNT", "RANK"))
    Path(os.environ["PIDS"], name).write_text(str(os.getpid()))
main.run()
"""
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def start(*arguments, said=subprocess.DEVNULL, before=""):
    """Begin; what it says goes to `said`, and `before` is Python that it runs first."""
    command = [sys.executable, "-c", before + STRIATE, "train", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=said)


def start_two(home, *arguments, restarts=0, **environment):
    """The same as two processes, in the folder `home`, where they write their numbers and what they say."""
    (home / "pids").mkdir(parents=True)
    (home / "worker.py").write_text(STRIATE)
    command = [*TORCHRUN, f"--max-restarts={restarts}", "worker.py", "train", *map(str, arguments)]
    own = {**os.environ, "OMP_NUM_THREADS": "1", "PIDS": str(home / "pids"), **environment}
    with (home / "said.txt").open("w") as said, (home / "answer.txt").open("w") as answer:
        return subprocess.Popen(command, env=own, cwd=home, stderr=said, stdout=answer)


def worker(home, count, rank, process):
    """The number of a process of the start after `count` restarts, once it is there; None when all has ended."""
    place = home / "pids" / f"{count}-{rank}"
    while process.poll() is None:
        if place.exists() and (number := place.read_text()):
            return int(number)
        time.sleep(0.01)
    return None


def wait_for_epochs(folder, epochs, process):
    """Until so many are in the logbook of a run that is under way."""
    logbook = Path(folder) / "metrics.csv"
    while not logbook.exists() or len(logbook.read_text().splitlines()) <= epochs:
        assert process.poll() is None
        time.sleep(0.01)


def timeless(folder):
    """The logbook without what depends on the time."""
    return [{name: value for name, value in row.items() if "second" not in name} for row in read_rows(folder)]


def expect_same(folder, undisturbed):
    """The same files, network and logbook as a run that nobody disturbed."""
    assert (folder / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    assert {path.name for path in folder.iterdir()} == {path.name for path in undisturbed.iterdir()}
    assert timeless(folder) == timeless(undisturbed)
