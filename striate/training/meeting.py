"""How the processes of one run find each other, what they know after a restart, and which one says what went wrong.

All of it goes through the store of torchrun (https://docs.pytorch.org/docs/stable/elastic/run.html), which outlives its
processes: when one dies it ends the others and starts all of them again, up to --max-restarts times.
"""

import atexit
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from striate.errors import AnotherSaysError, RunError, SettingsError, StriateError, expect_whole
from striate.machine.standing import rank, size
from striate.training.together import ALONE, DAY, Together

ANSWER_WITHIN = 600  # seconds; STRIATE_ANSWER_WITHIN if it is set
_HEARD_WITHIN = 5.0  # seconds that those who are left take to say that they are
_RUN = "striate/run"
_PLACE = re.compile(r"\[\S+:\d+\]")
_LOST = ("peer", "Timed out", "timed out", "timeout", "gloo", "NCCL", "Connection reset", "Broken pipe")


def meet() -> Together:
    """Join the processes that torchrun has started; alone, where it has not. Raises RunError if they do not come."""
    processes = size()
    if processes == 1:
        return ALONE
    if not dist.is_initialized():
        cuda, patience = torch.cuda.is_available(), timedelta(seconds=answer_within())
        if cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        try:
            dist.init_process_group("nccl" if cuda else "gloo", timeout=patience)
        except (RuntimeError, ValueError) as error:
            raise RunError(
                f"the {processes} processes do not find each other ({_short(error)}); start them by torchrun"
            ) from error
        atexit.register(dist.destroy_process_group)
    return Together(rank(), processes, int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))


def answer_within() -> int:
    """Seconds that the others are waited for. Raises SettingsError if STRIATE_ANSWER_WITHIN says no such number."""
    given = os.environ.get("STRIATE_ANSWER_WITHIN", str(ANSWER_WITHIN))
    if not given.isdecimal():
        raise SettingsError(f"STRIATE_ANSWER_WITHIN is {given!r}; expected seconds, as {ANSWER_WITHIN}")
    expect_whole("STRIATE_ANSWER_WITHIN", int(given), DAY)
    return int(given)


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


@contextmanager
def one_voice() -> Iterator[None]:
    """Of all processes that a failure of the body reaches one raises the error, and the others AnotherSaysError.

    Raises RunError for processes that are gone or do not answer, with their numbers.
    """
    try:
        yield
    except StriateError as error:
        if size() == 1 or _speaks():
            raise
        raise AnotherSaysError(str(error)) from error
    except RuntimeError as error:
        if not lost(error):
            raise
        missing = _missing()
        if not _speaks():
            raise AnotherSaysError(_short(error)) from error
        who = f"process {' and '.join(map(str, missing))}" if missing else "a process"
        raise RunError(
            f"{who} of this run is gone or does not answer ({_short(error)}); go on from its last state by --resume, "
            "as torchrun --max-restarts 9 does by itself"
        ) from error


def lost(error: RuntimeError) -> bool:
    """Whether torch says by an error that another process is gone, or does not answer."""
    return dist.is_initialized() and (isinstance(error, dist.DistError) or any(words in str(error) for words in _LOST))


def _missing() -> list[int]:
    """The processes that do not say within a few seconds that they are here; none once one has said what is wrong."""
    missing: list[int] = []
    try:
        store, until = _store(), time.monotonic() + _HEARD_WITHIN
        store.set(_key(f"here/{rank()}"), "")
        while time.monotonic() < until and not store.check([_key("said")]):
            missing = [rank for rank in range(size()) if not store.check([_key(f"here/{rank}")])]
            if not missing:
                break
            time.sleep(0.1)
    except RuntimeError:  # the store was the first process's own, and went with it
        return [0]
    return missing


def _speaks() -> bool:
    """Whether this is the first process that has something to say since the last start."""
    try:
        return bool(_store().add(_key("said"), 1) == 1)
    except RuntimeError:
        return True


def _store() -> "dist.TCPStore":  # type: ignore[name-defined]
    """A line of its own to the store that the processes meet in."""
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        is_master=False,
        timeout=timedelta(seconds=_HEARD_WITHIN),
    )


def _under_torchrun() -> bool:
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _key(name: str) -> str:
    return f"striate/{restarts()}/{name}"


def _short(error: BaseException) -> str:
    """What torch says, without the place in its source."""
    return " ".join(_PLACE.sub("", str(error)).split())[:120]
