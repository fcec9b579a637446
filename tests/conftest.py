"""Fixtures that several floors use: the shared material beside the repository, and small folders of images."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from PIL import Image

settings.register_profile("striate", deadline=None)  # machines that run tests are shared: time proves nothing there
settings.load_profile("striate")


@pytest.fixture(scope="session")
def one_thread():
    """Threads that share their cores with other work wait for each other, and the last bits depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shared():
    """The folder of real files, beside the repository or where STRIATE_SHARED says."""
    folder = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared"))
    if folder.is_dir():
        return folder
    reason = f"the shared material is not at {folder}; STRIATE_SHARED says where it is"
    if os.environ.get("CI_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def plant(tmp_path):
    """Make folders of small grey images: `plant({"cat": 3, "dog": 2})` gives their root."""

    def make(counts):
        for folder, count in counts.items():
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                Image.new("L", (4, 4), number).save(tmp_path / folder / f"{number:03d}.png")
        return tmp_path

    return make
