"""How much faster than the loop that people copy does striate train LeNet-5 on the digits, to the same accuracy?

The peer is the loop of PyTorch's own MNIST example: a Dataset of PIL images, torchvision's per-sample transforms, a
DataLoader, SGD. Both get the same images, division, network, first weights, epochs, batch size, rates, loss and kind of
variation. They take turns, seed by seed, in one process with the same number of threads. Compared are the images per
second of all training epochs, batch making included, and the accuracy on the test images at the end.

    pip install '.[peers]' && python benchmarks/train_digits.py

writes benchmarks/results/train_digits.json.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

import striate
from striate.architectures.catalogue import build
from striate.augmentation.variation import Variation
from striate.datasets.dataset import TEST, TRAIN
from striate.datasets.opening import open_dataset
from striate.machine.doctor import versions
from striate.recipes.data import RunData, read_run_data
from striate.recipes.progress import Display
from striate.recipes.settings import Settings
from striate.training.logbook import read_rows
from striate.training.schedule import pace_at

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
import torchvision_beside_cpu_torch  # noqa: F401 - before torchvision
from torchvision import transforms

RESULT = Path(__file__).parent / "results" / "train_digits.json"
_AUGMENT = {False: "none", True: "variation"}


class PlainDigits(Dataset[tuple[Tensor, int]]):
    """One part of the digits as people write it: an image and a label at a time."""

    def __init__(self, part: str, transform: transforms.Compose) -> None:
        dataset = open_dataset("digits")
        members = dataset.members(part)
        self.images = [Image.fromarray(dataset.source(index)) for index in members]
        self.labels = [int(dataset.labels[index]) for index in members]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def train_plain(settings: Settings, data: RunData) -> dict[str, float]:
    """The loop of the MNIST example, timed epoch by epoch."""
    to_tensor = [transforms.ToTensor(), transforms.Normalize(data.preparation.mean, data.preparation.std)]
    most = Variation()
    affine = transforms.RandomAffine(most.degrees, (most.shift, most.shift), (1 - most.zoom, 1 + most.zoom))
    variation = [affine] if settings.augment == "variation" else []
    train = PlainDigits(TRAIN, transforms.Compose([transforms.Resize(32), *variation, *to_tensor]))
    test = PlainDigits(TEST, transforms.Compose([transforms.Resize(32), *to_tensor]))
    torch.manual_seed(settings.seed)
    network, recipe = build(data.declaration), settings.to_recipe()
    loader = DataLoader(train, batch_size=recipe.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.rate, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.decay
    )
    steps = recipe.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: pace_at(recipe, step, steps).rate / recipe.rate
    )
    seconds = 0.0
    for _ in range(recipe.epochs):
        began = time.perf_counter()
        network.train()
        for images, targets in loader:
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(images), targets, label_smoothing=recipe.label_smoothing)
            loss.backward()
            optimizer.step()
            schedule.step()
        seconds += time.perf_counter() - began
    return {"images_per_second": recipe.epochs * len(train) / seconds, "accuracy": accuracy(network, test)}


def accuracy(network: nn.Module, test: PlainDigits) -> float:
    network.eval()
    right = 0
    with torch.no_grad():
        for images, targets in DataLoader(test, batch_size=1000):
            right += int((network(images).argmax(dim=1) == targets).sum())
    return right / len(test)


def train_striate(settings: Settings, data: RunData) -> dict[str, float]:
    """What `striate train digits` does, with its own record of each epoch."""
    with tempfile.TemporaryDirectory() as folder:
        run = striate.train(**vars(settings.but(out=f"{folder}/run")), quiet=True)
        seconds = read_rows(run.folder)[-1]["seconds"]
    return {
        "images_per_second": settings.epochs * len(data.parts[TRAIN]) / seconds,
        "accuracy": run.evaluation.accuracy,
    }


def compare(variation: bool, seeds: int, epochs: int) -> dict[str, Any]:
    """Both contenders in turn, a pair for each seed, the first of the pair changing; a first pair warms up."""
    data = read_run_data(Settings(augment=_AUGMENT[variation]), Display(quiet=True))
    train_plain(Settings(augment=_AUGMENT[variation], epochs=1), data)
    train_striate(Settings(augment=_AUGMENT[variation], epochs=1), data)
    pairs = []
    for seed in range(seeds):
        settings = Settings(augment=_AUGMENT[variation], seed=seed, epochs=epochs)
        contenders = {
            "plain": lambda s=settings: train_plain(s, data),
            "striate": lambda s=settings: train_striate(s, data),
        }
        order = sorted(contenders, reverse=seed % 2 == 1)
        pair = {name: contenders[name]() for name in order}
        pair["ratio"] = pair["striate"]["images_per_second"] / pair["plain"]["images_per_second"]
        pairs.append(pair)
        print(f"variation {variation}  seed {seed}  ratio {pair['ratio']:.2f}  {pair}", flush=True)
    ratios = [pair["ratio"] for pair in pairs]
    return {
        "variation": variation,
        "epochs": epochs,
        "pairs": pairs,
        "ratio": {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)},
        "mean_accuracy": {
            who: statistics.mean(pair[who]["accuracy"] for pair in pairs) for who in ("plain", "striate")
        },
    }


def processor() -> str:
    """The processor's name as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=Settings().to_recipe().epochs)
    arguments = parser.parse_args()
    result = {
        "question": "images per second in training, striate over the loop of PyTorch's MNIST example",
        "hardware": {"processor": processor(), "processors": os.cpu_count(), "threads": torch.get_num_threads()},
        "versions": versions(),
        "comparisons": [compare(variation, arguments.seeds, arguments.epochs) for variation in (False, True)],
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for comparison in result["comparisons"]:
        print({key: value for key, value in comparison.items() if key != "pairs"})


if __name__ == "__main__":
    main()
