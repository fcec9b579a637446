"""A convolution learns Sobel's edge kernel from photographs and their edges alone, by gradient descent (D1).

Run: python examples/recover_an_edge_kernel.py [STEPS [PHOTOGRAPH ...]]
Without photographs it takes the two that ship with scikit-learn (CC BY 2.0, see its `load_sample_images`).
"""

import sys

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_images

from striate.byhand import Convolution, ConvolutionByColumns, GradientDescent, Graph, SquaredError
from striate.filters.kernels import KERNELS
from striate.images.preparation import Geometry
from striate.images.reading import read_image

SOBEL = np.array([[KERNELS["sobel"].weights]], float)  # (1, 1, 3, 3)

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
photographs = [read_image(path) for path in sys.argv[2:]] or load_sample_images().images
grey = np.stack([Geometry((90, 120), channels=1).apply(photograph) for photograph in photographs])  # (N, 1, 90, 120)
images = (grey - grey.mean()) / grey.std()
edges = Convolution().forward(images, SOBEL)  # (N, 1, 88, 118): all that is known of the kernel

network = Graph({"answer": (ConvolutionByColumns(), "images", "kernel"), "loss": (SquaredError(), "answer", "edges")})
kernel = np.random.default_rng(0).normal(size=SOBEL.shape)
descent = GradientDescent(rate=0.1 / edges.size, momentum=0.9)  # the loss is a sum over all places
for step in range(1, steps + 1):
    loss = float(network.run(images=images, edges=edges, kernel=kernel)) / edges.size
    descent.step({"kernel": kernel}, network.gradients())
    if step in (1, 10, 100, 1000, steps):
        print(f"step {step:4d}: mean squared error {loss:.1e}")
difference = np.abs(kernel - SOBEL).max()

print("learned kernel:", *(" ".join(f"{weight:8.4f}" for weight in row) for row in kernel[0, 0]), sep="\n")
print(f"largest difference from Sobel's: {difference:.1e}, n = {edges.size:,} edge values; photographs: {len(grey)}")
figure = Figure(figsize=(10, 6.4), dpi=100, layout="constrained")
figure.suptitle(f"Learned from photographs and their edges alone: largest difference of a weight {difference:.1e}")
(hand_made, learned), (photograph, response) = figure.subplots(2, 2)
for axes, weights, title in (hand_made, SOBEL, "Sobel's kernel, made by hand"), (learned, kernel, "the learned kernel"):
    axes.imshow(weights[0, 0], cmap="RdBu", vmin=-4, vmax=4)
    for (row, column), weight in np.ndenumerate(weights[0, 0]):
        axes.text(column, row, f"{round(weight, 3) + 0:.3f}", ha="center", va="center", fontsize=13)
    axes.set_title(title)
photograph.imshow(grey[0, 0], cmap="gray")
photograph.set_title("a photograph")
response.imshow(np.abs(Convolution().forward(images[:1], kernel)[0, 0]), cmap="gray")
response.set_title("its edges by the learned kernel (absolute value)")
for axes in (hand_made, learned, photograph, response):
    axes.set_axis_off()
figure.savefig("recover_an_edge_kernel.png")
print("recover_an_edge_kernel.png shows a learned kernel beside the hand-made one, and the edges that it finds")
