"""Transfer by data size: all, some or none of a trained network frozen, or from scratch, by images to learn from (D1).

Run: python examples/transfer_by_data_size.py [EPOCHS [SEEDS [WEIGHTS STAGES SCRATCH DATA SIZE [COUNT ...]]]]
Of the model file WEIGHTS some STAGES are frozen; SCRATCH is the network that begins without. If they are not given,
LeNet-5 learns the digits 0 to 4 and goes on with 5 to 9. Of fewer images there are more epochs: as many steps in all.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import striate
from striate.tasks.gains import wilson

epochs, seeds, given = int((sys.argv[1:] or [8])[0]), int((sys.argv[2:] or [1])[0]), sys.argv[3:]
data = striate.open_dataset(given[3] if given else "digits")
images, labels = [data.read(index) for index in range(len(data))], np.array(data.labels)
if not given:
    low, high = np.flatnonzero(labels < "5"), np.flatnonzero(labels >= "5")[:300]
    before = striate.from_arrays([images[place] for place in low], labels[low], name="digits 0 to 4")
    given = [striate.train(before, epochs=epochs, quiet=True).folder, "1", "lenet5", "digits", 32, 5, 20]
    images, labels = [images[place] for place in high], labels[high]
(weights, stages, scratch, _), (size, *counts) = given[:4], map(int, given[4:])
numbers = {"size": size, "recipe": "finetune", "batch_size": 8, "clip": 1.0, "augment": "none", "quiet": True}
WAYS = {
    "all frozen": {"weights": weights, "freeze": "all", "rate": 0.0025},  # a fourth of the recipe's, as the batch is
    "none frozen": {"weights": weights, "rate": 0.0025},
    f"{stages} stages frozen": {"weights": weights, "freeze": f"stages:{stages}", "rate": 0.0025},
    "from scratch": {"model": scratch, "depth_rates": 1.0, "rate": 0.01},
}


def fold(count: int, number: int) -> striate.Dataset:
    """`count` images of each class to learn from, 4 to choose the epoch, a fifth of all to test, by number 0 to 4."""
    places, parts = [], []
    for label in np.unique(labels):
        own = np.random.default_rng(0).permutation(np.flatnonzero(labels == label))
        test, rest = own[number::5], np.delete(own, np.s_[number::5])[: 4 + count]
        places += [*test, *rest]
        parts += ["test"] * len(test) + ["validation"] * 4 + ["train"] * (len(rest) - 4)
    return striate.from_arrays([images[place] for place in places], labels[places], parts=parts)


axes = (figure := Figure(figsize=(9, 4.6), dpi=100, layout="constrained")).subplots()
for way, own in WAYS.items():
    shares = []
    for count in counts:
        own["epochs"] = epochs * counts[-1] // count
        found = [striate.train(fold(count, seed), seed=seed, **numbers, **own).evaluation for seed in range(seeds)]
        right, n = sum(one.right for one in found), sum(one.n for one in found)
        shares.append([100 * share for share in sorted((*wilson(right, n), right / n))])
        print(f"{way}, {count} a class: {right} of {n} right, by seed {[one.right for one in found]}", flush=True)
    low, middle, high = np.transpose(shares)
    axes.errorbar(counts, middle, [middle - low, high - middle], marker="o", capsize=4, label=way)
axes.set(title=f"right of {n} new images", xlabel="images of a class", ylabel="%, 95 % intervals")
axes.legend(frameon=False)
figure.savefig("transfer_by_data_size.png")
print(f"transfer_by_data_size.png shows a line for each way to begin (n = {n} in {seeds} seeds)")
