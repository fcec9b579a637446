"""How much faster than PyTorch's plain loop, and than its best flags, are a training step's pieces as striate has them?

The network, the first weights, the batches, loss and optimizer are the same for all: ResNet-18 or ResNet-50, batches of
16 random images of 224x224, SGD with momentum. The plain loop is in float32; the flags are channels_last, bfloat16
autocast or not, and fused SGD; striate's pieces are `Machine.for_network`, `place`, `autocast` and `quicken`, which
bring its allocator. Each contender lives in a process of its own, and they take single steps in turn, so that what
else the machine does meets all alike. With one thread the processor's time for the process is taken, which others on
the same machine change little; with more, the clock's. Compared are seconds of a step within a round; losses of all
steps; and the first gradient's distance from that of the plain loop, over that one's length.

    python benchmarks/train_step.py --rounds 15 --threads 1

writes benchmarks/results/train_step.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.architectures.catalogue import create_model
from striate.machine.choice import choose
from striate.machine.doctor import versions

RESULT = Path(__file__).parent / "results" / "train_step.json"
NETWORKS = ("resnet18", "resnet50")
CONTENDERS = ("plain", "flags_float32", "flags_bfloat16", "striate")
SIDE, BATCH, CLASSES = 224, 16, 1000


class Contender:
    """One way to take a step, on weights and images that are the same for all."""

    def __init__(self, kind: str, network: str) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = create_model(network, num_classes=CLASSES).train()
        self.forward: nn.Module = self.network
        self.short = kind == "flags_bfloat16"
        self.machine = None
        if kind == "striate":
            self.machine = choose("cpu").for_network(self.network, (3, SIDE, SIDE))
            self.forward = self.machine.quicken(self.machine.place(self.network))
        elif kind != "plain":
            self.network.to(memory_format=torch.channels_last)
        self.layout = torch.contiguous_format if kind == "plain" else torch.channels_last
        fused = None if kind == "plain" else True
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=fused
        )

    def autocast(self) -> AbstractContextManager[Any]:
        if self.machine is not None:
            return self.machine.autocast()
        return torch.autocast("cpu", torch.bfloat16) if self.short else nullcontext()

    def step(self, number: int) -> tuple[float, float]:
        """Seconds and loss of a step; there are four batches, which come again."""
        images, targets = batch(number % 4)
        images = images.contiguous(memory_format=self.layout)
        clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
        began = clock()
        self.optimizer.zero_grad()
        with self.autocast():
            outputs = self.forward(images)
        loss = functional.cross_entropy(outputs.float(), targets)
        loss.backward()
        self.optimizer.step()
        return clock() - began, loss.item()

    def gradient(self) -> Tensor:
        return torch.cat([parameter.grad.flatten() for parameter in self.network.parameters()])


def batch(number: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=generator)
    return images, torch.randint(CLASSES, (BATCH,), generator=generator)


def serve(kind: str, network: str, gradient: str) -> None:
    """In a process of its own: a step for each line of the input, its figures as a line of the output."""
    contender = Contender(kind, network)
    for line in sys.stdin:
        number = int(line)
        figures = contender.step(number)
        if number == 0:
            torch.save(contender.gradient(), gradient)
        print(json.dumps(figures), flush=True)


def compare(network: str, rounds: int, threads: int, folder: Path) -> dict[str, Any]:
    """All contenders in turn, the first of a round changing; a first round warms up."""
    gradients = {kind: str(folder / f"{network}-{kind}") for kind in CONTENDERS}
    servers = {
        kind: subprocess.Popen(
            [sys.executable, __file__, "--serve", kind, network, gradients[kind]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )
        for kind in CONTENDERS
    }
    seconds: dict[str, list[float]] = {kind: [] for kind in CONTENDERS}
    losses: dict[str, list[float]] = {kind: [] for kind in CONTENDERS}
    for number in range(rounds + 1):
        turn = number % len(CONTENDERS)
        for kind in CONTENDERS[turn:] + CONTENDERS[:turn]:
            server = servers[kind]
            print(number, file=server.stdin, flush=True)
            taken, loss = json.loads(server.stdout.readline())
            seconds[kind].append(taken)
            losses[kind].append(loss)
        print(network, number, {kind: f"{values[-1]:.2f}" for kind, values in seconds.items()}, file=sys.stderr)
    for server in servers.values():
        server.stdin.close()
        server.wait()
    return summary(network, {kind: values[1:] for kind, values in seconds.items()}, losses, distances(gradients))


def distances(files: dict[str, str]) -> dict[str, float]:
    """How far the first gradients are from the plain loop's, over its length."""
    found = {kind: torch.load(name).double() for kind, name in files.items()}
    plain = found.pop("plain")
    return {kind: float((other - plain).norm() / plain.norm()) for kind, other in found.items()}


def summary(
    network: str, seconds: dict[str, list[float]], losses: dict[str, list[float]], apart: dict[str, float]
) -> dict[str, Any]:
    flags = min(("flags_float32", "flags_bfloat16"), key=lambda kind: statistics.median(seconds[kind]))
    return {
        "network": network,
        "best_flags": flags,
        "plain_over_striate": spread(seconds["plain"], seconds["striate"]),
        "flags_over_striate": spread(seconds[flags], seconds["striate"]),
        "plain_over_flags": spread(seconds["plain"], seconds[flags]),
        "gradient_distance_from_plain": apart,
        "seconds": seconds,
        "losses": losses,
    }


def spread(slower: list[float], faster: list[float]) -> dict[str, float]:
    ratios = [one / other for one, other in zip(slower, faster, strict=True)]
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "n": len(ratios)}


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--serve", nargs=3, metavar=("CONTENDER", "NETWORK", "FILE"))
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        comparisons = [compare(network, given.rounds, given.threads, Path(folder)) for network in given.networks]
    found = torch.cpu.get_capabilities()
    hardware = {
        "processor": processor() or platform.processor(),
        "processors": os.cpu_count(),
        "threads": given.threads,
        "amx_bf16": found.get("amx_bf16", False),
        "avx512_bf16": found.get("avx512_bf16", False),
        "load_before": load,
    }
    result = {
        "question": "seconds of a training step, PyTorch's plain loop and its best flags over striate's pieces",
        "hardware": hardware,
        "versions": versions(),
        "comparisons": comparisons,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for one in comparisons:
        print({name: value for name, value in one.items() if name not in ("seconds", "losses")})


if __name__ == "__main__":
    main()
