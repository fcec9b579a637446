"""LeNet-5 (LeCun et al. 1998) learns handwritten digits in NumPy alone, every gradient by hand.

The network is that of `striate describe lenet5`. Run: python examples/lenet_by_hand.py [EPOCHS]
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import striate.byhand as by
from striate.datasets.opening import open_dataset
from striate.images.preparation import Geometry

SHAPES = {"c1": (6, 1, 5, 5), "c3": (16, 6, 5, 5), "c5": (120, 400), "f6": (84, 120), "output": (10, 84)}
NODES = {
    "c1": (by.ConvolutionByColumns(), "image", "c1.weight", "c1.bias"),  # (N, 6, 28, 28)
    "tanh1": (by.Tanh(), "c1"),
    "s2": (by.AveragePooling(2), "tanh1"),
    "c3": (by.ConvolutionByColumns(), "s2", "c3.weight", "c3.bias"),  # (N, 16, 10, 10)
    "tanh3": (by.Tanh(), "c3"),
    "s4": (by.AveragePooling(2), "tanh3"),
    "flatten": (by.Flatten(), "s4"),  # (N, 400)
    "c5": (by.Linear(), "flatten", "c5.weight", "c5.bias"),
    "tanh5": (by.Tanh(), "c5"),
    "f6": (by.Linear(), "tanh5", "f6.weight", "f6.bias"),
    "tanh6": (by.Tanh(), "f6"),
    "output": (by.Linear(), "tanh6", "output.weight", "output.bias"),  # (N, 10)
    "loss": (by.SoftmaxCrossEntropy(), "output", "label"),
}
digits, random = open_dataset("digits"), np.random.default_rng(0)
train, test, label = digits.members("train"), digits.members("test"), np.array(digits.labels, int)
large = np.stack([Geometry((32, 32)).apply(digits.read(index)) for index in range(len(label))])  # (N, 1, 32, 32)
framed = np.pad(large, ((0, 0), (0, 0), (3, 3), (3, 3))).astype(np.float32) / 255 - 0.5
weights = {f"{layer}.weight": by.xavier(shape, random).astype(np.float32) for layer, shape in SHAPES.items()}
weights |= {f"{layer}.bias": np.zeros(shape[0], np.float32) for layer, shape in SHAPES.items()}
network, descent, epochs = by.Graph(NODES), by.GradientDescent(rate=0.02, momentum=0.9), int((sys.argv[1:] or [40])[0])
for epoch in range(epochs):
    descent.rate = 0.02 if epoch < 0.75 * epochs else 0.002
    for batch in np.array_split(random.permutation(train), len(train) // 16):
        top, left = random.integers(7, size=2)  # moved by up to 3 pixels
        network.run(image=framed[batch, :, top : top + 32, left : left + 32], label=label[batch], **weights)
        descent.step(weights, network.gradients())
scores = network.until("output").run(image=framed[test, :, 3:35, 3:35], **weights)  # (n, 10)
answer = dict(zip(test, scores.argmax(axis=1), strict=True))
wrong = [index for index in test if answer[index] != label[index]]
right, shown = len(test) - len(wrong), min(len(wrong), 12)
measured = f"{right} of {len(test)} held-out digits right ({right / len(test):.1%})"
print(f"{measured} after {epochs} epochs with {len(train)} digits")
figure = Figure(figsize=(10, 6.5), dpi=100, layout="constrained")
figure.suptitle(f"LeNet-5 by hand: {measured}; the first layer's kernels, and {shown} of {len(wrong)} taken for others")
tiles = figure.subplots(3, 6, subplot_kw={"frame_on": False, "xticks": [], "yticks": []})
pictures = [*weights["c1.weight"][:, 0], *large[wrong, 0]]
titles = [f"kernel {number}" for number in range(1, 7)] + [f"{label[i]} taken for {answer[i]}" for i in wrong]
for axes, picture, title in zip(tiles.flat, pictures, titles, strict=False):
    axes.imshow(picture, cmap="gray")
    axes.set_title(title)
figure.savefig("lenet_by_hand.png")
print(f"lenet_by_hand.png shows a row of learned kernels and {shown} of the {len(wrong)} digits that it got wrong")
