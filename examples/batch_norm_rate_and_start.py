"""Batch norm: the highest rate that trains, how fast, and from weights ten times too small or too large (D3).

Run: python examples/batch_norm_rate_and_start.py [EPOCHS [DATA [IMAGES [SEEDS]]]]
Eight 3x3 convolutions learn images of 16x16 with momentum; DATA is what `striate train` takes: digits, if not given.
"""

import sys

import numpy as np
import torch
from matplotlib.figure import Figure

import striate
from striate.images.preparation import Geometry

GRIDS = {"rate": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "scale of the first weights": (0.1, 1.0, 10.0)}
PATTERN = "INPUT -> [CONV 16 {0} -> RELU]*4 -> POOL -> [CONV 32 {0} -> RELU]*4 -> POOL -> POOL global -> FC {1}"
KINDS = {"without": "", "with batch norm": "nobias -> BN"}
epochs, name, count, seeds = [*sys.argv[1:], *["6", "digits", "96", "1"][len(sys.argv) - 1 :]]
data = striate.open_dataset(name)
places = np.random.default_rng(0).permutation(data.members("train"))[: int(count)]
stack = np.stack([Geometry((16, 16)).apply(data.read(place)) for place in places])
images = (torch.from_numpy(stack).float() - stack.mean()) / stack.std()  # (N, C, 16, 16)
labels = torch.tensor([data.classes.index(data.labels[place]) for place in places])


def losses(kind: str, rate: float, scale: float) -> list[float]:
    """Mean training loss of each epoch, in nats."""
    network = striate.create_model(PATTERN.format(KINDS[kind], len(data.classes)), in_channels=images.shape[1], size=16)
    for weights in (own for own in network.parameters() if own.dim() == 4):
        weights.data *= scale
    descent, found = torch.optim.SGD(network.parameters(), rate, momentum=0.9), []
    for _ in range(int(epochs)):
        found.append(0.0)
        for batch in torch.randperm(len(labels)).split(32):
            loss = torch.nn.functional.cross_entropy(network(images[batch]), labels[batch])
            descent.zero_grad()
            loss.backward()
            descent.step()
            found[-1] += loss.item() * len(batch) / len(labels)
    return found


figure = Figure(figsize=(9, 4.4), dpi=100, layout="constrained")
for axes, (word, values) in zip(figure.subplots(1, 2, sharey=True, width_ratios=(7, 4)), GRIDS.items(), strict=True):
    for kind in KINDS:
        last = []
        for value in values:
            asked = (value, 1.0) if word == "rate" else (0.03, value)
            curves = np.array([losses(kind, *asked) for _ in map(torch.manual_seed, range(int(seeds)))])
            last.append(np.nan_to_num(curves[:, -1], nan=np.inf).clip(max=4).mean())
            mean, ends = (np.round(own, 2).tolist() for own in (curves.mean(axis=0), curves[:, -1]))
            print(f"{kind}, {word} {value}: loss by epoch {mean}, the last by seed {ends}", flush=True)
        axes.plot(values, last, "o-", label=kind)
    axes.axhline(np.log(len(data.classes)), color="grey", linestyle=":")
    axes.set(xscale="log", xlabel=word, ylabel=f"nats in epoch {epochs}, mean of {seeds} seeds, at most 4")
    axes.legend(frameon=False)
figure.savefig("batch_norm_rate_and_start.png")
print(f"batch_norm_rate_and_start.png shows a dot for each rate and scale (n = {len(labels)} images; dotted: a guess)")
