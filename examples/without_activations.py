"""Linear layers in a row are one matrix, and part two rings as one does; ReLU between them bends the line (D0, D4).

Run: python examples/without_activations.py [STEPS]
"""

import sys
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from striate.byhand import GradientDescent, Graph, Linear, ReLU, SoftmaxCrossEntropy, he

RANDOM = np.random.default_rng(0)
RING = RANDOM.integers(2, size=3000)  # the inner, and one twice as large that lies a little to the right
ANGLE, RADIUS = RANDOM.uniform(0, 2 * np.pi, 3000), 1 + RING + RANDOM.normal(0, 0.15, 3000)
POINTS = np.stack([RADIUS * np.cos(ANGLE) + 0.6 * RING, RADIUS * np.sin(ANGLE)], axis=1)  # (3000, 2)


def train(widths: list[int], bent: bool, steps: int) -> tuple[Graph, dict[str, np.ndarray]]:
    """The graph from points to scores, linear layers between these widths, and its weights after so many steps."""
    nodes, weights, top = {}, {}, "x"
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        if bent and layer:
            nodes[f"h{layer}"] = (ReLU(), top)
            top = f"h{layer}"
        nodes[f"s{layer}"] = (Linear(), top, f"W{layer}", f"b{layer}")
        weights |= {f"W{layer}": he((outputs, inputs), RANDOM), f"b{layer}": np.zeros(outputs)}
        top = f"s{layer}"
    scores, descent = Graph(nodes), GradientDescent(rate=0.05, momentum=0.9)
    network = Graph({"s": (scores, *scores.leaves), "loss": (SoftmaxCrossEntropy(), "s", "ring")})
    for _ in range(steps):  # the last 1000 points are held out
        network.run(x=POINTS[:2000], ring=RING[:2000], **weights)
        descent.step(weights, network.gradients())
    return scores, weights


steps, trained = int((sys.argv[1:] or [400])[0]), {}
grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 200)] * 2), axis=-1)  # (200, 200, 2)
figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
figure.suptitle("Which ring? Linear layers part the plane by a line, however many; ReLU between them bends it")
widths = {"one linear layer": [2, 2], "three linear layers": [2, 32, 32, 2], "three with ReLU": [2, 32, 32, 2]}
for axes, name in zip(figure.subplots(1, 3, sharey=True), widths, strict=True):
    scores, W = trained[name] = train(widths[name], "ReLU" in name, steps)
    right = (scores.run(x=POINTS[2000:], **W).argmax(axis=1) == RING[2000:]).mean()
    print(f"{name:20s} {right:.1%} of 1,000 held-out points are right")
    ring = scores.run(x=grid.reshape(-1, 2), **W).argmax(axis=1).reshape(200, 200)
    axes.contourf(*grid.T, ring.T, levels=[-0.5, 0.5, 1.5], cmap="coolwarm", alpha=0.4)
    axes.scatter(*POINTS[2000:].T, c=RING[2000:], s=4, cmap="coolwarm")
    axes.set(title=f"{name}: {right:.1%} right", xlabel="x₁", ylabel="x₂", aspect="equal")

scores, W = trained["three linear layers"]
one, bias = W["W2"] @ W["W1"] @ W["W0"], W["W2"] @ (W["W1"] @ W["b0"] + W["b1"]) + W["b2"]
difference = np.abs(scores.run(x=POINTS, **W) - (POINTS @ one.T + bias)).max()
print(f"three linear layers and their product, one 2x2 matrix: scores differ by {difference:.1e} at most")
figure.savefig("without_activations.png")
print("without_activations.png shows a map of the answers of each network")
