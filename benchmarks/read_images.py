"""How much faster than the loader that people copy do JPEG photographs become batches, the first time and again?

The peer is PyTorch's ImageNet example: a Dataset of PIL images, torchvision's Resize(256), CenterCrop(224), ToTensor
and Normalize, and a DataLoader with two workers, which lives on between epochs. striate reads the same files with a
Geometry that keeps the same part of each image (crop, share 0.875), keeps them in memory, and normalises whole
batches. They take turns, each in a process of its own, on photographs cut and scaled to 500x375 and saved at quality
90. Compared are images per second of the first epoch, reading included, and of the second, and the pixels.

    pip install '.[peers]' && python benchmarks/read_images.py --photographs FOLDER_OF_JPEGS

writes benchmarks/results/read_images.json.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from striate.datasets.dataset import Dataset as ImageFiles
from striate.datasets.loading import load_images
from striate.datasets.opening import open_dataset
from striate.datasets.supply import Held
from striate.images.preparation import Geometry, Preparation
from striate.machine.allocating import keep_freed_memory
from striate.machine.doctor import versions

RESULT = Path(__file__).parent / "results" / "read_images.json"
MEAN, STD, BATCH, SIDE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 64, 224


class PlainPhotos(Dataset[tuple[Tensor, int]]):
    """An image and a label at a time, as people write it."""

    def __init__(self, files: ImageFiles) -> None:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))
        import torchvision_beside_cpu_torch  # noqa: F401, PLC0415 - before torchvision
        from torchvision import transforms  # noqa: PLC0415 - striate's process must not pay for it

        self.paths = [str(files.source(place)) for place in range(len(files))]
        self.labels = files.targets.numbers.tolist()  # type: ignore[union-attr]
        whole = [transforms.Resize(256), transforms.CenterCrop(SIDE), transforms.ToTensor()]
        self.transform = transforms.Compose([*whole, transforms.Normalize(MEAN, STD)])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.open(self.paths[index]).convert("RGB")), self.labels[index]


def plain(files: ImageFiles) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Epochs of the peer."""
    loader = DataLoader(PlainPhotos(files), BATCH, num_workers=2, persistent_workers=True)
    return lambda: iter(loader)


def ours(files: ImageFiles) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Epochs of striate; the images are read in the first."""
    geometry = Geometry((SIDE, SIDE), 3, "crop", share=0.875)
    preparation = Preparation(geometry, MEAN, STD)
    held: list[Held] = []

    def epoch() -> Iterator[tuple[Tensor, Tensor]]:
        if not held:
            held.append(Held(load_images(files, geometry, files.classes)[0].batch(torch.device("cpu"))))
        for _, batch in held[0].batches(torch.arange(len(files)).split(BATCH)):
            yield preparation.normalise(batch.images), batch.targets

    return epoch


def contend(who: str, folder: Path) -> None:
    """One contender in this process: images per second of two epochs, peak memory, and a few pixels to compare."""
    if who == "striate":
        keep_freed_memory()  # as every run of striate does
    files = open_dataset(folder)
    epoch = {"plain": plain, "striate": ours}[who](files)
    rates, sample = [], []
    for _ in range(2):
        began, count, sample = time.perf_counter(), 0, []
        for images, _ in epoch():
            count += len(images)
            sample.append(images[:1].clone())  # and not the whole batch with it
        rates.append(count / (time.perf_counter() - began))
    peak = [resource.getrusage(whom).ru_maxrss * 1024 for whom in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    pixels = torch.cat(sample)[:16].numpy()
    with tempfile.NamedTemporaryFile(suffix=".npy", delete=False) as file:
        np.save(file, pixels)
    print(json.dumps({"first": rates[0], "second": rates[1], "peak_bytes": sum(peak), "pixels": file.name}))


def run(who: str, folder: Path) -> dict[str, float | str]:
    """The same in a new process."""
    command = [sys.executable, __file__, "--contend", who, "--folder", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    own: dict[str, float | str] = json.loads(answer.stdout.splitlines()[-1])
    return own


def make_photographs(source: Path, folder: Path, count: int) -> int:
    """Cuts of the photographs, 500x375, quality 90, in two classes; the mean number of bytes."""
    originals = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in sorted(source.rglob("*.jp*g"))]
    random, sizes = np.random.default_rng(0), []
    for number in range(count):
        image = originals[number % len(originals)]
        share = random.uniform(0.7, 1.0)
        width = int(min(image.width, image.height * 4 / 3) * share)
        height = width * 3 // 4
        left, top = (int(random.integers(0, room + 1)) for room in (image.width - width, image.height - height))
        path = folder / f"class {number % 2}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.resize((500, 375), Image.Resampling.LANCZOS, (left, top, left + width, top + height)).save(
            path, quality=90
        )
        sizes.append(path.stat().st_size)
    return int(np.mean(sizes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contend", choices=["plain", "striate"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.contend:
        contend(arguments.contend, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        size = make_photographs(arguments.photographs, folder, arguments.count)
        pairs, difference = [], []
        for number in range(arguments.rounds):
            order = ("plain", "striate") if number % 2 else ("striate", "plain")
            pair = {who: run(who, folder) for who in order}
            pixels = [np.load(str(pair[who].pop("pixels"))) for who in ("plain", "striate")]
            difference.append(float(np.abs(pixels[0] - pixels[1]).mean() * np.mean(STD) * 255))
            pairs.append(pair)
            print(
                {
                    name: round(float(pair["striate"][name]) / float(pair["plain"][name]), 2)
                    for name in ("first", "second")
                },
                pair,
                flush=True,
            )
    ratios = {
        name: [float(pair["striate"][name]) / float(pair["plain"][name]) for pair in pairs]
        for name in ("first", "second")
    }
    result = {
        "question": "JPEG files to normalised batches of 64, images per second: striate over DataLoader and Pillow",
        "images": {"count": arguments.count, "mean_bytes": size},
        "hardware": {"processor": processor(), "processors": os.cpu_count()},
        "versions": versions(),
        "pairs": pairs,
        "ratios": {
            name: {"median": statistics.median(own), "least": min(own), "most": max(own)}
            for name, own in ratios.items()
        },
        "mean_difference_in_grey_levels": statistics.mean(difference),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(result["ratios"], result["mean_difference_in_grey_levels"])


def processor() -> str:
    """The processor's name as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
