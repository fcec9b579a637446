"""How large the gradient of each layer is in deep networks that read digits, before their first step (D0, D3, D4).

Run: python examples/vanishing_gradient.py [LAYERS]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from striate.byhand import Add, BatchNormalisation, Graph, Linear, ReLU, Sigmoid, SoftmaxCrossEntropy, he, xavier
from striate.datasets.digits import read_digits

KINDS = {  # how weights begin, and what follows the linear part of every layer
    "sigmoid": (xavier, [Sigmoid]),
    "ReLU": (he, [ReLU]),
    "batch norm, ReLU": (he, [BatchNormalisation, ReLU]),
    "batch norm, ReLU, residual": (he, [BatchNormalisation, ReLU, Add]),
}


def build(layers: int, operations: list[type]) -> Graph:
    """`layers` times 64 units, then the scores of ten classes and their loss."""
    nodes, top = {}, "x"
    for layer in range(1, layers + 1):
        beside = {Linear: [f"W{layer}"], BatchNormalisation: ["one", "zero"], Add: [top]}
        for operation in (Linear, *operations):
            name = f"{operation.__name__}{layer}"
            nodes[name] = (operation(), top, *beside.get(operation, []))
            top = name
    return Graph(nodes | {"scores": (Linear(), top, "W"), "loss": (SoftmaxCrossEntropy(), "scores", "label")})


layers, draws = max(2, int((sys.argv[1:] or [30])[0])), 10
scans, label = (array[:256] for array in read_digits())
x = (scans.reshape(256, 64) - scans.mean()) / scans.std()
figure = Figure(figsize=(10, 6.5), dpi=100, layout="constrained")
axes = figure.subplots()
for kind, (begin, operations) in KINDS.items():
    norms = np.empty((draws, layers))
    for draw in range(draws):
        network, random = build(layers, operations), np.random.default_rng(draw)
        leaves = {"x": x, "label": label, "one": np.ones(64), "zero": np.zeros(64), "W": begin((10, 64), random)}
        leaves |= {f"W{layer}": begin((64, 64), random) for layer in range(1, layers + 1)}
        network.run(**{leaf: leaves[leaf] for leaf in network.leaves})
        gradients = network.gradients()
        norms[draw] = [np.linalg.norm(gradients[f"W{layer}"]) for layer in range(1, layers + 1)]
    middle = np.median(norms, axis=0)
    ratio = f"{middle[0] / middle[-1]:.1e}"
    print(f"{kind:26s} gradient of layer 1 / layer {layers}: {ratio} (median of {draws} draws of the weights)")
    (line,) = axes.semilogy(range(1, layers + 1), middle)
    at = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
    axes.annotate(f"{kind}: {ratio}", (1, middle[0]), color=line.get_color(), **at)
title = f"Before the first step: the gradient of each layer, and that of layer 1 over that of layer {layers}"
axes.set(title=title, xlabel="layer, from the loss back to the image", ylabel="norm of the gradient by its weights")
axes.set_xlim(layers, 1)
figure.savefig("vanishing_gradient.png")
print("vanishing_gradient.png shows a line of gradients for each kind of network")
