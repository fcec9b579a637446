"""What data sets cost in memory, as the allocator and the operating system count it."""

import io
import subprocess
import sys
import tarfile
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from striate.datasets.opening import open_dataset

STREAM = """
import resource, sys
import torch
from striate.datasets.keeping import keep_images
from striate.datasets.opening import open_dataset
from striate.datasets.supply import Streamed
from striate.images.preparation import Geometry, Preparation

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

few, many = (open_dataset(folder) for folder in sys.argv[1:])
geometry = Geometry((224, 224), 3)
seen = []
for dataset in (few, many):
    supply = Streamed(keep_images(dataset, geometry, dataset.classes, "none").images, torch.device("cpu"))
    count = 0
    for places in torch.split(supply.order(0, 0), 64):
        count += sum(len(batch) for _, batch in supply.batches([places]))
    assert count == len(dataset)
    seen.append(peak())
print(len(many), seen[1] - seen[0])
"""


@pytest.mark.slow
def test_a_file_costs_less_than_a_hundred_bytes_beside_its_path(tmp_path):
    for label in range(10):
        folder = tmp_path / "many" / f"class_{label}"
        folder.mkdir(parents=True)
        for number in range(20_000):
            (folder / f"image_{number:06d}.jpg").touch()
    open_dataset("digits")  # whatever is imported once
    tracemalloc.start()
    try:
        dataset = open_dataset(tmp_path / "many")
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(dataset) == 200_000
    paths = 200_000 * len("class_0/image_000000.jpg")
    assert (used - paths) / 200_000 <= 100


def write_shards(folder, count, images):
    folder.mkdir()
    for shard in range(count // 400):
        with tarfile.open(folder / f"train-{shard:03d}.tar", "w") as tar:
            for number in range(400):
                for ending, content in (
                    ("jpg", images[number % len(images)]),
                    ("cls", b"cat" if number % 2 else b"dog"),
                ):
                    member = tarfile.TarInfo(f"{shard:03d}{number:04d}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


@pytest.mark.slow
def test_streaming_eight_times_as_many_shards_takes_no_more_memory(tmp_path, monkeypatch):
    """3,200 prepared images of 224x224 would be 480 MB more."""
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    images = []
    for seed in range(40):
        file = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((256, 256)).save(file, "jpeg", quality=95)
        images.append(file.getvalue())
    write_shards(tmp_path / "few", 400, images)
    write_shards(tmp_path / "many", 3200, images)
    command = [sys.executable, "-c", STREAM, str(tmp_path / "few"), str(tmp_path / "many")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    count, grown = map(int, run.stdout.split())
    assert count == 3200
    assert grown < 100e6
