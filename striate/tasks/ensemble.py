"""Several networks, or several looks of one, that answer together: by the mean of their probabilities.

p = 1/(M·L) Σ p_ml over M members and L looks of each: what Krizhevsky et al. 2012 (five networks, ten looks: 18.2 to
16.4 % of top-5 errors), Simonyan & Zisserman 2014 and Szegedy et al. 2014 do. The road not taken is the geometric mean,
the softmax of the mean of log p: there one member that is sure of being right vetoes all others, as its near zero
multiplies; here none has more than its M-th part. Of either the loss is never above the mean of the members' losses.

Members meet by the names of their classes, whose order may differ; each is shown images by its own preparation.
Sums are kept as logarithms, so that the loss of a class that all hold for impossible is still a number.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.architectures.catalogue import build
from striate.datasets.loading import ImageSet, Skipped
from striate.datasets.stack import Prepared, Stack
from striate.errors import SettingsError, StriateError
from striate.images.geometry import Geometry
from striate.images.reading import ImageSource
from striate.tasks.answering import Prediction, expect_top, likeliest, predict_all
from striate.tasks.classification import Classifier, Evaluation
from striate.tasks.gains import Gain, gain
from striate.tasks.looks import ONE, Look, Looks, plain

_TOGETHER = 256  # images that are looked at at once

BEST, MEAN, ONE_LOOK = "the best member", "the mean member", "one look"  # that an average is compared with

Stacks = Mapping[Geometry, Stack]  # the same N images, prepared by each geometry


class _Glance(NamedTuple):
    """A look of a member: `asked` if it is averaged, `plain` if it is what the average is compared with."""

    member: int
    look: Look
    asked: bool
    plain: bool


@dataclass(frozen=True)
class Standing:
    """Which images (N,) were named right, and the mean cross-entropy in nats."""

    named_right: NDArray[np.bool_] = field(repr=False)
    loss: float

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Standing":
        """What is kept of an evaluation."""
        return cls(evaluation.named_right, evaluation.loss)

    @property
    def right(self) -> int:
        return int(self.named_right.sum())


@dataclass(frozen=True)
class Comparison:
    """How an ensemble did, each of its members with the same looks, and all of them with one look each."""

    evaluation: Evaluation
    members: tuple[Standing, ...]
    one_look: Standing
    looks: Looks

    @property
    def gains(self) -> list[Gain]:
        """Over the best member and the mean of them if there are several, over one look if there are several.

        The best is known by these very images, which flatters it a little.
        """
        ours, members = self.evaluation.named_right, self.members
        gains = []
        if len(members) > 1:
            best = max(members, key=lambda member: member.right)
            gains.append(gain(BEST, ours, [best.named_right]))
            gains.append(gain(MEAN, ours, [member.named_right for member in members]))
        if self.looks != ONE:
            gains.append(gain(ONE_LOOK, ours, [self.one_look.named_right]))
        return gains


@dataclass(frozen=True)
class Ensemble:
    """Classifiers of the same classes, and the looks that each takes."""

    members: tuple[Classifier, ...]
    looks: Looks = ONE

    def __post_init__(self) -> None:
        if not self.members:
            raise SettingsError("no model was given; expected one at least")
        for number, member in enumerate(self.members[1:], start=2):
            _expect_same_classes(self.classes, member.classes, number)
        for member in self.members:
            for look in self.looks.of(member.preparation.geometry):
                _expect_size(member, look.window[2:])

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the first member."""
        return self.members[0].classes

    @property
    def shown(self) -> tuple[Geometry, ...]:
        """The distinct geometries by which members are shown images."""
        return tuple(dict.fromkeys(member.preparation.geometry for member in self.members))

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """Those that images are prepared by for all looks; an image need be read once for each, not for each member."""
        return tuple(dict.fromkeys(glance.look.geometry for glance in self._glances if glance.asked))

    @property
    def count(self) -> int:
        """Looks that `evaluate` takes at each image, of all members."""
        return len(self._glances)

    @cached_property
    def _glances(self) -> list[_Glance]:
        """All looks, and for each member the plain one, with which they are compared."""
        glances = []
        for number, member in enumerate(self.members):
            first, asked = plain(member.preparation.geometry), self.looks.of(member.preparation.geometry)
            if first not in asked:
                glances.append(_Glance(number, first, asked=False, plain=True))
            glances += [_Glance(number, look, asked=True, plain=look == first) for look in asked]
        return glances

    def probabilities(self, stacks: Stacks) -> Tensor:
        """Probabilities (N, K) of N images, prepared by each of `geometries`."""
        members, _ = self._logarithms(stacks, lambda _count: None)
        return _mean(members).exp()

    def predict(self, image: ImageSource, *, top: int = 5) -> Prediction:
        """The `top` likeliest classes of a file, its bytes, a Pillow image or an array (H, W, C).

        Raises ImageError if the image cannot be read.
        """
        expect_top(top)
        stacks = {geometry: geometry.prepare(image)[0][None] for geometry in self.geometries}
        return likeliest(image, self.probabilities(stacks)[0], self.classes, top)

    def predict_files(
        self, paths: Sequence[str | os.PathLike[str]], *, top: int = 5
    ) -> tuple[list[Prediction], list[Skipped]]:
        """Predictions for files and for all files in folders, in order, and what could not be read."""
        return predict_all(partial(self.predict, top=top), paths)

    def evaluate(
        self, images: ImageSet, stacks: Stacks, advance: Callable[[int], None] = lambda _count: None
    ) -> Comparison:
        """How it does on images whose targets are numbered as its classes.

        `stacks` holds them prepared by each of `shown` and `geometries`; `advance` hears of every look taken.
        """
        members, one_look = self._logarithms(stacks, advance)
        measure = partial(Evaluation.of, self.classes, images=images)
        return Comparison(
            measure(_mean(members)),
            tuple(Standing.of(measure(logarithms)) for logarithms in members),
            Standing.of(measure(one_look)),
            self.looks,
        )

    def _logarithms(self, stacks: Stacks, advance: Callable[[int], None]) -> tuple[Tensor, Tensor]:
        """Logarithms: of each member with all looks (M, N, K), and of all with one look each (N, K)."""
        size = len(next(iter(stacks.values()))), len(self.classes)
        members = torch.full((len(self.members), *size), -math.inf)  # (M, N, K)
        one_look = torch.full(size, -math.inf)  # (N, K)
        for geometry, rows, images in _parts(stacks):
            for glance in (glance for glance in self._glances if glance.look.geometry == geometry):
                logarithms = self._ask(glance, images)
                for total in [members[glance.member]] * glance.asked + [one_look] * glance.plain:
                    torch.logaddexp(total[rows], logarithms, out=total[rows])
                advance(len(images))
        return members - math.log(self.looks.count), one_look - math.log(len(self.members))

    def _ask(self, glance: _Glance, images: Prepared) -> Tensor:
        """Logarithms of probabilities (N, K) of a member, in the order of the ensemble's classes."""
        member = self.members[glance.member]
        scores = member.scores(torch.from_numpy(glance.look.of(images)))
        return scores[:, [member.classes.index(label) for label in self.classes]].log_softmax(dim=1)


def _parts(stacks: Stacks) -> Iterator[tuple[Geometry, slice, Prepared]]:
    for geometry, stack in stacks.items():
        for start in range(0, len(stack), _TOGETHER):
            rows = slice(start, start + _TOGETHER)
            yield geometry, rows, stack[rows]


def _mean(logarithms: Tensor) -> Tensor:
    """The logarithm (N, K) of the mean of what the logarithms (M, N, K) are of."""
    return logarithms.logsumexp(dim=0) - math.log(len(logarithms))


def _expect_same_classes(ours: Sequence[str], theirs: Sequence[str], number: int) -> None:
    """Raise SettingsError, with its name, for a class that the first model or model `number` alone knows."""
    alone = sorted(set(ours) ^ set(theirs))
    if alone:
        lacking, knowing = ("the first", f"model {number}") if alone[0] in theirs else (f"model {number}", "the first")
        raise SettingsError(
            f"the class {alone[0]!r} of {knowing} is not known to {lacking}; expected models of the same classes: "
            "leave one out"
        )


def _expect_size(member: Classifier, size: tuple[int, int]) -> None:
    """Raise SettingsError if the network cannot be shown images of this size: tried without any arithmetic."""
    declaration = member.checkpoint.declaration
    if size == declaration.size:
        return
    try:
        with torch.device("meta"):
            scores = build(declaration).eval()(torch.empty(1, declaration.in_channels, *size))
        fits = scores.shape == (1, declaration.num_classes)
    except (RuntimeError, ValueError, StriateError):
        fits = False
    if not fits:
        raise SettingsError(
            f"{declaration.name} takes images of {declaration.size[0]}×{declaration.size[1]} alone, and scales shows "
            f"it {size[0]}×{size[1]}; add crops, whose windows are of its own size, or use a network that pools over "
            "the whole image, as resnet18"
        )
