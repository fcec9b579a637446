"""AlexNet's CONV1 (96 filters of 11x11x3, stride 4, on 227x227x3) by hand and by torch: milliseconds for one image.

Contenders: the direct Einstein sum, term by term (`Convolution`); one matrix product of columns
(`ConvolutionByColumns`); torch's convolution. Each goes forward, then backward to image, filters and biases, `--rounds`
times in turn (A B C A B C …), all in float32 and in one process; values and gradients are compared in the same run.

    python benchmarks/convolve_by_columns.py --rounds 20 --save benchmarks/results/convolve_by_columns.json
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from striate.byhand import Convolution, ConvolutionByColumns
from striate.byhand.operation import Array, Operation

Measured = tuple[float, float, list[Array]]  # seconds forward, seconds backward, value and gradients


def by_hand(operation: Operation) -> Callable[[list[Array], Array], Measured]:
    def measure(inputs: list[Array], dy: Array) -> Measured:
        start = perf_counter()
        y = operation.forward(*inputs)
        middle = perf_counter()
        gradients = operation.backward(dy)
        return middle - start, perf_counter() - middle, [y, *gradients]

    return measure


def by_torch(inputs: list[Array], dy: Array) -> Measured:
    image, filters, bias = (torch.from_numpy(array).requires_grad_() for array in inputs)
    start = perf_counter()
    y = torch.nn.functional.conv2d(image, filters, bias, stride=4)
    middle = perf_counter()
    y.backward(torch.from_numpy(dy))
    return (
        middle - start,
        perf_counter() - middle,
        [y.detach().numpy(), *(t.grad.numpy() for t in (image, filters, bias))],
    )


CONTENDERS = {
    "direct sum": by_hand(Convolution(stride=4)),
    "columns": by_hand(ConvolutionByColumns(stride=4)),
    "torch": by_torch,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    shapes = [(1, 3, 227, 227), (96, 3, 11, 11), (96,)]
    inputs = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    dy = random.normal(size=(1, 96, 55, 55)).astype(np.float32)
    runs: dict[str, list[Measured]] = {name: [] for name in CONTENDERS}
    for _ in range(asked.rounds + 1):  # the first round warms up
        for name, measure in CONTENDERS.items():
            runs[name].append(measure(inputs, dy))
    result = {
        "rounds": asked.rounds,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg(),
        "versions": {package: importlib.metadata.version(package) for package in ("striate", "numpy", "torch")},
        "largest_relative_difference_from_torch": {
            name: max(difference(a, b) for a, b in zip(found[0][2], runs["torch"][0][2], strict=True))
            for name, found in runs.items()
        },
        "milliseconds": {name: milliseconds(found[1:]) for name, found in runs.items()},
        "direct_sum_over_columns": ratios(runs, "direct sum", "columns"),
        "columns_over_torch": ratios(runs, "columns", "torch"),
    }
    print(json.dumps(result, indent=2))
    if asked.save:
        asked.save.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def difference(ours: Array, theirs: Array) -> float:
    """The largest difference, as a part of the largest value."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def milliseconds(found: list[Measured]) -> dict[str, float]:
    return {
        "forward": round(1000 * statistics.median(run[0] for run in found), 2),
        "backward": round(1000 * statistics.median(run[1] for run in found), 2),
    }


def ratios(runs: dict[str, list[Measured]], slower: str, faster: str) -> dict[str, list[float]]:
    """Lowest, middle and highest ratio of the rounds, forward and backward."""
    told = {}
    for part, name in enumerate(("forward", "backward")):
        each = sorted(a[part] / b[part] for a, b in zip(runs[slower][1:], runs[faster][1:], strict=True))
        told[name] = [round(ratio, 1) for ratio in (each[0], statistics.median(each), each[-1])]
    return told


if __name__ == "__main__":
    main()
