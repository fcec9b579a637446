"""Device, number format, memory layout, threads and allocator, decided once and each with its reason."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.errors import SettingsError
from striate.machine.allocating import keep_freed_memory
from striate.machine.number_formats import ASKED, asked_number_format, number_format_for
from striate.machine.quickening import quickened

_IMAGES = 4  # axes


class Reasons(NamedTuple):
    """Why each choice of a `Machine` is what it is: one clause each."""

    device: str
    number_format: str
    memory_format: str
    threads: str
    allocator: str


@dataclass(frozen=True)
class Machine:
    """The choices. `threads` are the processor's, also when the device is a GPU.

    `number_format` is that of the products of a training step; weights and inference are float32.
    """

    device: torch.device
    number_format: torch.dtype
    memory_format: torch.memory_format
    threads: int
    allocator: str
    reasons: Reasons

    def place(self, network: nn.Module) -> nn.Module:
        """The network itself in float32, moved to the device and laid out in memory as chosen."""
        network.to(device=self.device, dtype=torch.float32)
        network.to(memory_format=self.memory_format)  # type: ignore[call-overload]
        return network

    def arrange(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) laid out in memory as chosen; the values are the same. Features (N, D) have no layout."""
        return images.contiguous(memory_format=self.memory_format) if images.dim() == _IMAGES else images

    def infer(self, network: nn.Module, batches: Iterable[Tensor]) -> Tensor:
        """The outputs (N, ...) of a network on this machine for float batches (M, C, H, W), without gradients."""
        with self.running(), torch.inference_mode():
            return torch.cat([network(self.arrange(batch)) for batch in batches])

    def for_network(self, network: nn.Module, shape: tuple[int, int, int]) -> "Machine":
        """The machine for training this network on images (C, H, W), with the number format that pays, unless asked."""
        if self.reasons.number_format == ASKED:
            return self
        number_format, why = number_format_for(network, shape, self.device)
        return replace(self, number_format=number_format, reasons=self.reasons._replace(number_format=why))

    def autocast(self) -> AbstractContextManager[object]:
        """Within it convolutions and matrix products are taken in the chosen number format; with float32 as ever."""
        if self.number_format == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.number_format)

    def quicken(self, network: nn.Module) -> nn.Module:
        """The same network for training steps, faster where it can be: the parameters and buffers are the network's.

        What it computes is equal but for the order of sums. Build the optimizer on either, and save the network itself.
        """
        return quickened(network) if self.device.type == "cpu" else network

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the body with the chosen number of threads, and give the process its own back afterwards."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def choose(device: str = "auto", number_format: str = "auto") -> Machine:
    """The machine as it is, on `device`: "auto", "cpu", "cuda" or "cuda:N".

    `number_format`: "float32" or "bfloat16", of the products of training steps, or "auto": what pays for a network is
    found by `Machine.for_network`, and until then it is float32.
    Raises SettingsError if there is no such device here, or no such format.
    """
    chosen, why_device = _device(device)
    short, why_short = asked_number_format(number_format)
    threads, why_threads = _threads()
    allocator, why_allocator = keep_freed_memory()
    return Machine(
        device=chosen,
        number_format=short,
        memory_format=torch.channels_last,
        threads=threads,
        allocator=allocator,
        reasons=Reasons(
            device=why_device,
            number_format=why_short,
            memory_format="the channels of a pixel side by side, as convolutions read them",
            threads=why_threads,
            allocator=why_allocator,
        ),
    )


def room_for_images(machine: Machine) -> int:
    """Bytes that images may take on the device: a third of a GPU's free memory; on a CPU they are there already."""
    if machine.device.type != "cuda":
        return memory_limit()
    free, _ = torch.cuda.mem_get_info(machine.device)
    return free // 3


def memory_limit() -> int:
    """Bytes of memory that this process may use: the machine's, or its container's if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _cgroup("memory.max")
    return min(total, int(limit[0])) if limit and limit[0].isdecimal() else total


def _device(name: str) -> tuple[torch.device, str]:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), f"a GPU is here: {torch.cuda.get_device_name()}"
        return torch.device("cpu"), "torch sees no CUDA device"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"unknown device {name!r}; expected auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise SettingsError(f"device {name!r} is not supported; expected auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise SettingsError(f"device {name!r} was asked for, but torch sees {count} CUDA devices; use --device cpu")
    return device, "asked for"


def _threads() -> tuple[int, str]:
    """As many as torch would use, or as the container's quota of processor time allows if that is less."""
    ours = torch.get_num_threads()
    quota = _cgroup("cpu.max")
    if quota and quota[0].isdecimal():
        allowed = max(1, int(quota[0]) // int(quota[1]))
        if allowed < ours:
            return allowed, f"the container may use {allowed} processors at a time"
    return ours, "one for each processor core that torch counts (OMP_NUM_THREADS changes it)"


def _cgroup(name: str) -> list[str]:
    """The words of a control group's file; empty where there is none."""
    path = Path("/sys/fs/cgroup") / name
    return path.read_text().split() if path.is_file() else []
