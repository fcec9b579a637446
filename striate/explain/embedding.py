"""A map of images: their features brought to two dimensions, by principal components or by t-SNE of the first fifty.

Source: components.py and tsne.py; fifty components before t-SNE: van der Maaten and Hinton 2008, section 4.1.

When not to trust it: what components.py and tsne.py say.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from striate.errors import SettingsError
from striate.explain.components import components
from striate.explain.tsne import STEPS, tsne

By = Literal["tsne", "pca"]
_BEFORE = 50  # components


@dataclass(frozen=True)
class Embedding:
    """Points (N, 2), what stands on their axes, and a sentence on what was done."""

    points: Tensor = field(repr=False)
    axes: tuple[str, str]
    told: str


def steps_of(by: By) -> int:
    """How often `watch` is called with 1."""
    return STEPS if by == "tsne" else 0


def embed(features: Tensor, by: By = "tsne", watch: Callable[[int], object] = lambda _: None) -> Embedding:
    """A map of features (N, D), which are scaled to length 1 first, so that near means a high cosine.

    Raises SettingsError for another way than tsne or pca, and for fewer than 4 images (pca: 2).
    """
    if by not in get_args(By):
        raise SettingsError(f"a map is made by {by!r}; expected {' or '.join(get_args(By))}")
    units = functional.normalize(features.float(), dim=1)
    if by == "pca":
        found = components(units)
        first, second = (f"{100 * share:.1f} % of the variance" for share in found.explained)
        return Embedding(found.points, (f"component 1: {first}", f"component 2: {second}"), "principal components")
    reduced = components(units, min(_BEFORE, units.shape[1], len(units) - 1))
    kept = 100 * sum(reduced.explained)
    told = f"t-SNE of {reduced.points.shape[1]} principal components, {kept:.0f} % of the variance; axes have no unit"
    return Embedding(tsne(reduced.points, watch=watch), ("", ""), told)
