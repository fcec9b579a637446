"""An ensemble of seven networks that differ by their seed alone: what each further one wins (D0).

Run: python examples/ensemble_of_seven.py [EPOCHS [DATA [IMAGES [MEMBERS]]]]
DATA is divided into train and test, as `striate train` takes it: digits, if not given. Compare Krizhevsky et al. 2012,
table 2 and Szegedy et al. 2014, arXiv:1409.4842, table 3.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import striate

PATTERN = "INPUT -> [CONV -> BN -> RELU -> POOL]*3 -> FC"
epochs, name, count, members = [*sys.argv[1:], *["10", "digits", "200", "3"][len(sys.argv) - 1 :]]
data = striate.open_dataset(name)
learnt, test = (np.random.default_rng(0).permutation(data.members(part)) for part in ("train", "test"))
parts = {"train": learnt[: int(count)], "validation": learnt[int(count) :][: int(count) // 5], "test": test[:5000]}
places = np.concatenate(list(parts.values()))
images = striate.from_arrays(
    [data.read(place) for place in places],
    [data.labels[place] for place in places],
    parts=[part for part, own in parts.items() for _ in own],
    name=data.name,
)
common = {"model": PATTERN, "size": 16, "epochs": int(epochs), "batch_size": 32, "augment": "none", "quiet": True}
runs = [striate.train(images, seed=seed, **common).folder for seed in range(int(members))]

errors, low, high = [], [], []
for together in range(1, len(runs) + 1):
    result = striate.evaluate(runs[:together], images, quiet=True)
    right, n = result.evaluation.right, result.evaluation.n
    errors.append(100 - 100 * result.evaluation.accuracy)
    low.append(100 - 100 * result.evaluation.interval[1])
    high.append(100 - 100 * result.evaluation.interval[0])
    print(f"{together} together: {right:,} of {n:,} right, {errors[-1]:.2f} % errors")
alone = [100 - 100 * member.accuracy for member in result.members]
print(f"alone: {np.round(alone, 2).tolist()}, mean {np.mean(alone):.2f} % errors")
for gain in result.gains:
    ends = " to ".join(f"{100 * end:+.2f}" for end in gain.interval)
    print(f"{len(runs)} together over {gain.over}: {100 * gain.difference:+.2f} points, 95 % interval {ends}")

figure = Figure(figsize=(8, 4.2), dpi=100, layout="constrained")
axes = figure.subplots()
axes.fill_between(range(1, len(runs) + 1), low, high, alpha=0.15, label="95 % interval of each")
axes.plot(range(1, len(runs) + 1), errors, "o-", label="together")
axes.plot(range(1, len(runs) + 1), alone, "sC1", label="each alone")
axes.set(title=f"errors on {n:,} new images", xlabel="networks", ylabel="%", xticks=range(1, len(runs) + 1))
axes.legend(frameon=False)
figure.savefig("ensemble_of_seven.png")
print(f"ensemble_of_seven.png shows a line for the first 1 to {len(runs)} networks together (n = {n:,})")
