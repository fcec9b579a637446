"""Small folders of images of every kind that people have, and a network that was trained on one of them."""

import numpy as np
import pytest
from PIL import Image

import striate

CLASSES = ("circle", "fünf Äpfel 苹果", "square")
KINDS = ("png", "jpg", "bmp", "tiff", "webp")


@pytest.fixture(scope="session", autouse=True)
def _alone(one_thread):
    """Every test here runs on one thread."""


def _draw(folder, pattern, count, *, first=0, mode="RGB"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        noise = np.random.default_rng((pattern, number))
        height, width = noise.integers(20, 60, 2)
        down, right = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
        bright = (np.hypot(down - 0.5, right - 0.5) < 0.3, right < 0.5, down < 0.5)[pattern]
        pixels = 180 * bright[:, :, None] * np.array([1.0, 0.8, 0.6]) + noise.integers(0, 60, (height, width, 3))
        kind = KINDS[number % (5 if mode == "RGB" else 4)]  # a grey WebP does not exist
        Image.fromarray(pixels.astype(np.uint8)).convert(mode).save(folder / f"{number:02d}.{kind}")


@pytest.fixture
def draw():
    """Draws noisy images of many sizes and formats; pattern 0 is bright in the middle, 1 on the left, 2 above."""
    return _draw


@pytest.fixture
def photos(tmp_path):
    """A folder of three classes, twelve images each, that a test may change."""
    for pattern, name in enumerate(CLASSES):
        _draw(tmp_path / "photos" / name, pattern, 12)
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """The images that `run` was trained on; nobody changes them."""
    root = tmp_path_factory.mktemp("shown") / "photos"
    for pattern, name in enumerate(CLASSES):
        _draw(root / name, pattern, 12)
    return root


@pytest.fixture(scope="session")
def run(shown, tmp_path_factory):
    """A network trained on `shown`."""
    out = tmp_path_factory.mktemp("run") / "run"
    return striate.train(shown, size=16, epochs=8, batch_size=8, out=str(out), quiet=True)
