"""Three 3x3 convolutions see as far as one 7x7, with 27 C² weights for 49 C² and two activations more (D1, D3).

Run: python examples/three_3x3_against_one_7x7.py [EPOCHS]
"""

import sys
from functools import partial
from timeit import timeit

import numpy as np
import torch
from matplotlib.figure import Figure

import striate
from striate.datasets.digits import read_digits
from striate.datasets.opening import open_dataset

STACKS = {"three 3x3": "[CONV 32 3x3 nobias -> RELU]*3", "one 7x7": "CONV 32 7x7 nobias -> RELU"}
scans, labels = map(torch.from_numpy, read_digits())
images = scans[:, None] / 255 - 0.5  # (N, 1, 8, 8)
train, test = (torch.tensor(open_dataset("digits").members(part)) for part in ("train", "test"))


@torch.inference_mode()
def right(network: torch.nn.Module) -> float:
    """How many % of the held-out digits are right."""
    return 100 * float((network(images[test]).argmax(1) == labels[test]).float().mean())


def learn(stack: str, epochs: int) -> torch.nn.Module:
    network = striate.create_model(f"INPUT 1x8x8 -> CONV 32 1x1 -> RELU -> {stack} -> POOL global max -> FC 10")
    descent = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in train[torch.randperm(len(train))].split(32):
            descent.zero_grad()
            torch.nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            descent.step()
    return network


figure, costs, asked = Figure(figsize=(10, 4.8), dpi=100, layout="constrained"), [], []
bars, dots = figure.subplots(1, 2)
for name, stack in STACKS.items():
    networks = [learn(stack, epochs=int((sys.argv[1:] or [8])[0])) for _ in map(torch.manual_seed, range(3))]
    percent = list(map(right, networks))
    card = striate.describe(networks[0][2:-3], 8, in_channels=32)
    print(f"{name}: field {card.last_map.field}, {card.parameters:,} parameters, {card.multiplies:,} multiplies")
    print(f"  {np.mean(percent):.1f} % of {len(test)} held-out digits right, mean of 3 draws")
    dots.plot([name] * 3, percent, "o")
    costs.append([card.multiplies, card.parameters])
    asked.append(partial(right, networks[0]))
seconds = np.array([[timeit(ask, number=1) for ask in asked] for _ in range(20)])
ratios = [np.median(seconds[:, 0] / seconds[:, 1]), *np.divide(*costs)]
print(f"three 3x3 take {ratios[0]:.2f} times as long as one 7x7, median of {len(seconds)} pairs")
bars.bar_label(bars.barh(["time", "multiplies", "parameters"], ratios), fmt="%.2f", padding=3)
bars.set(title="What three 3x3 cost, where one 7x7 costs 1", xlim=(0, 1.2 * max(ratios)))
dots.set(title=f"Right of {len(test)} held-out digits: three draws each", ylabel="%, a dot for each draw", xlim=(-1, 2))
figure.savefig("three_3x3_against_one_7x7.png")
print("three_3x3_against_one_7x7.png shows a bar for each cost and a dot for each trained network")
