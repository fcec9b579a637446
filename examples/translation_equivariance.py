"""Convolving a moved photograph is moving what was convolved, but for the border; pooling by 2 wants even moves (D2).

Run: python examples/translation_equivariance.py [PIXELS]
Pixels and weights are whole numbers here, so that every sum is exact and 0 means 0.
"""

import sys

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

from striate.byhand import Convolution, Graph, MaxPooling, ReLU

SIZE, TOP, LEFT = 96, 120, 30
PHOTOGRAPH = load_sample_image("china.jpg").mean(axis=2).round()  # (427, 640)
RANDOM = np.random.default_rng(0)
KERNELS = {f"A{layer}": RANDOM.integers(-2, 3, (8, 8 if layer > 1 else 1, 3, 3)) for layer in (1, 2, 3)}
NODES = {
    "s1": (Convolution(padding=1), "x", "A1"),
    "h1": (ReLU(), "s1"),
    "s2": (Convolution(padding=1), "h1", "A2"),
    "h2": (ReLU(), "s2"),
    "s3": (Convolution(padding=1), "h2", "A3"),
}
CONVOLVED, POOLED = Graph(NODES), Graph(NODES | {"y": (MaxPooling(2), "s3")})


def difference(network: Graph, pixels: int, places: int) -> np.ndarray:
    """Where the photograph moves by `pixels` and the maps by `places`: the largest difference of values up to 1."""
    windows = [PHOTOGRAPH[TOP + by : TOP + by + SIZE, LEFT + by : LEFT + by + SIZE] for by in (0, pixels)]
    still, moved = (network.run(x=window[None, None], **KERNELS)[0] for window in windows)  # (K, H, W)
    size = still.shape[-1] - places
    return np.abs(still[:, places:, places:] - moved[:, :size, :size]).max(axis=0) / np.abs(still).max()


pixels = min(20, max(1, int((sys.argv[1:] or [3])[0])))  # as far as the picture has room
apart = difference(CONVOLVED, pixels, pixels)
line = np.minimum(np.arange(len(apart)), np.arange(len(apart))[::-1])
border = np.minimum.outer(line, line)  # how many pixels away it is
measured = ", ".join(f"{apart[border == distance].max():.3g}" for distance in range(6))
print(f"three 3x3 convolutions, moved by {pixels}: differences 0, 1, … 5 pixels from the border: {measured}")
figure = Figure(figsize=(10, 8.5), dpi=100, layout="constrained")
figure.suptitle("Moving a photograph or its maps: the border differs; pooled by 2 after an odd move, the inside too")
photograph, *panels = figure.subplots(2, 2).flat
photograph.imshow(PHOTOGRAPH[TOP - 20 : TOP + SIZE + 20, LEFT - 20 : LEFT + SIZE + 20], cmap="gray")
photograph.add_patch(Rectangle((20, 20), SIZE, SIZE, fill=False, color="yellow"))
photograph.add_patch(Rectangle((20 + pixels, 20 + pixels), SIZE, SIZE, fill=False, color="red"))
photograph.set(title=f"the photograph, moved by {pixels} pixels", ylabel="pixel")
for axes, network, by in zip(panels, (CONVOLVED, POOLED, POOLED), (pixels, pixels, pixels + 1), strict=True):
    reach, step, name = (3, 1, "convolved") if network is CONVOLVED else (2, 2, "convolved, pooled by 2")
    apart = difference(network, by, by // step)
    print(title := f"{name}, moved by {by}: {apart[reach:-reach, reach:-reach].max():.2g} inside")
    axes.set(title=title, xlabel="place", ylabel="place")
    shown = axes.imshow(apart, cmap="Reds", vmin=0, vmax=1)
figure.colorbar(shown, ax=panels, label="difference, where the largest value is 1", shrink=0.7)
figure.savefig("translation_equivariance.png")
print("translation_equivariance.png shows a map of the differences for each")
