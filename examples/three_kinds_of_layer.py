"""Fully connected, locally connected, convolution: as many maps from ever fewer weights, on digits that move (D0, D2).

Run: python examples/three_kinds_of_layer.py [STEPS]
Every layer makes 32 maps of 12x12 pixels; of each map the classifier sees the largest value.
"""

import sys

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional

from striate.datasets.digits import read_digits
from striate.datasets.opening import open_dataset
from striate.layers.locally_connected import LocallyConnected2d

KINDS = {
    "fully connected": lambda: nn.Sequential(nn.Flatten(), nn.Linear(144, 4608), nn.Unflatten(1, (32, 12, 12))),
    "locally connected, 5x5": lambda: LocallyConnected2d(1, 32, 12, 5, padding=2),
    "convolution, 5x5": lambda: nn.Conv2d(1, 32, 5, padding=2),
}
scans, labels = map(torch.from_numpy, read_digits())
images = functional.pad(scans[:, None] / 255, (2, 2, 2, 2))  # (N, 1, 12, 12): with room to move
train, test = (torch.tensor(open_dataset("digits").members(part)) for part in ("train", "test"))


def accuracies(layer: nn.Module, steps: int) -> list[float]:
    """Taught 100 digits, how many % of the held-out ones are right, moved by 0, 1, 2 pixels on each axis."""
    network = nn.Sequential(layer, nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    few, descent = train[torch.randperm(len(train))[:100]], torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(steps):
        descent.zero_grad()
        functional.cross_entropy(network(images[few]), labels[few]).backward()
        descent.step()
    right = []
    for by in range(3):
        moved = torch.cat([images[test].roll((y, x), (2, 3)) for y in (-by, by) for x in (-by, by)])
        hits = network.requires_grad_(False)(moved).argmax(1) == labels[test].repeat(4)
        right.append(100 * float(hits.float().mean()))
    return right


steps, draws = int((sys.argv[1:] or [150])[0]), 3
figure = Figure(figsize=(10, 5.5), dpi=100, layout="constrained")
axes = figure.subplots()
for place, (kind, build) in enumerate(KINDS.items()):
    right = np.array([accuracies(build(), steps) for _ in map(torch.manual_seed, range(draws))])  # (draws, 3)
    name = f"{kind}: {sum(weights.numel() for weights in build().parameters()):,} parameters"
    mean = right.mean(axis=0)
    print(f"{name:44s} {mean[0]:.1f} % right; moved by 1 pixel {mean[1]:.1f} %, by 2 {mean[2]:.1f} %")
    spread = np.abs([right.min(axis=0), right.max(axis=0)] - mean)
    axes.bar_label(axes.bar(np.arange(3) + 0.28 * place, mean, 0.26, yerr=spread, label=name), fmt="%.0f %%", padding=3)
axes.set_xticks(np.arange(3) + 0.28, ["where they stood", "moved by 1 pixel on each axis", "by 2 pixels on each axis"])
axes.set(title=f"2 pixels away, convolution gets {mean[2]:.0f} %", ylabel=f"right of {len(test)}, %", ylim=(0, 100))
figure.legend(loc="outside lower center", ncols=3, frameon=False)
figure.savefig("three_kinds_of_layer.png")
print(f"three_kinds_of_layer.png shows a bar for each (n = {len(test)}): mean, least and most of {draws} draws")
