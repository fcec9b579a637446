"""How much memory does an epoch over shards take that are larger than memory, and how fast is it?

Photographs are cut and saved as JPEGs of about 100 kB, and written into tar shards until these have the size asked for.
A new process opens them, reads every image once (the survey that training begins with), and then goes through one
shuffled epoch of batches of 64, normalised, keeping nothing. Told are its largest resident memory, and images per
second of both passes.

    python benchmarks/stream_shards.py --photographs FOLDER_OF_JPEGS --gigabytes 10 --workplace FOLDER_WITH_ROOM

writes benchmarks/results/stream_shards.json.
"""

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from striate.datasets.keeping import keep_images
from striate.datasets.opening import open_dataset
from striate.datasets.supply import Streamed
from striate.images.preparation import Geometry, Preparation
from striate.machine.doctor import versions

RESULT = Path(__file__).parent / "results" / "stream_shards.json"
SIDE, BATCH, SHARD_BYTES, CUTS = 224, 64, 500_000_000, 400


def make_shards(photographs: Path, folder: Path, gigabytes: float) -> int:
    """Fill shards with cuts of the photographs, each made different by its last bytes; how many images."""
    cuts = [cut for cut, _ in zip(_cuts(photographs), range(CUTS), strict=False)]
    count, total, shard = 0, 0, 0
    while total < gigabytes * 1e9:
        with tarfile.open(folder / f"train-{shard:06d}.tar", "w") as tar:
            size = 0
            while size < SHARD_BYTES and total < gigabytes * 1e9:
                image = cuts[count % CUTS]
                for ending, content in (("jpg", image), ("cls", b"cat" if count % 2 else b"dog")):
                    member = tarfile.TarInfo(f"{count:08d}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
                count, size, total = count + 1, size + len(image), total + len(image)
        shard += 1
    return count


def _cuts(photographs: Path) -> Iterator[bytes]:
    originals = [
        ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in sorted(photographs.rglob("*.jp*g"))
    ]
    random = np.random.default_rng(0)
    while True:
        image = originals[random.integers(len(originals))]
        side = int(min(image.size) * random.uniform(0.6, 1.0))
        left, top = (int(random.integers(0, room - side + 1)) for room in image.size)
        file = io.BytesIO()
        cut = image.resize((520, 520), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
        cut.save(file, "jpeg", quality=92)
        yield file.getvalue()


def stream(folder: Path) -> None:
    """The survey and one epoch in this process, which then tells what they took."""
    began = time.perf_counter()
    dataset = open_dataset(folder)
    opened = time.perf_counter() - began
    geometry = Geometry((SIDE, SIDE), 3, share=0.875)
    began = time.perf_counter()
    kept = keep_images(dataset, geometry, dataset.classes, "none")
    surveyed = time.perf_counter() - began
    supply, preparation = Streamed(kept.images, torch.device("cpu")), Preparation(geometry, (0.5,) * 3, (0.25,) * 3)
    began, count = time.perf_counter(), 0
    for _, batch in supply.batches(torch.split(supply.order(0, 0), BATCH)):
        count += len(preparation.normalise(batch.images))
    epoch = time.perf_counter() - began
    told = {
        "images": count,
        "opened_in_seconds": opened,
        "survey_images_per_second": count / surveyed,
        "epoch_images_per_second": count / epoch,
        "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told))


def processor() -> str:
    """The processor's name as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--workplace", type=Path)
    parser.add_argument("--stream", type=Path)
    arguments = parser.parse_args()
    if arguments.stream:
        stream(arguments.stream)
        return
    with tempfile.TemporaryDirectory(dir=arguments.workplace) as place:
        shards = Path(place) / "shards"
        shards.mkdir()
        make_shards(arguments.photographs, shards, arguments.gigabytes)
        size = sum(path.stat().st_size for path in shards.iterdir())
        answer = subprocess.run(
            [sys.executable, __file__, "--stream", str(shards)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "STRIATE_CACHE": str(Path(place) / "cache")},
        )
    result = {
        "question": "an epoch over tar shards: largest resident memory, images per second",
        "shards_bytes": size,
        "streamed": json.loads(answer.stdout.splitlines()[-1]),
        "hardware": {"processor": processor(), "processors": os.cpu_count()},
        "versions": versions(),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
