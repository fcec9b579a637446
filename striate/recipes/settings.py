"""Everything a person can set for a training run: the command line and run.toml are made from this one class."""

import os
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from striate.architectures.stem import Stem
from striate.augmentation.wording import NO_STEPS
from striate.datasets.keep import Keep
from striate.errors import RunError, SettingsError, UnknownNameError, expect_whole
from striate.images.fits import Fit
from striate.recipes.adjustments import Adjustments
from striate.training.named import RECIPES
from striate.training.recipe import ALL, Recipe

NumberFormat = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Source:
    """The one setting that needs no name: so it comes first."""

    data: str = "digits"
    """A folder with one sub-folder of images for each class, a CSV of paths and labels, shards, or a name: `digits`."""


@dataclass(frozen=True, kw_only=True)
class Settings(Adjustments, Source):
    """The settings of `striate train`."""

    model: str | None = None
    """Network of the catalogue (`striate models` lists it), or a layer pattern; that of --weights, else lenet5."""

    recipe: str | None = None
    """Numbers of the training that are not set here: plain, alexnet, vgg, resnet, modern, finetune or fast."""

    weights: str | None = None
    """Begin with these: a model file, a run directory, or weights as `striate import` takes them."""

    freeze: str | None = None
    """What of --weights learns no more: none, stages:N (the first N), or all (all but the head)."""

    size: int | None = None
    """Pixels of a side that images are brought to; the model's own if not given."""

    stem: Stem = "paper"
    """small: the first layers that papers give the model for images of 32 pixels, where they do."""

    fit: Fit | None = None
    """How images of another aspect get there: crop, pad with black, or stretch; as --weights had it, else crop."""

    channels: int | None = None
    """Channels of the images: 1 for grey, 3 for colour, N for N bands; as the images are if not given."""

    range: str | None = None
    """Black and white of images of more than 8 bits: auto, 16bit, or LOW:HIGH as 0:4095; all 16 bits are kept then."""

    exclude: str | None = None
    """A list of images to leave out, one name a line, or the check.csv of `striate check`."""

    seed: int = 0
    """Fixes the first weights, the order, the variation, and the division of a folder that is not divided."""

    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""

    number_format: NumberFormat = "auto"
    """Of the products of a training step: float32, bfloat16, or auto, what is faster here for this network."""

    out: str | None = None
    """Run directory to make; runs/DATA-MODEL, numbered if it is taken, if not given."""

    cache: Keep = "auto"
    """Where prepared images are kept: memory, disk, none (decoded each epoch); auto takes what they fit in."""

    tensorboard: bool = False
    """Write what TensorBoard shows too, into the run directory."""

    workers: int | None = None
    """Threads that read images; one for each processor core if not given. It changes nothing but the time."""

    strict: bool = False
    """Stop at the first image that cannot be read, instead of naming, counting and skipping it."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for name, value in vars(self).items():
            _check_kind(name, value, hints[name])
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed}; expected a whole number of at least 0, below 2**63")
        for name, least in (("channels", 1), ("workers", 0)):
            if getattr(self, name) is not None:
                expect_whole(name, getattr(self, name), 1024, least=least)
        if self.freeze == ALL and self.augment not in (None, NO_STEPS):
            raise SettingsError(
                "with all stages frozen what they give is computed once, of the images as they are; leave out "
                "--augment, or use --freeze stages:N"
            )
        if self.freeze is not None and self.weights is None:
            raise SettingsError(f"freeze is {self.freeze!r}, but without --weights there is nothing learnt to keep")
        for name in ("data", "out", "exclude", "weights"):
            if not str(getattr(self, name)).isprintable():
                raise SettingsError(f"{name} is {getattr(self, name)!a}, a name that cannot be printed; rename it")

    @property
    def recipe_name(self) -> str:
        """Which recipe it begins from: `finetune` where weights are given and none is asked for, else `plain`."""
        return self.recipe or ("plain" if self.weights is None else "finetune")

    def to_recipe(self) -> Recipe:
        """The named recipe with what is set here. Raises UnknownNameError, or SettingsError for a senseless number."""
        if self.recipe_name not in RECIPES:
            raise UnknownNameError("recipe", self.recipe_name, RECIPES)
        recipe = self.adjusted(RECIPES[self.recipe_name])
        return recipe if self.freeze != ALL else replace(recipe, augment=NO_STEPS)

    def but(self, /, **changes: Any) -> "Settings":
        """The same settings with some changed. Raises UnknownNameError for one that does not exist."""
        known = vars(self)
        for name in changes:
            if name not in known:
                raise UnknownNameError("setting", name, known)
        return replace(self, **{name: _plain(value) for name, value in changes.items()})

    def to_dict(self) -> dict[str, Any]:
        """What run.toml keeps: all that repeats the run, so not where it was written."""
        return {name: value for name, value in asdict(self).items() if value is not None and name != "out"}


def read_settings(config: str | Path) -> Settings:
    """The settings of a run.toml. Raises SettingsError or RunError with what is wrong with it."""
    path = Path(config)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as a run.toml: {error}; expected the one of a run directory") from error
    if not isinstance(document.get("settings"), dict):
        raise SettingsError(f"{path} has no [settings]; expected the run.toml of a run directory")
    return Settings().but(**document["settings"])


def _plain(value: Any) -> Any:
    """Paths as text, lists as tuples."""
    if isinstance(value, list):
        return tuple(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _check_kind(name: str, value: object, hint: Any) -> None:
    """Raise SettingsError if a value is not of its field's type; a whole number will do for a number."""
    kinds = get_args(hint) if get_origin(hint) is UnionType or get_origin(hint) is Union else (hint,)
    if not any(_is_of(value, kind) for kind in kinds):
        expected = " or ".join(_called(kind) for kind in kinds if kind is not NoneType)
        raise SettingsError(f"{name} is {value!r}; expected {expected}")


def _is_of(value: object, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(isinstance(part, int | float) for part in value)
    return isinstance(value, (int, float) if kind is float else kind)


def _called(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return "numbers" if get_origin(kind) is tuple else str(getattr(kind, "__name__", kind))
