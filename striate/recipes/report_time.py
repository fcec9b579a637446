"""Where the time of a run went: waiting for data, forward, backward, optimizer, and what is none of these."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.recipes.report_curves import column

_PARTS = {
    "data": "reading, preparing and augmenting images",
    "forward": "from the images to the loss",
    "backward": "from the loss to the gradient",
    "optimizer": "from the gradient to the new weights",
}
_REST = "saving, and what is between the steps"
_MUCH = 0.4  # share of the time that is worth a word


@dataclass(frozen=True)
class Spent:
    """Seconds of one kind of work, and their share of all."""

    name: str
    what: str
    seconds: float
    share: float


def time_spent(epochs: Sequence[dict[str, float]]) -> list[Spent]:
    """What the run's seconds were spent on; nothing if its logbook does not say."""
    seconds = {name: float(np.sum(column(epochs, f"{name}_seconds"))) for name in _PARTS}
    known = sum(seconds.values())
    if not epochs or not known > 0:  # NaN is not, either
        return []
    total = max(known, epochs[-1]["seconds"])
    own = [Spent(name, what, seconds[name], seconds[name] / total) for name, what in _PARTS.items()]
    return [*own, Spent("the rest", _REST, total - known, 1 - known / total)]


def waited(spent: Sequence[Spent]) -> float:
    """The share of the time that the network waited for its images, if it is worth a word; else 0."""
    return spent[0].share if spent and spent[0].share > _MUCH else 0.0


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> [duration(seconds) for seconds in (0.0042, 7.25, 75, 4000)]
    ['4 ms', '7.2 s', '1 min 15 s', '1 h 6 min']
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"
