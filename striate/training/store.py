"""The store that the processes of a run meet in: a few words that all can write and read, without waiting for others.

torchrun keeps it (https://docs.pytorch.org/docs/stable/elastic/run.html), so that it outlives the processes; where
there is no torchrun, the first process does. Every start after a restart has words of its own.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist

from striate.errors import AnotherSaysError

HEARD_WITHIN = 5.0  # seconds that the store, or a process that is well, takes to answer at the most
_RUN = "striate/run"
_SAID = "said"
_LOOK_EVERY = 0.2  # seconds


def remember(folder: Path) -> None:
    """Tell torchrun where the run is; nothing where there is none."""
    if _under_torchrun():
        _store().set(_RUN, str(folder.resolve()))


def remembered() -> Path | None:
    """The folder of the run that processes before these began and did not finish, if torchrun has started them anew."""
    if not _under_torchrun() or restarts() == 0 or not _store().check([_RUN]):
        return None
    return Path(_store().get(_RUN).decode())


def restarts() -> int:
    """How often torchrun has started the processes again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def speaks() -> bool:
    """Whether this is the first process that has something wrong to say since the last start."""
    try:
        return bool(_store().add(_key(_SAID), 1) == 1)
    except RuntimeError:
        return True


def gather(name: str, rank: int, size: int) -> None:
    """Wait until all processes have come here under this name, as often as this one has, however long it takes.

    Raises AnotherSaysError once one of them has said what is wrong.
    """
    store = _store()
    place = _key(f"{name}/{store.add(_key(f'{name} by {rank}'), 1)}")
    store.add(place, 1)
    while store.add(place, 0) < size:
        if store.check([_key(_SAID)]):
            raise AnotherSaysError(f"another process has stopped before {name}")
        time.sleep(_LOOK_EVERY)


def missing(rank: int, size: int) -> list[int]:
    """The processes that do not say within a few seconds that they are here; none once one has said what is wrong."""
    absent: list[int] = []
    try:
        store, until = _store(), time.monotonic() + HEARD_WITHIN
        store.set(_key(f"here/{rank}"), "")
        while time.monotonic() < until and not store.check([_key(_SAID)]):
            absent = [other for other in range(size) if not store.check([_key(f"here/{other}")])]
            if not absent:
                break
            time.sleep(_LOOK_EVERY)
    except RuntimeError:  # the store was the first process's own, and went with it
        return [0]
    return absent


def _store() -> "dist.TCPStore":  # type: ignore[name-defined]
    """A line of its own to the store."""
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=False,
        timeout=timedelta(seconds=HEARD_WITHIN),
    )


def _under_torchrun() -> bool:
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _key(name: str) -> str:
    return f"striate/{restarts()}/{name}"
