"""Dropout: with few images, how far a network is better on those that it learnt from, for three shares dropped (D0).

Run: python examples/dropout_on_few_images.py [EPOCHS [DATA [IMAGES [SEEDS]]]]
DATA is divided into train and test, as `striate train` takes it: digits, if not given. A third of the images that are
learnt from stand in for validation, so that metrics.csv has what the network makes of them without dropout.
Compare Srivastava et al. 2014, JMLR 15, 1929-1958, figure 10.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import striate
from striate.training.logbook import read_rows

PATTERN = "INPUT -> [CONV -> RELU -> POOL]*2 -> FC 256 -> RELU -> DROPOUT {} -> FC"
SHARES = (0.0, 0.25, 0.5)
epochs, name, count, seeds = [*sys.argv[1:], *["20", "digits", "96", "1"][len(sys.argv) - 1 :]]
data = striate.open_dataset(name)
learnt, test = (np.random.default_rng(0).permutation(data.members(part)) for part in ("train", "test"))
parts = {"train": learnt[: int(count)], "validation": learnt[: int(count) // 3], "test": test[:2000]}
places = np.concatenate(list(parts.values()))
images = striate.from_arrays(
    [data.read(place) for place in places],
    [data.labels[place] for place in places],
    parts=[part for part, own in parts.items() for _ in own],
    name=data.name,
)
common = {"size": 16, "epochs": int(epochs), "batch_size": 32, "decay": 0.0, "label_smoothing": 0.0, "augment": "none"}

figure = Figure(figsize=(9, 4.2), dpi=100, layout="constrained")
panels = figure.subplots(1, 2)
for share in SHARES:
    both = []
    for seed in range(int(seeds)):
        run = striate.train(images, model=PATTERN.format(share), seed=seed, quiet=True, **common)
        kept = min(read_rows(run.folder), key=lambda row: row["validation_loss"])
        known, new = 100 * kept["validation_accuracy"], 100 * run.evaluation.accuracy
        both.append([[known, new], [kept["validation_loss"], run.evaluation.loss]])
    for axes, what, (known, new) in zip(panels, ("right, %", "loss, nats"), np.transpose(both, (1, 2, 0)), strict=True):
        spread = f"{(known - new).mean():.2f} by seed {np.round(known - new, 2).tolist()}"
        print(
            f"{share} dropped, {what}: learnt {known.mean():.2f}, new {new.mean():.2f}, apart by {spread}", flush=True
        )
        axes.plot([share] * len(known), known, "oC0", label=None if share else "images that it learnt from")
        axes.plot([share] * len(new), new, "sC1", label=None if share else f"{len(parts['test']):,} new images")
        axes.set(title=what, xlabel="share dropped", xticks=SHARES)
panels[0].legend(frameon=False)
figure.savefig("dropout_on_few_images.png")
print(f"dropout_on_few_images.png shows a dot for each seed (n = {len(parts['train']):,} images to learn from)")
