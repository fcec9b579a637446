"""A network's card by striate, torchinfo and fvcore: seconds from the builder's name to the figures.

Each contender works in a process of its own, as people run it, `--rounds` times in turn (A B C A B C …); imports are
not counted, the building of the network is told apart. torchinfo and fvcore run torchvision's network on real tensors,
torchinfo also on the batch that the memory is asked for; striate runs its own of the same name on meta tensors, and
finds what they find, the receptive fields and the memory of inference and training too. Parameters and multiplies are
compared in the same run.

    pip install '.[peers]' && python benchmarks/describe_networks.py --rounds 5 --save benchmarks/results/NAME.json
"""

# ruff: noqa: PLC0415 - each contender imports its own, in its own process
import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

Measured = tuple[float, float, int, int]  # seconds to build, seconds for the figures, parameters, multiplies
PEERS = Path(__file__).parents[1] / "tests" / "peers"


def striate_card(name: str, batch: int) -> Measured:
    from striate.architectures.catalogue import declare
    from striate.description.card import card_of
    from striate.description.memory import Conditions
    from striate.description.subjects import of_declaration

    start = perf_counter()
    network = of_declaration(declare(name)).network()
    built = perf_counter()
    card = card_of(name, network, Conditions((3, 224, 224), batch))
    return built - start, perf_counter() - built, card.parameters, card.multiplies


def torchinfo_summary(name: str, batch: int) -> Measured:
    sys.path.insert(0, str(PEERS))
    import torchinfo
    import torchvision_beside_cpu_torch  # noqa: F401 - before torchvision
    from torchvision import models

    start = perf_counter()
    network = getattr(models, name)()
    built = perf_counter()
    summary = torchinfo.summary(network, (batch, 3, 224, 224), verbose=0)
    return built - start, perf_counter() - built, summary.total_params, summary.total_mult_adds // batch


def fvcore_count(name: str, _batch: int) -> Measured:
    sys.path.insert(0, str(PEERS))
    import torch
    import torchvision_beside_cpu_torch  # noqa: F401 - before torchvision
    from fvcore.nn import FlopCountAnalysis, parameter_count
    from torchvision import models

    start = perf_counter()
    network = getattr(models, name)().eval()
    built = perf_counter()
    count = FlopCountAnalysis(network, torch.zeros(1, 3, 224, 224)).unsupported_ops_warnings(False)
    multiplies = count.uncalled_modules_warnings(False).total()
    return built - start, perf_counter() - built, parameter_count(network)[""], multiplies


CONTENDERS = {
    "striate": (striate_card, 32),
    "torchinfo, 1 image": (torchinfo_summary, 1),
    "torchinfo, 32 images": (torchinfo_summary, 32),
    "fvcore, 1 image": (fvcore_count, 1),
}


def in_a_process(contender: str, name: str, times: int) -> list[Measured]:
    """What the contender measures the first time, and at best of the next `times - 1`."""
    command = [sys.executable, __file__, "--contender", contender, "--network", name, "--times", str(times)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet152")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.contender:
        measure, batch = CONTENDERS[asked.contender]
        print(json.dumps([measure(asked.network, batch) for _ in range(asked.times)]))
        return
    runs: dict[str, list[list[Measured]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(asked.rounds):
        for contender, found in runs.items():
            found.append(in_a_process(contender, asked.network, asked.times))
    result = {
        "network": asked.network,
        "rounds": asked.rounds,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {
            package: importlib.metadata.version(package)
            for package in ("striate", "torch", "torchvision", "torchinfo", "fvcore")
        },
        "contenders": {contender: figures(found, runs["striate"]) for contender, found in runs.items()},
    }
    print(json.dumps(result, indent=2))
    if asked.save:
        asked.save.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def figures(found: list[list[Measured]], ours: list[list[Measured]]) -> dict[str, object]:
    """Medians over the rounds: first call in a process with building, later calls without, and the ratios to ours."""
    first, later = totals(found)
    our_first, our_later = totals(ours)
    return {
        "first_with_building_s": round(statistics.median(first), 3),
        "later_without_building_s": round(statistics.median(later), 3),
        "first_over_striate": [round(theirs / mine, 1) for theirs, mine in zip(first, our_first, strict=True)],
        "later_over_striate": [round(theirs / mine, 1) for theirs, mine in zip(later, our_later, strict=True)],
        "parameters": found[0][0][2],
        "multiplies": int(found[0][0][3]),
    }


def totals(found: list[list[Measured]]) -> tuple[list[float], list[float]]:
    first = [calls[0][0] + calls[0][1] for calls in found]
    later = [min(call[1] for call in calls[1:]) for calls in found]
    return first, later


if __name__ == "__main__":
    main()
