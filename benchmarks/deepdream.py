"""How much faster is a dream than the plain loop of the tutorials?

The plain loop runs the whole network with a hook on the layer, takes the gradient of ½ |a|² at the pixels and, as
`backward` does, at every weight, in torch's usual memory layout. `striate.explain.dream` runs a folded channels_last
copy as far as the layer and takes the gradient at the pixels alone. Both get the same network with weights drawn by a
seed and statistics of batch norm taken from the noise it dreams of, the same image, steps and shifts; they take turns,
round by round, in one process with the same threads and allocator. Compared are the seconds of a dream, the
making of that copy among them, and the pixels, white = 1: exactly after one step, and on average at the end, since the
ascent enlarges a difference of rounding from step to step wherever a ReLU is about to open.

    python benchmarks/deepdream.py --model resnet50 --layer layer2

writes benchmarks/results/deepdream.json.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.architectures.catalogue import create_model
from striate.explain.canvas import Limits
from striate.explain.dream import Dreaming, dream
from striate.machine.choice import choose
from striate.machine.doctor import versions

RESULT = Path(__file__).parent / "results" / "deepdream.json"
_LIMITS = Limits(torch.full((3,), -2.0), torch.full((3,), 2.0))
_SPAN = 4.0  # from black to white


def plain(network: nn.Module, image: Tensor, layer: str, how: Dreaming) -> Tensor:
    """The tutorials' loop, of one octave."""
    seen: list[Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(lambda _module, _inputs, made: seen.append(made))
    chance = torch.Generator().manual_seed(how.seed)
    for _ in range(how.steps):
        shifts = [int(torch.randint(-how.jitter, how.jitter + 1, (1,), generator=chance)) for _ in range(2)]
        moved = image.roll(shifts, (2, 3)).detach().requires_grad_()
        network.zero_grad()
        network(moved)
        (0.5 * seen.pop().square().sum()).backward()
        assert moved.grad is not None
        step = _SPAN * how.rate * moved.grad / moved.grad.abs().mean()
        image = (moved.detach() + step).clamp(-2, 2).roll([-shift for shift in shifts], (2, 3))
    handle.remove()
    return image


def prepared(model: str, seed: int) -> nn.Module:
    """The network with statistics of batch norm that are those of noise, so that activations keep their size."""
    torch.manual_seed(seed)
    network = create_model(model).train()
    with torch.no_grad():
        for _ in range(10):
            network(torch.rand(4, 3, 224, 224) * _SPAN - 2)
    return network.eval()


def timed(make: Callable[[], Tensor]) -> tuple[float, Tensor]:
    began = time.perf_counter()
    made = make()
    return time.perf_counter() - began, made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--layer", default="layer2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=36)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    choose("cpu")
    torch.set_num_threads(arguments.threads)
    network, image = prepared(arguments.model, seed=0), torch.rand(1, 3, 224, 224) * _SPAN - 2
    how, rounds = Dreaming(steps=arguments.steps, octaves=1, jitter=32), []
    for number in range(arguments.rounds):
        usual, expected = timed(lambda: plain(network, image, arguments.layer, how))
        ours, given = timed(lambda: dream(network, image, _LIMITS, layer=arguments.layer, how=how))
        apart = float((given - expected).abs().mean()) / _SPAN
        rounds.append({"plain": usual, "striate": ours, "mean difference of a pixel after all steps": apart})
        print(number, rounds[-1], round(usual / ours, 2), flush=True)
    single = replace(how, steps=1)
    first = plain(network, image, arguments.layer, single) - dream(
        network, image, _LIMITS, layer=arguments.layer, how=single
    )
    ratios = [one["plain"] / one["striate"] for one in rounds]
    result = {
        "question": "seconds of a dream of one octave at 224 px, the plain loop's over striate's",
        "command": f"python benchmarks/deepdream.py --model {arguments.model} --layer {arguments.layer} "
        f"--rounds {arguments.rounds} --steps {arguments.steps} --threads {arguments.threads}",
        "hardware": {"processor": platform.processor() or platform.machine(), "processors": os.cpu_count()},
        "load": os.getloadavg()[0],
        "versions": versions(),
        "largest difference of a pixel after one step": float(first.abs().max()) / _SPAN,
        "rounds": rounds,
        "ratio": {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "n": len(ratios)},
    }
    print(result["ratio"], result["largest difference of a pixel after one step"])
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
