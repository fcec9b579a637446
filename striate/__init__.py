"""striate: convolutional networks for images, from the arithmetic of a layer to a trained, explained network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.architectures.catalogue import create_model as create_model
    from striate.datasets.dataset import Dataset as Dataset
    from striate.datasets.drawn import draw_samples as draw_samples
    from striate.datasets.layouts.arrays import from_arrays as from_arrays
    from striate.datasets.opening import open_dataset as open_dataset
    from striate.description.advice import advise as advise
    from striate.description.comparison import compare as compare
    from striate.description.describing import describe as describe
    from striate.description.fitting import fit_memory as fit_memory
    from striate.description.listing import models as models
    from striate.description.scaling import scale as scale
    from striate.errors import StriateError as StriateError
    from striate.filters.filtering import filter_image as filter_image
    from striate.filters.operations import apply_operation as apply_operation
    from striate.machine.doctor import doctor as doctor
    from striate.recipes.advising import advise_training as advise_training
    from striate.recipes.checking import check as check
    from striate.recipes.convert import convert as convert
    from striate.recipes.dreaming import dream_picture as dream_picture
    from striate.recipes.estimator import ImageClassifier as ImageClassifier
    from striate.recipes.evaluate import evaluate as evaluate
    from striate.recipes.explaining import explain_images as explain_images
    from striate.recipes.fetch import fetch as fetch
    from striate.recipes.importing import import_weights as import_weights
    from striate.recipes.indexing import index_images as index_images
    from striate.recipes.mapping import map_images as map_images
    from striate.recipes.rate_finding import find_rate as find_rate
    from striate.recipes.settings import Settings as Settings
    from striate.recipes.similar import measure_similar as measure_similar
    from striate.recipes.similar import similar_images as similar_images
    from striate.recipes.styling import style_picture as style_picture
    from striate.recipes.train import train as train
    from striate.tasks.loading import load as load

__version__ = "0.1.0"

_HOME = {
    "Dataset": "striate.datasets.dataset",
    "ImageClassifier": "striate.recipes.estimator",
    "Settings": "striate.recipes.settings",
    "StriateError": "striate.errors",
    "advise": "striate.description.advice",
    "advise_training": "striate.recipes.advising",
    "apply_operation": "striate.filters.operations",
    "check": "striate.recipes.checking",
    "compare": "striate.description.comparison",
    "convert": "striate.recipes.convert",
    "create_model": "striate.architectures.catalogue",
    "describe": "striate.description.describing",
    "doctor": "striate.machine.doctor",
    "draw_samples": "striate.datasets.drawn",
    "dream_picture": "striate.recipes.dreaming",
    "evaluate": "striate.recipes.evaluate",
    "explain_images": "striate.recipes.explaining",
    "fetch": "striate.recipes.fetch",
    "filter_image": "striate.filters.filtering",
    "find_rate": "striate.recipes.rate_finding",
    "fit_memory": "striate.description.fitting",
    "from_arrays": "striate.datasets.layouts.arrays",
    "import_weights": "striate.recipes.importing",
    "index_images": "striate.recipes.indexing",
    "load": "striate.tasks.loading",
    "map_images": "striate.recipes.mapping",
    "measure_similar": "striate.recipes.similar",
    "models": "striate.description.listing",
    "open_dataset": "striate.datasets.opening",
    "scale": "striate.description.scaling",
    "similar_images": "striate.recipes.similar",
    "style_picture": "striate.recipes.styling",
    "train": "striate.recipes.train",
}

__all__ = [
    "Dataset",
    "ImageClassifier",
    "Settings",
    "StriateError",
    "__version__",
    "advise",
    "advise_training",
    "apply_operation",
    "check",
    "compare",
    "convert",
    "create_model",
    "describe",
    "doctor",
    "draw_samples",
    "dream_picture",
    "evaluate",
    "explain_images",
    "fetch",
    "filter_image",
    "find_rate",
    "fit_memory",
    "from_arrays",
    "import_weights",
    "index_images",
    "load",
    "map_images",
    "measure_similar",
    "models",
    "open_dataset",
    "scale",
    "similar_images",
    "style_picture",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import striate` alone does nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
