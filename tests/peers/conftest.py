"""The peers, imported beside a CPU build of torch."""

import importlib
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def torchvision():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        if torch.version.cuda is None:
            importlib.import_module("torchvision_beside_cpu_torch")
        return pytest.importorskip("torchvision.models", reason="torchvision is not installed: pip install '.[peers]'")


@pytest.fixture(scope="session")
def timm(torchvision):
    return pytest.importorskip("timm", reason="timm is not installed: pip install '.[peers]'")
