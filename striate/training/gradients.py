"""The gradients of several processes become their mean while the backward pass still runs.

As DistributedDataParallel does (Li et al. 2020, arXiv:2006.15704, section 3.2): parameters are packed into buckets in
the order in which their gradients come, the last layer's first, and a bucket is sent as soon as it is full and all
before it are on their way. Where we differ: which parameter lies in which bucket never changes, so that a run that is
gone on with adds in the same order and ends in the same bits; torch packs anew after the first step of each start.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor, nn

_BUCKET = 25 * 2**20  # bytes: fewer, and the wires wait for the start of each; more, and the first one leaves late


class Averaging:
    """Watches the gradients of parameters; those of the body of `averaged` become the mean of all processes'."""

    def __init__(self, parameters: Iterable[nn.Parameter], bucket: int = _BUCKET) -> None:
        self._buckets = [_Bucket(own) for own in _packed(parameters, bucket)]
        self._sent = 0
        self._awake = False
        for each in self._buckets:
            for parameter in each.parameters:
                parameter.register_post_accumulate_grad_hook(partial(self._arrived, each))  # type: ignore[no-untyped-call]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The body is the backward pass that completes the gradients; after it they are the mean."""
        self._awake, self._sent = True, 0
        try:
            yield
        finally:
            self._awake = False
        for bucket in self._buckets[self._sent :]:  # with parameters that the loss does not depend on
            bucket.send()
        for bucket in self._buckets:
            bucket.receive()

    def _arrived(self, bucket: "_Bucket", _parameter: Tensor) -> None:
        if not self._awake:
            return
        bucket.missing -= 1
        while self._sent < len(self._buckets) and not self._buckets[self._sent].missing:
            self._buckets[self._sent].send()
            self._sent += 1


class _Bucket:
    """Parameters whose gradients travel together."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.parameters = parameters
        self.missing = len(parameters)

    def send(self) -> None:
        """Begin to add up: the gradients one after another, and for each whether there is one."""
        self.missing = len(self.parameters)
        there = [float(own.grad is not None) for own in self.parameters]
        parts = [(torch.zeros_like(own) if own.grad is None else own.grad).flatten() for own in self.parameters]
        self._sum = torch.cat([*parts, parts[0].new_tensor(there)])  # (values + parameters,)
        self._work = dist.all_reduce(self._sum, async_op=True)

    def receive(self) -> None:
        """Wait for the sum, and make it the gradients; one that no process has stays away."""
        self._work.wait()
        sizes = [own.numel() for own in self.parameters]
        *parts, there = torch.split(self._sum.div_(dist.get_world_size()), [*sizes, len(sizes)])
        for own, part, some in zip(self.parameters, parts, there, strict=True):
            if own.grad is not None:
                own.grad.copy_(part.view_as(own))
            elif some > 0:
                own.grad = part.view_as(own).clone(memory_format=torch.preserve_format)
        del self._sum, self._work


def _packed(parameters: Iterable[nn.Parameter], bucket: int) -> Iterator[list[nn.Parameter]]:
    """What learns, from the last to the first, in runs of one kind of number that a bucket of bytes can hold."""
    run: list[nn.Parameter] = []
    for own in reversed([own for own in parameters if own.requires_grad]):
        size = sum(other.nbytes for other in run) + own.nbytes
        if run and (size > bucket or (own.dtype, own.device) != (run[0].dtype, run[0].device)):
            yield run
            run = []
        run.append(own)
    if run:
        yield run
