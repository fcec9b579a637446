"""A recipe: the numbers that one training follows. What each does stands in the file of its name's mechanism."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from striate.errors import SettingsError, expect_whole

Balance = Literal["none", "loss", "sampler"]  # what is done about classes of unequal size: balance.py
OptimizerName = Literal["sgd", "adagrad", "rmsprop", "adamw", "muon"]  # optimizers.py
ScheduleName = Literal["cosine", "linear", "one_cycle", "steps", "plateau", "constant"]  # schedule.py
ALL, NONE, STAGES = "all", "none", "stages:"  # of a network that are frozen: freezing.py
_CHOICES = {"balance": Balance, "optimizer": OptimizerName, "schedule": ScheduleName}


@dataclass(frozen=True)
class Recipe:
    """How a network learns. `named.py` has those of papers; these defaults were chosen for LeNet-5 by cross-validation
    within the training part of the digits: SGD with Nesterov momentum, a climb, then half a cosine.
    """

    epochs: int = 40
    batch_size: int = 64  # images that one step learns from, of all processes together
    optimizer: OptimizerName = "sgd"
    rate: float = 0.05  # at its highest
    momentum: float = 0.9  # of sgd, rmsprop and muon; of adamw the first beta
    nesterov: bool = True
    decay: float = 5e-4
    decay_all: bool = True  # also biases and the scales of normalisations, as the papers up to 2016 do
    schedule: ScheduleName = "cosine"
    warmup: float = 0.15  # share of the steps in which the rate climbs
    milestones: tuple[float, ...] = (0.5, 0.75)  # shares of the steps after which the rate falls tenfold, of steps
    patience: int = 5  # epochs without a better validation loss after which it falls tenfold, of plateau
    label_smoothing: float = 0.1
    balance: Balance = "none"
    accumulate: int = 1  # parts of a batch that are taken one after another, to need less memory
    clip: float | None = None  # longest gradient, as the norm over all parameters
    average: float | None = None  # decay of the moving average of the weights that is judged and kept
    progressive: float | None = None  # side of the first epoch's images, as a share of the network's
    checkpointing: bool = False  # stages run a second time on the way back, to need less memory
    stop: int | None = None  # epochs without a better validation loss after which the training ends
    depth_rates: float = 1.0  # rate of each stage as a share of the next one's: discriminative rates
    augment: str = "variation"  # words of striate.augmentation

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; expected {', '.join(get_args(choices))}")
        for name in ("epochs", "batch_size", "accumulate", "patience", "stop"):
            if getattr(self, name) is not None:
                expect_whole(name, getattr(self, name), 2**31 - 1)
        expect_between("rate", self.rate, 0, math.inf, "a number above 0")
        for name in ("progressive", "depth_rates"):
            expect_between(name, getattr(self, name), 0, math.nextafter(1, 2), "a share above 0, at most 1")
        expect_between("clip", self.clip, 0, math.inf, "a number above 0")
        expect_between("average", self.average, 0, 1, "a number between 0 and 1, as 0.999")
        for name in ("momentum", "label_smoothing"):
            expect_between(name, getattr(self, name), -1e-300, 1, "a number of at least 0, below 1")
        expect_between("decay", self.decay, -1e-300, math.inf, "a number of at least 0")
        expect_between("warmup", self.warmup, -1e-300, math.nextafter(1, 2), "a share from 0 to 1")
        if list(self.milestones) != sorted(set(self.milestones)) or not all(0 < share < 1 for share in self.milestones):
            raise SettingsError(
                f"milestones are {self.milestones}; expected rising shares between 0 and 1, as 0.5 0.75"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for TOML or JSON: what is not used is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def expect_between(name: str, value: float | None, low: float, high: float, expected: str) -> None:
    """Raise SettingsError unless low < value < high, or there is none."""
    if value is not None and not (low < value < high):
        raise SettingsError(f"{name} is {value}; expected {expected}")
