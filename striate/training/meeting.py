"""How the processes of one run find each other, and which one of them says what went wrong.

torchrun starts them; when one dies it ends the others, and starts all of them again up to --max-restarts times.
"""

import atexit
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from striate.errors import AnotherSaysError, RunError, SettingsError, StriateError, expect_whole
from striate.machine.standing import rank, size
from striate.training.store import agree, missing, open_store, speaks, under_torchrun
from striate.training.together import ALONE, Together

ANSWER_WITHIN = 600  # seconds; STRIATE_ANSWER_WITHIN if it is set
_DAY = 86_400  # seconds
_PLACE = re.compile(r"\[\S+:\d+\]")
_LOST = ("peer", "Timed out", "timed out", "timeout", "gloo", "NCCL", "Connection reset", "Broken pipe")


def meet() -> Together:
    """Join the processes that torchrun has started; alone, where it has not. Raises RunError if they do not come."""
    processes = size()
    if processes == 1:
        if under_torchrun():
            agree(open_store(answer_within()), 1, answer_within())
        return ALONE
    if not dist.is_initialized():
        if cuda := torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        try:
            _join("nccl" if cuda else "gloo", answer_within())
        except (RuntimeError, TimeoutError) as error:
            raise RunError(
                f"the {processes} processes do not find each other ({_short(error)}); start them by torchrun"
            ) from error
        atexit.register(dist.destroy_process_group)
    return Together(rank(), processes, int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))


def _join(backend: str, patience: float) -> None:
    store = open_store(patience, keeps=rank() == 0 and not under_torchrun())
    own = dist.PrefixStore(f"striate/{agree(store, size(), patience)}", store)  # type: ignore[attr-defined]
    dist.init_process_group(backend, store=own, rank=rank(), world_size=size(), timeout=timedelta(seconds=patience))


def answer_within() -> int:
    """Seconds that the others are waited for. Raises SettingsError if STRIATE_ANSWER_WITHIN says no such number."""
    given = os.environ.get("STRIATE_ANSWER_WITHIN", str(ANSWER_WITHIN))
    if not given.isdecimal():
        raise SettingsError(f"STRIATE_ANSWER_WITHIN is {given!r}; expected seconds, as {ANSWER_WITHIN}")
    expect_whole("STRIATE_ANSWER_WITHIN", int(given), _DAY)
    return int(given)


@contextmanager
def one_voice() -> Iterator[None]:
    """Of all processes that a failure of the body reaches one raises the error, and the others AnotherSaysError.

    Raises RunError for processes that are gone or do not answer, with their numbers.
    """
    try:
        yield
    except StriateError as error:
        if size() == 1 or speaks():
            raise
        raise AnotherSaysError(str(error)) from error
    except RuntimeError as error:
        if not lost(error):
            raise
        absent = missing(size())
        if not speaks():
            raise AnotherSaysError(_short(error)) from error
        who = f"process {' and '.join(map(str, absent))}" if absent else "a process"
        raise RunError(
            f"{who} of this run is gone or does not answer ({_short(error)}); go on from its last state by --resume, "
            "as torchrun --max-restarts 9 does by itself"
        ) from error


def lost(error: RuntimeError) -> bool:
    """Whether torch says by an error that another process is gone, or does not answer."""
    return dist.is_initialized() and (isinstance(error, dist.DistError) or any(words in str(error) for words in _LOST))


def _short(error: BaseException) -> str:
    """What torch says, without the place in its source."""
    return " ".join(_PLACE.sub("", str(error)).split())[:120]
