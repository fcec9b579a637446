"""Degradation: 56 plain layers learn even the images they are taught worse than 20; of a ResNet they do not (D0, D3).

Run: python examples/degradation.py [EPOCHS [DATA [IMAGES [SEEDS]]]]
DATA is divided into train and test, as `striate train` takes it: digits, if not given. A third of the images that are
learnt from stand in for validation, so that metrics.csv has their error, measured as the test's is.
Compare He et al. 2015, arXiv:1512.03385, figures 1 and 6.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import striate
from striate.training.logbook import read_rows

MODELS = {"plain20": "C1:", "plain56": "C1-", "resnet20": "C0:", "resnet56": "C0-"}
epochs, name, count, seeds = [*sys.argv[1:], *["12", "digits", "96", "1"][len(sys.argv) - 1 :]]
data = striate.open_dataset(name)
learnt, test = (np.random.default_rng(0).permutation(data.members(part)) for part in ("train", "test"))
parts = {"train": learnt[: int(count)], "validation": learnt[: int(count) // 3], "test": test[:1000]}
places = np.concatenate(list(parts.values()))
images = striate.from_arrays(
    [data.read(place) for place in places],
    [data.labels[place] for place in places],
    parts=[part for part, own in parts.items() for _ in own],
    name=data.name,
)
common = {"size": 16, "batch_size": 32, "label_smoothing": 0.0, "augment": "none", "quiet": True}

figure = Figure(figsize=(9, 4.6), dpi=100, layout="constrained")
curves, bars = figure.subplots(1, 2, width_ratios=(3, 2))
errors: dict[str, list[float]] = {}
for model, look in MODELS.items():
    training = []
    for seed in range(int(seeds)):
        run = striate.train(images, model=model, seed=seed, epochs=int(epochs), **common)
        training.append([100 - 100 * row["validation_accuracy"] for row in read_rows(run.folder)])
        errors.setdefault(model, []).append(100 - 100 * run.evaluation.accuracy)
    last, test_errors = np.array(training)[:, -1].round(1), np.round(errors[model], 1)
    print(f"{model}: training error {last.mean():.1f} % in epoch {epochs}, by seed {last.tolist()}")
    print(f"  test error {test_errors.mean():.1f} %, by seed {test_errors.tolist()}", flush=True)
    curves.plot(range(1, int(epochs) + 1), np.mean(training, axis=0), look, label=model)
    bars.plot([model] * int(seeds), errors[model], "o", color=look[:2])
curves.set(title="error on images that are learnt from", xlabel="epoch", ylabel="%, mean over seeds")
bars.set(title=f"test error, n = {len(parts['test'])}", ylabel="%, a dot for each seed")
curves.legend(frameon=False)
figure.savefig("degradation.png")
print(f"degradation.png shows a curve for each network (n = {len(parts['train']):,} images of 16x16)")
