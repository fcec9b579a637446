"""Several processes that train one network: each takes its share of every batch, and all end with the same weights.

torchrun starts them and says by RANK and WORLD_SIZE who each is; gloo joins them on processors, NCCL on GPUs.
DistributedDataParallel (Li et al. 2020, arXiv:2006.15704) averages their gradients.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from striate.errors import RunError, SettingsError, expect_whole
from striate.training.synchronised import synchronise

_RUN = "striate/run"
ANSWER_WITHIN = 600  # seconds; STRIATE_ANSWER_WITHIN if it is set
_LONGEST = 86_400


@dataclass(frozen=True)
class Together:
    """Who one process is among how many, in all and on its machine."""

    rank: int = 0
    size: int = 1
    place: int = 0
    here: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, places: Tensor) -> Tensor:
        """This process's part of (N,), as near to N / size as whole ones can be; in order they are the whole."""
        return torch.tensor_split(places, self.size)[self.rank] if self.size > 1 else places

    def mean(self, value: float) -> float:
        """The same number in all processes: the mean of theirs."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=_device())
        dist.all_reduce(total)
        return total.item() / self.size

    def join(self, part: Tensor | None) -> Tensor:
        """The parts of all processes, one after another, on the processor; a process may have none."""
        parts: list[Tensor | None] = [None] * self.size
        if self.size > 1:
            dist.all_gather_object(parts, None if part is None else part.cpu())
        else:
            parts = [part]
        return torch.cat([own for own in parts if own is not None])

    def told(self, value: Any) -> Any:
        """The first process's value, in all of them; a plain one, since it is pickled on the way."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, device=_device())
        return values[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """The body in the first process of each machine, then in its others, for what is put on the disk and found."""
        if self.place:
            self.wait()
        yield
        if not self.place:
            self.wait()

    def spread(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are the mean of all processes' and batch statistics that are of them all."""
        if self.size == 1:
            return network
        joined = synchronise(network)
        device_ids = [torch.cuda.current_device()] if _device().type == "cuda" else None
        return DistributedDataParallel(joined, device_ids=device_ids, broadcast_buffers=False)


ALONE = Together()


def meet() -> Together:
    """Join the processes that torchrun has started; alone, where it has not. Raises RunError if they do not come."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if not dist.is_initialized():
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        try:
            dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(seconds=answer_within()))
        except (RuntimeError, ValueError) as error:
            raise RunError(f"the {size} processes do not find each other ({error}); start them by torchrun") from error
        atexit.register(dist.destroy_process_group)
    return Together(rank, size, int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))


def remember(folder: Path) -> None:
    """Tell torchrun, which outlives its processes, where the run is; nothing where there is none."""
    if (store := _store()) is not None:
        store.set(_RUN, str(folder.resolve()))


def remembered() -> Path | None:
    """The run that processes before these began and could not finish, where torchrun has started them again."""
    store = _store()
    if store is None or os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0" or not store.check([_RUN]):
        return None
    return Path(store.get(_RUN).decode())


def _store() -> Any:
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False
    )


def answer_within() -> int:
    """Seconds that the others are waited for."""
    given = os.environ.get("STRIATE_ANSWER_WITHIN", str(ANSWER_WITHIN))
    if not given.isdecimal():
        raise SettingsError(f"STRIATE_ANSWER_WITHIN is {given!r}; expected seconds, as {ANSWER_WITHIN}")
    expect_whole("STRIATE_ANSWER_WITHIN", int(given), _LONGEST)
    return int(given)


def lost(error: RuntimeError) -> bool:
    """Whether torch says by an error that another process has gone, or does not answer."""
    text = str(error)
    return dist.is_initialized() and any(words in text for words in ("peer", "Timed out", "timed out", "gloo", "NCCL"))


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
