"""The store that the processes of a run meet in: a few words that all can write and read, without waiting for others.

torchrun keeps it (https://docs.pytorch.org/docs/stable/elastic/run.html), so that it outlives the processes; where
there is no torchrun, the first process does. What processes wrote that have been killed is still in it after a restart,
also the addresses that gloo would take for those of the new ones (torch 2.13), and a restart is counted on one machine
alone: so the processes of each start first agree on a name for it, and all words of the start lie under that.
"""

import hashlib
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch.distributed as dist

from striate.errors import AnotherSaysError
from striate.machine.standing import rank

if TYPE_CHECKING:
    from torch.distributed import TCPStore as Store  # type: ignore[attr-defined]

HEARD_WITHIN = 5.0  # seconds that the store, or a process that is well, takes to answer at the most
_START, _NAME = "striate/start", "STRIATE_START"
_SAID = "said"
_LOOK_EVERY = 0.2  # seconds


def agree(store: "Store", size: int, patience: float) -> str:
    """The name of this start, the same in all its processes, and of no other start.

    Each says a word that it has drawn; the first one writes the list of what it has heard until all others find their
    own in it. Raises TimeoutError if they do not within `patience` seconds.
    """
    mine, until, seen = uuid.uuid4().hex, time.monotonic() + patience, ""
    store.set(f"{_START}/{rank()}", mine)
    while time.monotonic() < until:
        if rank() == 0 and store.check([f"{_START}/{other}" for other in range(size)]):
            store.set(_START, " ".join(store.get(f"{_START}/{other}").decode() for other in range(size)))
        words = store.get(_START).decode() if store.check([_START]) else ""
        name = hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
        if mine in words.split():
            if words != seen:
                store.add(f"striate/{name}/agreed", 1)
                seen = words
            if store.add(f"striate/{name}/agreed", 0) == size:
                os.environ[_NAME] = name
                return name
        time.sleep(_LOOK_EVERY / 4)
    raise TimeoutError(f"{size} were expected within {patience:.0f} s")


def remember(folder: Path) -> None:
    """Tell torchrun where the run is; nothing where there is none."""
    if under_torchrun():
        line = open_store(HEARD_WITHIN)
        line.set(_run(line, 0), str(folder.resolve()))


def remembered() -> Path | None:
    """The folder of the run that processes before these began, if torchrun has started them anew; ask once for each."""
    if not under_torchrun():
        return None
    line = open_store(HEARD_WITHIN)
    place = _run(line, 1)
    return Path(line.get(place).decode()) if line.check([place]) else None


def _run(line: "Store", more: int) -> str:
    """Where the folder of a run stands: of the first that a process begins after its start, or of the second, …"""
    return f"striate/run/{line.add(_key(f'runs of {rank()}'), more)}"


def restarts() -> int:
    """How often torchrun has started the processes again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def speaks() -> bool:
    """Whether this is the first process since the start that has something wrong to say; all are that have not met."""
    if _NAME not in os.environ:
        return True
    try:
        return bool(open_store(HEARD_WITHIN).add(_key(_SAID), 1) == 1)
    except RuntimeError:
        return True


def gather(name: str, size: int) -> None:
    """Wait until all processes have come here under this name, as often as this one has, however long it takes.

    Raises AnotherSaysError once one of them has said what is wrong.
    """
    store = open_store(HEARD_WITHIN)
    place = _key(f"{name}/{store.add(_key(f'{name} by {rank()}'), 1)}")
    store.add(place, 1)
    while store.add(place, 0) < size:
        if store.check([_key(_SAID)]):
            raise AnotherSaysError(f"another process has stopped before {name}")
        time.sleep(_LOOK_EVERY)


def missing(size: int) -> list[int]:
    """The processes that do not say within a few seconds that they are here; none once one has said what is wrong."""
    absent: list[int] = []
    try:
        store, until = open_store(HEARD_WITHIN), time.monotonic() + HEARD_WITHIN
        store.set(_key(f"here/{rank()}"), "")
        while time.monotonic() < until and not store.check([_key(_SAID)]):
            absent = [other for other in range(size) if not store.check([_key(f"here/{other}")])]
            if not absent:
                break
            time.sleep(_LOOK_EVERY)
    except RuntimeError:  # the store was the first process's own, and went with it
        return [0]
    return absent


def open_store(patience: float, *, keeps: bool = False) -> "Store":
    """A line of its own to the store; the process that `keeps` it makes it."""
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=keeps,
        timeout=timedelta(seconds=patience),
        wait_for_workers=False,
    )


def under_torchrun() -> bool:
    """Whether torchrun keeps the store."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _key(name: str) -> str:
    return f"striate/{os.environ.get(_NAME, 'unmet')}/{name}"
