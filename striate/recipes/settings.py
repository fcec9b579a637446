"""Everything a person can set for a training run: the command line and run.toml are made from this one class."""

import os
import tomllib
from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from striate.architectures.stem import Stem
from striate.datasets.keep import Keep
from striate.errors import RunError, SettingsError, UnknownNameError, expect_whole
from striate.images.fits import Fit
from striate.training.recipe import Balance, Recipe


@dataclass(frozen=True)
class Settings:
    """The settings of `striate train`."""

    data: str = "digits"
    """A folder with one sub-folder of images for each class, a CSV of paths and labels, shards, or a name: `digits`."""

    _: KW_ONLY

    model: str = "lenet5"
    """Network of the catalogue (`striate models` lists it), or a layer pattern."""

    epochs: int = Recipe.epochs
    """Passes over the training images."""

    batch_size: int = Recipe.batch_size
    """Images in one step."""

    rate: float = Recipe.rate
    """Learning rate at its highest."""

    size: int | None = None
    """Pixels of a side that images are brought to; the model's own if not given."""

    stem: Stem = "paper"
    """small: the first layers that papers give the model for images of 32 pixels, where they do."""

    fit: Fit = "crop"
    """How images of another aspect get there: crop the middle, pad with black, or stretch."""

    augment: str = "variation"
    """What training images undergo: `none`, or words as flip,shift:4,colour (docs/augmentation.md lists them)."""

    balance: Balance = Recipe.balance
    """Classes of unequal size: none, loss (mistakes about rare ones cost more), sampler (they are shown more often)."""

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

    out: str | None = None
    """Run directory to make; runs/DATA-MODEL, numbered if it is taken, if not given."""

    cache: Keep = "auto"
    """Where prepared images are kept: memory, disk, none (decoded each epoch); auto takes what they fit in."""

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
        for name in ("data", "out", "exclude"):
            if not str(getattr(self, name)).isprintable():
                raise SettingsError(f"{name} is {getattr(self, name)!a}, a name that cannot be printed; rename it")

    def but(self, /, **changes: Any) -> "Settings":
        """The same settings with some changed. Raises UnknownNameError for one that does not exist."""
        known = vars(self)
        for name in changes:
            if name not in known:
                raise UnknownNameError("setting", name, known)
        plain = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in changes.items()}
        return replace(self, **plain)

    def recipe(self) -> Recipe:
        """The recipe with what is set here. Raises SettingsError for a number that makes no sense."""
        return Recipe(epochs=self.epochs, batch_size=self.batch_size, rate=self.rate, balance=self.balance)

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


def _check_kind(name: str, value: object, hint: Any) -> None:
    """Raise SettingsError if a value is not of its field's type; a whole number will do for a number."""
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kinds = (int, float) if hint is float else hint
    if not (value in choices if choices else isinstance(value, kinds)):
        expected = " or ".join(choices) if choices else getattr(hint, "__name__", str(hint))
        raise SettingsError(f"{name} is {value!r}; expected {expected}")
