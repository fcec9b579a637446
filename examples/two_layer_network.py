"""The lectures' whole program (D0): two layers and a sigmoid, taught 64 random answers in 2000 [STEPS] of descent."""

import sys

import numpy as np
from matplotlib.figure import Figure

from striate.byhand import GradientDescent, Graph, Linear, Sigmoid, SquaredError

random = np.random.default_rng(0).standard_normal
numbers = {"x": random((64, 1000)), "W1": random((100, 1000)), "W2": random((10, 100)), "z": random((64, 10))}
nodes = {"s": (Linear(), "x", "W1"), "h": (Sigmoid(), "s"), "p": (Linear(), "h", "W2"), "L": (SquaredError(), "p", "z")}
network, descent, losses = Graph(nodes), GradientDescent(rate=1e-4), []
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
    losses.append(float(network.run(**numbers)))
    descent.step({name: numbers[name] for name in ("W1", "W2")}, network.gradients())

measured = f"loss {losses[0]:,.1f} in step 1, {losses[-1]:.4g} in step {len(losses):,}"
print(measured)
figure = Figure(figsize=(10, 6), dpi=100, layout="constrained")
axes = figure.subplots()
axes.semilogy(losses)
axes.set(title=f"64 random answers: {measured}", xlabel="step", ylabel="loss Σ (z − p)²")
figure.savefig("two_layer_network.png")
print("two_layer_network.png shows a curve of the loss by step")
