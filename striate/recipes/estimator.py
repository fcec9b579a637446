"""`ImageClassifier`: a training run in the habits of scikit-learn, for its pipelines, searches and cross-validation.

The habits: Buitinck et al. 2013, "API design for machine learning software", arXiv:1309.0238. The constructor keeps
what it is given and does nothing; `fit` gives itself back; what it learns ends with an underscore.
"""

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from striate.checkpoints.model_file import Checkpoint
from striate.datasets.dataset import Dataset
from striate.datasets.dividing import divide
from striate.datasets.loading import load_images
from striate.errors import ImageError, SettingsError
from striate.recipes.estimator_images import images_asked, labelled
from striate.recipes.estimator_labels import as_predicted
from striate.recipes.settings import Settings
from striate.recipes.train import train
from striate.tasks.classification import Classifier
from striate.tasks.loading import TASKS
from striate.tasks.tagger import Tagger
from striate.training.recipe import expect_between

_TOGETHER = 1024  # images that are read at once
_MOST_SEEDS = 2**31 - 1


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network that learns one class for each image, or tags.

    Images are an array (N, H, W) or (N, H, W, C) of uint8, uint16, or floats from 0, black, to 1, white; a list or
    column of paths; opened images of Pillow; a data frame with a column of paths; or what `train` takes: a folder, a
    table, or a name. Labels are strings or numbers, and come back as they were; several for an image are a row of 0 and
    1, or a set of names, and come back as a row of 0 and 1.

    Args:
        model: as `striate train` takes it; lenet5 if not given.
        recipe: a named recipe; plain if not given.
        weights: what to begin with: a model file, a run directory, or weights as `striate import` takes them.
        epochs: passes over the training images; the recipe's if not given.
        batch_size: images that one step learns from; the recipe's if not given.
        rate: learning rate at its highest; the recipe's if not given.
        augment: what training images undergo; the recipe's if not given.
        size: pixels of a side that images are brought to; the model's own if not given.
        settings: any other fields of `Settings`, by their names, as {"balance": "loss", "freeze": "all"}.
        validation_fraction: share of each class that the best epoch is chosen by, unless the data bring such a part.
        out: run directory to make; a temporary one, which goes with this object, if not given.
        device: auto, cpu, cuda or cuda:N.
        random_state: the seed of first weights, order, augmentation and validation part; None draws one.
        verbose: show progress.

    Attributes:
        classes_: the classes (K,), sorted; of a matrix the numbers of its columns.
        model_: the `Classifier`, or the `Tagger` with its `thresholds`, as `load` gives it.
        run_: the run directory, with report.html; None in a copy whose own was temporary.

    Raises:
        StriateError: from `fit` and `predict`, as `train` and `load` do; ImageError for an image that cannot be read.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn takes an estimator's parameters from here
        self,
        model: str | None = None,
        *,
        recipe: str | None = None,
        weights: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        rate: float | None = None,
        augment: str | None = None,
        size: int | None = None,
        settings: dict[str, Any] | None = None,
        validation_fraction: float = 0.1,
        out: str | os.PathLike[str] | None = None,
        device: str = "auto",
        random_state: Any = 0,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.recipe = recipe
        self.weights = weights
        self.epochs = epochs
        self.batch_size = batch_size
        self.rate = rate
        self.augment = augment
        self.size = size
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.out = out
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on images `X` and their labels `y` (N,); without `y` the data bring their own."""
        expect_between("validation_fraction", self.validation_fraction, 0, 1, "a share between 0 and 1, as 0.1")
        known = labelled(X, y)
        seed = _seed(self.random_state)
        chosen = Settings().but(**self._settings(seed))
        divided = divide(known.dataset, seed, validation=self.validation_fraction)
        folder = Path(tempfile.mkdtemp(prefix="striate-") if self.out is None else self.out)
        ending = None if self.out is not None else weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        given = {name: value for name, value in vars(chosen).items() if name != "data"}
        run = train(divided, quiet=not self.verbose, **given | {"out": folder})
        self._end()
        self.classes_, self.model_, self.run_, self._ending = known.classes, run.model, folder, ending
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Probabilities (N, K), a column for each of `classes_`; those of tags do not add up to 1.

        Of a folder all images below it are taken, sorted; of other data their test part, or all if they have none.
        """
        check_is_fitted(self)
        return self._probabilities(images_asked(X))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The likeliest class (N,) of each image, as it was given to `fit`; of tags (N, K) 1 where one is told."""
        return self._told(self.predict_proba(X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # noqa: N803
        """The share of images whose class, or all of whose tags, are predicted; without `y` the data bring them."""
        check_is_fitted(self)
        if y is not None:
            truth, predicted = as_predicted(y, self.classes_), self.predict(X)
        else:
            known = labelled(X, None, testing=True)
            truth, predicted = known.labels, self._told(self._probabilities(known.dataset))
        return float(accuracy_score(truth, predicted, sample_weight=sample_weight))

    def _told(self, probabilities: NDArray[np.float32]) -> NDArray[Any]:
        """What is predicted by probabilities (N, K)."""
        if isinstance(self.model_, Tagger):
            return np.asarray(probabilities >= np.array(self.model_.thresholds)[self._columns]).astype(int)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    @property
    def _columns(self) -> list[int]:
        """Where the network has each of `classes_`."""
        return [self.model_.classes.index(str(own)) for own in self.classes_]

    def _probabilities(self, dataset: Dataset) -> NDArray[np.float32]:
        starts = range(0, len(dataset), _TOGETHER)
        parts = [dataset.at(range(start, min(start + _TOGETHER, len(dataset)))) for start in starts]
        return np.concatenate([_answer(self.model_, part) for part in parts])[:, self._columns]  # (N, K)

    def _settings(self, seed: int) -> dict[str, Any]:
        """What `train` is told. Raises SettingsError for what is set in two places."""
        others = dict(self.settings or {})
        names = ("model", "recipe", "weights", "epochs", "batch_size", "rate", "augment", "size", "out", "device")
        own = {name: getattr(self, name) for name in names} | {"seed": seed}
        if twice := sorted(others.keys() & (own.keys() | {"data"})):
            raise SettingsError(f"settings has {twice[0]!r}, which ImageClassifier takes by itself; set it there")
        return {"strict": True} | own | others

    def _end(self) -> None:
        """Remove the temporary run directory of an earlier fit."""
        if (ending := vars(self).get("_ending")) is not None:
            ending()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(model := state.get("model_"), Classifier | Tagger):
            state["model_"] = model.checkpoint
            state["run_"] = None if state["_ending"] is not None else state["run_"]
            state["_ending"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(checkpoint := state.get("model_"), Checkpoint):
            state = state | {"model_": TASKS[checkpoint.task].of(checkpoint, state["device"])}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.target_tags.required = False  # a folder brings its own
        tags.classifier_tags.multi_label = True
        return tags


def _answer(model: Classifier | Tagger, dataset: Dataset) -> NDArray[np.float32]:
    """Probabilities (N, K). Raises ImageError, with its name, for an image that cannot be read."""
    images, skipped = load_images(dataset, model.preparation.geometry, dataset.classes)
    if skipped:
        raise ImageError(skipped[0].reason, skipped[0].name)
    return model.probabilities(torch.from_numpy(images.images[:])).numpy()


def _seed(random_state: Any) -> int:
    """The number itself, or one drawn from what scikit-learn takes instead of a number."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(_MOST_SEEDS))
