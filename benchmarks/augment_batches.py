"""How much faster than a DataLoader are batches augmented, from images in memory to floats that a network takes?

Both shift by up to 4 pixels over black ("pad 4 and crop"), mirror half of the images, and normalise, in batches of 256
in a new order each epoch. The peer is what people write: a Dataset of PIL images in memory, torchvision's RandomCrop,
RandomHorizontalFlip, ToTensor and Normalize, one image at a time in a DataLoader with 0 or with 2 workers, which stay
from epoch to epoch. They take turns, epoch by epoch, in one process with torch's default number of threads; the first
epoch of each is not counted. Ours is timed with one thread as well. Of the two that work in one thread the processor's
time is compared, too, of which other work on the machine takes nothing.

Outputs compared: the two normalise alike, image by image; and on images that tell where their pixels came from, every
shift and flip is equally frequent in both (chi-square).

    pip install '.[peers]' && python benchmarks/augment_batches.py

takes 20,000 images of CIFAR-10 and of Fashion-MNIST from STRIATE_SHARED (default ../shared) and writes
benchmarks/results/augment_batches.json.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import stats
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from striate.augmentation.policy import Policy, parse_policy
from striate.augmentation.views import Views
from striate.images.keyed import Draws
from striate.images.preparation import Geometry, Preparation
from striate.machine.doctor import versions

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
import torchvision_beside_cpu_torch  # noqa: F401 - before torchvision
from torchvision import transforms

RESULT = Path(__file__).parent / "results" / "augment_batches.json"
SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared"))
IMAGES, BATCH, PIXELS = 20_000, 256, 4
POLICY = "flip,shift"


def read_cifar() -> Tensor:
    """20,000 training images (N, 3, 32, 32) in uint8, from mosaics of tiles, 40 a row."""
    folder = SHARED / "data" / "cifar10"
    counts = json.loads((folder / "counts.json").read_text())
    tiles = []
    for path in sorted((folder / "train").glob("*.webp")):
        mosaic = np.asarray(Image.open(path).convert("RGB"))
        own = mosaic.reshape(-1, 32, 40, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
        tiles.append(own[: counts[f"train/{path.name}"]])
    return torch.from_numpy(np.concatenate(tiles).transpose(0, 3, 1, 2)[:IMAGES].copy())


def read_fashion() -> Tensor:
    """The first 20,000 training images (N, 1, 28, 28) in uint8."""
    content = gzip.decompress((SHARED / "data" / "fashion_mnist" / "train-images-idx3-ubyte.gz").read_bytes())
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=16).view(-1, 1, 28, 28)[:IMAGES]


class PlainImages(Dataset[Tensor]):
    """PIL images in memory, transformed one at a time."""

    def __init__(self, images: Tensor, transform: transforms.Compose) -> None:
        planes = images.permute(0, 2, 3, 1).numpy()
        self.images = [Image.fromarray(plane[:, :, 0] if plane.shape[2] == 1 else plane) for plane in planes]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        transformed: Tensor = self.transform(self.images[index])
        return transformed


def plain_loader(images: Tensor, preparation: Preparation, workers: int) -> DataLoader[Tensor]:
    """What people write."""
    chain = [
        transforms.RandomCrop(images.shape[2], padding=PIXELS),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(preparation.mean, preparation.std),
    ]
    data = PlainImages(images, transforms.Compose(chain))
    return DataLoader(data, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def our_batches(images: Tensor, preparation: Preparation, policy: Policy, epoch: int) -> Iterator[Tensor]:
    """An epoch from a tensor of uint8."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
    for places in torch.split(order, BATCH):
        views = Views(images.index_select(0, places), preparation.white)
        yield preparation.normalise(policy.apply(views, Draws(0, epoch, places.numpy())).images)


@dataclass(frozen=True)
class Spent:
    """Seconds of an epoch by the clock, and of this process's threads on the processor."""

    clock: float
    processor: float


def spend(batches: Iterator[Tensor] | DataLoader[Tensor]) -> Spent:
    began, processor_began = time.perf_counter(), time.process_time()
    for _ in batches:
        pass
    return Spent(time.perf_counter() - began, time.process_time() - processor_began)


def measured(images: Tensor) -> Preparation:
    values = images.double().transpose(0, 1).flatten(1) / 255
    geometry = Geometry(tuple(images.shape[2:]), channels=images.shape[1])
    return Preparation(geometry, tuple(values.mean(1).tolist()), tuple(values.std(1).tolist()))


def compare(name: str, images: Tensor, rounds: int) -> dict[str, Any]:
    """Images per second of an epoch of each, in turn, the order changing from round to round."""
    preparation, policy = measured(images), parse_policy(POLICY)
    loaders = {workers: plain_loader(images, preparation, workers) for workers in (0, 2)}
    threads = torch.get_num_threads()

    def ours(epoch: int, threads: int) -> Spent:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        spent = spend(our_batches(images, preparation, policy, epoch))
        torch.set_num_threads(before)
        return spent

    contenders: dict[str, Callable[[int], Spent]] = {
        "dataloader_0": lambda _epoch: spend(loaders[0]),
        "striate": lambda epoch: ours(epoch, threads),
        "dataloader_2": lambda _epoch: spend(loaders[2]),
        "striate_1_thread": lambda epoch: ours(epoch, 1),
    }
    speeds: dict[str, list[float]] = {contender: [] for contender in contenders}
    processor_seconds: dict[str, list[float]] = {contender: [] for contender in contenders}
    for round_number in range(-1, rounds):
        turn = round_number % len(contenders)
        for contender in [*list(contenders)[turn:], *list(contenders)[:turn]]:
            spent = contenders[contender](round_number + 1)
            if round_number >= 0:
                speeds[contender].append(len(images) / spent.clock)
                processor_seconds[contender].append(spent.processor)
        print(name, {contender: f"{values[-1]:,.0f}" for contender, values in speeds.items() if values}, flush=True)
    return {
        "data": name,
        "shape": list(images.shape),
        "images_per_second": {contender: spread(values) for contender, values in speeds.items()},
        "ratios": {
            f"{our} over {their}": spread(speeds[our], speeds[their])
            for our in ("striate", "striate_1_thread")
            for their in ("dataloader_2", "dataloader_0")
        },
        "ratio of the processor's time, dataloader_0 over striate_1_thread": spread(
            processor_seconds["dataloader_0"], processor_seconds["striate_1_thread"]
        ),
        "microseconds_a_batch": pieces(images, preparation),
        "outputs": outputs(images, preparation),
    }


def spread(values: list[float], divisors: list[float] | None = None) -> dict[str, float]:
    """Of the values, or of their ratios round by round."""
    if divisors is not None:
        values = [value / divisor for value, divisor in zip(values, divisors, strict=True)]
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "n": len(values)}


def pieces(images: Tensor, preparation: Preparation) -> dict[str, float]:
    """Where the time of a batch goes, and what its traffic alone would take: each piece by itself, the least of 500."""
    places = torch.randperm(len(images))[:BATCH]
    draws, rows = Draws(0, 0, places.numpy()), images.index_select(0, places)
    views, floats = Views(rows, preparation.white), torch.empty(rows.shape)
    policy = parse_policy(POLICY)
    return {
        "select": least_time(lambda: images.index_select(0, places)),
        POLICY: least_time(lambda: policy.apply(views, draws)),
        "of which draws": 2 * least_time(lambda: draws.uniform("shift", 2)),
        "normalise": least_time(lambda: preparation.normalise(rows)),
        "least: read uint8, write float32, once": least_time(lambda: floats.copy_(rows)),
    }


def least_time(action: Callable[[], object]) -> float:
    times = []
    for _ in range(500):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return round(min(times) * 1e6, 1)


def outputs(images: Tensor, preparation: Preparation) -> dict[str, Any]:
    """How far apart unaugmented images are, and how evenly each side spreads over all shifts and flips."""
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(preparation.mean, preparation.std)])
    theirs = torch.stack([plain(image) for image in PlainImages(images[:BATCH], plain).images])
    difference = float((theirs - preparation.normalise(images[:BATCH])).abs().max())
    height, width = images.shape[2:]
    marked = torch.zeros(IMAGES, 3, height, width, dtype=torch.uint8)  # the middle pixel, and the one right of it
    marked[:, :, height // 2, width // 2], marked[:, :, height // 2, width // 2 + 1] = 100, 200
    unit = Preparation(Geometry((height, width), channels=3), (0.0,) * 3, (1.0,) * 3)
    counts = {
        "striate": histogram(our_batches(marked, unit, parse_policy(POLICY), 0)),
        "dataloader": histogram(plain_loader(marked, unit, 0)),
    }
    even = {who: stats.chisquare(count.flatten()) for who, count in counts.items()}
    return {
        "largest_difference_without_augmentation": difference,
        "shifts_and_flips": counts["striate"].size,
        "chi_square": {who: round(float(result.statistic), 1) for who, result in even.items()},
        "p": {who: round(float(result.pvalue), 3) for who, result in even.items()},
        "p_of_both_alike": round(
            float(stats.chi2_contingency(np.stack([count.flatten() for count in counts.values()])).pvalue), 3
        ),
    }


def histogram(batches: Iterator[Tensor] | DataLoader[Tensor]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many images went how far down and right, flipped or not (9, 9, 2), told by two marked pixels."""
    counts = np.zeros((2 * PIXELS + 1, 2 * PIXELS + 1, 2), np.int64)
    for batch in batches:
        marks = (batch[:, 0] * 255).round()
        first, second = ((marks == level).nonzero() for level in (100, 200))
        flipped = second[:, 2] < first[:, 2]
        height, width = marks.shape[1:]
        home = torch.where(flipped, width - 1 - width // 2, width // 2)
        right, down = first[:, 2] - home + PIXELS, first[:, 1] - height // 2 + PIXELS
        np.add.at(counts, (down.numpy(), right.numpy(), flipped.long().numpy()), 1)
    return counts


def processor() -> str:
    """The processor's name as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    result = {
        "question": "images per second, shifted, flipped and normalised: striate over a torch DataLoader of PIL images",
        "command": f"python benchmarks/augment_batches.py --rounds {rounds}",
        "hardware": {
            "processor": processor(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "as torch has it"),
        },
        "versions": versions(),
        "comparisons": [
            compare("CIFAR-10", read_cifar(), rounds),
            compare("Fashion-MNIST", read_fashion(), rounds),
        ],
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for comparison in result["comparisons"]:
        print(json.dumps(comparison, indent=2))


if __name__ == "__main__":
    main()
