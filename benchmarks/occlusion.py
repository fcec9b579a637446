"""How long does an occlusion map take, beside captum's?

ResNet-18 with weights drawn at random, one image of 224×224 of noise, a window of 32 moved by 16: 169 masks. captum
runs one masked image at a time by default (`perturbations_per_eval=1`); its best of 4, 16 and 64 at a time is compared
too. They take turns, round by round, in one process with two threads, and the maps of each round are compared.

    pip install '.[peers]' captum
    python benchmarks/occlusion.py --rounds 5

writes benchmarks/results/occlusion.json.
"""

import argparse
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from captum.attr import Occlusion
from torch import Tensor

from striate import create_model
from striate.explain.incremental.convolving import Convolved
from striate.explain.occlusion import occlusion, window_drops
from striate.machine.doctor import versions

RESULT = Path(__file__).parent / "results" / "occlusion.json"
WINDOW, STRIDE, SIDE = 32, 16, 224
TARGET = torch.tensor([1])


def timed(explain: Callable[[], Tensor]) -> tuple[float, Tensor]:
    began = time.perf_counter()
    found = explain()
    return time.perf_counter() - began, found


def share_of_multiplies(network: torch.nn.Module, image: Tensor) -> dict[str, float]:
    """Of the multiplies of all masked images' convolutions: those that masks change, and those in the boxes."""
    counts, computed = {"changed": 0, "computed": 0, "all": 0}, Convolved.computed

    def counting(self: Convolved, *args: Any, **kwargs: Any) -> Any:
        weights, rows, columns = self.prepared.kernel.weight.numel(), self.rows, self.columns
        masks = len(rows.start)
        changed = int(((rows.high - rows.low) * (columns.high - columns.low)).sum())
        counts["changed"] += weights * changed
        counts["computed"] += weights * masks * rows.size * columns.size
        counts["all"] += weights * masks * rows.length * columns.length
        return computed(self, *args, **kwargs)

    Convolved.computed = counting  # type: ignore[method-assign]
    try:
        window_drops(network, image, TARGET, window=WINDOW, stride=STRIDE)
    finally:
        Convolved.computed = computed  # type: ignore[method-assign]
    return {name: counts[name] / counts["all"] for name in ("changed", "computed")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # captum's, about itself
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    network, image = create_model("resnet18").eval(), torch.randn(1, 3, SIDE, SIDE)
    asked = {"sliding_window_shapes": (3, WINDOW, WINDOW), "strides": (3, STRIDE, STRIDE), "target": TARGET}

    def captums(at_once: int) -> Callable[[], Tensor]:
        def explain() -> Tensor:
            with torch.no_grad():
                return Occlusion(network).attribute(image, perturbations_per_eval=at_once, **asked)[:, 0]

        return explain

    ways = {f"captum {count}": captums(count) for count in (1, 4, 16, 64)}
    ways["striate"] = lambda: occlusion(network, image, TARGET, window=WINDOW, stride=STRIDE)
    exact = occlusion(network.double(), image.double(), TARGET, window=WINDOW, stride=STRIDE)
    network.float()
    ways["striate"]()
    rounds = []
    for number in range(arguments.rounds):
        found = {name: timed(way) for name, way in ways.items()}
        seconds = {name: taken for name, (taken, _) in found.items()}
        apart = {
            name: float((found[name][1] - exact).abs().max() / exact.abs().max()) for name in ("captum 1", "striate")
        }
        rounds.append({"seconds": seconds, "apart_of_float64": apart, "load": os.getloadavg()[0]})
        print(number, rounds[-1], flush=True)
    best = [min(one["seconds"][name] for name in ways if name.startswith("captum")) for one in rounds]
    default = [one["seconds"]["captum 1"] for one in rounds]
    own = [one["seconds"]["striate"] for one in rounds]
    result = {
        "question": "seconds of an occlusion map (ResNet-18, 224×224, 169 masks): captum's over striate's",
        "hardware": {"processor": platform.processor() or platform.machine(), "processors": os.cpu_count()},
        "versions": versions() | {"captum": version("captum")},
        "threads": arguments.threads,
        "share_of_multiplies": share_of_multiplies(network, image),
        "rounds": rounds,
        "captum_default_over_striate": _ratio(default, own),
        "captum_best_over_striate": _ratio(best, own),
    }
    print({name: value for name, value in result.items() if name not in ("rounds", "versions")})
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _ratio(theirs: list[float], own: list[float]) -> dict[str, float]:
    ratios = [one / other for one, other in zip(theirs, own, strict=True)]
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "n": len(ratios)}


if __name__ == "__main__":
    main()
