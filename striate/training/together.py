"""Several processes that train one network: each takes its share of every batch, and all end with the same weights.

torchrun starts them and says by RANK and WORLD_SIZE who each is (meeting.py); gloo joins them on processors, NCCL on
GPUs. Goyal et al. 2017, arXiv:1706.02677, section 3: the loss of the whole batch is the mean of the shares' losses,
each weighted by its images, and its gradient the mean of their gradients.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from striate.training.gradients import Averaging
from striate.training.store import gather


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

    def most(self, value: int) -> int:
        """The same number in all processes: the largest of theirs."""
        return int(self.join(torch.tensor([value])).max())

    def join(self, part: Tensor | None) -> Tensor:
        """The parts of all processes, one after another, on the processor; a process may have none."""
        own = None if part is None else part.cpu()
        parts = [own]
        if self.size > 1:
            parts = [None] * self.size
            dist.all_gather_object(parts, own)
        return torch.cat([part for part in parts if part is not None])

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
    def in_turn(self, doing: str) -> Iterator[None]:
        """The body in the first process of each machine, then in its others, for what is put on the disk and found.

        That may take hours, and the others wait as long.
        """
        for turn in (True, False):
            if turn == (self.place == 0):
                yield
            if self.size > 1:
                gather(f"{doing} {'first' if turn else 'then'}", self.size)

    def averaging(self, network: nn.Module) -> Callable[[], AbstractContextManager[None]]:
        """What to run a backward pass in, so that the gradients that it completes are the mean of all processes'."""
        return Averaging(network.parameters()).averaged if self.size > 1 else nullcontext


ALONE = Together()


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
