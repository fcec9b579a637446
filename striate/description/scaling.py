"""`scale`: the EfficientNet that makes the most of a budget of multiplies, by the rule that made the published ones.

Source: Tan, Le, 2019, arXiv:1905.11946, equation 3: depth α^φ, width β^φ, resolution γ^φ. Blocks, channels and pixels
come whole, so what a network takes is counted on the network itself; and where a further block in every row would be
too much, width and resolution go on together, then resolution, width and depth alone, so that little is left over.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Any

from torch import nn

from striate.architectures.catalogue import architecture, declare
from striate.architectures.efficientnet import VARIANTS, Variant
from striate.arithmetic.counts import read_count
from striate.arithmetic.scaling import Scaling, compound, rounded_side
from striate.description.card import Card
from striate.description.describing import describe
from striate.description.subjects import of_declaration
from striate.description.trace import trace
from striate.errors import SettingsError

_LARGEST = 10**12  # multiplies
_STEP = 0.02  # of φ
_SLACK = 25  # steps, by which rounding may leave a network behind the rule
_ALONE = 60  # steps, by which one may go further than the others
_TOGETHER = (Scaling._fields, ("width", "resolution"), ("resolution",), ("width",), ("depth",))
_B0 = VARIANTS["efficientnet_b0"]


@dataclass(frozen=True)
class Proposal:
    """A scaled network, by a name that builds it: what it takes for an image of `size` pixels a side, and its card.

    `phi` is how far the rule took each of the three from `base`, `factors` what came of it as times EfficientNet-B0's,
    `rule` the multiplies that the factors foretell: depth · width² · resolution² times those of B0.
    """

    name: str
    base: str
    budget: int
    phi: Scaling
    factors: Scaling
    size: int
    multiplies: int
    parameters: int
    rule: int
    card: Card

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        scaled = {"phi": self.phi._asdict(), "factors": self.factors._asdict()}
        return vars(self) | scaled | {"card": self.card.to_dict()}

    def sentences(self) -> list[str]:
        """What it takes, and how to build and train it."""
        return [
            f"{self.name} on images of {self.size}×{self.size}: {self.parameters:,} parameters and "
            f"{self.multiplies:,} multiplies, {100 * self.multiplies / self.budget:.1f} % of the budget.",
            f"The rule, depth · width² · resolution² times B0's, foretells {self.rule:,} multiplies.",
            f'Build it: striate.create_model("{self.name}", size={self.size})',
            f"Train it: striate train FOLDER --model {self.name} --size {self.size}",
        ]


def scale(name: str, budget: str | int) -> Proposal:
    """Scale a published EfficientNet until it takes a budget of multiplies for an image, as "2G", or nearly so.

    Raises UnknownNameError for no network, and SettingsError for one that is no EfficientNet, or for a budget that is
    no number, less than the network takes as it is, or more than 10^12.

    >>> proposal = scale("efficientnet_b0", "500M")
    >>> proposal.name, proposal.size, proposal.multiplies
    ('efficientnet_d1_w1.04', 240, 490840048)
    """
    architecture(name)  # which raises if there is none
    if name not in VARIANTS:
        raise SettingsError(f"{name} has no rule to be scaled by; these have one: {', '.join(VARIANTS)}")
    base, most = VARIANTS[name], read_count(str(budget))
    taken = _counter()
    own = taken(name, base.side)
    if not own <= most <= _LARGEST:
        raise SettingsError(
            f"budget is {most:,}; expected from {own:,} multiplies, those of {name}, to {_LARGEST:,}"
            "; smaller ones are built by their factors, as efficientnet_d0.5_w0.5"
        )
    phi = _furthest(base, log(most / own) / log(compound(1).multiplies), lambda *sized: taken(*sized) <= most)
    scaled, side = _sized(base, phi)
    card, factors = describe(scaled, side), _factors(base, phi)
    rule = round(factors.multiplies * taken("efficientnet_b0", _B0.side))
    return Proposal(scaled, name, most, phi, factors, side, card.multiplies, card.parameters, rule, card)


def _furthest(base: Variant, foretold: float, fits: Callable[[str, int], bool]) -> Scaling:
    """How far the three go, together and then alone, when the rule foretells how far they would."""
    phi, most = Scaling(0.0, 0.0, 0.0), round(foretold / _STEP) + _SLACK
    for moving in _TOGETHER:
        ways = [
            phi._replace(**{way: round(getattr(phi, way) + _STEP * step, 2) for way in moving}) for step in range(most)
        ]
        phi = ways[bisect_right(ways, False, key=lambda way: not fits(*_sized(base, way))) - 1]
        most = _ALONE
    return phi


def _factors(base: Variant, phi: Scaling) -> Scaling:
    """As they stand in a name, and as the side has them."""
    depth, width, resolution = (compound(steps)[way] for way, steps in enumerate(phi))
    side = rounded_side(base.side * resolution)
    return Scaling(round(base.depth * depth, 2), round(base.width * width, 2), side / _B0.side)


def _sized(base: Variant, phi: Scaling) -> tuple[str, int]:
    """The name of a network, and the pixels of a side."""
    factors = _factors(base, phi)
    return f"efficientnet_d{factors.depth:g}_w{factors.width:g}", round(factors.resolution * _B0.side)


def _counter() -> Callable[[str, int], int]:
    """A function from a network's name and side to its multiplies, which remembers what it has built."""

    @cache
    def network(name: str) -> nn.Module:
        return of_declaration(declare(name)).network()

    @cache
    def taken(name: str, side: int) -> int:
        return sum(operation.multiplies for operation in trace(network(name), (3, side, side)).operations)

    return taken
