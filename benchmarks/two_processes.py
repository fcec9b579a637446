"""How much faster do two processes of one thread each train than one process of one thread, and do they learn the same?

ResNet-20 on a part of CIFAR-10, batches of 102 in all, synchronised batch normalisation, gradients averaged by gloo.
The contenders take turns, each in new processes; a third one is one process of two threads. Compared are the images per
second of the last epoch's steps, batch making included, by pairs in time; efficiency is the ratio divided by two.

    python benchmarks/two_processes.py --cifar FOLDER --rounds 5

FOLDER holds train/CLASS_0.webp and test/CLASS_0.webp, mosaics of 32×32 tiles, 40 a row. Writes
benchmarks/results/two_processes.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from striate.architectures.catalogue import create_model
from striate.augmentation.variation import Variation
from striate.datasets.supply import Held
from striate.images.batches import Batch
from striate.images.preparation import Geometry, Preparation
from striate.machine.choice import choose
from striate.machine.doctor import versions
from striate.tasks.classification import Classification
from striate.training.course import Course
from striate.training.fit import fit
from striate.training.logbook import read_rows
from striate.training.meeting import meet
from striate.training.recipe import Recipe

RESULT = Path(__file__).parent / "results" / "two_processes.json"
CONTENDERS = {"1 process, 1 thread": (1, 1), "2 processes, 1 thread each": (2, 1), "1 process, 2 threads": (1, 2)}
_ACROSS, _SIDE = 40, 32


class Silent:
    """Sees each step and epoch, and says nothing."""

    step = epoch = say = staticmethod(lambda _: None)


def tiles(cifar: Path, part: str, count: int) -> Batch:
    """The first `count` images of each class."""
    files = sorted((cifar / part).glob("*_0.webp"))
    stacks = []
    for file in files:
        mosaic = np.asarray(Image.open(file).convert("RGB"))
        high = mosaic.shape[0] // _SIDE
        cut = mosaic.reshape(high, _SIDE, _ACROSS, _SIDE, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, _SIDE, _SIDE)
        stacks.append(torch.from_numpy(cut[:count].copy()))
    return Batch(torch.cat(stacks), torch.arange(len(files)).repeat_interleave(count))


def work(cifar: Path, folder: Path, threads: int) -> None:
    """One contender, or one of its processes: two epochs of 510 images."""
    together = meet()
    course = Course(
        Held(tiles(cifar, "train", 51)),
        Held(tiles(cifar, "test", 20)),
        Preparation(Geometry((_SIDE, _SIDE), 3), (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)),
        Variation(),
        Classification(0.1),
        Recipe(epochs=2, batch_size=102, rate=0.05),
        seed=0,
        together=together,
    )
    torch.manual_seed(0)
    network = create_model("resnet20", num_classes=10)
    fit(network, course, replace(choose("cpu"), threads=threads), folder, Silent(), lambda *_: None)
    together.wait()


def rows_of(cifar: Path, processes: int, threads: int) -> list[dict[str, float]]:
    """A contender's logbook."""
    with tempfile.TemporaryDirectory() as folder:
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        own = [__file__, "--cifar", str(cifar), "--folder", folder, "--threads", str(threads)]
        command = [sys.executable, *(torchrun if processes > 1 else []), *own]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        return read_rows(Path(folder))


def compared(rows: list[dict[str, list[dict[str, float]]]], name: str, against: str) -> dict[str, Any]:
    """Ratios of images per second in the last epoch, pair by pair, and how far the losses lie apart."""
    ratios = [one[name][-1]["images_per_second"] / one[against][-1]["images_per_second"] for one in rows]
    apart = [
        abs(ours["train_loss"] / theirs["train_loss"] - 1)
        for one in rows
        for ours, theirs in zip(one[name], one[against], strict=True)
    ]
    return {
        "ratio_median": statistics.median(ratios),
        "ratios": ratios,
        "n": len(ratios),
        "train_loss_apart_at_most": max(apart),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    if asked.folder is not None:
        work(asked.cifar, asked.folder, asked.threads)
        return
    rows = []
    for number in range(asked.rounds):
        rows.append({name: rows_of(asked.cifar, *sizes) for name, sizes in CONTENDERS.items()})
        print(number + 1, {name: round(own[-1]["images_per_second"]) for name, own in rows[-1].items()}, flush=True)
    base, pair, threads = CONTENDERS
    result = {
        "command": f"python benchmarks/two_processes.py --cifar FOLDER --rounds {asked.rounds}",
        "task": "resnet20, 510 CIFAR-10 images, batches of 102, float32, two epochs; figures of the second",
        "cores": os.cpu_count(),
        "processor": platform.processor(),
        "load_average": os.getloadavg()[0],
        "versions": versions(),
        "train_losses": {name: [row["train_loss"] for row in own] for name, own in rows[0].items()},
        f"{pair} against {base}": compared(rows, pair, base),
        f"{threads} against {base}": compared(rows, threads, base),
    }
    result["efficiency_median"] = result[f"{pair} against {base}"]["ratio_median"] / 2
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
