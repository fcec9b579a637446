"""What a network sees in images: the values from which its last layer makes the scores."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.architectures.network import Network
from striate.datasets.checking.neighbours import Features
from striate.datasets.checking.survey import Survey
from striate.datasets.dataset import Dataset
from striate.datasets.loading import Watch
from striate.datasets.pool import Note, read_many, usual_workers
from striate.errors import ImageError, SettingsError
from striate.tasks.classification import Classifier

_TOGETHER = 32  # images


def take_features(classifier: Classifier, dataset: Dataset, survey: Survey, watch: Watch) -> Features:
    """The features of every image that can be decoded.

    They are the input of the network's last fully connected layer; of a network whose head has none, the maps that
    enter the head, averaged over the image. Raises SettingsError if it has neither.
    """
    tap, told = _tap(classifier.network)
    readable = np.flatnonzero(survey.readable())
    parts = [readable[start : start + _TOGETHER] for start in range(0, len(readable), _TOGETHER)]

    def read(places: NDArray[np.int64], note: Note) -> tuple[NDArray[np.int64], Tensor]:
        return _prepared(classifier, dataset, places, note)

    values, seen, workers = [], [], usual_workers()
    for places, images in read_many(parts, read, workers=workers, ahead=2 * workers, slow=watch.slow):
        watch.advance(len(places))
        if len(places):
            with _listening(tap) as heard:
                classifier.scores(images)
            values.append(_units(torch.cat(heard)))
            seen.append(places)
    if not values:
        return Features(np.zeros((0, 1), np.float16), np.zeros(0, np.int64), told)
    return Features(np.concatenate(values), np.concatenate(seen), told)


def _tap(network: nn.Module) -> tuple[nn.Module, str]:
    """The module whose input is listened to, and what that is."""
    head = network.head if isinstance(network, Network) else network
    linear = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if linear:
        return linear[-1], "features: the input of its last fully connected layer"
    if isinstance(network, Network):
        return head, "features: the maps that enter its head, averaged"
    raise SettingsError(
        "the model has no fully connected layer, whose input would tell what it sees; use one that has, as resnet18"
    )


def _prepared(
    classifier: Classifier, dataset: Dataset, places: NDArray[np.int64], note: Note
) -> tuple[NDArray[np.int64], Tensor]:
    """Those of the images that can still be read, prepared (M, C, H, W)."""
    images, read = [], []
    for place in places.tolist():
        note(dataset.names[place])
        try:
            images.append(classifier.preparation.geometry.prepare(dataset.source(place))[0])
        except ImageError:  # bands that the model does not take, or a file that has gone meanwhile
            continue
        read.append(place)
    return np.array(read, np.int64), torch.from_numpy(np.stack(images)) if images else torch.zeros(0)


@contextmanager
def _listening(tap: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills with what enters a module, (M, D) each time."""
    heard: list[Tensor] = []

    def hear(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].mean(dim=(2, 3)) if inputs[0].dim() == 4 else inputs[0].flatten(1)
        heard.append(values.float().cpu())

    hook = tap.register_forward_pre_hook(hear)
    try:
        yield heard
    finally:
        hook.remove()


def _units(values: Tensor) -> NDArray[np.float16]:
    """Scaled to a length of 1, in half the bits."""
    scaled: NDArray[np.float16] = nn.functional.normalize(values, dim=1).half().numpy()
    return scaled
