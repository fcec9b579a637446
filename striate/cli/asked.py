"""Options that several verbs share, as values with a name."""

from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

Json = Annotated[bool, Parameter(negative="", help="Print one JSON object and nothing else.")]


@dataclass(frozen=True)
class Images:
    """The images that a network is for, where they are not the paper's."""

    num_classes: Annotated[int | None, Parameter(help="Scores that it gives; the paper's if not given.")] = None
    in_channels: Annotated[int | None, Parameter(help="1 for grey, 3 for colour; the paper's if not given.")] = None
    size: Annotated[str | None, Parameter(help="Pixels, 224 or 240x320 (height first); else the paper's.")] = None


@dataclass(frozen=True)
class MemoryAsked:
    """What the memory of a network is asked for."""

    batch: Annotated[int, Parameter(help="Images for which the memory is asked.")] = 32
    number_format: Annotated[str, Parameter(help="float64, float32, bfloat16 or float16.")] = "float32"
    optimizer: Annotated[str, Parameter(help="sgd, momentum or adamw.")] = "momentum"
    fit: Annotated[str | None, Parameter(help="A memory, as 8GB: say the largest batch and image that fit.")] = None

    def conditions(self) -> dict[str, Any]:
        """The arguments of `describe` that stand for them."""
        return {"batch": self.batch, "number_format": self.number_format, "optimizer": self.optimizer}
