"""Run a function in several processes that have met, as torchrun would start them, and collect what it gives."""

import os
import socket
import sys
from pathlib import Path

import torch
from torch import multiprocessing

from striate.training.meeting import meet

sys.path.append(str(Path(__file__).parents[2]))  # the processes get this path and find `tests`, installed striate first


def in_processes(size, work, *given, folder):
    """What `work(together, *given)` gives in each of `size` processes, in their order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_one, args=(rank, size, port, folder, work, given)) for rank in range(size)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * size
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(size)]


def _one(rank, size, port, folder, work, given):
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "STRIATE_ANSWER_WITHIN": "120",
    }
    torch.set_num_threads(1)
    torch.save(work(meet(), *given), folder / f"{rank}.pt")
