from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from striate.datasets.dataset import Dataset
from striate.datasets.keeping import keep_images
from striate.datasets.loading import Loading, load_images
from striate.datasets.names import Names
from striate.datasets.supply import Held, Streamed
from striate.datasets.targets import Classes
from striate.errors import DataError
from striate.images.batches import Batch
from striate.images.preparation import Geometry

GEOMETRY, CLASSES, CPU = Geometry((6, 6)), ("cat", "dog"), torch.device("cpu")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """41 noisy images as files."""
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    names = [f"{number}.png" for number in range(41)]
    for name in names:
        Image.fromarray(noise.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(tmp_path / name)
    targets = Classes(np.arange(41, dtype=np.int32) % 2)
    return Dataset("photos", CLASSES, Names(names), targets, np.zeros(41, np.uint8), lambda i: tmp_path / names[i])


def streamed(photos, keep, workers=2, say=lambda _: None):
    return Streamed(keep_images(photos, GEOMETRY, CLASSES, keep).images, CPU, workers, say)


def bits(supply, order):
    return [
        (places.tolist(), batch.images.numpy().tobytes(), batch.targets.tolist())
        for places, batch in supply.batches(torch.split(order, 8))
    ]


@pytest.mark.parametrize("keep", ["disk", "none"])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_are_bit_for_bit_those_of_memory_whatever_the_workers(photos, keep, workers):
    held = Held(load_images(photos, GEOMETRY, CLASSES)[0].batch(CPU))
    supply = streamed(photos, keep, workers)
    for epoch in range(2):
        order = held.order(7, epoch)
        assert torch.equal(order, supply.order(7, epoch))
        assert bits(held, order) == bits(supply, order)
    assert torch.equal(held.targets, supply.targets) and len(held) == len(supply) == 41


def test_an_order_meets_every_image_once_and_is_another_in_each_epoch(photos):
    supply = streamed(photos, "none")
    orders = [supply.order(0, epoch) for epoch in range(3)] + [supply.order(1, 0)]
    assert all(sorted(order.tolist()) == list(range(41)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_shards_are_met_one_after_another_wherever_their_images_are_kept(photos):
    shards = np.repeat(np.arange(8, dtype=np.int32), 10_000)
    images = replace(streamed(photos, "none").images, names=Names(map(str, range(80_000))), shards=shards)
    order = Streamed(images, CPU).order(0, 0)
    met = shards[order.numpy()]
    assert np.bincount(met).tolist() == [10_000] * 8
    places = [np.flatnonzero(met == shard) for shard in range(8)]
    assert max(own[-1] - own[0] for own in places) < 10_000 + 2 * 16_384
    held = Held(Batch(torch.zeros(80_000, 1), torch.zeros(80_000)), shards)
    assert torch.equal(held.order(0, 0), order)


def test_an_image_that_breaks_after_the_first_pass_is_left_out_and_told(photos, tmp_path):
    told = []
    supply = streamed(photos, "none", say=told.append)
    (tmp_path / "3.png").write_bytes(b"broken now")
    places, batch = next(supply.batches([torch.tensor([2, 3, 4])]))
    assert places.tolist() == [2, 4] and len(batch) == 2
    assert told == ["left out 3.png, which could be read before: not an image of a known format"]


def test_a_batch_of_which_nothing_is_left_is_an_error(photos, tmp_path):
    supply = streamed(photos, "none")
    (tmp_path / "3.png").unlink()
    with pytest.raises(DataError, match="no image of a batch can be read any more: no such file; mend and resume"):
        next(supply.batches([torch.tensor([3])]))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_first_pass_is_the_same_whatever_the_workers(photos, workers):
    kept = keep_images(photos, GEOMETRY, CLASSES, "memory", Loading(workers=workers))
    again = keep_images(photos, GEOMETRY, CLASSES, "memory", Loading(workers=0))
    assert np.array_equal(kept.images.images, again.images.images)
