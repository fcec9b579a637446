"""What the catalogue says of a network, and what a person asks of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from striate.architectures.names import Dialect
from striate.architectures.stem import Stem


@dataclass(frozen=True)
class Declaration:
    """All that is needed to build a network again, but its weights."""

    name: str
    num_classes: int
    in_channels: int
    size: tuple[int, int]  # height, width in pixels
    stem: Stem = "paper"


@dataclass(frozen=True)
class Paper:
    """Where a network was published."""

    authors: str
    year: int
    title: str
    place: str  # arXiv number, or conference or journal

    def __str__(self) -> str:
        return f"{self.authors} {self.year}"


@dataclass(frozen=True)
class Accuracy:
    """A published share of the test images that a network names right."""

    top1: float  # percent
    source: str  # who measured it, and how
    data: str = "ImageNet"  # the 50,000 validation images of ILSVRC 2012, or "CIFAR-10"


def torchvision(top1: float, *, size: int = 224, version: int = 1) -> Accuracy:
    """The accuracy in percent that torchvision states for its weights, with one crop of `size` pixels."""
    return Accuracy(top1, f"torchvision 0.28, weights IMAGENET1K_V{version}, one crop of {size}")


def timm(top1: float, weights: str, *, size: int = 224) -> Accuracy:
    """The accuracy in percent that timm's table of results states for named weights, with one crop of `size` pixels."""
    return Accuracy(top1, f"timm, weights {weights}, one crop of {size}")


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and spread of its images
HALF = (0.5, 0.5, 0.5)  # as mean and std: values from -1 to 1


@dataclass(frozen=True)
class Architecture:
    """A builder, its paper, what that fed it, and the names under which others publish its weights."""

    build: Callable[[Declaration], nn.Module]
    paper: Paper
    num_classes: int = 1000
    in_channels: int = 3
    size: tuple[int, int] = (224, 224)  # height, width in pixels
    note: str = ""  # which of the paper's networks it is
    accuracy: Accuracy | None = None  # of this very network, where its paper or a library states one
    names: Mapping[str, Dialect] = field(default_factory=dict)
    small_stem: bool = False  # whether it has one
    mean: tuple[float, float, float] = IMAGENET[0]  # of red, green, blue, white = 1: how its published weights
    std: tuple[float, float, float] = IMAGENET[1]  # were shown images
    gives: Literal["scores", "maps"] = "scores"  # (N, K), or (N, K, H, W) for segmentation

    @property
    def source(self) -> str:
        return f"{self.paper}, {self.note}" if self.note else str(self.paper)
