"""Where the time of a step goes: laps by name, on a GPU between events that it meets, without waiting for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

LAPS = ("data", "forward", "backward", "optimizer")


class Stopwatch:
    """Sums of seconds by lap, since the last `take`."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._seconds = dict.fromkeys(LAPS, 0.0)
        self._pending: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Count the body's time to `name`."""
        if self._cuda and name != "data":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            begin.record()
            yield
            end.record()
            self._pending.append((name, begin, end))
            return
        began = time.perf_counter()
        yield
        self._seconds[name] += time.perf_counter() - began

    def take(self) -> dict[str, float]:
        """The sums, which begin anew."""
        for name, begin, end in self._pending:
            end.synchronize()
            self._seconds[name] += begin.elapsed_time(end) / 1000
        taken, self._seconds, self._pending = self._seconds, dict.fromkeys(LAPS, 0.0), []
        return taken
