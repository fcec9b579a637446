"""How far each method is to be trusted on these images with this network: measured, and put beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from striate.explain import faithfulness, randomisation
from striate.explain.faithfulness import curves, random_heat
from striate.explain.heat import Asked, heat, heat_method
from striate.explain.randomisation import randomised
from striate.recipes.explained import Section, Table, card_of
from striate.recipes.mapped import Mapped
from striate.recipes.progress import Display
from striate.tasks.classification import Classifier

_IMAGES = 8  # at the most; the weights are drawn anew for half of them
_SHARES = (0.0, 0.5, 1.0)
_ALIKE = 0.5  # the correlation from which a map without anything learnt still shows something else
_UNMOVED = 0.9  # and from which one without the layer of the classes has not changed

_NOTES = (
    "Deletion: the area under the probability of the class while the hottest pixels are covered first; less is better. "
    "Insertion: the same while they are put into a blurred image; more is better. Beside them stands an order that was "
    "drawn: a method that does not beat it says nothing of where this network looked.",
    "Likeness: Spearman's rank correlation of a map with that of the same network whose last layer, half of whose "
    "layers, or all of whose layers have lost what they learnt. Near 1 the method shows the image, not the network.",
)


@dataclass(frozen=True)
class Trust:
    """One method over `n` images: mean areas, and the mean likeness at the last layer, half of them and all, of `m`."""

    method: str
    deletion: float
    insertion: float
    n: int
    likeness: tuple[float, ...] = ()
    m: int = 0
    verdict: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(vars(self))


def trust_section(
    model: Classifier, shown: Sequence[Mapped], names: Sequence[str], asked: Asked, display: Display
) -> tuple[tuple[Trust, ...], Section]:
    """The measures of each method on the first images, and the table of them."""
    first = shown[:_IMAGES]
    device = model.machine.device
    images = model.preparation.normalise(torch.from_numpy(np.stack([mapped.image for mapped in first])).to(device))
    targets = torch.tensor([mapped.target for mapped in first], device=device)
    found: list[Trust] = []
    with display.reading(len(names) + 1, "measuring trust") as watch, model.machine.running():
        for name in names:
            maps = torch.stack([mapped.maps[name] for mapped in first]).to(device)
            found.append(_trust(model.network, images, targets, name, maps, asked))
            watch.advance()
        drawn = curves(model.network, images, targets, random_heat(images[:, 0]))
        watch.advance()
    areas = float(drawn.deletion_area.mean()), float(drawn.insertion_area.mean())
    chance = Trust("random", *areas, len(first))
    found = [*(replace(one, verdict=_verdict(one, chance)) for one in found), chance]
    return tuple(found), Section("How far to trust the methods", _cards(), (), _NOTES, _table(found))


def _trust(network: nn.Module, images: Tensor, targets: Tensor, name: str, maps: Tensor, asked: Asked) -> Trust:
    own = curves(network, images, targets, maps)
    some = max(1, len(images) // 2)
    likeness = randomised(
        network, lambda drawn: heat(drawn, images[:some], targets[:some], name, asked), shares=_SHARES
    )
    return Trust(
        name,
        float(own.deletion_area.mean()),
        float(own.insertion_area.mean()),
        len(images),
        tuple(float(one.correlation.mean()) for one in likeness),
        some,
    )


def _table(found: Sequence[Trust]) -> Table:
    drawn = found[-1]
    rows = [
        (
            heat_method(one.method).title,
            f"{one.deletion:.3f}",
            f"{one.insertion:.3f}",
            *(f"{value:+.2f}".replace("-", "−") for value in one.likeness),
            one.verdict,
        )
        for one in found[:-1]
    ]
    rows.append(("an order that was drawn", f"{drawn.deletion:.3f}", f"{drawn.insertion:.3f}", "", "", "", ""))
    n, m = drawn.n, found[0].m
    columns = (
        "method",
        f"deletion (n = {n})",
        f"insertion (n = {n})",
        f"likeness, the last layer lost (n = {m})",
        "half of them",
        "all layers",
        "verdict",
    )
    return Table(columns, tuple(rows))


def _verdict(one: Trust, drawn: Trust) -> str:
    """In words, from the figures alone."""
    doubts = []
    if one.deletion >= drawn.deletion:
        doubts.append("deletes no better than chance")
    if one.insertion <= drawn.insertion:
        doubts.append("inserts no better than chance")
    if one.likeness[0] >= _UNMOVED:
        doubts.append("does not notice that the last layer is lost: it shows no particular class")
    if one.likeness[-1] >= _ALIKE:
        doubts.append("shows the image, not the network")
    return "; ".join(doubts) or "no doubt found"


def _cards() -> tuple[str, ...]:
    return (*card_of(faithfulness), *card_of(randomisation))
