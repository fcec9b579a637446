"""Read many things ahead, in threads, in order; what takes long is named, what is stuck is given up, nothing hangs.

Threads, not processes: decoding and resizing release Python's lock, and nothing has to be copied from one process to
another (docs/decisions/0013-reading.md has the figures).
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar

from striate.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
Note = Callable[[str], None]  # a reader says by it what it is reading now

TOLD_AFTER = 10.0  # seconds for one file; most take a thousandth of one
STUCK_AFTER = 300.0
ENDED_WITHIN = 5.0  # seconds that readers are given to end what they are at


def usual_workers() -> int:
    """One for each processor core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_many(
    items: Iterable[Item],
    read: Callable[[Item, Note], Result],
    *,
    workers: int,
    ahead: int,
    slow: Callable[[str, float], None] = lambda _name, _seconds: None,
) -> Generator[Result, None, None]:
    """The results of `read` in the order of `items`, at most `ahead` of which are begun before they are asked for.

    With no workers the calling thread reads. `read` calls its second argument with the name of each file that it
    opens. A name that is read for longer than TOLD_AFTER is told to `slow` with its seconds, again and again; after
    STUCK_AFTER the whole ends with a DataError that names it. What `read` raises is raised here, in its turn. Whoever
    may not come to the end of the results closes them (`contextlib.closing`), which ends the readers.
    """
    if workers < 1:
        yield from (read(item, lambda _: None) for item in items)
        return
    tasks: SimpleQueue[_Slot[Item, Result] | None] = SimpleQueue()
    threads = [threading.Thread(target=_serve, args=(tasks, read), daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()  # as a daemon: a stuck one must not keep the process alive
    waiting: deque[_Slot[Item, Result]] = deque()
    try:
        for item in items:
            waiting.append(_Slot(item))
            tasks.put(waiting[-1])
            if len(waiting) > max(ahead, workers):
                yield waiting.popleft().result(slow)
        while waiting:
            yield waiting.popleft().result(slow)
    finally:
        while not tasks.empty():
            tasks.get()
        for _ in threads:
            tasks.put(None)
        deadline = time.monotonic() + ENDED_WITHIN
        for thread in threads:  # the interpreter must not end while one of them is inside a decoder
            thread.join(max(0.0, deadline - time.monotonic()))


class _Slot(Generic[Item, Result]):
    """An item, then its result; between them the name that is being read and since when."""

    def __init__(self, item: Item) -> None:
        self.item, self._done = item, threading.Event()
        self._name, self._since = "", time.monotonic()
        self._result: Result | None = None
        self._error: BaseException | None = None

    def fill(self, read: Callable[[Item, Note], Result]) -> None:
        """Read the item; called by a worker."""
        try:
            self._result = read(self.item, self._note)
        except BaseException as error:
            self._error = error
        self._done.set()

    def _note(self, name: str) -> None:
        self._name, self._since = name, time.monotonic()

    def result(self, slow: Callable[[str, float], None]) -> Result:
        """Wait for the worker, saying what it is at if that takes long."""
        while not self._done.wait(TOLD_AFTER):
            seconds = time.monotonic() - self._since
            if self._name and seconds >= STUCK_AFTER:
                raise DataError(
                    f"{self._name} has been read for {seconds:.0f} seconds without an end; look at its disk or "
                    "network, or leave it out with --exclude"
                )
            if self._name and seconds >= TOLD_AFTER:
                slow(self._name, seconds)
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


def _serve(tasks: "SimpleQueue[_Slot[Item, Result] | None]", read: Callable[[Item, Note], Result]) -> None:
    """What a worker does until it is told to end."""
    while (slot := tasks.get()) is not None:
        slot.fill(read)
